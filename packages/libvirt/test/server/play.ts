/** Plays the recorded connections in the order of the recording, with what was done between and beside them. */
import type { SecretsPort, ServeLibvirtOptions } from '@secreg/libvirt/server'
import { perform, recordedXml } from './commands.ts'
import { INDEX, type IndexRow, type ReplayedStore, replay, transcript } from './replay.ts'

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

/** What was recorded from the daemon of one version, from its start on without a secret. */
export interface Recording {
  readonly rows: readonly IndexRow[]
  /** Compare errors by code, domain and detail, as its templates are others. */
  readonly looseErrors?: boolean
  readonly versionNumber?: number
}

export const RECORDINGS = {
  v9: {
    rows: INDEX.filter(
      ({ seq }) => (seq <= 197 && seq !== KEEPALIVE) || seq === 260 || seq === 261,
    ),
  },
  v11: {
    rows: INDEX.filter(({ seq }) => (seq >= 229 && seq <= 259) || seq >= 262),
    looseErrors: true,
    versionNumber: 11_003_000,
  },
  v12: {
    rows: INDEX.filter(({ seq }) => seq >= 198 && seq <= 228),
    looseErrors: true,
    versionNumber: 12_008_000,
  },
} as const satisfies Record<string, Recording>

export interface Played {
  /** By transcript, procedure and serial: what we answer where the recording differs. */
  readonly differences: Record<string, string>
  readonly faults: string[]
  answers: number
}

export async function play(recording: Recording, store: ReplayedStore): Promise<Played> {
  const { rows, looseErrors = false, versionNumber } = recording
  const found: Played = { differences: {}, faults: [], answers: 0 }
  let unrecorded: string[] = []
  for (const { seq, files, cmd } of rows) {
    if (POLKIT.has(seq)) continue
    if (RESTARTS.has(seq)) await store.restart()
    if (files.length === 0) {
      if (BEFORE.has(seq)) await act([cmd], store)
      else unrecorded.push(cmd)
      continue
    }
    unrecorded.push(...(MEANWHILE.get(seq) ?? []))
    for (const file of files) {
      const lines = transcript(file)
      const meanwhile = (): Promise<void> => act(unrecorded, store)
      const waits = lines.some(
        ({ dir, bytes }) => dir === 's2c' && bytes[4] === 0x20 && bytes[19] === 2,
      )
      if (!waits) await meanwhile()
      const undo = await prepare(file, store.port())
      const serve: Partial<ServeLibvirtOptions> = {
        ...(versionNumber === undefined ? {} : { versionNumber }),
        readOnly: READ_ONLY_SOCKET.has(seq),
        elevate: (token) => (token === SYSTEM_TOKEN ? store.elevated() : undefined),
      }
      const played = await replay(lines, {
        port: DENYING.has(seq) ? store.looking() : store.port(),
        store,
        ...(waits ? { meanwhile } : {}),
        looseErrors,
        serve,
      })
      await undo()
      compare(file, played, found)
    }
    unrecorded = []
  }
  return found
}

function compare(file: string, played: Awaited<ReturnType<typeof replay>>, found: Played): void {
  const name = file.slice(0, -'.jsonl'.length)
  for (const { procedure, serial, recorded, ours } of played.answers) {
    found.answers++
    if (recorded === ours) continue
    found.differences[`${name} ${procedure}#${serial}`] = differenceOf(recorded, ours)
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

/** The first line, and of a list whatever else the recorded one has not. */
function differenceOf(recorded: string, ours: string): string {
  const [first = '', head, ...listed] = ours.split('\n')
  const known = new Set(recorded.split('\n'))
  const others =
    listed.length === 0 ? [] : [head, ...listed].filter((line = '') => !known.has(line))
  return [first, ...others].join(', ')
}

const nothing = async (): Promise<void> => {}

/** What was there when it was recorded, and is not with us. */
async function prepare(file: string, port: SecretsPort): Promise<() => Promise<void>> {
  const base = { usage: { type: 'none', id: '' }, ephemeral: true, private: false } as const
  if (file === 'list-after-odd.jsonl') {
    // A definition with a DOCTYPE is refused.
    const uuid = '33333333-3333-4333-8333-000000000006'
    await port.define({ ...base, uuid, description: 'expanded' })
  }
  if (file !== 'raw-list-over-limit-error.jsonl') return nothing
  const missing = MOST_LISTED + 1 - (await port.list()).length
  const uuids = Array.from(
    { length: missing },
    (_, at) => `99999999-9999-4999-8999-${at.toString(16).padStart(12, '0')}`,
  )
  await Promise.all(uuids.map((uuid) => port.define({ ...base, uuid })))
  return async () => {
    await Promise.all(uuids.map((uuid) => port.undefine(uuid)))
  }
}

/** Longest list (remote_protocol.x, REMOTE_SECRET_LIST_MAX). */
const MOST_LISTED = 16_384

async function act(commands: readonly string[], store: ReplayedStore): Promise<void> {
  for (const cmd of commands) await perform(cmd, store.port(), recordedXml)
}
