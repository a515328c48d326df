import type { Batch, Range, RowCheck } from './engine.ts'
import { PreconditionError, StorageError } from './errors.ts'
import {
  CHECKPOINT_KEY,
  changeKey,
  DATA_END,
  DATA_SPACE,
  decodeHead,
  encodeChange,
  encodeHead,
  HEAD_KEY,
  type Head,
  SUM_MODULUS,
  sizeOfChange,
} from './layout.ts'
import type { LevelDatabase, LevelOperation, LevelRange, LevelSnapshot } from './level-port.ts'
import { decodeRow, encodeLargeRow, encodeRow, type RowMemory, StoredRow } from './row-format.ts'
import { STEP_BYTES, STEP_ITEMS, type Steps } from './slices.ts'

/** What a commit starts from, and where it goes. */
export interface CommitParts {
  readonly batch: Batch
  readonly last: Head
  readonly check: RowCheck | undefined
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
 */
export function* planCommit(parts: CommitParts): Steps<Head> {
  const { batch, last, check, verified, memory } = parts
  for (const { key, modifyRevision } of batch.preconditions ?? []) {
    const found = parts.current(key)?.modifyRevision ?? 0
    if (found !== modifyRevision) throw new PreconditionError(key, found)
    yield
  }
  const revision = last.revision + 1
  let { rows, rowSum } = last
  let planned = 0
  let bytes = 0
  for (const op of batch.ops) {
    const { key } = op
    const old = op.type === 'put' && op.fresh === true ? undefined : parts.current(key)
    if (old !== undefined) {
      rows--
      rowSum -= StoredRow.crcOf(old)
    }
    const storageKey = DATA_SPACE + key
    if (op.type === 'put') {
      const created = old?.createRevision ?? revision
      const encoded = encodeRow(storageKey, key, op.value, created, revision, check, memory)
      parts.replaced(key, old, encoded.row)
      rows++
      rowSum += StoredRow.crcOf(encoded.row)
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
  rowSum = ((rowSum % SUM_MODULUS) + SUM_MODULUS) % SUM_MODULUS
  const head: Head = { revision, generation: last.generation, rows, rowSum }
  const key = changeKey(revision)
  const size = yield* sizeOfChange(batch.ops, batch.change)
  const value = yield* encodeLargeRow(key, size, revision, (bytes) =>
    encodeChange(batch.ops, batch.change, bytes),
  )
  parts.write({ type: 'put', key, value })
  parts.write(engineRow(HEAD_KEY, encodeHead(head), revision))
  if (verified !== undefined) parts.write(metaRow(CHECKPOINT_KEY, verified))
  return head
}

function engineRow(key: string, value: Uint8Array, revision: number): LevelOperation {
  return {
    type: 'put',
    key,
    value: encodeRow(key, key, value, revision, revision, undefined).bytes,
  }
}

export function metaRow(key: string, revision: number): LevelOperation {
  return engineRow(key, new Uint8Array(0), revision)
}

export function readHead(db: LevelDatabase, snapshot: LevelSnapshot): Head {
  const bytes = db.getSync(HEAD_KEY, { snapshot })
  if (bytes === undefined) throw new StorageError('ERR_STORAGE_CORRUPT', 'the head row is missing')
  const row = decodeRow(HEAD_KEY, HEAD_KEY, bytes, undefined)
  return decodeHead(row.value, row.modifyRevision)
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
