/**
 * What lies where inside the LevelDB database. The first byte of a storage key is its space; all
 * rows have the bytes of row-format.ts.
 *
 * ```
 *  c<revision, 16 digits>  one per commit: keys written and payload (change-format below)
 *  d<key>                  data
 *  h                       head (head-row.ts); modify revision = head
 *  mcheckpoint             modify revision = last commit verified at an open
 *  mtrimmed                modify revision = last commit whose change row was dropped
 * ```
 *
 * Value of a change row: count (4), then per key: 1 = put or 0 = delete (1), length (2), UTF-8;
 * then 1 and the payload, or 0.
 */
import { StorageError } from './errors.ts'
import { STEP_BYTES, STEP_ITEMS, type Steps } from './slices.ts'

export const DATA_SPACE = 'd'
/** First storage key after the data space. */
export const DATA_END = 'e'
export const CHANGE_SPACE = 'c'
export const HEAD_KEY = 'h'
export const CHECKPOINT_KEY = 'mcheckpoint'
export const TRIMMED_KEY = 'mtrimmed'

export function changeKey(revision: number): string {
  return CHANGE_SPACE + String(revision).padStart(16, '0')
}

export interface ChangeKey {
  readonly key: string
  readonly put: boolean
}

export interface DecodedChange {
  readonly keys: readonly ChangeKey[]
  readonly payload: Uint8Array | undefined
}

type ChangedOp = { readonly type: 'put' | 'delete'; readonly key: string }

/** Bytes that {@link encodeChange} needs. */
export function* sizeOfChange(
  ops: readonly ChangedOp[],
  payload: Uint8Array | undefined,
): Steps<number> {
  let size = 5 + (payload?.length ?? 0)
  let sized = 0
  for (const { key } of ops) {
    size += 3 + Buffer.byteLength(key)
    if (++sized % STEP_ITEMS === 0) yield
  }
  return size
}

/** Write a change row's value to `bytes`, which is as long as it. */
export function* encodeChange(
  ops: readonly ChangedOp[],
  payload: Uint8Array | undefined,
  bytes: Buffer,
): Steps<void> {
  let at = bytes.writeUInt32BE(ops.length, 0)
  let written = 0
  for (const { type, key } of ops) {
    bytes[at] = type === 'put' ? 1 : 0
    const length = bytes.write(key, at + 3)
    bytes.writeUInt16BE(length, at + 1)
    at += 3 + length
    if (++written % STEP_ITEMS === 0) yield
  }
  bytes[at++] = payload === undefined ? 0 : 1
  if (payload === undefined) return
  for (let from = 0; from < payload.length; from += STEP_BYTES) {
    bytes.set(payload.subarray(from, from + STEP_BYTES), at + from)
    yield
  }
}

/** @throws StorageError ERR_STORAGE_CORRUPT */
export function* decodeChange(value: Uint8Array): Steps<DecodedChange> {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length)
  try {
    const count = bytes.readUInt32BE(0)
    const keys: ChangeKey[] = []
    let at = 4
    for (let i = 0; i < count; i++) {
      const put = bytes.readUInt8(at) === 1
      const end = at + 3 + bytes.readUInt16BE(at + 1)
      if (end > bytes.length) throw new RangeError('key')
      keys.push({ key: bytes.toString('utf8', at + 3, end), put })
      at = end
      yield
    }
    const present = bytes.readUInt8(at)
    return { keys, payload: present === 1 ? value.subarray(at + 1) : undefined }
  } catch (cause) {
    throw new StorageError('ERR_STORAGE_CORRUPT', 'change row: malformed', { cause })
  }
}
