/**
 * What a PAM helper reads from its standard input (docs/pam.md): four texts in UTF-8, each ended by a zero byte.
 *
 * ```
 * login 00 password 00 service 00 rhost 00
 * ```
 */
import { LIMITS } from '@secreg/protocol'

/** One question to a helper. */
export interface HelperQuestion {
  readonly login: string
  readonly password: string
  /** Service of PAM. */
  readonly service: string
  /** Where the user comes from; empty on this machine. */
  readonly rhost: string
}

/** Longest password, bytes: PAM_MAX_RESP_SIZE of Linux-PAM, whose modules cut or refuse what is longer. */
export const MAX_SYSTEM_PASSWORD_BYTES = 512
const MAX_RHOST_BYTES = 255

// A lone surrogate would become another character on its way into UTF-8.
const NOT_TEXT = /\p{Cs}/u
// Of passwd(5), and what a program could take for an option or a path.
const NOT_LOGIN = /^-|[\p{Cc}\p{Cs}:/]/u

/** Whether a login can be that of a user of the system; any other is refused unasked. */
export function isSystemLogin(login: string): boolean {
  return isSized(login, LIMITS.loginBytes) && !NOT_LOGIN.test(login)
}

/** Whether a text can be a password of PAM: 1 to 512 bytes without a zero byte. Modules may let an empty one in. */
export function isSystemPassword(password: string): boolean {
  return (
    isSized(password, MAX_SYSTEM_PASSWORD_BYTES) &&
    !password.includes('\0') &&
    !NOT_TEXT.test(password)
  )
}

/**
 * Encode a question.
 *
 * @param question - {@link isSystemLogin}, {@link isSystemPassword}; service and rhost without control characters
 * @returns fresh bytes of no pool, which the caller wipes
 * @throws RangeError for a member that is not as it must be; the message quotes none
 */
export function encodeHelperQuestion(question: HelperQuestion): Buffer {
  const { login, password, service, rhost } = question
  if (!isSystemLogin(login)) throw new RangeError('login: not a login of a system')
  if (!isSystemPassword(password)) throw new RangeError('password: not a password of a system')
  if (!isSized(service, 64) || NOT_LOGIN.test(service)) throw new RangeError('service: not a name')
  if (rhost !== '' && (!isSized(rhost, MAX_RHOST_BYTES) || /[\p{Cc}\p{Cs}]/u.test(rhost))) {
    throw new RangeError('rhost: not the name of a host')
  }
  const texts = [login, password, service, rhost]
  const size = texts.reduce((bytes, text) => bytes + Buffer.byteLength(text) + 1, 0)
  const encoded = Buffer.alloc(size)
  let at = 0
  for (const text of texts) at += encoded.write(text, at) + 1
  return encoded
}

function isSized(text: string, maxBytes: number): boolean {
  return text !== '' && Buffer.byteLength(text) <= maxBytes
}
