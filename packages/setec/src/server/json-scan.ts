/**
 * Scan of the first JSON value of a text (RFC 8259) for its members as they are written: a parsed value no longer shows
 * duplicates, nor whether a number was an integer. It builds nothing of what is not asked for, so that a request costs
 * what its length is, however wide, deep or repetitive it is.
 */

/** Deepest nesting, the outermost object included. */
const MAX_DEPTH = 64

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a
const MINUS = 0x2d
const PLUS = 0x2b
const DOT = 0x2e
const ZERO = 0x30
const OPEN_BRACKET = 0x5b
const CLOSE_BRACKET = 0x5d
const OPEN_BRACE = 0x7b
const CLOSE_BRACE = 0x7d

/** The text is not what it should be. It quotes nothing of it. */
export class JsonSyntaxError extends Error {
  override name = 'JsonSyntaxError'
}

/**
 * Read the object that a text begins with; whatever follows it is not looked at.
 *
 * @param onMember - called for each member in order, with its name decoded and its value as written
 * @returns `false` for `null`, which has no members
 * @throws JsonSyntaxError when it begins with anything else, or is nested deeper than 64
 */
export function scanMembers(
  text: string,
  onMember: (name: string, value: string) => void,
): boolean {
  const scan = new Scan(text)
  scan.space()
  if (text.startsWith('null', scan.at)) return false
  scan.expect(OPEN_BRACE)
  scan.members(1, onMember)
  return true
}

/**
 * Text of a string as written, quotes included and known to be well-formed; lone surrogates become U+FFFD.
 */
export function textOf(written: string): string {
  if (!written.includes('\\')) return written.slice(1, -1)
  return (JSON.parse(written) as string).replace(/\p{Surrogate}/gu, '\ufffd')
}

class Scan {
  readonly #text: string
  at = 0

  constructor(text: string) {
    this.#text = text
  }

  space(): void {
    for (;;) {
      const code = this.#code()
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return
      this.at++
    }
  }

  expect(code: number): void {
    if (this.#code() !== code) throw fault()
    this.at++
  }

  /** Behind the opening brace, to behind the closing one. */
  members(depth: number, onMember?: (name: string, value: string) => void): void {
    this.space()
    if (this.#skip(CLOSE_BRACE)) return
    do {
      this.space()
      const nameAt = this.at
      this.#string()
      const nameEnd = this.at
      this.space()
      this.expect(COLON)
      this.space()
      const valueAt = this.at
      this.#value(depth)
      if (onMember !== undefined) {
        const name = textOf(this.#text.slice(nameAt, nameEnd))
        onMember(name, this.#text.slice(valueAt, this.at))
      }
      this.space()
    } while (this.#skip(COMMA))
    this.expect(CLOSE_BRACE)
  }

  #elements(depth: number): void {
    this.space()
    if (this.#skip(CLOSE_BRACKET)) return
    do {
      this.space()
      this.#value(depth)
      this.space()
    } while (this.#skip(COMMA))
    this.expect(CLOSE_BRACKET)
  }

  #value(depth: number): void {
    switch (this.#code()) {
      case QUOTE:
        this.#string()
        return
      case OPEN_BRACE:
        if (depth === MAX_DEPTH) throw fault()
        this.at++
        this.members(depth + 1)
        return
      case OPEN_BRACKET:
        if (depth === MAX_DEPTH) throw fault()
        this.at++
        this.#elements(depth + 1)
        return
      case 0x74:
        this.#word('true')
        return
      case 0x66:
        this.#word('false')
        return
      case 0x6e:
        this.#word('null')
        return
      default:
        this.#number()
    }
  }

  #string(): void {
    this.expect(QUOTE)
    for (;;) {
      const code = this.#code()
      if (Number.isNaN(code) || code < 0x20) throw fault()
      this.at++
      if (code === QUOTE) return
      if (code === BACKSLASH) this.#escape()
    }
  }

  #escape(): void {
    const letter = this.#text[this.at++] ?? ''
    if (letter === 'u') {
      if (!/^[0-9A-Fa-f]{4}$/.test(this.#text.slice(this.at, this.at + 4))) throw fault()
      this.at += 4
    } else if (letter === '' || !'"\\/bfnrt'.includes(letter)) throw fault()
  }

  #number(): void {
    this.#skip(MINUS)
    if (!this.#skip(ZERO)) this.#digits()
    if (this.#skip(DOT)) this.#digits()
    const code = this.#code()
    if (code === 0x65 || code === 0x45) {
      this.at++
      if (!this.#skip(PLUS)) this.#skip(MINUS)
      this.#digits()
    }
  }

  /** At least one. */
  #digits(): void {
    const from = this.at
    for (let code = this.#code(); code >= ZERO && code <= 0x39; code = this.#code()) this.at++
    if (this.at === from) throw fault()
  }

  #word(word: string): void {
    if (!this.#text.startsWith(word, this.at)) throw fault()
    this.at += word.length
  }

  #skip(code: number): boolean {
    if (this.#code() !== code) return false
    this.at++
    return true
  }

  /** NaN behind the end. */
  #code(): number {
    return this.#text.charCodeAt(this.at)
  }
}

function fault(): JsonSyntaxError {
  return new JsonSyntaxError('not a JSON object, or nested too deep')
}
