/** Where the file of a restore waits until it has been handed over whole. */
import { SecregError } from '@secreg/protocol'

/** A private place for one file, which only its maker reads. */
export interface Spool {
  /** Bytes that are there. */
  readonly bytes: number
  /** @throws SecregError `ERR_STORAGE_FULL`, `ERR_LIMIT_EXCEEDED` */
  append(bytes: Uint8Array): Promise<void>
  /** The file from its beginning; as often as asked. */
  read(): AsyncIterable<Uint8Array>
  /** Leave nothing behind; idempotent. */
  remove(): Promise<void>
}

/**
 * Make a place.
 *
 * @param size - bytes of the whole file, where they are known
 * @throws SecregError `ERR_STORAGE_FULL`, `ERR_LIMIT_EXCEEDED`
 */
export type OpenSpool = (size?: number) => Promise<Spool>

/** Largest file in memory, bytes. */
export const MEMORY_SPOOL_BYTES: number = 64 * 1024 * 1024

/** A place in memory, for registries that were given no other. */
export async function openMemorySpool(size = 0): Promise<Spool> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  const requireRoom = (whole: number): void => {
    if (whole <= MEMORY_SPOOL_BYTES) return
    throw new SecregError('LIMIT_EXCEEDED', 'the backup is too large to be kept in memory')
  }
  requireRoom(size)
  return {
    get bytes() {
      return bytes
    },
    append: async (piece) => {
      requireRoom(bytes + piece.length)
      pieces.push(Uint8Array.from(piece))
      bytes += piece.length
    },
    read: async function* () {
      yield* pieces
    },
    remove: async () => {
      pieces.length = 0
      bytes = 0
    },
  }
}
