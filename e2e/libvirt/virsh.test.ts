/**
 * virsh against the daemon: every command line about secrets that was recorded against libvirt's own daemon, in the order
 * of the recording. Exit status and both outputs are those of the recording; what differs on purpose is listed.
 */
import { afterAll, describe, expect, type TestContext, test } from 'vitest'
import {
  nameOf,
  type RecordedCommand,
  recordedCommands,
  writeRecordedFiles,
} from '../lib/libvirt-recordings.ts'
import {
  allowUid,
  becomeOrdinary,
  type LibvirtSite,
  OWN_UID,
  startLibvirtSite,
} from '../lib/libvirt-site.ts'
import { requireVirsh, type Told, uriOf, Virsh } from '../lib/libvirt-virsh.ts'
import type { StartedSite } from '../lib/site.ts'

/** The UUID that libvirtd made up. */
const AUTO = '1f45270b-1b11-4e31-9f8e-7f4bda79e16d'

/** By recording, lines that are not told and those that are instead. */
const DIFFERENCES: Readonly<Record<string, readonly string[]>> = {
  // libxml2's words, and the pointer to the place, are its own.
  'define-bad-malformed-xml-error': [
    '-error: (definition_of_secret):1: Premature end of data in tag secret line 1',
    "-<secret ephemeral='yes'>",
    '-------------------------^',
    '+error: (definition_of_secret):1: the document is not well-formed',
  ],
  'define-bad-empty-doc-error': [
    "-error: (definition_of_secret):1: Start tag expected, '<' not found",
    '- ',
    '--^',
    '+error: (definition_of_secret):1: the document is not well-formed',
  ],
  // Entities that a document brings along are not expanded.
  'define-doctype-entity': [
    '-Secret 33333333-3333-4333-8333-000000000006 created',
    '-status 0',
    '+error: Failed to set attributes from define-doctype-entity.xml',
    '+error: (definition_of_secret):1: document type declarations are refused',
    '+status 1',
  ],
  'list-after-odd': ['- 33333333-3333-4333-8333-000000000006   Unused'],
  'dumpxml-odd-6': [
    "-<secret ephemeral='yes' private='no'>",
    '-  <uuid>33333333-3333-4333-8333-000000000006</uuid>',
    '-  <description>expanded</description>',
    '-</secret>',
    '-status 0',
    "+error: failed to get secret '33333333-3333-4333-8333-000000000006'",
    "+error: Secret not found: no secret with matching uuid '33333333-3333-4333-8333-000000000006'",
    '+status 1',
  ],
  // No two secrets have one usage; libvirtd overlooks it when the type changes.
  'define-redefine-type-collision': [
    '-Secret 33333333-3333-4333-8333-00000000000b created',
    '-status 0',
    '+error: Failed to set attributes from h2.xml',
    '+error: internal error: a secret with UUID 11111111-1111-4111-8111-000000000003 already defined for use with client.demo secret',
    '+status 1',
  ],
  'list-after-collision': [
    '- 33333333-3333-4333-8333-000000000006   Unused',
    '- 33333333-3333-4333-8333-00000000000b   ceph client.demo secret',
    '+ 33333333-3333-4333-8333-00000000000b   tls client.demo secret',
  ],
}

/** A URI that names nothing means our secrets. */
const NO_NAME: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  ['uri-remote-probe-name', 'uri-remote-system'].map((name) => [
    name,
    [
      '-error: failed to connect to the hypervisor',
      '-error: no connection driver available for <null>',
      '-status 1',
      '+remote+unix:///system?socket=/path/to/sock',
      '+',
      '+status 0',
    ],
  ]),
)

/** Where the daemon was started anew for the recording, so that ephemeral secrets were lost. */
const RESTART = 180
/** A recording of what a caller may do who may only look, as libvirt's access driver has it. */
const LOOKING = { from: 187, to: 193 }
/** Polkit is not asked for, so that nobody is refused by it. */
const POLKIT_DENIES = 181
/** Those of events are in events.test.ts, where what happens meanwhile is done at the right time. */
const EVENTS = /^virsh (?:-[kK] \d+ )*secret-event (?!--list)/
const READ_ONLY_SOCKET: ReadonlySet<number> = new Set([182, 183])
const URIS: Readonly<Record<string, (door: string) => string>> = {
  'uri-remote-probe-name': (door) => `remote+unix:///system?socket=${door}`,
  'uri-remote-system': (door) => `remote+unix:///system?socket=${door}`,
  'uri-name-param': (door) => `qemu+unix:///system?socket=${door}&name=secret:///system`,
  'uri-extra-param': (door) => `secret+unix:///system?socket=${door}&mode=direct&foo=bar`,
}

const COMMANDS = recordedCommands().filter(
  ({ cmd, seq }) => seq !== POLKIT_DENIES && !EVENTS.test(cmd),
)

let running: Promise<StartedSite<LibvirtSite>> | undefined
afterAll(async () => (await running)?.[Symbol.asyncDispose]())

/** One daemon for all of them, and virsh in a directory with the recorded files. */
async function stage(context: TestContext) {
  const program = requireVirsh(context)
  running ??= prepared(context)
  const { site } = await running
  return { site, virsh: new Virsh(program, site.home.path, uriOf(site.door)) }
}

async function prepared(context: TestContext): Promise<StartedSite<LibvirtSite>> {
  const started = await startLibvirtSite(context)
  writeRecordedFiles(started.site.home)
  await becomeOrdinary(started.admin)
  return started
}

/** Version of the virsh of the recordings. */
const RECORDED = '9.0.'
/** What virsh says of its own version, and of an argument of its own. */
const OF_VERSION = /^other-version/
const WARNING = /^warning: (?=Passing secret value as command-line argument)/m

/** Run recorded commands, and tell how what they left differs from the recording. */
async function play(
  rows: readonly RecordedCommand[],
  virsh: Virsh,
  site: LibvirtSite,
): Promise<Record<string, readonly string[]>> {
  const found: Record<string, readonly string[]> = {}
  const isRecorded = (await virsh.ok('--version')).startsWith(RECORDED)
  for (const row of rows) {
    const name = nameOf(row)
    if (OF_VERSION.test(name) && !isRecorded) continue
    const door = READ_ONLY_SOCKET.has(row.seq) ? site.readOnlyDoor : site.door
    const at = virsh.at((URIS[name] ?? uriOf)(door))
    const told = await at.run(...row.cmd.split(' ').slice(1))
    const made = /^Secret (\S+) created/.exec(told.stdout)?.[1]
    if (name === 'define-auto-uuid') auto = made
    const as = (text: string): string =>
      text.replaceAll(door, '/path/to/sock').replaceAll(auto ?? AUTO, AUTO)
    const difference = differenceOf(
      { code: row.rc, stdout: row.out, stderr: row.err },
      {
        code: told.code,
        stdout: sorted(as(told.stdout)),
        stderr: as(told.stderr).replace(WARNING, 'error: '),
      },
    )
    if (difference.length > 0) found[name] = difference
  }
  return found
}

let auto: string | undefined

/** Rows of a list as virsh sorts them, once a UUID is another. */
function sorted(text: string): string {
  if (!text.startsWith(' UUID')) return text
  const [head = '', line = '', ...rows] = text.trimEnd().split('\n')
  return `${[head, line, ...rows.sort()].join('\n')}\n\n`
}

/** Lines that are not told and those that are instead, and the status; empty when all is equal. */
function differenceOf(recorded: Told, ours: Told): string[] {
  const [before, after] = [recorded, ours].map(({ code, stdout, stderr }) =>
    `${stdout}${stderr}status ${code}`.split('\n'),
  ) as [string[], string[]]
  if (before.join('\n') === after.join('\n')) return []
  const gone = before.filter((line) => !after.includes(line)).map((line) => `-${line}`)
  const come = after.filter((line) => !before.includes(line)).map((line) => `+${line}`)
  return gone.length + come.length === 0 ? ['the order'] : [...gone, ...come]
}

describe.sequential('recorded command lines', () => {
  test('all that anybody may do', async (context) => {
    const { site, virsh } = await stage(context)
    const rows = COMMANDS.filter(({ seq }) => seq < RESTART)
    expect(await play(rows, virsh, site)).toEqual(DIFFERENCES)
    expect(rows.length).toBeGreaterThan(110)
  })

  test('after a restart, and on the socket for looking', async (context) => {
    const { site, virsh } = await stage(context)
    await site.children.at(-1)?.kill('SIGTERM')
    await site.start()
    const rows = COMMANDS.filter(({ seq }) => seq >= RESTART && seq < LOOKING.from)
    expect(await play(rows, virsh, site)).toEqual({})
    expect(rows.length).toBe(4)
  })

  test('what whoever may only look is told', async (context) => {
    const { site, virsh } = await stage(context)
    using admin = await site.admin()
    await allowUid(admin, OWN_UID, ['list', 'read-metadata'])
    const rows = COMMANDS.filter(({ seq }) => seq >= LOOKING.from && seq <= LOOKING.to)
    expect(await play(rows, virsh, site)).toEqual({})
    expect(rows.length).toBe(7)
    await becomeOrdinary(admin)
  })

  test('other URIs', async (context) => {
    const { site, virsh } = await stage(context)
    const rows = COMMANDS.filter(({ seq }) => seq > LOOKING.to)
    expect(await play(rows, virsh, site)).toEqual(NO_NAME)
    expect(rows.length).toBe(4)
  })
})

test('a connection for looking within one command line', async (context) => {
  const { virsh } = await stage(context)
  const { uri } = virsh
  const lines = [`connect --readonly ${uri}`, 'uri', 'secret-define none.xml']
  expect(await virsh.run(lines.join('; '))).toEqual({
    code: 1,
    stdout: `\n${uri}\n\n\n`,
    stderr:
      'error: Failed to set attributes from none.xml\nerror: operation forbidden: read only access prevents virSecretDefineXML\n',
  })
})
