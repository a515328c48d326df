/**
 * Where each key of a TOML document stands. smol-toml reports positions of syntax errors only, and a wrong value or an
 * unknown key needs its line too. The document must have passed the parser: this scan finds keys, it checks nothing.
 */
import { parse } from 'smol-toml'

/** A place in a text, both from 1; the column counts UTF-16 units. */
export interface TextPosition {
  readonly line: number
  readonly column: number
}

/** Places of keys and tables of one document. */
export interface TomlPositions {
  /** Place where a key or table is first named; the segments are the names from the root, without quotes. */
  of(segments: readonly string[]): TextPosition | undefined
}

const BARE = /[A-Za-z0-9_-]/
const BARE_KEY = /^[A-Za-z0-9_-]+$/

/**
 * Write a key as a TOML document would name it.
 *
 * @param segments - Names from the root.
 */
export function formatTomlKey(segments: readonly string[]): string {
  return segments.map((name) => (BARE_KEY.test(name) ? name : JSON.stringify(name))).join('.')
}

/**
 * Find where the keys and tables of a valid TOML document stand.
 *
 * @param text - A document that `parse` of smol-toml accepts.
 */
export function locateTomlKeys(text: string): TomlPositions {
  const found = new Scan(text).run()
  return { of: (segments) => found.get(JSON.stringify(segments)) }
}

class Scan {
  readonly #text: string
  readonly #found = new Map<string, TextPosition>()
  #at = 0
  #line = 1
  #lineStart = 0

  constructor(text: string) {
    this.#text = text
  }

  run(): ReadonlyMap<string, TextPosition> {
    let table: readonly string[] = []
    for (this.#skipVoid(); this.#at < this.#text.length; this.#skipVoid()) {
      if (this.#peek() === '[') {
        const brackets = this.#text[this.#at + 1] === '[' ? 2 : 1
        this.#advance(brackets)
        table = this.#key([])
        this.#advance(brackets)
      } else {
        this.#pair(table)
      }
    }
    return this.#found
  }

  #pair(table: readonly string[]): void {
    const path = this.#key(table)
    this.#advance(1) // =
    this.#skipBlanks()
    this.#value(path)
  }

  /** Read a dotted key, note where each of its names first stands, and stop behind the blanks that follow. */
  #key(table: readonly string[]): readonly string[] {
    const path = [...table]
    for (;;) {
      this.#skipBlanks()
      const position = { line: this.#line, column: this.#at - this.#lineStart + 1 }
      const start = this.#at
      path.push(this.#name())
      // A scan that does not move would not end; it cannot happen to a document that was parsed.
      if (this.#at === start) throw new Error('not a parsed TOML document')
      const id = JSON.stringify(path)
      if (!this.#found.has(id)) this.#found.set(id, position)
      this.#skipBlanks()
      if (this.#peek() !== '.') return path
      this.#advance(1)
    }
  }

  #name(): string {
    const start = this.#at
    const quote = this.#peek()
    if (quote === '"' || quote === "'") {
      this.#string(quote)
      const written = this.#text.slice(start, this.#at)
      return quote === "'" ? written.slice(1, -1) : (Object.keys(parse(`${written} = 0`))[0] ?? '')
    }
    while (BARE.test(this.#peek())) this.#at++
    return this.#text.slice(start, this.#at)
  }

  #value(path: readonly string[]): void {
    const first = this.#peek()
    if (first === '"' || first === "'") {
      this.#string(first)
    } else if (first === '[') {
      this.#list(']', () => this.#value(path))
    } else if (first === '{') {
      this.#list('}', () => this.#pair(path))
    } else {
      while (this.#at < this.#text.length && !/[,\]}\n#]/.test(this.#peek())) this.#at++
    }
  }

  #list(end: string, member: () => void): void {
    this.#advance(1)
    for (this.#skipVoid(); this.#at < this.#text.length; this.#skipVoid()) {
      if (this.#peek() === end) {
        this.#advance(1)
        return
      }
      if (this.#peek() === ',') this.#advance(1)
      else member()
    }
  }

  #string(quote: string): void {
    const fence = this.#text.startsWith(quote.repeat(3), this.#at) ? quote.repeat(3) : quote
    this.#advance(fence.length)
    while (this.#at < this.#text.length && !this.#text.startsWith(fence, this.#at)) {
      this.#advance(quote === '"' && this.#peek() === '\\' ? 2 : 1)
    }
    this.#advance(fence.length)
    // Up to two quotes may stand directly before the closing fence (TOML 1.0, "String").
    if (fence.length === 3) while (this.#peek() === quote) this.#advance(1)
  }

  #peek(): string {
    return this.#text[this.#at] ?? ''
  }

  #advance(count: number): void {
    for (let left = count; left > 0; left--) {
      if (this.#text[this.#at++] === '\n') {
        this.#line++
        this.#lineStart = this.#at
      }
    }
  }

  #skipBlanks(): void {
    while (this.#peek() === ' ' || this.#peek() === '\t') this.#at++
  }

  /** Skip blanks, line ends and comments. */
  #skipVoid(): void {
    while (this.#at < this.#text.length) {
      if (this.#peek() === '#')
        while (this.#at < this.#text.length && this.#peek() !== '\n') this.#at++
      else if (/[ \t\r\n]/.test(this.#peek())) this.#advance(1)
      else return
    }
  }
}
