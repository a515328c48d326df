/** JSON text, laid out one member a line; names, texts and numbers stay as they are written. */

/** Nesting that is laid out: the blanks in front of deeper lines would outgrow the text. */
const MAX_DEPTH = 32

/**
 * Lay out JSON text.
 *
 * @returns `undefined` when it is not JSON, or nested deeper than 32 levels
 */
export function indentJson(text: string): string | undefined {
  try {
    JSON.parse(text)
  } catch {
    return undefined
  }
  const parts: string[] = []
  let depth = 0
  const line = (): string => `\n${'  '.repeat(depth)}`
  // Texts, punctuation, and everything else up to it; blanks between them are left out.
  for (const [token] of text.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}:,]|[^\s"[\]{}:,]+/gs)) {
    if (token === '[' || token === '{') {
      if (++depth > MAX_DEPTH) return undefined
      parts.push(token, line())
    } else if (token === ']' || token === '}') {
      depth--
      // Nothing stands between the brackets of an empty one.
      const empty = parts.at(-2) === (token === ']' ? '[' : '{') && parts.at(-1)?.[0] === '\n'
      if (empty) parts.pop()
      else parts.push(line())
      parts.push(token)
    } else if (token === ',') parts.push(token, line())
    else if (token === ':') parts.push(': ')
    else parts.push(token)
  }
  return parts.join('')
}
