/**
 * JSON texts read strictly (RFC 8259, and RFC 7493 section 2.3: no name twice). A parsed value no longer shows that a
 * name was given twice, so the text is looked at as well, before a parser meets its depth.
 */

/** A byte order mark stays, and is then no JSON. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Why a text is refused: it is not JSON in UTF-8 or is nested too deep, or one of its objects has a name twice. */
export type StrictJsonFault = 'malformed' | 'repeated-name'

/** What {@link readStrictJson} makes of a text. */
export type StrictJson =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly fault: StrictJsonFault }

/**
 * Read one JSON value, white space around it included.
 *
 * @param input - text, or its bytes in UTF-8; not kept
 * @param maxDepth - of objects and arrays within each other, the outermost included; at least 1
 * @returns the value as `JSON.parse` makes it, where `__proto__` is a member like any other; or the fault, which is
 *   `malformed` for a text that has both. Never what a parser says, which quotes the text
 * @throws TypeError, RangeError for arguments of another kind
 *
 * @example
 * ```ts
 * readStrictJson('{"a":1,"\\u0061":2}', 32) // { ok: false, fault: 'repeated-name' }
 * ```
 */
export function readStrictJson(input: string | Uint8Array, maxDepth: number): StrictJson {
  if (typeof input !== 'string' && !(input instanceof Uint8Array)) {
    throw new TypeError(`input: expected text or bytes, got ${typeof input}`)
  }
  if (!Number.isSafeInteger(maxDepth) || maxDepth < 1) {
    throw new RangeError(`maxDepth: expected a whole number of at least 1, got ${maxDepth}`)
  }
  try {
    const text = typeof input === 'string' ? input : decoder.decode(input)
    const repeats = scan(text, maxDepth)
    const value: unknown = JSON.parse(text)
    return repeats ? { ok: false, fault: 'repeated-name' } : { ok: true, value }
  } catch {
    return { ok: false, fault: 'malformed' }
  }
}

/**
 * Whether an object of a text has a name twice. Of a text that is not JSON, the answer means nothing.
 *
 * @throws RangeError when it is nested too deep, before a parser meets it; SyntaxError for a name that is not well-formed
 */
function scan(text: string, maxDepth: number): boolean {
  /** Names of each object that is open, undefined for an array. */
  const open: (Set<string> | undefined)[] = []
  let repeats = false
  let isName = false
  for (let at = 0; at < text.length; at++) {
    switch (text[at]) {
      case '"': {
        const end = endOfString(text, at)
        if (isName) {
          const names = open.at(-1)
          const name = JSON.parse(text.slice(at, end + 1)) as string
          if (names?.has(name) === true) repeats = true
          names?.add(name)
        }
        isName = false
        at = end
        break
      }
      case '{':
        open.push(new Set())
        isName = true
        break
      case '[':
        open.push(undefined)
        isName = false
        break
      case '}':
      case ']':
        open.pop()
        isName = false
        break
      case ',':
        isName = open.at(-1) !== undefined
    }
    if (open.length > maxDepth) throw new RangeError('nested too deep')
  }
  return repeats
}

/** Place of the closing quote; the end of the text where there is none. */
function endOfString(text: string, opening: number): number {
  for (let at = opening + 1; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '"') return at
  }
  return text.length
}
