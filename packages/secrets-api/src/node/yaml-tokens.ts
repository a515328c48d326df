/**
 * What must be known of a text of YAML before a parser sees it. A parser resolves anchors, aliases and tags; and it
 * recurses: where a stack is nearly used up, V8 cannot compile a regular expression, and ends the process.
 */
import { CST, Lexer } from 'yaml'

/** Maps and lists within each other, the outermost included; a path of 32 segments, and a value below. */
export const YAML_DEPTH = 64

/** Of tokens that no text may have. */
const FORBIDDEN = new Set(['tag', 'anchor', 'alias', 'directive-line', 'byte-order-mark'])
/** What the lexer puts between its tokens: a document starts, a scalar follows, a bracket is not closed. */
const DOCUMENT = '\x02'
const SCALAR = '\x1f'
const FLOW_END = '\x18'

/** What is wrong with a text, and where it is. */
export interface TokenFault {
  readonly kind: 'forbidden' | 'too-deep'
  readonly offset: number
}

/**
 * Look at the tokens of a text.
 *
 * @param text - without control characters but line ends and tabs, which the lexer would take for its own
 * @returns the first fault; of a text without one, nothing is nested deeper than three times {@link YAML_DEPTH}
 */
export function tokenFault(text: string): TokenFault | undefined {
  let offset = 0
  let lineStart = 0
  let brackets = 0
  let isScalar = false
  /** Columns where something open may have started, ascending: two block collections can share one, no more. */
  const columns: number[] = []
  for (const lexeme of new Lexer().lex(text)) {
    if (lexeme === SCALAR || lexeme === DOCUMENT || lexeme === FLOW_END) {
      isScalar = lexeme === SCALAR
      if (lexeme === FLOW_END) brackets = 0
      continue
    }
    const type = isScalar ? 'scalar' : CST.tokenType(lexeme)
    if (FORBIDDEN.has(type ?? '')) return { kind: 'forbidden', offset }
    if (type === 'flow-map-start' || type === 'flow-seq-start') brackets++
    else if (type === 'flow-map-end' || type === 'flow-seq-end')
      brackets = Math.max(0, brackets - 1)
    // The parser makes a list of it, which it does not end with the brackets.
    else if (brackets > 0 && type === 'seq-item-ind') return { kind: 'too-deep', offset }
    if (brackets === 0 && type !== 'space' && type !== 'newline' && type !== 'comment') {
      const column = offset - lineStart
      while ((columns.at(-1) ?? -1) >= column) columns.pop()
      columns.push(column)
    }
    if (brackets > YAML_DEPTH || columns.length > YAML_DEPTH) return { kind: 'too-deep', offset }
    const lastBreak = lexeme.lastIndexOf('\n')
    if (lastBreak >= 0) lineStart = offset + lastBreak + 1
    offset += lexeme.length
    isScalar = false
  }
  return undefined
}
