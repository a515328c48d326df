/** Texts of servers, made fit for messages and terminals. */
import type { SubauthRequest } from '../wire/request.ts'

const LONGEST_CHARS = 200

/**
 * What of a server's text is shown.
 *
 * @returns undefined when it holds a secret that was sent, so that it is in no message and no log
 */
export function shownText(text: string, request: SubauthRequest): string | undefined {
  const sent = [
    'passwd' in request ? request.passwd : undefined,
    'auth-passwd' in request ? request['auth-passwd'] : undefined,
  ]
  if (sent.some((secret) => secret !== undefined && text.includes(secret))) return undefined
  const printable = text.replace(/[\p{C}\u2028\u2029]+/gu, ' ').trim()
  if (printable === '') return undefined
  return printable.length > LONGEST_CHARS ? `${printable.slice(0, LONGEST_CHARS)}…` : printable
}
