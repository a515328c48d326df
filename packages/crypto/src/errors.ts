/** The one error class of this package. A code says what happened; messages carry no detail and no bytes. */

const MESSAGES = {
  ERR_CRYPTO_OPEN: 'authentication failed',
  ERR_CRYPTO_WRONG_KEY: 'the passphrase, key or shares do not fit',
  ERR_CRYPTO_DAMAGED: 'the sealed data is damaged',
  ERR_CRYPTO_TRUNCATED: 'the sealed stream ends before its last chunk',
  ERR_CRYPTO_TRAILING: 'bytes follow the last chunk of the sealed stream',
  ERR_CRYPTO_FORMAT: 'the format or its version is unknown',
  ERR_CRYPTO_KDF_BELOW_FLOOR: 'the key derivation parameters are weaker than the floor',
  ERR_CRYPTO_KDF_ABOVE_CEILING: 'the key derivation parameters exceed the ceiling',
  ERR_CRYPTO_KDF_FAILED: 'the key derivation failed',
  ERR_CRYPTO_BUSY: 'too many key derivations are waiting',
  ERR_CRYPTO_CLOSED: 'the key derivation workers are closed',
  ERR_CRYPTO_WIPED: 'the keys have been wiped',
  ERR_CRYPTO_NO_PROTECTOR: 'no protector of the seal takes this credential',
  ERR_CRYPTO_LAST_PROTECTOR: 'the last protector of a seal cannot be removed',
  ERR_CRYPTO_NO_PORTABLE: 'no protector of the seal works on another host',
  ERR_CRYPTO_SHARE: 'a share is mistyped or incomplete',
  ERR_CRYPTO_SHARES_MISSING: 'more shares are needed',
  ERR_CRYPTO_KEY_FILE_UNREADABLE: 'the key file cannot be read',
  ERR_CRYPTO_KEY_FILE_UNSAFE: 'the key file is not a private regular file of this user',
  ERR_CRYPTO_KEY_FILE_SIZE: 'the key file is not 32 to 4096 bytes long',
  ERR_CRYPTO_CREDENTIAL_NAME: 'the credential name is not a plain file name',
  ERR_CRYPTO_CREDENTIAL_DIRECTORY: 'no credentials directory has been passed to this process',
} as const

/** Stable codes of {@link CryptoError}. */
export type CryptoErrorCode = keyof typeof MESSAGES

const BRAND: symbol = Symbol.for('@secreg/crypto/CryptoError')

/** A failure of a cryptographic operation. The message is fixed per code. */
export class CryptoError extends Error {
  override readonly name: string = 'CryptoError'
  /** What happened; stable within a major version. */
  readonly code: CryptoErrorCode

  constructor(code: CryptoErrorCode, options?: ErrorOptions) {
    super(MESSAGES[code], options)
    this.code = code
    Object.defineProperty(this, BRAND, { value: true })
  }
}

/**
 * Tell whether a value is a {@link CryptoError} of this or another installed copy of the package.
 *
 * @param code - when given, the code must be this one
 */
export function isCryptoError(value: unknown, code?: CryptoErrorCode): value is CryptoError {
  return (
    typeof value === 'object' &&
    value !== null &&
    (value as Record<symbol, unknown>)[BRAND] === true &&
    (code === undefined || (value as CryptoError).code === code)
  )
}
