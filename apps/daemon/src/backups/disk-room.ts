/** Room that files of ours leave to everything else on their disk. */
import { statfs } from 'node:fs/promises'
import { SecregError } from '@secreg/protocol'

/** What stays free: so much, or this share of a small file system, bytes. */
const RESERVE_BYTES = 64 * 1024 * 1024
const RESERVE_SHARE = 0.05

/**
 * Require that so many bytes more leave a reserve free.
 *
 * @param directory - on the file system that is meant
 * @throws SecregError `ERR_STORAGE_FULL`; errors of the file system
 */
export async function requireRoom(directory: string, bytes: number): Promise<void> {
  const { bavail, blocks, bsize } = await statfs(directory)
  const reserve = Math.min(RESERVE_BYTES, RESERVE_SHARE * blocks * bsize)
  if (bavail * bsize - bytes >= reserve) return
  throw new SecregError('STORAGE_FULL', `no space left in ${directory}`)
}

/** The same for a failed write of the file system; other errors pass unchanged. */
export function diskFailure(directory: string, cause: unknown): unknown {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return cause
  return new SecregError('STORAGE_FULL', `no space left in ${directory}`, { cause })
}
