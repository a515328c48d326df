/** What a watch is about: one entry, or what is below a prefix. */
import { parsePath, parsePrefix, type RequestOf, SecregError } from '@secreg/protocol'

export interface WatchScope {
  readonly kind: 'entry' | 'children' | 'subtree'
  /** Canonical; the root is the empty string. */
  readonly path: string
}

/** @throws SecregError `ERR_INVALID_ARGUMENT`, `ERR_PATH_INVALID` */
export function parseScope(request: RequestOf<'watch'>): WatchScope {
  const { key, prefix, recursive } = request
  if ((key === undefined) === (prefix === undefined)) {
    throw new SecregError('INVALID_ARGUMENT', 'watch one key or one prefix')
  }
  if (prefix === undefined) {
    if (recursive !== undefined) {
      throw new SecregError('INVALID_ARGUMENT', 'recursive goes with a prefix')
    }
    return { kind: 'entry', path: parsePath(key as string) }
  }
  return { kind: recursive === false ? 'children' : 'subtree', path: parsePrefix(prefix) }
}

export function isInScope({ kind, path }: WatchScope, key: string): boolean {
  if (kind === 'entry') return key === path
  const { length } = path
  if (key.length <= length || key.charCodeAt(length) !== 0x2f || !key.startsWith(path)) return false
  return kind === 'subtree' || key.indexOf('/', length + 1) === -1
}
