/** What a server refuses, as classes, and with texts that can be shown. */
import { LIBVIRT_CODES } from '../wire/error-codes.ts'
import { LibvirtError, type LibvirtErrorFields } from '../wire/libvirt-error.ts'

/** What is the matter with a secret. */
export type SecretErrorReason = 'NO_SECRET' | 'NO_VALUE' | 'PRIVATE'

const BRAND: symbol = Symbol.for('@secreg/libvirt/SecretError')

/** There is no such secret, or no value of it that could be read. */
export class SecretError extends LibvirtError {
  override readonly name: string = 'SecretError'
  readonly reason: SecretErrorReason

  constructor(reason: SecretErrorReason, fields: LibvirtErrorFields) {
    super(fields)
    this.reason = reason
    Object.defineProperty(this, BRAND, { value: true })
  }

  /** Tell an error of this class from any other, also across two installed copies of this package. */
  static isSecretError(value: unknown, reason?: SecretErrorReason): value is SecretError {
    return (
      typeof value === 'object' &&
      value !== null &&
      BRAND in value &&
      (reason === undefined || (value as SecretError).reason === reason)
    )
  }
}

/** Code 66: no secret has this UUID or usage, or none that the caller may see. */
export class NoSecretError extends SecretError {
  override readonly name: string = 'NoSecretError'
  constructor(fields: LibvirtErrorFields) {
    super('NO_SECRET', fields)
  }
}

/** Code 66 too: the secret is there, and has no value yet. */
export class NoValueError extends SecretError {
  override readonly name: string = 'NoValueError'
  constructor(fields: LibvirtErrorFields) {
    super('NO_VALUE', fields)
  }
}

/** Code 65: the value is for the server's own use. */
export class PrivateSecretError extends SecretError {
  override readonly name: string = 'PrivateSecretError'
  constructor(fields: LibvirtErrorFields) {
    super('PRIVATE', fields)
  }
}

const LONGEST_CHARS = 1000
const HIDDEN = 'the server refused the value with a text that holds it'

/**
 * The class of a refusal. A refusal of a value that is missing is a `NoSecretError` until `asNoValue` has been called.
 *
 * @param sent - a value that was sent, bytes; a text that holds it is not shown
 */
export function refusalOf(told: LibvirtError, sent?: Uint8Array): LibvirtError {
  const fields = shown(told, sent)
  if (told.code === LIBVIRT_CODES.NO_SECRET) return new NoSecretError(fields)
  if (told.code === LIBVIRT_CODES.INVALID_SECRET) return new PrivateSecretError(fields)
  return new LibvirtError(fields)
}

/** The same refusal, when the secret is known to be there. */
export function asNoValue(told: LibvirtError): NoValueError {
  return new NoValueError(shown(told))
}

/**
 * Which of the two things that code 66 stands for a text tells.
 *
 * @returns undefined when the text is in another language
 */
export function missingOf(told: LibvirtError): 'secret' | 'value' | undefined {
  if (/ does not have a value$/u.test(told.message)) return 'value'
  return /no secret with matching uuid /u.test(told.message) ? 'secret' : undefined
}

function shown(told: LibvirtError, sent?: Uint8Array): LibvirtErrorFields {
  const { code, domain, level, int1, int2 } = told
  const texts = [told.message, told.str1, told.str2, told.str3]
  if (sent !== undefined && texts.some((text) => text !== undefined && holds(text, sent))) {
    return { code, domain, level, int1, int2, message: HIDDEN }
  }
  const [message, str1, str2, str3] = texts.map((text) => text && printable(text))
  return { code, domain, level, int1, int2, message, str1, str2, str3 }
}

/** Whether a text holds bytes as they are, in base64 or in hexadecimal digits. */
function holds(text: string, sent: Uint8Array): boolean {
  const plain = new TextDecoder().decode(sent)
  const binary = Array.from(sent, (byte) => String.fromCharCode(byte)).join('')
  const hex = Array.from(sent, (byte) => byte.toString(16).padStart(2, '0')).join('')
  const base64 = btoa(binary).replace(/=+$/u, '')
  return (
    text.includes(plain) ||
    text.includes(binary) ||
    text.includes(base64) ||
    text.toLowerCase().includes(hex)
  )
}

/** Lines stay: libvirt shows the place of a fault in XML below it. */
function printable(text: string): string {
  const cut = text.length > LONGEST_CHARS ? `${text.slice(0, LONGEST_CHARS)}…` : text
  return cut.replace(/[^\n\P{C}]|[\u2028\u2029]/gu, ' ')
}
