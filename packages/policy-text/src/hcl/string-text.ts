/** Strings of HCL 1. */

import { TextFault } from '../errors.ts'

const ESCAPE =
  /\\(?:([abfnrtv\\"])|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})|([0-7]{3})|)/g

const SIMPLE: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
  '"': '"',
}

/**
 * What a string says.
 *
 * @param quoted with its quotes
 * @param at offset of the first quote
 * @throws TextFault for an unknown escape, and for `${`, which Vault does not fill in
 */
export function stringText(quoted: string, at: number): string {
  const inner = quoted.slice(1, -1)
  const hole = inner.indexOf('${')
  if (hole !== -1) {
    throw new TextFault('ERR_POLICY_TEXT_SYNTAX', 'interpolation is not possible', at + 1 + hole)
  }
  return inner.replace(ESCAPE, (found, simple, short, long, byte, octal, offset: number) => {
    if (simple !== undefined) return SIMPLE[simple] as string
    const digits = short ?? long ?? byte
    const point = digits === undefined ? Number.parseInt(octal, 8) : Number.parseInt(digits, 16)
    // Bytes beyond ASCII would be parts of a UTF-8 sequence.
    const last = byte === undefined && octal === undefined ? 0x10ffff : 0x7f
    if (found.length === 1 || point > last) {
      throw new TextFault('ERR_POLICY_TEXT_SYNTAX', 'an unknown escape', at + 1 + offset)
    }
    return String.fromCodePoint(point)
  })
}
