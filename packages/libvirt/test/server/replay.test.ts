import type { SecretsPort, ServeLibvirtOptions } from '@secreg/libvirt/server'
import { describe, expect, it } from 'vitest'
import { LIBVIRT_ERRORS } from '../../src/wire/errors.ts'
import { MemorySecrets } from '../memory-port.ts'
import { DIFFERENCES } from './differences.ts'
import { INDEX, type IndexRow, perform, recordedXml, replay, transcript } from './replay.ts'

/** Done before the connection, though the index has it among what was done while it was open. */
const BEFORE: ReadonlySet<number> = new Set([160])
/** These need a server that asks for polkit, which this one never does. */
const POLKIT: ReadonlySet<number> = new Set([181, 184, 186])
/** Played with a clock of its own, in keepalive.test.ts. */
const KEEPALIVE = 185
/** Done while the connection was open, and not in the index. */
const MEANWHILE: ReadonlyMap<number, readonly string[]> = new Map([
  [
    264,
    ['virsh secret-define ev.xml', 'virsh secret-undefine 44444444-4444-4444-8444-000000000001'],
  ],
])
const RESTARTS: ReadonlySet<number> = new Set([180, 187, 194])
const READ_ONLY_SOCKET: ReadonlySet<number> = new Set([182, 183])
const DENYING: ReadonlySet<number> = new Set([187, 188, 189, 190, 191, 192, 193])
const SYSTEM_TOKEN = '00112233445566778899aabbccddeeff'

interface Found {
  /** By transcript, procedure and serial: what we answer where the recording differs. */
  readonly differences: Record<string, string>
  readonly faults: string[]
  answers: number
}

describe('recorded connections', () => {
  it('libvirt 9.0: every answer is the recorded one, but for the known differences', async () => {
    const found = await play(
      INDEX.filter(({ seq }) => (seq <= 197 && seq !== KEEPALIVE) || seq === 260 || seq === 261),
      {},
    )
    expect(found.faults).toEqual([])
    expect(found.differences).toEqual(DIFFERENCES.v9)
    expect(found.answers).toBeGreaterThan(1_400)
  })

  it('libvirt 12.8: the same, whatever the templates of errors', async () => {
    const found = await play(
      INDEX.filter(({ seq }) => seq >= 198 && seq <= 228),
      { looseErrors: true, serve: { versionNumber: 12_008_000 } },
    )
    expect(found.faults).toEqual([])
    expect(found.differences).toEqual(DIFFERENCES.v12)
    expect(found.answers).toBeGreaterThan(40)
  })

  it('libvirt 11.3: the same, whatever the templates of errors', async () => {
    const found = await play(
      INDEX.filter(({ seq }) => (seq >= 229 && seq <= 259) || seq >= 262),
      { looseErrors: true, serve: { versionNumber: 11_003_000 } },
    )
    expect(found.faults).toEqual([])
    expect(found.differences).toEqual(DIFFERENCES.v11)
    expect(found.answers).toBeGreaterThan(250)
  })
})

async function play(
  rows: readonly IndexRow[],
  options: { looseErrors?: boolean; serve?: Partial<ServeLibvirtOptions> },
): Promise<Found> {
  const secrets = new MemorySecrets()
  const found: Found = { differences: {}, faults: [], answers: 0 }
  let unrecorded: string[] = []
  for (const row of rows) {
    if (POLKIT.has(row.seq)) continue
    if (RESTARTS.has(row.seq)) secrets.forgetEphemeral()
    if (row.files.length === 0) {
      if (BEFORE.has(row.seq)) await act([row.cmd], secrets)
      else unrecorded.push(row.cmd)
      continue
    }
    unrecorded.push(...(MEANWHILE.get(row.seq) ?? []))
    for (const file of row.files) {
      const lines = transcript(file)
      const meanwhile = (): Promise<void> => act(unrecorded, secrets)
      const waits = lines.some(
        ({ dir, bytes }) => dir === 's2c' && bytes[4] === 0x20 && bytes[19] === 2,
      )
      if (!waits) await meanwhile()
      const undo = prepare(file, secrets)
      const played = await replay(lines, {
        port: DENYING.has(row.seq) ? denying(secrets.port()) : secrets.port(),
        secrets,
        ...(waits ? { meanwhile } : {}),
        looseErrors: options.looseErrors ?? false,
        serve: {
          ...options.serve,
          readOnly: READ_ONLY_SOCKET.has(row.seq),
          elevate: (token) => (token === SYSTEM_TOKEN ? secrets.port(true) : undefined),
        },
      })
      undo()
      compare(file, played, found)
    }
    unrecorded = []
  }
  return found
}

function compare(file: string, played: Awaited<ReturnType<typeof replay>>, found: Found): void {
  const name = file.slice(0, -'.jsonl'.length)
  for (const { procedure, serial, recorded, ours } of played.answers) {
    found.answers++
    if (recorded === ours) continue
    found.differences[`${name} ${procedure}#${serial}`] = ours.split('\n', 1)[0] ?? ''
  }
  if (played.ourMessages.join() !== played.recordedMessages.join()) {
    found.faults.push(`${name}: ${played.ourMessages} instead of ${played.recordedMessages}`)
  }
  if (played.pongs !== played.pings) found.faults.push(`${name}: ${played.pongs} PONGs`)
  const ends =
    /^raw-(length|type-callfds)/.test(name) ||
    played.answers.some(({ procedure }) => procedure === 2)
  if (played.isClosed !== ends) found.faults.push(`${name}: closed ${played.isClosed}`)
}

/** What was there when it was recorded, and is not with us. */
function prepare(file: string, secrets: MemorySecrets): () => void {
  const base = { usage: { type: 'none', id: '' }, ephemeral: true, private: false } as const
  if (file === 'list-after-odd.jsonl') {
    // A definition with a DOCTYPE is refused.
    secrets.put({
      ...base,
      uuid: '33333333-3333-4333-8333-000000000006',
      description: 'expanded',
    })
  }
  if (file === 'list-after-collision.jsonl') {
    // So is a redefinition that gives two secrets one usage.
    secrets.put({
      ...base,
      uuid: '33333333-3333-4333-8333-00000000000b',
      usage: { type: 'ceph', id: 'client.demo secret' },
    })
  }
  if (file !== 'raw-list-over-limit-error.jsonl') return () => {}
  const added: string[] = []
  for (let number = 0; secrets.size < 16_385; number++) {
    const uuid = `99999999-9999-4999-8999-${number.toString(16).padStart(12, '0')}`
    secrets.put({ ...base, uuid })
    added.push(uuid)
  }
  return () => {
    for (const uuid of added) secrets.drop(uuid)
  }
}

async function act(commands: readonly string[], secrets: MemorySecrets): Promise<void> {
  for (const cmd of commands) await perform(cmd, secrets.port(), recordedXml)
}

function denying(port: SecretsPort): SecretsPort {
  const deny = async (): Promise<never> => {
    throw LIBVIRT_ERRORS.accessDenied()
  }
  return { ...port, define: deny, setValue: deny, getValue: deny, undefine: deny }
}
