/** `sreg backup`: the whole registry into a private file; and what is known of backups. */
import type { FileHandle } from 'node:fs/promises'
import type { RegistryConnection } from '@secreg/client'
import { type BackupInfo, type BackupResponse, STATUS } from '@secreg/protocol'
import { BACKUP_HINTS, contentOf, openBackupSource, readBackupProof } from '../backup-source.ts'
import { type Context, LONG_TIMEOUT_MS } from '../context.ts'
import { CliError } from '../errors.ts'
import { formatDuration, formatSize, formatTime } from '../format.ts'
import { withHints } from '../hints.ts'
import { writeAll } from '../io.ts'
import { writePrivately } from '../private-file.ts'
import { type ProgressBar, startProgress } from '../progress.ts'
import { formatPairs } from '../table.ts'

const OPTIONS = { timeoutMs: LONG_TIMEOUT_MS } as const
const ABORT_TIMEOUT_MS = 1000
const MIB = 1024 * 1024

export function run(context: Context): Promise<number | undefined> {
  switch (context.invocation.subcommand) {
    case 'verify':
      return verify(context)
    case 'info':
      return info(context)
    case 'status':
      return status(context)
    default:
      return take(context)
  }
}

/** What was written. */
interface Taken {
  readonly id: string
  readonly revision: number
  readonly created_at: number
  readonly bytes: number
}

async function take(context: Context): Promise<undefined> {
  const output = context.operand(0)
  if (output === '-' && context.io.stdout.isTTY === true) {
    throw new CliError(
      'INVALID_ARGUMENT',
      'a backup is not written to a terminal',
      'name a file, or redirect',
    )
  }
  const bar = await startProgress(context, 'MiB backed up:', 0)
  let taken: Taken
  try {
    taken = await context.withRegistry('needed', (registry) =>
      output === '-'
        ? read(registry, bar, (bytes) => writeAll(context.io.stdout, bytes))
        : writePrivately(output, (file) => fill(context, registry, bar, file), {
            replace: context.flag('force'),
          }),
    )
  } finally {
    bar.stop()
  }
  if (output !== '-') await context.print({ output, ...taken }, () => '')
  const { id, revision, bytes } = taken
  await context.note(`backup ${id.slice(0, 8)}: revision ${revision}, ${formatSize(bytes)}`)
}

async function fill(
  context: Context,
  registry: RegistryConnection,
  bar: ProgressBar,
  file: FileHandle,
): Promise<Taken> {
  const taken = await read(registry, bar, async (bytes) => {
    await file.writeFile(bytes)
  })
  const { readBackupFileHeader } = await import('@secreg/registry/backup-file')
  const header = await readBackupFileHeader(contentOf(file, context.operand(0)))
  const { size } = await file.stat()
  if (header.id === taken.id && header.revision === taken.revision && size === taken.bytes) {
    return taken
  }
  throw new CliError('BACKUP_DAMAGED', 'the file does not hold what the daemon sent')
}

/** Read a backup to its end. */
async function read(
  registry: RegistryConnection,
  bar: ProgressBar,
  write: (bytes: Uint8Array) => Promise<void>,
): Promise<Taken> {
  const { backup, id, revision, created_at } = await registry.backup({ op: 'begin' }, OPTIONS)
  if (backup === undefined || id === undefined || revision === undefined) {
    throw new CliError('INTERNAL', 'the daemon began no backup')
  }
  const piece = (): Promise<BackupResponse> => {
    const asked = registry.backup({ op: 'read', backup }, OPTIONS)
    // Awaited after the piece before it is written.
    asked.catch(() => {})
    return asked
  }
  let bytes = 0
  try {
    let next = piece()
    for (;;) {
      const { data = '', last = false } = await next
      if (!last) next = piece()
      const part = Buffer.from(data, 'base64')
      await write(part)
      bytes += part.length
      bar.update(Math.floor(bytes / MIB))
      if (last) return { id, revision, created_at: created_at ?? 0, bytes }
    }
  } catch (error) {
    if (!registry.closed) {
      const options = { timeoutMs: ABORT_TIMEOUT_MS }
      await registry.backup({ op: 'abort', backup }, options).catch(() => {})
    }
    throw error
  }
}

async function verify(context: Context): Promise<undefined> {
  const [{ openBackupFile }, { createScryptPool }] = await Promise.all([
    import('@secreg/registry/backup-file'),
    import('@secreg/crypto/node'),
  ])
  await using source = await openBackupSource(context.operand(0))
  const proof = await readBackupProof(context, source.header)
  await using pool = createScryptPool({ workers: 1 })
  const { id, revision, createdAtMs, generation } = source.header
  const bar = await startProgress(context, 'MiB verified:', Math.ceil(source.bytes / MIB))
  let report: Awaited<ReturnType<Awaited<ReturnType<typeof openBackupFile>>['verify']>>
  try {
    report = await withHints(BACKUP_HINTS, async () => {
      const read = () => counted(source.read(), (bytes) => bar.update(Math.floor(bytes / MIB)))
      await using backup = await openBackupFile(read, proof, pool.scrypt)
      return await backup.verify()
    })
  } finally {
    bar.stop()
  }
  const spaces = Object.fromEntries([...report.spaces].map(([name, { rows }]) => [name, rows]))
  const { rows } = report
  const answer = { id, created_at: createdAtMs, generation, revision, rows, spaces }
  await context.print({ ...answer, bytes: source.bytes }, () =>
    formatPairs([
      ['Backup', id],
      ['Made', formatTime(createdAtMs)],
      ['Revision', String(revision)],
      ['Size', formatSize(source.bytes)],
      ['Entries', String(spaces['e'] ?? 0)],
      ['Versions', String(spaces['v'] ?? 0)],
      ['Accounts', String(spaces['a'] ?? 0)],
      ['Policies', String(spaces['p'] ?? 0)],
      ['Rows', String(rows)],
    ]),
  )
  await context.note('whole and unchanged')
}

async function* counted(
  source: AsyncIterable<Uint8Array>,
  tell: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const piece of source) {
    yield piece
    bytes += piece.length
    tell(bytes)
  }
}

async function info(context: Context): Promise<undefined> {
  await using source = await openBackupSource(context.operand(0))
  const { id, revision, createdAtMs, generation, seal } = source.header
  const protectors = seal.protectors.map((protector) => ({
    id: protector.id,
    kind: protector.kind === 'shamir' ? 'shares' : protector.kind,
    ...(protector.label === undefined ? {} : { label: protector.label }),
    recovery: protector.recovery === true,
    ...(protector.kind === 'shamir'
      ? { threshold: protector.threshold, count: protector.count }
      : {}),
  }))
  const answer = { id, created_at: createdAtMs, generation, revision, bytes: source.bytes }
  await context.print({ ...answer, protectors }, () =>
    formatPairs([
      ['Backup', id],
      ['Made', formatTime(createdAtMs)],
      ['Revision', String(revision)],
      ['Generation', generation],
      ['Size', formatSize(source.bytes)],
      ...protectors.map(({ kind, label, recovery, threshold, count }) => {
        const which = [
          threshold === undefined ? kind : `${threshold} of ${count} shares`,
          ...(label === undefined ? [] : [`"${label}"`]),
          ...(recovery ? ['(recovery)'] : []),
        ]
        return ['Opens with', which.join(' ')] as const
      }),
    ]),
  )
}

async function status(context: Context): Promise<number> {
  const answer = await context.withRegistry('needed', (registry) =>
    registry.backup({ op: 'status' }),
  )
  const { last_backup: last, last_scheduled: scheduled, schedule } = answer
  const shown = (info: BackupInfo | undefined): string | undefined =>
    info === undefined
      ? undefined
      : `${formatTime(info.at)}, revision ${info.revision}, ${formatSize(info.bytes)}, ${info.where}`
  await context.print(answer, () =>
    formatPairs([
      ['Last', shown(last) ?? 'none'],
      ['Last scheduled', shown(scheduled)],
      ['Schedule', schedule === undefined ? 'off' : `every ${formatDuration(schedule.interval_s)}`],
      ['Directory', schedule?.directory],
      ['Files', schedule === undefined ? undefined : String(schedule.files)],
      ['Next', schedule === undefined ? undefined : formatTime(schedule.next_at)],
      ['Failing', schedule?.failing],
    ]),
  )
  return schedule?.failing === undefined ? STATUS.Success : STATUS.InvalidState
}
