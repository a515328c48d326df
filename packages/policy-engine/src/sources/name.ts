/**
 * Foreign names as segments of paths (DESIGN §4), the mapping of `@secreg/protocol`, here because this package depends
 * on nothing: `%` and bytes of UTF-8 that a segment cannot hold become `%` and two upper-case hexadecimal digits; a
 * name that is `.` or `..`, and every non-ASCII byte of a name that is not in Unicode form NFC, likewise.
 */

const PLAIN = /^[A-Za-z0-9 _,:=+@#-][A-Za-z0-9 _,:=+@#.-]*$/
const ESCAPED = /[\p{Cc}\u2028\u2029%/*?[\]|&;$<>\\!"`]/u
const UNPAIRED = /\p{Surrogate}/u
const BAD_ESCAPE = /%(?![0-9A-F]{2})/

/** The name that a segment stands for, or `undefined` if it is not the one spelling of any name. */
export function decodeName(segment: string): string | undefined {
  if (PLAIN.test(segment)) return segment
  if (segment === '' || BAD_ESCAPE.test(segment) || UNPAIRED.test(segment)) return undefined
  if (segment.normalize('NFC') !== segment) return undefined
  let name: string
  try {
    name = decodeURIComponent(segment)
  } catch {
    return undefined
  }
  return encodeName(name) === segment ? name : undefined
}

/** The one segment that stands for a name. */
export function encodeName(name: string): string {
  if (name === '.' || name === '..') return escapeAll(name)
  const composed = name.normalize('NFC') === name
  let segment = ''
  for (const character of name) {
    const plain = !ESCAPED.test(character) && (composed || character < '\x80')
    segment += plain ? character : escapeAll(character)
  }
  return segment
}

function escapeAll(text: string): string {
  return [...text].map(escapeOne).join('')
}

function escapeOne(character: string): string {
  // encodeURIComponent leaves some of what must be escaped here, all of it ASCII.
  if (character >= '\x80') return encodeURIComponent(character)
  return `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
}
