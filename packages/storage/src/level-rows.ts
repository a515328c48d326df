import type { Batch, Range } from './engine.ts'
import { PreconditionError } from './errors.ts'
import { assertWritable, encodeHeadRow, type Head, ROW_SUM_MODULUS } from './head-row.ts'
import {
  CHECKPOINT_KEY,
  changeKey,
  DATA_END,
  DATA_SPACE,
  encodeChange,
  HEAD_KEY,
  sizeOfChange,
} from './layout.ts'
import type { LevelOperation, LevelRange } from './level-port.ts'
import { encodeLargeRow, encodeRow, type RowMemory, StoredRow } from './row-format.ts'
import { STEP_BYTES, STEP_ITEMS, type Steps } from './slices.ts'
import type { StoreCheck } from './store-check.ts'

/** What a commit starts from, and where it goes. */
export interface CommitParts {
  readonly batch: Batch
  readonly last: Head
  readonly check: StoreCheck | undefined
  /** Revision to store as the checkpoint. */
  readonly verified: number | undefined
  /** Memory for the bytes of each row. */
  readonly memory: RowMemory
  /** The row as it is now. */
  current(key: string): StoredRow | undefined
  /** The row of `key` is replaced; `after` is in `memory`. */
  replaced(key: string, before: StoredRow | undefined, after: StoredRow | undefined): void
  /** Called for each operation of the commit, in order; the bytes are in `memory`. */
  write(operation: LevelOperation): void
}

/**
 * Everything that one commit writes, a few operations a step; returns the head after it.
 *
 * @throws PreconditionError
 * @throws StorageError ERR_STORAGE_UNAVAILABLE, ERR_STORAGE_CORRUPT when the check does not go with the head
 */
export function* planCommit(parts: CommitParts): Steps<Head> {
  const { batch, last, check, verified, memory } = parts
  assertWritable(last, check)
  for (const { key, modifyRevision } of batch.preconditions ?? []) {
    const found = parts.current(key)?.modifyRevision ?? 0
    if (found !== modifyRevision) throw new PreconditionError(key, found)
    yield
  }
  const revision = last.revision + 1
  let { rows, rowSum } = last
  const sums = check?.resume(last)
  let planned = 0
  let bytes = 0
  for (const op of batch.ops) {
    const { key } = op
    const old = op.type === 'put' && op.fresh === true ? undefined : parts.current(key)
    if (old !== undefined) {
      rows--
      rowSum -= StoredRow.crcOf(old)
      sums?.remove(key, old)
    }
    const storageKey = DATA_SPACE + key
    if (op.type === 'put') {
      const created = old?.createRevision ?? revision
      const encoded = encodeRow(storageKey, key, op.value, created, revision, check?.rows, memory)
      parts.replaced(key, old, encoded.row)
      rows++
      rowSum += StoredRow.crcOf(encoded.row)
      sums?.add(key, encoded.row)
      bytes += op.value.length
      parts.write({ type: 'put', key: storageKey, value: encoded.bytes })
    } else {
      parts.replaced(key, old, undefined)
      parts.write({ type: 'del', key: storageKey })
    }
    if (++planned % STEP_ITEMS === 0 || bytes >= STEP_BYTES) {
      bytes = 0
      yield
    }
  }
  rowSum = ((rowSum % ROW_SUM_MODULUS) + ROW_SUM_MODULUS) % ROW_SUM_MODULUS
  const head: Head = {
    revision,
    generation: last.generation,
    rows,
    rowSum,
    sums: sums?.seal(revision) ?? last.sums,
    keyed: check !== undefined,
  }
  const key = changeKey(revision)
  const size = yield* sizeOfChange(batch.ops, batch.change)
  const value = yield* encodeLargeRow(key, size, revision, (bytes) =>
    encodeChange(batch.ops, batch.change, bytes),
  )
  parts.write({ type: 'put', key, value })
  parts.write({ type: 'put', key: HEAD_KEY, value: encodeHeadRow(head, check) })
  if (verified !== undefined) parts.write(metaRow(CHECKPOINT_KEY, verified))
  return head
}

/** A row of which only the revision counts. */
export function metaRow(key: string, revision: number): LevelOperation {
  const { bytes } = encodeRow(key, key, new Uint8Array(0), revision, revision, undefined)
  return { type: 'put', key, value: bytes }
}

export function levelRange({ gte, gt, lt, lte, reverse, limit }: Range): LevelRange {
  return {
    ...(gt === undefined ? { gte: DATA_SPACE + (gte ?? '') } : { gt: DATA_SPACE + gt }),
    ...(lte !== undefined
      ? { lte: DATA_SPACE + lte }
      : { lt: lt === undefined ? DATA_END : DATA_SPACE + lt }),
    ...(reverse === undefined ? {} : { reverse }),
    ...(limit === undefined ? {} : { limit }),
  }
}
