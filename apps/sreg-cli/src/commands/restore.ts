/** `sreg restore --only`: entries brought back from a backup into a running registry. */
import type { RegistryConnection } from '@secreg/client'
import { undoOnSignal } from '@secreg/host/terminal'
import { LIMITS, type RestoreChange, type RestoreResponse } from '@secreg/protocol'
import type { GivenProof } from '@secreg/registry/backup-file'
import {
  BACKUP_HINTS,
  type BackupSource,
  openBackupSource,
  readBackupProof,
} from '../backup-source.ts'
import { changesTable } from '../changes-table.ts'
import { type Context, LONG_TIMEOUT_MS } from '../context.ts'
import { CliError } from '../errors.ts'
import { formatTime } from '../format.ts'
import { withHints } from '../hints.ts'
import { type ProgressBar, startProgress } from '../progress.ts'

const OPTIONS = { timeoutMs: LONG_TIMEOUT_MS } as const
const ABORT_TIMEOUT_MS = 1000
const MIB = 1024 * 1024

const HINTS = {
  ...BACKUP_HINTS,
  NOT_FOUND: '"sreg backup verify FILE" tells what it holds; take a path further up',
  LIMIT_EXCEEDED: 'restore parts of it, one after the other',
} as const

export async function run(context: Context): Promise<undefined> {
  const only = context.text('only')
  if (only === undefined) {
    throw new CliError(
      'INVALID_ARGUMENT',
      'the whole of a backup replaces accounts, policies and keys too, so it is restored with the daemon stopped',
      'stop it, and run on its host: secregd restore BACKUP; or give --only PATH',
    )
  }
  await using source = await openBackupSource(context.operand(0))
  const proof = await readBackupProof(context, source.header)
  const dryRun = context.flag('dry-run')
  const { answer, changes } = await withHints(HINTS, () =>
    context.withRegistry('needed', (registry) =>
      restore(context, registry, source, { only, proof, dryRun }),
    ),
  )
  const { created = 0, updated = 0, unchanged = 0, revision } = answer
  const made = formatTime(source.header.createdAtMs)
  if (dryRun) {
    await context.print({ created, updated, unchanged, changes }, () => changesTable(changes))
    await context.note(
      `from ${made}: ${created + updated} would change, ${unchanged} would stay; nothing was changed`,
    )
    return
  }
  await context.print({ created, updated, unchanged, revision }, () => '')
  await context.note(`from ${made}: ${created} created, ${updated} updated, ${unchanged} unchanged`)
}

interface What {
  readonly only: string
  readonly proof: GivenProof
  readonly dryRun: boolean
}

interface Restored {
  readonly answer: RestoreResponse
  /** Only of a dry run. */
  readonly changes: readonly RestoreChange[]
}

async function restore(
  context: Context,
  registry: RegistryConnection,
  source: BackupSource,
  { only, proof, dryRun }: What,
): Promise<Restored> {
  const { restore: id } = await registry.restore({ op: 'begin', size: source.bytes }, OPTIONS)
  if (id === undefined) throw new CliError('INTERNAL', 'the daemon began no restore')
  const abort = async (): Promise<void> => {
    if (registry.closed) return
    await registry
      .restore({ op: 'abort', restore: id }, { timeoutMs: ABORT_TIMEOUT_MS })
      .catch(() => {})
  }
  const bar = await startProgress(context, 'MiB handed over:', Math.ceil(source.bytes / MIB))
  let committed = false
  try {
    return await undoOnSignal(abort, async () => {
      await handOver(registry, id, source, bar)
      bar.stop()
      const request = { op: 'commit', restore: id, only, proof, dry_run: dryRun } as const
      const answer = await registry.restore(request, OPTIONS)
      committed = !dryRun
      return { answer, changes: await allChanges(registry, id, answer) }
    })
  } finally {
    bar.stop()
    if (!committed) await abort()
  }
}

async function handOver(
  registry: RegistryConnection,
  id: string,
  source: BackupSource,
  bar: ProgressBar,
): Promise<void> {
  const most = LIMITS.backupPieceBytes / 2
  let pieces: Uint8Array[] = []
  let held = 0
  let sent = 0
  const send = async (): Promise<void> => {
    const data = Buffer.concat(pieces).toString('base64')
    await registry.restore({ op: 'stage', restore: id, data }, OPTIONS)
    sent += held
    pieces = []
    held = 0
    bar.update(Math.floor(sent / MIB))
  }
  for await (const piece of source.read()) {
    pieces.push(piece)
    held += piece.length
    if (held >= most) await send()
  }
  if (held > 0) await send()
}

async function allChanges(
  registry: RegistryConnection,
  id: string,
  first: RestoreResponse,
): Promise<readonly RestoreChange[]> {
  const changes = [...(first.changes ?? [])]
  for (let offset = first.next_offset; offset !== undefined; ) {
    const page = await registry.restore({ op: 'diff', restore: id, offset }, OPTIONS)
    for (const change of page.changes ?? []) changes.push(change)
    // A page without progress would be asked for ever.
    offset = page.next_offset === offset ? undefined : page.next_offset
  }
  return changes
}
