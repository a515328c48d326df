/**
 * The head row: where the store stands after its last commit. Value, integers big-endian:
 *
 * ```
 *  0               16       22        28                   44                        60
 *  | generation    | rows   | row sum | sum of all tags    | sum of guarded tags     |
 * ```
 *
 * Its modify revision is the head. The row sum is the sum of the CRC-32 of all data rows modulo 2^48: with it a scrub
 * sees without a key that rows are missing or stale although everything that is there is sound. The sums of tags
 * (store-check.ts) show the same to whoever has the key, also where somebody has adapted everything that needs none;
 * they are zero in a head that carries no tag.
 */
import { StorageError } from './errors.ts'
import { HEAD_KEY } from './layout.ts'
import type { LevelDatabase, LevelSnapshot } from './level-port.ts'
import { decodeRow, encodeRow, isTagged } from './row-format.ts'
import { type StoreCheck, SUMS_BYTES } from './store-check.ts'

export const ROW_SUM_MODULUS: number = 2 ** 48

const SUMS_AT = 28
const HEAD_BYTES: number = SUMS_AT + SUMS_BYTES

export interface Head {
  readonly revision: number
  /** 32 hex digits. */
  readonly generation: string
  readonly rows: number
  readonly rowSum: number
  /** Both sums of tags as they are stored, 32 bytes. */
  readonly sums: Uint8Array
  /** Whether it carries a tag; then no commit is made without the check. */
  readonly keyed: boolean
}

/** Head of a store without a commit. */
export function newHead(generation: string): Head {
  return {
    revision: 0,
    generation,
    rows: 0,
    rowSum: 0,
    sums: new Uint8Array(SUMS_BYTES),
    keyed: false,
  }
}

export function encodeHead(head: Omit<Head, 'revision' | 'keyed'>): Uint8Array {
  const bytes = Buffer.alloc(HEAD_BYTES)
  bytes.write(head.generation, 0, 16, 'hex')
  bytes.writeUIntBE(head.rows, 16, 6)
  bytes.writeUIntBE(head.rowSum, 22, 6)
  bytes.set(head.sums, SUMS_AT)
  return bytes
}

/** @throws StorageError ERR_STORAGE_CORRUPT */
export function decodeHead(value: Uint8Array, revision: number, keyed: boolean): Head {
  if (value.length !== HEAD_BYTES) {
    throw new StorageError('ERR_STORAGE_CORRUPT', 'the head row: wrong length')
  }
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length)
  return {
    revision,
    generation: bytes.toString('hex', 0, 16),
    rows: bytes.readUIntBE(16, 6),
    rowSum: bytes.readUIntBE(22, 6),
    sums: Uint8Array.from(bytes.subarray(SUMS_AT)),
    keyed,
  }
}

/** The stored row of a head; with a check, it carries the check's tag. */
export function encodeHeadRow(head: Head, check: StoreCheck | undefined): Uint8Array {
  const { revision } = head
  return encodeRow(HEAD_KEY, HEAD_KEY, encodeHead(head), revision, revision, check?.head).bytes
}

/**
 * Verify and open a stored head row. With a check, only that of a store without a commit may be without a tag.
 *
 * @throws StorageError ERR_STORAGE_CORRUPT
 */
export function decodeHeadRow(bytes: Uint8Array, check: StoreCheck | undefined): Head {
  const row = decodeRow(HEAD_KEY, HEAD_KEY, bytes, undefined)
  const head = decodeHead(row.value, row.modifyRevision, isTagged(bytes))
  const isNew = !head.keyed && head.revision === 0 && head.rows === 0
  if (check !== undefined && !isNew) decodeRow(HEAD_KEY, HEAD_KEY, bytes, check.head)
  return head
}

/** @throws StorageError ERR_STORAGE_CORRUPT */
export function readHead(
  db: LevelDatabase,
  check: StoreCheck | undefined,
  snapshot?: LevelSnapshot,
): Head {
  const bytes = snapshot === undefined ? db.getSync(HEAD_KEY) : db.getSync(HEAD_KEY, { snapshot })
  if (bytes === undefined) throw new StorageError('ERR_STORAGE_CORRUPT', 'the head row is missing')
  return decodeHeadRow(bytes, check)
}

/**
 * A store whose head carries a tag is written only under its check: without, the next who sets the check would find it
 * damaged.
 *
 * @throws StorageError ERR_STORAGE_UNAVAILABLE, ERR_STORAGE_CORRUPT
 */
export function assertWritable({ keyed, revision }: Head, check: StoreCheck | undefined): void {
  if (check === undefined && keyed) {
    throw new StorageError(
      'ERR_STORAGE_UNAVAILABLE',
      'the store is written only while its row check is set; nothing was written',
    )
  }
  if (check !== undefined && !keyed && revision > 0) {
    throw new StorageError('ERR_STORAGE_CORRUPT', 'the head row: authentication tag missing')
  }
}
