/**
 * Text from elsewhere made fit for a terminal: nothing in a key, a user name or a message may move the cursor, change
 * colours, or change the order in which the line is read.
 */

/** C0, DEL, C1 and the separators that end a line. */
const CONTROL = /[\p{Cc}\u2028\u2029]/u
/** Those, and what changes the direction of text or is invisible (Unicode TR 36 §2), and lone surrogates. */
const UNSAFE = /[\p{Cc}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]|\p{Surrogate}/gu

/** A line for people: every unsafe character written as `\u{HEX}`. */
export function printable(text: string): string {
  return text.replace(
    UNSAFE,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16).padStart(2, '0')}}`,
  )
}

/** A line for people, that may have newlines. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n')
}

/** Tell whether a text could drive a terminal or forge a line. */
export function hasControl(text: string): boolean {
  return CONTROL.test(text)
}

/** As JSON and the basic strings of TOML write a character. */
function escaped(character: string): string {
  const unit = character.codePointAt(0) ?? 0
  return `\\u${unit.toString(16).padStart(4, '0')}`
}

/** JSON whose text has no unsafe character; it reads back as the same value. */
export function safeJson(value: unknown): string {
  return JSON.stringify(value).replace(UNSAFE, escaped)
}

/** JSON or TOML in lines, whose texts stand between double quotes, without any other unsafe character; it reads back as the same value. */
export function safeLines(text: string): string {
  return text
    .split('\n')
    .map((line) => line.replace(UNSAFE, escaped))
    .join('\n')
}
