/** A staged import: nothing is visible in the registry before the commit, and then everything at once. */
import type { RegistryConnection } from '@secreg/client'
import { undoOnSignal } from '@secreg/host/terminal'
import type { ImportChange, ImportResponse } from '@secreg/protocol'
import { LONG_TIMEOUT_MS } from '../context.ts'
import { CliError } from '../errors.ts'
import type { StagedEntry } from './staged-entry.ts'

/** Entries and characters of one request; a frame takes 4 MiB, and JSON can make text six times as long. */
const CHUNK_ENTRIES = 5000
const CHUNK_CHARS = 512 * 1024
const OPTIONS = { timeoutMs: LONG_TIMEOUT_MS } as const
/** How long a signal waits for the daemon to take the import back. */
const ABORT_TIMEOUT_MS = 1000

/** What to do with the staged entries. */
export interface StagedImportOptions {
  readonly force: boolean
  /** Show the changes instead of making them. */
  readonly dryRun: boolean
  /** Called with the number of entries staged so far. */
  readonly progress?: (staged: number) => void
}

/** Outcome of an import. */
export interface StagedImportResult {
  /** Only of a dry run. */
  readonly changes: readonly ImportChange[]
  readonly imported: number
  readonly unchanged: number
  readonly revision: number | undefined
}

function* chunksOf(entries: readonly StagedEntry[]): Generator<StagedEntry[]> {
  let chunk: StagedEntry[] = []
  let chars = 0
  for (const entry of entries) {
    const size = entry.key.length + entry.value.length + 64
    if (chunk.length > 0 && (chunk.length >= CHUNK_ENTRIES || chars + size > CHUNK_CHARS)) {
      yield chunk
      chunk = []
      chars = 0
    }
    chunk.push(entry)
    chars += size
  }
  if (chunk.length > 0) yield chunk
}

/**
 * Import entries, all or nothing. On any failure, and on a signal, what was staged is dropped.
 *
 * @throws SecregError of the registry: `ALREADY_EXISTS` when a key differs and `force` is not given
 */
export async function importStaged(
  registry: RegistryConnection,
  entries: readonly StagedEntry[],
  { force, dryRun, progress }: StagedImportOptions,
): Promise<StagedImportResult> {
  const { import: id } = await registry.import({ op: 'begin', force }, OPTIONS)
  if (id === undefined) throw new CliError('INTERNAL', 'the daemon began no import')
  const abort = async (): Promise<void> => {
    if (registry.closed) return
    await registry
      .import({ op: 'abort', import: id }, { timeoutMs: ABORT_TIMEOUT_MS })
      .catch(() => {})
  }
  let committed = false
  try {
    return await undoOnSignal(abort, async () => {
      let staged = 0
      for (const chunk of chunksOf(entries)) {
        await registry.import({ op: 'stage', import: id, entries: chunk }, OPTIONS)
        staged += chunk.length
        progress?.(staged)
      }
      if (dryRun) {
        const changes = await readChanges(registry, id)
        return { changes, imported: 0, unchanged: 0, revision: undefined }
      }
      const { imported, unchanged = 0, revision } = await commit(registry, id)
      committed = true
      return { changes: [], imported: imported ?? staged - unchanged, unchanged, revision }
    })
  } finally {
    if (!committed) await abort()
  }
}

function commit(registry: RegistryConnection, id: string): Promise<ImportResponse> {
  return registry.import({ op: 'commit', import: id }, OPTIONS)
}

async function readChanges(registry: RegistryConnection, id: string): Promise<ImportChange[]> {
  const changes: ImportChange[] = []
  let offset = 0
  for (;;) {
    const page = await registry.import({ op: 'diff', import: id, offset }, OPTIONS)
    for (const change of page.changes ?? []) changes.push(change)
    if (page.next_offset === undefined || page.next_offset <= offset) return changes
    offset = page.next_offset
  }
}
