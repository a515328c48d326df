/** Which texts are paths. */

import { parsePathPattern } from '../pattern.ts'

/**
 * Tell whether a text is a canonical path (DESIGN §4). Whoever asks acts on the answer himself, and the same place must
 * not have a second spelling for which other rules speak.
 */
export function isCanonicalPath(text: string): boolean {
  return !text.includes('*') && typeof parsePathPattern(text) !== 'string'
}
