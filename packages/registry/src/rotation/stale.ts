/** Which sealed values are still of an old epoch. */
import type { KeyedRow, MaybePromise, Reader, Row } from '@secreg/storage'
import type { Core } from '../core.ts'
import { parseEntry } from '../entry.ts'
import { pathOfEntryKey, VERSION_SPACE, valueKey, versionKey } from '../keys.ts'
import { numbersUp } from '../number-set.ts'
import { Pacer } from '../slices.ts'
import { decodeVersion } from '../version.ts'

/** Versions of one entry that are to be sealed anew. */
export interface StaleEntry {
  readonly path: string
  readonly id: string
  readonly numbers: readonly number[]
  readonly bytes: number
}

type StaleCore = { readonly engine: Pick<Reader, 'get'>; readonly keys: Core['keys'] }

const PAGE = 256
const ID_AT = VERSION_SPACE.gte.length
const ID_CHARS = 32
/** What one piece holds at most: it is sealed anew at once, in the writer's turn. */
const PIECE_VERSIONS = 24
const PIECE_BYTES = 512 * 1024

/**
 * The versions of an entry that are of an old epoch, in pieces.
 *
 * @param snapshot - where durable rows are read, so that the cache keeps what is asked for
 */
export async function* staleOf(
  { engine, keys }: Pick<Core, 'engine' | 'keys'>,
  snapshot: Pick<Reader, 'get'>,
  { key, value }: KeyedRow,
  pacer: Pacer,
): AsyncGenerator<StaleEntry> {
  const { id, present, ephemeral } = parseEntry(value)
  const core: StaleCore = { engine: ephemeral ? engine : snapshot, keys }
  const path = pathOfEntryKey(key)
  let numbers: number[] = []
  let bytes = 0
  for (const number of numbersUp(present)) {
    if (pacer.isDue) await pacer.turn()
    const found = core.engine.get(versionKey(id, number))
    const header = found instanceof Promise ? await found : found
    // Between two turns the entry may have been changed.
    if (header === undefined) continue
    const stale = staleBytes(core, id, number, header)
    const size = stale instanceof Promise ? await stale : stale
    if (size === 0) continue
    numbers.push(number)
    bytes += size
    if (numbers.length < PIECE_VERSIONS && bytes < PIECE_BYTES) continue
    yield { path, id, numbers, bytes }
    numbers = []
    bytes = 0
  }
  if (numbers.length > 0) yield { path, id, numbers, bytes }
}

/** How many versions, wherever their entries are by now, are of an old epoch. */
export async function countStale(
  core: Pick<Core, 'engine' | 'keys'>,
  signal: AbortSignal,
): Promise<number> {
  let count = 0
  const pacer = new Pacer()
  const iterator = core.engine.iterate(VERSION_SPACE)
  try {
    for (;;) {
      const page = await iterator.nextPage(PAGE)
      if (page.length === 0) return count
      for (const row of page) {
        const id = row.key.slice(ID_AT, ID_AT + ID_CHARS)
        const size = staleBytes(core, id, Number(row.key.slice(ID_AT + ID_CHARS + 1)), row)
        if ((size instanceof Promise ? await size : size) > 0) count++
        if (!pacer.isDue) continue
        await pacer.turn()
        signal.throwIfAborted()
      }
    }
  } finally {
    await iterator.close()
  }
}

/** Bytes of a version's sealed value when it is of an old epoch, else 0. */
function staleBytes(
  { engine, keys }: StaleCore,
  id: string,
  number: number,
  header: Pick<Row, 'value'>,
): MaybePromise<number> {
  const { encrypted, destroyed, value } = decodeVersion(header)
  if (!encrypted || destroyed) return 0
  const sizeOf = (blob: Uint8Array | undefined): number =>
    blob !== undefined && keys.isOfOldEpoch(blob) ? blob.length : 0
  if (value !== undefined) return sizeOf(value)
  const row = engine.get(valueKey(id, number))
  return row instanceof Promise ? row.then((found) => sizeOf(found?.value)) : sizeOf(row?.value)
}
