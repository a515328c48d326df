/** Paths of entries below a mount as paths of the KV v2 API. */

import { decodeName } from '../name.ts'
import type { VaultOperation, VaultWord } from './words.ts'

/** A path below a mount, as names. */
export interface NamedPath {
  /** Joined by `/`; `''` for the mount itself. */
  readonly names: string
  /** Every segment is the one spelling of a name of KV v2. */
  readonly canonical: boolean
}

/** Decode what is below a mount, segment by segment. One that is no name stands for itself. */
export function namedPath(rest: string): NamedPath {
  let canonical = true
  const names = rest.split('/').map((segment) => {
    const name = decodeName(segment)
    if (name === undefined || name.includes('/') || name === '.' || name === '..') {
      canonical = false
      return segment
    }
    return name
  })
  return { names: names.join('/'), canonical: canonical || rest === '' }
}

/** The path of the API for a word, or `undefined` if the word has none there. */
export function apiPathOf(
  apiMount: string,
  word: VaultWord,
  { names }: NamedPath,
  operation: VaultOperation | undefined,
): string | undefined {
  // Only config and a listing are about the mount itself.
  if (word === 'config') return names === '' ? `${apiMount}/config` : undefined
  const listing = operation === 'list' || operation === 'scan'
  if (names === '') return listing ? `${apiMount}/${word}/` : undefined
  return `${apiMount}/${word}/${names}${listing ? '/' : ''}`
}

/** What the paths of everything below begin with. */
export function headOf(apiMount: string, word: VaultWord, { names }: NamedPath): string {
  return names === '' ? `${apiMount}/${word}/` : `${apiMount}/${word}/${names}/`
}
