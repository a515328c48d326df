/** References to entries under the registry's key: the same path has the same one, and nobody can tell which it is. */
import type { KeyState } from '../key-state.ts'

/** Texts of the form `hmac-sha256:` and 43 characters of base64url. Each throws `ERR_SEALED` once it is sealed. */
export interface References {
  /** Of a path. */
  pathRef(path: string): string
  /** Of a path and, where one is meant, a version of it. */
  resourceRef(path: string, version?: number): string
}

export function referencesOf(keys: Pick<KeyState, 'reference'>): References {
  return {
    pathRef: (path) => keys.reference('path', path),
    // No path has a NUL.
    resourceRef: (path, version) =>
      keys.reference('resource', version === undefined ? path : `${path}\0${version}`),
  }
}
