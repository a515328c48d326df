/** Mounts of foreign documents: the subtree that a foreign rule set speaks about. */

import { parsePathPattern } from '../pattern.ts'
import { quote, type Reader } from '../reader.ts'

/** Read a mount: `/` or a canonical path. @throws PolicyError `ERR_POLICY_PATTERN` */
export function readMount(at: Reader): string {
  const text = at.text('ERR_POLICY_PATTERN')
  if (!isLiteralPath(text)) {
    throw at.error('ERR_POLICY_PATTERN', `${quote(text)} is not a path without "*"`)
  }
  return text
}

/** Tell whether a text is a pattern of nothing but literal segments. */
export function isLiteralPath(text: string): boolean {
  const pattern = parsePathPattern(text)
  return (
    typeof pattern !== 'string' &&
    !pattern.rest &&
    pattern.segments.every(({ kind }) => kind === 'literal')
  )
}

/** Where a resource is below a mount: `''` for the mount itself, `'a/b'` below it, `undefined` elsewhere. */
export function below(mount: string, resource: string): string | undefined {
  if (resource === mount) return ''
  if (mount === '/') return resource.slice(1)
  if (!resource.startsWith(mount) || resource.charCodeAt(mount.length) !== 0x2f) return undefined
  return resource.slice(mount.length + 1)
}

/** Tell whether something below `prefix` can be at or below `mount`. */
export function meets(mount: string, prefix: string): boolean {
  return below(mount, prefix) !== undefined || below(prefix, mount) !== undefined
}
