/** Lines and columns of offsets. */

/** A place in a text, both from 1; the column counts UTF-16 units. */
export interface TextPosition {
  readonly line: number
  readonly column: number
}

/**
 * Count to an offset. Lines end with LF, also behind CR.
 *
 * @param offset in UTF-16 units; beyond the end of the text it is its end
 */
export function positionAt(text: string, offset: number): TextPosition {
  const end = Math.min(offset, text.length)
  let line = 1
  let lineStart = 0
  for (let at = text.indexOf('\n'); at !== -1 && at < end; at = text.indexOf('\n', lineStart)) {
    line++
    lineStart = at + 1
  }
  return { line, column: end - lineStart + 1 }
}

/** Offset of a line and column, at most the end of the text. */
export function offsetAt(text: string, { line, column }: TextPosition): number {
  let lineStart = 0
  for (let at = 1; at < line; at++) {
    const end = text.indexOf('\n', lineStart)
    if (end === -1) break
    lineStart = end + 1
  }
  return Math.min(lineStart + column - 1, text.length)
}
