import { resolve } from 'node:path'
import { assertRevision } from './batch.ts'
import { type Crc32c, createCrc32c } from './crc32c.ts'
import { type LevelOpener, openLevel } from './level-port.ts'

export interface LevelEngineOptions {
  /**
   * Highest revision that is known to have been committed (the audit cursor's); a store that ends
   * before it is refused with ERR_STORAGE_ROLLED_BACK. Default 0.
   */
  readonly expectHeadAtLeast?: number
  /** Memory for rows and LevelDB's blocks together, in bytes; default 64 MiB. */
  readonly cacheBytes?: number
  /** LevelDB's write buffer in bytes; default 4 MiB. */
  readonly writeBufferBytes?: number
  /** After a failed write, at most one attempt to reopen per this many milliseconds; default 1000. */
  readonly reopenIntervalMs?: number
  /** Milliseconds of a monotonic clock; default `performance.now`. */
  readonly now?: () => number
  /** For tests: puts faults between the engine and LevelDB. */
  readonly openDatabase?: LevelOpener
}

export const LEVEL_ENGINE_DEFAULTS: {
  readonly expectHeadAtLeast: number
  readonly cacheBytes: number
  readonly writeBufferBytes: number
  readonly reopenIntervalMs: number
} = Object.freeze({
  expectHeadAtLeast: 0,
  cacheBytes: 64 * 1024 * 1024,
  writeBufferBytes: 4 * 1024 * 1024,
  reopenIntervalMs: 1000,
})

/** Tables are memory-mapped and bypass LevelDB's block cache, so rows get nearly all. */
const BLOCK_CACHE_SHARE = 1 / 16

/** Options with their defaults, resolved. */
export interface LevelSettings {
  readonly directory: string
  readonly expectHeadAtLeast: number
  readonly blockCacheBytes: number
  readonly rowCacheBytes: number
  readonly writeBufferBytes: number
  readonly reopenIntervalMs: number
  readonly now: () => number
  readonly openDatabase: LevelOpener
  readonly crc: Crc32c
}

export async function resolveSettings(
  directory: string,
  options: LevelEngineOptions,
): Promise<LevelSettings> {
  if (typeof directory !== 'string' || directory === '') {
    throw new TypeError('directory: expected a non-empty string')
  }
  const given = { ...LEVEL_ENGINE_DEFAULTS, ...options }
  assertRevision(given.expectHeadAtLeast, 'expectHeadAtLeast')
  for (const name of ['cacheBytes', 'writeBufferBytes', 'reopenIntervalMs'] as const) {
    if (!Number.isSafeInteger(given[name]) || given[name] < 0) {
      throw new RangeError(`${name}: expected a non-negative integer`)
    }
  }
  const blockCacheBytes = Math.ceil(given.cacheBytes * BLOCK_CACHE_SHARE)
  return {
    directory: resolve(directory),
    expectHeadAtLeast: given.expectHeadAtLeast,
    blockCacheBytes,
    rowCacheBytes: given.cacheBytes - blockCacheBytes,
    writeBufferBytes: given.writeBufferBytes,
    reopenIntervalMs: given.reopenIntervalMs,
    now: given.now ?? (() => performance.now()),
    openDatabase: given.openDatabase ?? openLevel,
    crc: await createCrc32c(),
  }
}
