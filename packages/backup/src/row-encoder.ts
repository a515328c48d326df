/** Rows on their way into a backup: checked, then encoded as `content.ts` says. */
import { isBytes } from '@secreg/crypto'
import {
  areRevisions,
  type BackupRow,
  compareBytes,
  KEY_MAX_BYTES,
  ROW_MIDDLE_BYTES,
  VALUE_MAX_BYTES,
  writeUint48,
} from './row.ts'

/** With the u flag, a surrogate that is half of a pair does not match. */
const LONE_SURROGATE = /\p{Surrogate}/u

/**
 * Make an encoder for the rows of one backup, in their order.
 *
 * @returns gives the two parts of a row: what stands before the value, valid until the next row, and the value itself
 * @throws TypeError, RangeError for a row that is out of order or out of bounds
 */
export function createRowEncoder(revision: number): (row: BackupRow) => [Uint8Array, Uint8Array] {
  const utf8 = new TextEncoder()
  const bytes = new Uint8Array(2 + KEY_MAX_BYTES + ROW_MIDDLE_BYTES)
  const view = new DataView(bytes.buffer)
  const room = bytes.subarray(2, 2 + KEY_MAX_BYTES)
  const before = new Uint8Array(KEY_MAX_BYTES)
  let beforeLength = 0

  return ({ key, value, createRevision, modifyRevision }) => {
    if (typeof key !== 'string') throw new TypeError('key must be a string')
    if (!isBytes(value)) throw new TypeError('value must be a Uint8Array')
    if (LONE_SURROGATE.test(key)) throw new RangeError('key must be well-formed text')
    const { read, written: length } = utf8.encodeInto(key, room)
    if (length === 0 || read < key.length) {
      throw new RangeError(`key must be 1 to ${KEY_MAX_BYTES} bytes long`)
    }
    if (value.length > VALUE_MAX_BYTES) {
      throw new RangeError(`value must be at most ${VALUE_MAX_BYTES} bytes long`)
    }
    if (
      !Number.isSafeInteger(createRevision) ||
      !Number.isSafeInteger(modifyRevision) ||
      !areRevisions(createRevision, modifyRevision, revision)
    ) {
      throw new RangeError('revisions must be 1 ≤ create ≤ modify ≤ that of the backup')
    }
    if (compareBytes(room.subarray(0, length), before.subarray(0, beforeLength)) <= 0) {
      throw new RangeError('rows must come in ascending order of the bytes of their keys')
    }
    before.set(room.subarray(0, length))
    beforeLength = length
    view.setUint16(0, length)
    writeUint48(view, 2 + length, createRevision)
    writeUint48(view, 8 + length, modifyRevision)
    view.setUint32(14 + length, value.length)
    return [bytes.subarray(0, 2 + length + ROW_MIDDLE_BYTES), value]
  }
}
