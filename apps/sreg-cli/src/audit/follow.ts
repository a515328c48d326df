/**
 * `sreg audit --follow`: the last records, then what is recorded, each once and in order, also across a daemon that
 * was away. On each connection the follow is opened first, and what was recorded before it is read then: so whatever
 * comes between the two is in both, and told by its number.
 */
import type { RegistryConnection } from '@secreg/client'
import { type AuditRecord, SecregError } from '@secreg/protocol'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { safeJson } from '../escape.ts'
import { writeAll } from '../io.ts'
import { untilSignal } from '../signals.ts'
import type { Filters } from './filters.ts'
import { type Question, readRecords } from './read-records.ts'
import { Reconnect } from './reconnect.ts'
import { formatRecord } from './record-form.ts'

/** How long one answer may wait for a record, milliseconds. */
const WAIT_MS = 25_000
/** When an answer is overdue, milliseconds. */
const ANSWER_MS = 60_000

/** The last record that was told, or the newest one that was there to begin with. */
interface Position {
  readonly sequence: number
  readonly time: string
  readonly action: string
}

interface Follower {
  readonly context: Context
  readonly filters: Filters
  readonly scan: boolean
  /** Records to begin with. */
  readonly first: number
  readonly signal: AbortSignal
  /** `undefined` until the first connection has told where it begins. */
  position: Position | undefined
}

/** Print records until a signal. */
export async function follow(context: Context, question: Required<Question>): Promise<void> {
  const { filters, scan, limit: first } = question
  if (filters.until_ms !== undefined) {
    throw new CliError('INVALID_ARGUMENT', '--until and --follow exclude each other')
  }
  await untilSignal(async (signal) => {
    const follower: Follower = { context, filters, scan, first, signal, position: undefined }
    const reconnect = new Reconnect(context, signal)
    for (;;) {
      try {
        await context.withRegistry('needed', (registry) =>
          followOnce(follower, registry, () => reconnect.succeeded()),
        )
      } catch (error) {
        signal.throwIfAborted()
        if (follower.position === undefined) throw error
        await reconnect.after(error)
      }
    }
  })
}

async function followOnce(
  follower: Follower,
  registry: RegistryConnection,
  onAnswer: () => void,
): Promise<never> {
  const { filters, signal } = follower
  const options = { signal, timeoutMs: ANSWER_MS }
  let { cursor } = await registry.audit({ ...filters, follow: true }, options)
  await catchUp(follower, registry)
  for (;;) {
    if (cursor === undefined) throw new CliError('INTERNAL', 'the daemon does not follow its log')
    const answer = await nextPage(registry, cursor, options)
    // Not before: to open a follow and to read are recorded, and what fails behind them is not to be tried at once.
    onAnswer()
    if (answer.missed !== undefined && answer.missed > 0) await tellMissed(follower, answer.missed)
    await print(follower, answer.records)
    cursor = answer.cursor
  }
}

async function nextPage(
  registry: RegistryConnection,
  cursor: string,
  options: { readonly signal: AbortSignal; readonly timeoutMs: number },
): ReturnType<RegistryConnection['audit']> {
  try {
    return await registry.audit({ cursor, wait_ms: WAIT_MS }, options)
  } catch (error) {
    // Nobody has asked for so long that the daemon has given it up, as where an output was stopped.
    const ended = SecregError.is(error) && error.reason === 'NOT_FOUND'
    throw ended ? new SecregError('UNREACHABLE', 'the follow has ended', { cause: error }) : error
  }
}

/** Print what was recorded before the follow was opened: the last records, or what came since those that were told. */
async function catchUp(follower: Follower, registry: RegistryConnection): Promise<void> {
  const { filters, scan, first, signal, position } = follower
  const options = { signal, timeoutMs: ANSWER_MS }
  // The newest one is read in any case: its number is where it goes on after a lost connection.
  const limit = position === undefined ? { limit: Math.max(1, first) } : {}
  const missed: AuditRecord[] = []
  const told = position?.sequence ?? 0
  for await (const page of readRecords(registry, { filters, scan, ...limit }, options)) {
    const back = page.find(({ sequence }) => sequence <= told)
    if (back !== undefined && position !== undefined) assertSame(position, back)
    for (const record of page) if (record.sequence > told) missed.push(record)
    if (back !== undefined) break
  }
  missed.reverse()
  if (position === undefined && first === 0) follower.position = positionOf(missed.at(-1))
  else await print(follower, missed)
  follower.position ??= positionOf(undefined)
}

/**
 * The newest record that is not behind the last one that was told must be that one: in a log that was cut off it is an
 * older one, and in one that was put back and has grown again another one has its number.
 */
function assertSame(position: Position, { sequence, time, action }: AuditRecord): void {
  const { sequence: last } = position
  if (sequence !== last) throw changed(position, `record ${last} is not there any more`)
  if (time === position.time && action === position.action) return
  throw changed(position, `record ${last} is not the one that it was`)
}

function changed({ sequence }: Position, message: string): CliError {
  return new CliError(
    'AUDIT_TAMPERED',
    message,
    `the log is not the one that was followed up to record ${sequence}; run: sreg audit verify`,
  )
}

function positionOf(record: AuditRecord | undefined): Position {
  const { sequence, time, action } = record ?? { sequence: 0, time: '', action: '' }
  return { sequence, time, action }
}

/** Print those that were not printed, oldest first as they are given. */
async function print(follower: Follower, records: readonly AuditRecord[]): Promise<void> {
  const { context, position } = follower
  const fresh = records.filter(({ sequence }) => sequence > (position?.sequence ?? 0))
  const last = fresh.at(-1)
  if (last === undefined) return
  const lines = fresh.map((record) => `${formatRecord(context, record)}\n`)
  await writeAll(context.io.stdout, lines.join(''))
  follower.position = positionOf(last)
}

async function tellMissed({ context }: Follower, missed: number): Promise<void> {
  // Whoever reads objects is to know it too.
  if (context.json) await writeAll(context.io.stderr, `${safeJson({ missed })}\n`)
  else await context.note(`${missed} records were removed by retention before they could be shown`)
}
