/** Texts in RFC 2047 encoded words, as far as Go's `mime.QEncoding` writes them for UTF-8. */

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const WORD = /^=\?utf-8\?q\?((?:[!-<>@-~]|=[0-9A-F]{2})*)\?=$/i

/** Whether a text claims to be encoded. */
export function isEncoded(text: string): boolean {
  return text.startsWith('=?')
}

/**
 * Decode words with single spaces between them. Each holds whole characters (RFC 2047 §5). A text of visible ASCII is
 * never encoded by who encodes only what needs it, so one that decodes to that is none.
 *
 * @returns undefined when it is anything else
 */
export function decodeWords(text: string): string | undefined {
  let decoded = ''
  for (const word of text.split(' ')) {
    const content = WORD.exec(word)?.[1]
    const part = content === undefined ? undefined : decodeQ(content)
    if (part === undefined) return undefined
    decoded += part
  }
  return /^[ -~]*$/.test(decoded) ? undefined : decoded
}

/** The Q encoding (RFC 2047 §4.2). */
function decodeQ(content: string): string | undefined {
  const bytes = Buffer.from(
    content
      .replaceAll('_', ' ')
      .replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) =>
        String.fromCharCode(Number.parseInt(hex, 16)),
      ),
    'latin1',
  )
  try {
    return UTF8.decode(bytes)
  } catch {
    return undefined
  }
}
