/** Loaders of test vectors. Paths are absolute, or URLs made from `import.meta.url`. */
import { readFileSync } from 'node:fs'

/** Read a JSON file. */
export function loadJson<T>(file: string | URL): T {
  return JSON.parse(readFileSync(file, 'utf8')) as T
}

/** Read a file with one JSON text a line; empty lines are skipped. */
export function loadJsonLines<T>(file: string | URL): T[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line, index) => {
      if (line.trim() === '') return []
      try {
        return [JSON.parse(line) as T]
      } catch (cause) {
        throw new Error(`${String(file)}:${index + 1}: not JSON`, { cause })
      }
    })
}

/** One case of a list and the comment that stands above it. */
export interface ListedCase {
  readonly text: string
  /** Comment lines directly above, without `#`; why the case is valid or not. */
  readonly why: string
  readonly line: number
}

/**
 * Read a list of one case a line. A line that begins with `#` is a comment on the cases below it, up to the next
 * comment or empty line. A line that begins with `\` or holds an escape is a JSON string in quotes.
 */
export function parseList(text: string): ListedCase[] {
  const cases: ListedCase[] = []
  let why: string[] = []
  let fresh = true
  for (const [index, line] of text.split('\n').entries()) {
    if (line.startsWith('#')) {
      if (!fresh) why = []
      fresh = true
      why.push(line.slice(1).trim())
    } else if (line === '') {
      why = []
      fresh = true
    } else {
      fresh = false
      const decoded = /^".*"$/.test(line) ? (JSON.parse(line) as string) : line
      cases.push({ text: decoded, why: why.join(' '), line: index + 1 })
    }
  }
  return cases
}

/** Read a list file, see {@link parseList}. */
export function loadList(file: string | URL): ListedCase[] {
  return parseList(readFileSync(file, 'utf8'))
}

/** Turn hexadecimal digits into bytes; blanks, line ends and colons between bytes are skipped. */
export function fromHex(hex: string): Uint8Array {
  const digits = hex.replace(/[\s:]/g, '')
  if (!/^(?:[0-9a-fA-F]{2})*$/.test(digits)) throw new Error('hex: expected pairs of digits')
  return Uint8Array.from(Buffer.from(digits, 'hex'))
}

/** Turn bytes into lower-case hexadecimal digits. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

/** Read a file of hexadecimal digits with `#` comments. */
export function loadHex(file: string | URL): Uint8Array {
  return fromHex(readFileSync(file, 'utf8').replace(/#.*$/gm, ''))
}
