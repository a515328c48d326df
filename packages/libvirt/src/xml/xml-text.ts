/** Characters of XML 1.0 (section 2.2, production 2). */

const NOT_XML = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u
const ALL_NOT_XML = new RegExp(NOT_XML, 'gu')

/** Whether a text has only characters that XML can hold: no NUL, no other control, no lone surrogate. */
export function isXmlText(text: string): boolean {
  return !NOT_XML.test(text)
}

/** Index of the first character that XML cannot hold; -1 where there is none. */
export function indexOfNotXml(text: string): number {
  return text.search(NOT_XML)
}

/** A text without the characters that XML cannot hold. */
export function dropNotXml(text: string): string {
  return text.replace(ALL_NOT_XML, '')
}
