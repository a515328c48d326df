/** Where secrets of setec are in the registry (DESIGN §4): each is one segment below `/setec`. */
import { decodeSegment, encodeSegment, LIMITS, type Path, SecregError } from '@secreg/protocol'

/** Subtree of the secrets; also what policy decides on for the empty name, which no secret has. */
export const SETEC_MOUNT: Path = '/setec'

const PREFIX = '/setec/'

/**
 * Path of a secret.
 *
 * @param name - any well-formed text
 * @throws SecregError `ERR_PATH_INVALID` when it is not well-formed, or too long: of ASCII letters, digits and `-`,
 *   505 fit
 *
 * @example
 * ```ts
 * setecPath('dev/api key?') // '/setec/dev%2Fapi key%3F'
 * setecPath('') // '/setec'
 * ```
 */
export function setecPath(name: string): Path {
  if (name === '') return SETEC_MOUNT
  // A text is never shorter when it is encoded; what is far too long need not be.
  if (name.length > LIMITS.pathBytes - PREFIX.length) throw tooLong()
  const path: Path = `${PREFIX}${encodeSegment(name)}`
  // A segment holds ASCII and whole characters of normalisation form C, so that only the length can be wrong.
  if (byteLength(path) > LIMITS.pathBytes) throw tooLong()
  return path
}

/**
 * Name of the secret at a path.
 *
 * @returns the empty name for `/setec` itself; `undefined` when the path is not what {@link setecPath} makes of any name
 */
export function setecName(path: string): string | undefined {
  if (path === SETEC_MOUNT) return ''
  if (!path.startsWith(PREFIX) || byteLength(path) > LIMITS.pathBytes) return undefined
  const segment = path.slice(PREFIX.length)
  if (segment === '' || segment.includes('/')) return undefined
  try {
    return decodeSegment(segment)
  } catch {
    return undefined
  }
}

const encoder = new TextEncoder()

function byteLength(text: string): number {
  return encoder.encode(text).length
}

function tooLong(): SecregError {
  return new SecregError(
    'PATH_INVALID',
    `a name must fit ${LIMITS.pathBytes - PREFIX.length} bytes when encoded`,
  )
}
