/** JSON without names given twice, about which readers differ (I-JSON, RFC 7493 section 2.3). */

/** Of a text that is JSON: its strings, and what begins and ends objects, arrays and members. */
const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g

/**
 * Parse JSON and refuse an object with a name given twice.
 *
 * @throws SyntaxError without anything of the text
 */
export function parseStrictJson(text: string): unknown {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new SyntaxError('not JSON')
  }
  if (hasNamesTwice(text)) throw new SyntaxError('a name is given twice')
  return value
}

function hasNamesTwice(text: string): boolean {
  // The names of each open object; an open array has none.
  const open: (Set<string> | undefined)[] = []
  let before = ''
  for (const [token] of text.matchAll(TOKENS)) {
    const names = open.at(-1)
    if (token === '{') open.push(new Set())
    else if (token === '[') open.push(undefined)
    else if (token === '}' || token === ']') open.pop()
    else if (names !== undefined && token.startsWith('"') && before !== ':') {
      const name = JSON.parse(token) as string
      if (names.has(name)) return true
      names.add(name)
    }
    before = token
  }
  return false
}
