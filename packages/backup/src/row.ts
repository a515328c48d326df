/** Rows of a store as a backup holds them, and their bounds. */

/** One row. The same shape as a row of `@secreg/storage`. */
export interface BackupRow {
  /** Well-formed text of 1 to 1024 bytes in UTF-8. */
  readonly key: string
  /** At most 16 MiB. */
  readonly value: Uint8Array
  /** Revision of the commit that made the key exist; 1 or more. */
  readonly createRevision: number
  /** Revision of the commit that last wrote the key; at most that of the backup. */
  readonly modifyRevision: number
}

/** What the writer says about a backup besides its rows: a JSON object, at most 1 MiB as text. */
export type BackupMeta = Readonly<Record<string, unknown>>

/** Longest key in bytes. */
export const KEY_MAX_BYTES = 1024
/** Longest value in bytes. */
export const VALUE_MAX_BYTES: number = 16 * 1024 * 1024
/** Longest meta document in bytes. */
export const META_MAX_BYTES: number = 1024 * 1024
/** Highest revision: six bytes. */
export const REVISION_MAX: number = 2 ** 48 - 1

/** Bytes between the key and the value of a row. */
export const ROW_MIDDLE_BYTES = 16
/** Bytes of the end record after its zero. */
export const END_COUNT_BYTES = 6

/** Whether a row was written in this order and not after the backup. */
export function areRevisions(create: number, modify: number, revision: number): boolean {
  return create >= 1 && create <= modify && modify <= revision
}

/** Order of two byte arrays, as `Array.prototype.sort` takes it. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) {
    const difference = (a[i] as number) - (b[i] as number)
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

/** Write an unsigned integer of six bytes, big-endian. */
export function writeUint48(view: DataView, at: number, value: number): void {
  view.setUint16(at, Math.floor(value / 2 ** 32))
  view.setUint32(at + 2, value % 2 ** 32)
}

/** Read an unsigned integer of six bytes, big-endian. */
export function readUint48(view: DataView, at: number): number {
  return view.getUint16(at) * 2 ** 32 + view.getUint32(at + 2)
}
