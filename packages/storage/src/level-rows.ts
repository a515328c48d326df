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
} from './layout.ts'
import type { LevelDatabase, LevelOperation, LevelRange, LevelSnapshot } from './level-port.ts'
import { decodeRow, encodeRow, StoredRow } from './row-format.ts'

export interface CommitPlan {
  readonly operations: readonly LevelOperation[]
  readonly head: Head
  /** The rows that the batch replaces or deletes. */
  readonly before: ReadonlyMap<string, StoredRow | undefined>
  /** The rows that it puts. */
  readonly after: ReadonlyMap<string, StoredRow>
}

/**
 * Everything that one commit writes.
 *
 * @param current the row as it is now
 * @param verified revision to store as the checkpoint
 * @throws PreconditionError
 */
export function planCommit(
  batch: Batch,
  last: Head,
  current: (key: string) => StoredRow | undefined,
  check: RowCheck | undefined,
  verified: number | undefined,
): CommitPlan {
  for (const { key, modifyRevision } of batch.preconditions ?? []) {
    const found = current(key)?.modifyRevision ?? 0
    if (found !== modifyRevision) throw new PreconditionError(key, found)
  }
  const revision = last.revision + 1
  const before = new Map<string, StoredRow | undefined>()
  const after = new Map<string, StoredRow>()
  const operations: LevelOperation[] = []
  let { rows, rowSum } = last
  for (const op of batch.ops) {
    const { key } = op
    const old = current(key)
    before.set(key, old)
    if (old !== undefined) {
      rows--
      rowSum -= StoredRow.crcOf(old)
    }
    const storageKey = DATA_SPACE + key
    if (op.type === 'put') {
      const created = old?.createRevision ?? revision
      const encoded = encodeRow(storageKey, key, op.value, created, revision, check)
      after.set(key, encoded.row)
      rows++
      rowSum += StoredRow.crcOf(encoded.row)
      operations.push({ type: 'put', key: storageKey, value: encoded.bytes })
    } else {
      operations.push({ type: 'del', key: storageKey })
    }
  }
  rowSum = ((rowSum % SUM_MODULUS) + SUM_MODULUS) % SUM_MODULUS
  const head: Head = { revision, generation: last.generation, rows, rowSum }
  operations.push(
    engineRow(changeKey(revision), encodeChange(batch.ops, batch.change), revision),
    engineRow(HEAD_KEY, encodeHead(head), revision),
  )
  if (verified !== undefined) operations.push(metaRow(CHECKPOINT_KEY, verified))
  return { operations, head, before, after }
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
