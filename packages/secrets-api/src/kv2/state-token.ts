/**
 * What stands for the state of a secret: the number of the current version, when that was made, and whether it can be
 * read. The number alone is what a server compares, but it stays when the version is deleted or brought back, and begins
 * again when everything was destroyed.
 */
import type { Kv2ReadResult } from '@secreg/kv2'
import type { StateToken } from '../provider/provider.ts'

/** Of a secret that was never written to in this life, and of none. */
export const NEVER_WRITTEN: StateToken = '0'

export function stateToken(current: Kv2ReadResult): StateToken {
  if (current.state === 'absent') return NEVER_WRITTEN
  const { version, createdTime } = current.metadata
  return `${version} ${createdTime} ${current.state}`
}
