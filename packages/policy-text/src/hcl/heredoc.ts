/** Here-documents: `<<NAME` or `<<-NAME`, lines, and a line with nothing but the name. */

import { ExternalTokenizer } from '@lezer/lr'
import { Heredoc } from './hcl-parser.terms.ts'

const LF = 10
const MINUS = 45
const OPEN = 60

/** Finds the end of a here-document. Without its last line there is none. */
export const heredoc: ExternalTokenizer = new ExternalTokenizer((input) => {
  if (input.peek(0) !== OPEN || input.peek(1) !== OPEN) return
  input.advance(input.peek(2) === MINUS ? 3 : 2)
  const name = readLine()
  if (!/^[A-Za-z_]\w*\r?$/.test(name)) return
  while (input.peek(0) !== -1) {
    input.advance()
    if (readLine().trim() === name.trim()) {
      input.acceptToken(Heredoc)
      return
    }
  }

  /** Up to the next line end. */
  function readLine(): string {
    let line = ''
    while (input.peek(0) !== LF && input.peek(0) !== -1) {
      line += String.fromCharCode(input.peek(0))
      input.advance()
    }
    return line
  }
})

/**
 * What a here-document says: its lines, each with its end. Behind `<<-`, blanks as many as stand before the name at the
 * end are taken off every line, if every line has them.
 *
 * @param text from `<<` to the name at the end
 */
export function heredocText(text: string): string {
  const lines = text.split('\n').map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line))
  const body = lines.slice(1, -1)
  const indent = /^[ \t]*/.exec(lines.at(-1) ?? '')?.[0] ?? ''
  const indented = text.startsWith('<<-') && body.every((line) => line.startsWith(indent))
  return body.map((line) => `${indented ? line.slice(indent.length) : line}\n`).join('')
}
