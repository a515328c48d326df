/** How deep brackets stand within each other, for parsers that recurse. */

import { TextFault } from './errors.ts'
import { MAX_POLICY_TEXT_DEPTH } from './source-node.ts'

/**
 * @param tokens global; finds the brackets, and as a whole whatever may hold some that do not count
 * @param around levels around the text
 * @throws TextFault at the first bracket that is too deep
 */
export function assertShallow(text: string, tokens: RegExp, around: number): void {
  let depth = around
  for (const { 0: token, index } of text.matchAll(tokens)) {
    if (token === '[' || token === '{') depth++
    else if (token === ']' || token === '}') depth--
    if (depth > MAX_POLICY_TEXT_DEPTH) {
      const reason = `nested deeper than ${MAX_POLICY_TEXT_DEPTH}`
      throw new TextFault('ERR_POLICY_TEXT_LIMIT', reason, index)
    }
  }
}
