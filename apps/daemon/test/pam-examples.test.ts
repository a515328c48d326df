/** The helpers of docs/pam on the real PAM, in a view of the file system with users and services of its own. */
import { readFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import type { Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import {
  createTempHome,
  requireProgram,
  runChild,
  type SkippableContext,
  skipTest,
  startChild,
  type TempHome,
} from '@secreg/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'
import { encodeHelperQuestion } from '../src/pam/helper-request.ts'
import { runHelper } from '../src/pam/run-helper.ts'
import { writeHelper } from './pam-stand-in.ts'

const PASSWORD = 'Heslo číslo 7 "$HOME" \\ *'
const example = (name: string): string =>
  fileURLToPath(new URL(`../../../docs/pam/${name}`, import.meta.url))

/** What the services of the tests ask. */
const SERVICES = {
  'secreg-test': 'auth required pam_unix.so nodelay nullok\naccount required pam_unix.so\n',
  'secreg-broken': 'auth required pam_nothing.so\naccount required pam_unix.so\n',
  'secreg-closed': 'auth required pam_unix.so nodelay\naccount required pam_deny.so\n',
  other: 'auth required pam_deny.so\naccount required pam_deny.so\n',
}

/** A helper that runs a program where /etc/passwd, /etc/shadow and /etc/pam.d are those of the test. */
async function makeHelper(
  context: SkippableContext,
  program: string,
  args = '',
): Promise<{ readonly home: TempHome; readonly path: string }> {
  const probe = await runChild('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'none', '/mnt'])
  if (probe.code !== 0) skipTest(context, 'no private view of the file system (unshare -rm)')
  const home = createTempHome()
  onTestFinished(() => home.remove())
  const hashed = await runChild(requireProgram(context, 'openssl'), ['passwd', '-6', '-stdin'], {
    input: `${PASSWORD}\n`,
  })
  const hash = hashed.stdout.trim()
  const users: readonly (readonly [string, string, string])[] = [
    ['root', '*', ''],
    ['alice', hash, ''],
    ['expired', hash, '1'],
    ['blank', '', ''],
  ]
  home.write('passwd', users.map(([name], id) => `${name}:x:${id}:0::/:/bin/sh\n`).join(''), 0o644)
  home.write(
    'shadow',
    users.map(([name, secret, end]) => `${name}:${secret}:19000:0:99999:7::${end}:\n`).join(''),
  )
  for (const [name, text] of Object.entries(SERVICES)) home.write(`pam.d/${name}`, text, 0o644)
  const script = `cd ${home.path} || exit 9
for file in passwd shadow pam.d; do mount --bind $file /etc/$file || exit 9; done
exec ${program} ${args}`
  return {
    home,
    path: writeHelper(home, 'helper', `#!/bin/sh\nexec unshare -rm /bin/sh -c '${script}'\n`),
  }
}

async function ask(
  path: string,
  login: string,
  password: string,
  service = 'secreg-test',
  rhost = '',
) {
  const question = encodeHelperQuestion({ login, password, service, rhost })
  return (await runHelper(path, question, 30_000).answer).answer
}

const EXAMPLES: readonly (readonly [string, (context: SkippableContext) => unknown])[] = [
  ['secreg-pam-pamtester.sh', (context) => requireProgram(context, 'pamtester')],
  ['secreg-pam.py', (context) => requireSystemPam(context)],
]

describe.each(EXAMPLES)('%s', (name, require) => {
  test('tells good, refused and unavailable apart', async (context) => {
    await require(context)
    const { path } = await makeHelper(context, example(name))
    expect(await ask(path, 'alice', PASSWORD)).toBe('good')
    expect(await ask(path, 'alice', PASSWORD, 'secreg-test', '192.0.2.7')).toBe('good')
    for (const [login, password] of [
      ['alice', `${PASSWORD}x`],
      ['alice', PASSWORD.slice(0, -1)],
      ['nobody-here', PASSWORD],
      ['expired', PASSWORD],
    ] as const) {
      expect([login, await ask(path, login, password)]).toEqual([login, 'refused'])
    }
    expect(await ask(path, 'alice', PASSWORD, 'secreg-closed')).toBe('refused')
    expect(await ask(path, 'alice', PASSWORD, 'secreg-nowhere')).toBe('refused')
    expect(await ask(path, 'alice', PASSWORD, 'secreg-broken')).toBe('unavailable')
  })

  test('no password opens an account that has none, and none counts by its beginning', async (context) => {
    await require(context)
    const { path } = await makeHelper(context, example(name))
    expect(await ask(path, 'blank', 'anything')).toBe('refused')
    expect(await ask(path, 'alice', `${PASSWORD}\nmore`)).toBe('refused')
    expect(await ask(path, 'alice', 'x'.repeat(512))).toBe('refused')
  })

  test.for(['', 'alice', 'alice\0right', 'alice\0right\0secreg\0'])(
    'a question that is cut short is not answered: %j',
    async (input, context) => {
      await require(context)
      const { code } = await runChild(example(name), [], { input })
      expect(code).toBe(3)
    },
  )
})

describe('secreg-pam-ask.py', () => {
  test('hands the question over, and the answer back', async (context) => {
    await requireSystemPam(context)
    const { home, path } = await makeHelper(context, example('secreg-pam.py'), '--answer')
    const asking = await askingThrough(home, (connection) => {
      // As systemd starts secreg-pam@.service.
      const { process } = startChild(path, [], { keepInput: true })
      connection.pipe(process.stdin as Writable)
      process.stdout?.pipe(connection)
    })
    expect(await ask(asking, 'alice', PASSWORD)).toBe('good')
    expect(await ask(asking, 'alice', 'wrong')).toBe('refused')
    expect(await ask(asking, 'alice', PASSWORD, 'secreg-broken')).toBe('unavailable')
  })

  test.for(['', '0', '00\n', '0\n0\n', '3\n', '0\r\n', ' 0\n'])(
    'an answer that is none says nothing: %j',
    async (said, context) => {
      await requireSystemPython(context)
      using home = createTempHome()
      const asking = await askingThrough(home, (connection) => void connection.end(said))
      expect(await ask(asking, 'alice', PASSWORD)).toBe('unavailable')
    },
  )

  test('nobody there', async (context) => {
    await requireSystemPython(context)
    using home = createTempHome()
    expect(await ask(writeAsking(home), 'alice', PASSWORD)).toBe('unavailable')
  })
})

/** The helper that asks through a socket, with its socket in a home. */
function writeAsking(home: TempHome): string {
  const text = readFileSync(example('secreg-pam-ask.py'), 'utf8')
  return writeHelper(home, 'ask', text.replace('/run/secreg-pam/socket', home.file('s')))
}

async function askingThrough(home: TempHome, serve: (connection: Socket) => void): Promise<string> {
  const server = createServer({ allowHalfOpen: true }, serve)
  await new Promise<void>((resolve) => server.listen(home.file('s'), resolve))
  onTestFinished(() => void server.close())
  return writeAsking(home)
}

/** The Python of the system starts the helpers, whatever is first in PATH. */
async function requireSystemPython(context: SkippableContext, module = 'sys'): Promise<void> {
  const { code } = await runChild('/usr/bin/python3', ['-I', '-c', `import ${module}`])
  if (code !== 0) skipTest(context, `/usr/bin/python3 has no module ${module}`)
}

const requireSystemPam = (context: SkippableContext): Promise<void> =>
  requireSystemPython(context, 'PAM')
