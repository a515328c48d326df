/** Paths of entries below a mount as paths of the KV v2 API. */

import { decodeName } from '../name.ts'
import type { VaultOperation, VaultWord } from './words.ts'

/** A path of the API. */
export interface ApiPath {
  readonly text: string
  /** Every segment is the one spelling of a name of KV v2. */
  readonly canonical: boolean
}

/**
 * The path of the API for a word, or `undefined` if the word has none there.
 *
 * @param rest below the mount; `''` for the mount itself, which only a listing and `config` are about
 */
export function apiPathOf(
  apiMount: string,
  word: VaultWord,
  rest: string,
  operation: VaultOperation | undefined,
): ApiPath | undefined {
  if (word === 'config') {
    return rest === '' ? { text: `${apiMount}/config`, canonical: true } : undefined
  }
  const listing = operation === 'list' || operation === 'scan'
  if (rest === '') {
    return listing ? { text: `${apiMount}/${word}/`, canonical: true } : undefined
  }
  const { names, canonical } = namesOf(rest)
  return { text: `${apiMount}/${word}/${names}${listing ? '/' : ''}`, canonical }
}

/** What the paths of everything below `rest` begin with. */
export function headOf(apiMount: string, word: VaultWord, rest: string): string {
  return rest === '' ? `${apiMount}/${word}/` : `${apiMount}/${word}/${namesOf(rest).names}/`
}

/** A segment that is no name stands for itself. */
function namesOf(rest: string): { readonly names: string; readonly canonical: boolean } {
  let canonical = true
  const names = rest.split('/').map((segment) => {
    const name = decodeName(segment)
    if (name === undefined || name.includes('/') || name === '.' || name === '..') {
      canonical = false
      return segment
    }
    return name
  })
  return { names: names.join('/'), canonical }
}
