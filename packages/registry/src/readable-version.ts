/** Whether one version can be read, and the reason that each hindrance has. */
import { SecregError } from '@secreg/protocol'
import { stateOfVersion, type Version } from './version.ts'

/**
 * @param version - `undefined` when the number has no row
 * @throws SecregError `ERR_VERSION_NOT_FOUND`, `ERR_VERSION_DELETED`, `ERR_VERSION_DESTROYED`
 */
export function requireReadable(
  number: number,
  version: Version | undefined,
  nowMs: number,
): Version {
  if (version === undefined) throw versionNotFound(number)
  switch (stateOfVersion(version, nowMs)) {
    case 'kept':
      return version
    case 'deleted':
      throw new SecregError(
        'VERSION_DELETED',
        `version ${number} was deleted; undelete brings it back`,
      )
    case 'expired':
      throw new SecregError('VERSION_DELETED', `version ${number} has expired`)
    case 'destroyed':
      throw versionDestroyed(number)
  }
}

export function versionNotFound(number: number): SecregError {
  return new SecregError('VERSION_NOT_FOUND', `there is no version ${number}`)
}

export function versionDestroyed(number: number): SecregError {
  return new SecregError('VERSION_DESTROYED', `version ${number} was destroyed for ever`)
}
