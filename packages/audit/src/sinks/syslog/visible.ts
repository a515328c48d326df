/**
 * Text that cannot pass for more than one line, wherever it is shown or split. A line of the log has
 * no character below U+0020, since its body comes from `JSON.stringify`; but DEL, the C1 controls
 * (NEL, CSI), the Unicode line separators, byte order marks and marks of direction may stand in it,
 * and some readers break lines or obey at those. They go out as JSON escapes, so that the text
 * parses as the same JSON, and {@link restoreLine} gives back the bytes that were hashed.
 */

const RAW_IN_JSON = '\u007f-\u009f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff'
const UNSAFE = new RegExp(`[\\0-\\x1f${RAW_IN_JSON}]`, 'g')
const OURS = new RegExp(`^[${RAW_IN_JSON}]$`)
const ESCAPE = /\\(?:u([0-9a-f]{4})|[\s\S])/g

/** A text with the characters above, and all below U+0020, as escapes. */
export function visibleText(text: string): string {
  return text.replace(
    UNSAFE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/**
 * The line of the log that a message shows. `JSON.stringify` writes none of these characters as an
 * escape, so an escape of one of them is always ours; the leaf hash of the result tells.
 */
export function restoreLine(visible: string): string {
  return visible.replace(ESCAPE, (escaped: string, hex: string | undefined) => {
    const character = String.fromCharCode(Number.parseInt(hex ?? '0', 16))
    return OURS.test(character) ? character : escaped
  })
}

/** The beginning of a text: whole characters, at most `maxBytes` of UTF-8. */
export function cutText(text: string, maxBytes: number): string {
  if (text.length * 3 <= maxBytes) return text
  let bytes = 0
  let end = 0
  for (const character of text) {
    bytes += Buffer.byteLength(character)
    if (bytes > maxBytes) return text.slice(0, end)
    end += character.length
  }
  return text
}
