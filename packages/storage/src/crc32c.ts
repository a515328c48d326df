import { createCRC32 } from 'hash-wasm'

/** CRC-32C (Castagnoli, reflected), as used in LevelDB's files. */
export type Crc32c = (bytes: Uint8Array) => number

const CASTAGNOLI = 0x82f63b78

export async function createCrc32c(): Promise<Crc32c> {
  const hasher = await createCRC32(CASTAGNOLI)
  return (bytes) => {
    hasher.init()
    hasher.update(bytes)
    const digest = hasher.digest('binary')
    return new DataView(digest.buffer, digest.byteOffset).getUint32(0)
  }
}

/** LevelDB stores checksums rotated and shifted (leveldb util/crc32c.h, `Mask`). */
export function maskCrc32c(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}
