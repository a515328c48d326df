import type { Batch, EngineLimits, Range } from './engine.ts'
import { StorageError } from './errors.ts'
import { assertBound, assertKey } from './keys.ts'
import { SLICED_OPS, STEP_ITEMS, type Steps } from './slices.ts'

/**
 * Whether a batch takes so long to prepare that it is done in slices.
 *
 * @throws TypeError when its operations are no array
 * @throws StorageError ERR_STORAGE_LIMIT when they are too many
 */
export function isLargeBatch({ ops, preconditions }: Batch, limits: EngineLimits): boolean {
  if (!Array.isArray(ops)) throw new TypeError('batch.ops: expected an array')
  if (ops.length > limits.maxOps) throw tooLarge(`more than ${limits.maxOps} operations`)
  return ops.length + (preconditions?.length ?? 0) > SLICED_OPS
}

/**
 * Refuse a batch that no engine accepts, a few operations a step.
 *
 * @throws TypeError on a wrong shape or two operations on one key
 * @throws StorageError ERR_STORAGE_LIMIT
 */
export function* assertBatch(batch: Batch, limits: EngineLimits): Steps<void> {
  const { ops, preconditions, change } = batch
  const keys = new Set<string>()
  let bytes = 0
  let checked = 0
  for (const op of ops) {
    assertKey(op.key, limits.maxKeyBytes)
    keys.add(op.key)
    bytes += op.key.length
    if (op.type === 'put') {
      if (!(op.value instanceof Uint8Array)) throw new TypeError('value: expected a Uint8Array')
      if (op.value.length > limits.maxValueBytes) {
        throw tooLarge(`a value is longer than ${limits.maxValueBytes} bytes`)
      }
      bytes += op.value.length
    } else if (op.type !== 'delete') {
      throw new TypeError("op.type: expected 'put' or 'delete'")
    }
    if (++checked % STEP_ITEMS === 0) yield
  }
  if (keys.size !== ops.length) throw new TypeError('batch.ops: two operations on one key')
  if (change !== undefined) {
    if (!(change instanceof Uint8Array)) throw new TypeError('change: expected a Uint8Array')
    bytes += change.length
  }
  if (bytes > limits.maxBytes) throw tooLarge(`more than ${limits.maxBytes} bytes`)
  for (const { key, modifyRevision } of preconditions ?? []) {
    assertKey(key, limits.maxKeyBytes)
    assertRevision(modifyRevision, 'modifyRevision')
    if (++checked % STEP_ITEMS === 0) yield
  }
}

/** @throws RangeError when `revision` is no integer from 0 to 2^48-1 */
export function assertRevision(revision: unknown, name: string): asserts revision is number {
  if (!Number.isInteger(revision) || (revision as number) < 0 || (revision as number) >= 2 ** 48) {
    throw new RangeError(`${name}: expected an integer from 0 to 2^48-1`)
  }
}

/** @throws TypeError or RangeError on a range that no engine accepts */
export function assertRange(range: Range): void {
  const { gte, gt, lt, lte, limit } = range
  for (const [name, bound] of Object.entries({ gte, gt, lt, lte })) {
    if (bound !== undefined) assertBound(bound, name)
  }
  if (gte !== undefined && gt !== undefined) throw new TypeError('range: both gte and gt')
  if (lte !== undefined && lt !== undefined) throw new TypeError('range: both lte and lt')
  if (limit !== undefined && (!Number.isSafeInteger(limit) || limit < 0)) {
    throw new RangeError('limit: expected a non-negative integer')
  }
}

/** @throws RangeError when `size` is no positive integer */
export function assertPageSize(size: number): void {
  if (!Number.isSafeInteger(size) || size < 1) {
    throw new RangeError('size: expected a positive integer')
  }
}

function tooLarge(what: string): StorageError {
  return new StorageError('ERR_STORAGE_LIMIT', `batch: ${what}`)
}
