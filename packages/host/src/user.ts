/** Numbers of users by name. */
import { HostError } from './errors.ts'
import { findId } from './name-service.ts'

/**
 * Find the number of a user.
 *
 * @param user - Name, or the number itself as text.
 * @throws HostError ERR_HOST_USER_UNKNOWN
 */
export function resolveUser(user: string): number {
  const uid = findId('passwd', user)
  if (uid !== undefined) return uid
  throw new HostError('ERR_HOST_USER_UNKNOWN', `no user ${JSON.stringify(user)} on this machine`)
}
