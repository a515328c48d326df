/** Why a file of libvirt's directory of secrets is not taken. Messages name files, never what is in them. */

/** Stable codes of {@link SecretFileError}. */
export type SecretFileErrorCode =
  /** The directory cannot be read, or has too many files. */
  | 'ERR_LIBVIRT_FILE_DIRECTORY'
  /** The key file is not 32 bytes. */
  | 'ERR_LIBVIRT_FILE_KEY'
  /** The name is not a UUID in canonical form and `.xml`, or the UUID within is another. */
  | 'ERR_LIBVIRT_FILE_NAME'
  /** Not the XML of a secret; `cause` is the LibvirtError. */
  | 'ERR_LIBVIRT_FILE_XML'
  /** A symbolic link, or no regular file. */
  | 'ERR_LIBVIRT_FILE_UNSAFE'
  /** Longer than any such file can be. */
  | 'ERR_LIBVIRT_FILE_SIZE'
  /** Not opened or not read; `cause` is what the system said. */
  | 'ERR_LIBVIRT_FILE_UNREADABLE'
  /** Not base64 of 1 to 65,536 bytes. */
  | 'ERR_LIBVIRT_FILE_VALUE'
  /** The value is encrypted, and there is no key. */
  | 'ERR_LIBVIRT_FILE_ENCRYPTED'
  /** The key is another, or the file is damaged. */
  | 'ERR_LIBVIRT_FILE_DECRYPT'
  /** Both an encrypted and a plain value, and nothing tells which is the newer. */
  | 'ERR_LIBVIRT_FILE_TWO_VALUES'
  /** A value without definition, of which libvirt takes no notice. */
  | 'ERR_LIBVIRT_FILE_ORPHAN'

const MEANINGS: Readonly<Record<SecretFileErrorCode, string>> = Object.freeze({
  ERR_LIBVIRT_FILE_DIRECTORY: 'not a readable directory of secrets',
  ERR_LIBVIRT_FILE_KEY: 'not a key of 32 bytes',
  ERR_LIBVIRT_FILE_NAME: 'not named for the UUID of its secret',
  ERR_LIBVIRT_FILE_XML: 'not the definition of a secret',
  ERR_LIBVIRT_FILE_UNSAFE: 'a link, or not a regular file',
  ERR_LIBVIRT_FILE_SIZE: 'too long',
  ERR_LIBVIRT_FILE_UNREADABLE: 'not readable',
  ERR_LIBVIRT_FILE_VALUE: 'not a value in base64 of 1 to 65536 bytes',
  ERR_LIBVIRT_FILE_ENCRYPTED: 'encrypted, and no key was given',
  ERR_LIBVIRT_FILE_DECRYPT: 'not encrypted with this key, or damaged',
  ERR_LIBVIRT_FILE_TWO_VALUES: 'one of two values for the same secret',
  ERR_LIBVIRT_FILE_ORPHAN: 'a value without definition',
})

const BRAND: symbol = Symbol.for('@secreg/libvirt/SecretFileError')

/** A file or directory that is not taken. `code` is stable within a major version, the message is not. */
export class SecretFileError extends Error {
  override readonly name: string = 'SecretFileError'
  readonly code: SecretFileErrorCode
  /** The file or directory, as it was given or found. */
  readonly file: string

  constructor(code: SecretFileErrorCode, file: string, options?: { readonly cause?: unknown }) {
    super(`${JSON.stringify(file)}: ${MEANINGS[code]}`, options)
    this.code = code
    this.file = file
    Object.defineProperty(this, BRAND, { value: true })
  }

  /** Tell an error of this class from any other, also across two installed copies of this package. */
  static is(value: unknown, code?: SecretFileErrorCode): value is SecretFileError {
    return (
      typeof value === 'object' &&
      value !== null &&
      BRAND in value &&
      (code === undefined || (value as SecretFileError).code === code)
    )
  }
}
