/** Numbers of groups by name. */
import { HostError } from './errors.ts'
import { findId } from './name-service.ts'

/**
 * Find the number of a group.
 *
 * @param group - Name, or the number itself as text.
 * @throws HostError ERR_HOST_GROUP_UNKNOWN
 */
export function resolveGroup(group: string): number {
  const gid = findId('group', group)
  if (gid !== undefined) return gid
  throw new HostError('ERR_HOST_GROUP_UNKNOWN', `no group ${JSON.stringify(group)} on this machine`)
}
