/**
 * The first line of a backup: compact JSON in UTF-8, then a line feed. Members in this order, one spelling each:
 *
 *   { "format": "secreg-backup", "version": 1, "id": 32 hex digits, "created_at": ms, "generation": 32 hex digits,
 *     "revision", "seal": seal header, "salt": 32 bytes, "commitment": 32 bytes, "checksum": 32 bytes }
 *
 *   commitment = HMAC-SHA256(commitment key, fields('secreg/v1/backup-commitment', line before ',"commitment":'))
 *   checksum   = SHA-256(fields('secreg/v1/backup-header', line before ',"checksum":'))
 *
 * The checksum has no key and protects nothing: it tells damage from a wrong passphrase. Every later version keeps the
 * first two members and the checksum as they are, so that a newer file is told from a damaged one.
 */
import {
  type CryptoBackend,
  decodeBase64,
  encodeBase64,
  encodeFields,
  isCryptoError,
  parseSealHeader,
  type SealHeader,
} from '@secreg/crypto'
import { BackupError } from './errors.ts'
import { SALT_BYTES } from './keys.ts'
import { REVISION_MAX } from './row.ts'

/** Value of `format`. */
export const BACKUP_FORMAT = 'secreg-backup'
/** Version that this package reads and writes. */
export const BACKUP_VERSION = 1
/** Longest first line in bytes, with its line feed. */
export const HEADER_MAX_BYTES: number = 1024 * 1024

/** How every backup begins, whatever its version. */
export const BACKUP_PREFIX: Uint8Array = new TextEncoder().encode(`{"format":"${BACKUP_FORMAT}",`)

const TAG_BYTES = 32
const ID = /^[0-9a-f]{32}$/
const TAIL = /^,"checksum":"([A-Za-z0-9+/]{43}=)"\}$/
const TAIL_BYTES: number = ',"checksum":""}'.length + 44
const MEMBERS = [
  'format',
  'version',
  'id',
  'created_at',
  'generation',
  'revision',
  'seal',
  'salt',
  'commitment',
  'checksum',
] as const

const utf8 = new TextEncoder()

/** What the header says. Nothing of it is proven before the backup is opened. */
export interface BackupHeader {
  /** Random, 32 hexadecimal digits. */
  readonly id: string
  /** When it was begun, milliseconds since 1970. */
  readonly createdAtMs: number
  /** Life of the store that it was taken from, 32 hexadecimal digits. */
  readonly generation: string
  /** Revision whose state it holds. */
  readonly revision: number
  /** What opens it: the seal of the store with its portable protectors. */
  readonly seal: SealHeader
}

/** A header with what its tags need. */
export interface ParsedHeader {
  readonly header: BackupHeader
  readonly salt: Uint8Array
  readonly commitment: Uint8Array
  /** The bytes that the commitment covers. */
  readonly committed: Uint8Array
  /** SHA-256 of the line with its line feed: associated data of the content. */
  readonly digest: Uint8Array
}

/**
 * Put the first line together.
 *
 * @throws RangeError if it is too long, because the seal has thousands of epochs
 */
export function formatHeader(
  backend: CryptoBackend,
  { id, createdAtMs, generation, revision, seal }: BackupHeader,
  salt: Uint8Array,
  commitmentKey: Uint8Array,
): Uint8Array {
  const document = {
    format: BACKUP_FORMAT,
    version: BACKUP_VERSION,
    id,
    created_at: createdAtMs,
    generation,
    revision,
    seal,
    salt: encodeBase64(salt),
  }
  const committed = JSON.stringify(document).slice(0, -1)
  const commitment = commitmentOf(backend, commitmentKey, utf8.encode(committed))
  const checked = `${committed},"commitment":"${encodeBase64(commitment)}"`
  const checksum = checksumOf(backend, utf8.encode(checked))
  const line = utf8.encode(`${checked},"checksum":"${encodeBase64(checksum)}"}\n`)
  if (line.length > HEADER_MAX_BYTES) {
    throw new RangeError(`the header of a backup must be at most ${HEADER_MAX_BYTES} bytes long`)
  }
  return line
}

/**
 * Check a first line as far as that goes without a secret.
 *
 * @param line - without its line feed
 * @throws BackupError `ERR_BACKUP_HEADER`, `ERR_BACKUP_NEWER`; CryptoError `ERR_CRYPTO_KDF_BELOW_FLOOR`,
 *   `ERR_CRYPTO_KDF_ABOVE_CEILING`
 */
export function parseHeader(backend: CryptoBackend, line: Uint8Array): ParsedHeader {
  const checked = line.subarray(0, Math.max(0, line.length - TAIL_BYTES))
  const tail = TAIL.exec(new TextDecoder('latin1').decode(line.subarray(checked.length)))
  const checksum = decodeBase64(tail?.[1] ?? '')
  if (checksum === undefined || !backend.equal(checksum, checksumOf(backend, checked))) damaged()
  const document = readDocument(line)
  const { id, created_at: createdAtMs, generation, revision } = document
  const salt = readBytes(document.salt, SALT_BYTES)
  const commitment = readBytes(document.commitment, TAG_BYTES)
  if (!isId(id) || !isId(generation)) return damaged()
  if (!isInteger(createdAtMs, Number.MAX_SAFE_INTEGER) || !isInteger(revision, REVISION_MAX)) {
    return damaged()
  }
  const seal = readSeal(backend, document.seal)
  const rest = `,"commitment":"${encodeBase64(commitment)}"`
  return {
    header: { id, createdAtMs, generation, revision, seal },
    salt,
    commitment,
    committed: checked.subarray(0, checked.length - rest.length),
    digest: digestOf(backend, line),
  }
}

/** What a header is bound to its keys by. */
export function commitmentOf(
  backend: CryptoBackend,
  commitmentKey: Uint8Array,
  committed: Uint8Array,
): Uint8Array {
  return backend.hmacSha256(commitmentKey, encodeFields('secreg/v1/backup-commitment', committed))
}

/** Associated data of the content: SHA-256 of the first line, given without its line feed. */
export function digestOf(backend: CryptoBackend, line: Uint8Array): Uint8Array {
  const whole = new Uint8Array(line.length + 1)
  whole.set(line)
  whole[line.length] = 0x0a
  return backend.sha256(whole)
}

function checksumOf(backend: CryptoBackend, checked: Uint8Array): Uint8Array {
  return backend.sha256(encodeFields('secreg/v1/backup-header', checked))
}

/** Read the JSON of a line whose checksum fits. */
function readDocument(line: Uint8Array): Record<(typeof MEMBERS)[number], unknown> {
  let text: string
  let document: Record<string, unknown>
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(line)
    document = JSON.parse(text)
  } catch (cause) {
    throw new BackupError('ERR_BACKUP_HEADER', { cause })
  }
  const { version } = document
  if (Number.isSafeInteger(version) && (version as number) > BACKUP_VERSION) {
    throw new BackupError('ERR_BACKUP_NEWER')
  }
  if (
    version !== BACKUP_VERSION ||
    Object.keys(document).join() !== MEMBERS.join() ||
    JSON.stringify(document) !== text
  ) {
    damaged()
  }
  return document as Record<(typeof MEMBERS)[number], unknown>
}

function readSeal(backend: CryptoBackend, value: unknown): SealHeader {
  try {
    return parseSealHeader(value, backend)
  } catch (cause) {
    if (isCryptoError(cause, 'ERR_CRYPTO_FORMAT')) {
      throw new BackupError('ERR_BACKUP_NEWER', { cause })
    }
    if (isCryptoError(cause, 'ERR_CRYPTO_DAMAGED')) {
      throw new BackupError('ERR_BACKUP_HEADER', { cause })
    }
    throw cause
  }
}

function readBytes(value: unknown, length: number): Uint8Array {
  const bytes = typeof value === 'string' ? decodeBase64(value) : undefined
  return bytes?.length === length ? bytes : damaged()
}

/** Tell whether a value is 32 hexadecimal digits. */
export function isId(value: unknown): value is string {
  return typeof value === 'string' && ID.test(value)
}

/** Tell whether a value is an integer from 0 to `max`. */
export function isInteger(value: unknown, max: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= max
}

function damaged(): never {
  throw new BackupError('ERR_BACKUP_HEADER')
}
