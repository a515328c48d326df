/** Where secrets of libvirt are in the registry (DESIGN §4): each is one segment below `/libvirt`, its UUID. */
import type { Path } from '@secreg/protocol'
import { isUuid } from '../secret/uuid.ts'

/** Subtree of the secrets. */
export const LIBVIRT_MOUNT: Path = '/libvirt'

const PREFIX = '/libvirt/'

/**
 * Path of a secret.
 *
 * @param uuid - in canonical form
 */
export function secretPath(uuid: string): Path {
  if (!isUuid(uuid)) throw new RangeError('uuid must be a UUID in canonical form')
  return `${PREFIX}${uuid}`
}

/** UUID of the secret at a path; `undefined` where none can be. */
export function uuidOfPath(path: string): string | undefined {
  if (!path.startsWith(PREFIX)) return undefined
  const uuid = path.slice(PREFIX.length)
  return isUuid(uuid) ? uuid : undefined
}
