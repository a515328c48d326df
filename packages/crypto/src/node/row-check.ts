/**
 * Tags of storage rows: a row that was changed, or moved to another key, is recognised (DESIGN §5).
 *
 * tag = first 16 bytes of HMAC-SHA256(key, n | row key | row), n = length of the row key in UTF-8, 4 bytes big-endian.
 * 128 bits leave a forger no better chance than 2^-128 for each guess that the store is made to read.
 */
import { createHmac, createSecretKey, timingSafeEqual } from 'node:crypto'
import { assertBytes, assertText } from '../assert.ts'
import { KEY_BYTES } from '../backend.ts'

/** Length of a row's tag in bytes. */
export const ROW_TAG_BYTES = 16

/** Makes and checks tags under one key. */
export interface RowCheck {
  /** Tag of a row at a key; a fresh copy of 16 bytes. */
  tag(key: string, row: Uint8Array): Uint8Array
  /** Compare a tag in constant time; a tag of another length is wrong. */
  verify(key: string, row: Uint8Array, tag: Uint8Array): boolean
}

/** Keys up to this many UTF-16 units are encoded without an allocation. */
const SCRATCH_UNITS = 1024
/** Rows up to this many bytes are digested together with their key. */
const SCRATCH_ROW_BYTES = 4096

/**
 * Make a row check.
 *
 * @param key - key of purpose `row-check`, 32 bytes; copied
 */
export function createRowCheck(key: Uint8Array): RowCheck {
  const secret = createSecretKey(assertBytes(key, 'key', KEY_BYTES))
  const scratch = Buffer.alloc(4 + 3 * SCRATCH_UNITS + SCRATCH_ROW_BYTES)
  const digest = (rowKey: string, row: Uint8Array): Buffer => {
    assertText(rowKey, 'key')
    assertBytes(row, 'row')
    const head = rowKey.length <= SCRATCH_UNITS ? scratch : Buffer.alloc(4 + 3 * rowKey.length)
    const length = 4 + head.write(rowKey, 4, 'utf8')
    head.writeUInt32BE(length - 4, 0)
    const hmac = createHmac('sha256', secret)
    // A call into OpenSSL costs more than to copy a small row.
    if (head === scratch && row.length <= SCRATCH_ROW_BYTES) {
      scratch.set(row, length)
      return hmac.update(scratch.subarray(0, length + row.length)).digest()
    }
    return hmac.update(head.subarray(0, length)).update(row).digest()
  }
  return {
    tag(rowKey, row) {
      const tag = new Uint8Array(ROW_TAG_BYTES)
      tag.set(digest(rowKey, row).subarray(0, ROW_TAG_BYTES))
      return tag
    },
    verify(rowKey, row, tag) {
      assertBytes(tag, 'tag')
      const expected = digest(rowKey, row).subarray(0, ROW_TAG_BYTES)
      return tag.length === ROW_TAG_BYTES && timingSafeEqual(expected, tag)
    },
  }
}
