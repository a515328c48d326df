/**
 * The export format, version 1: one JSON document, in the clear or sealed under a passphrase of its own.
 *
 *   { "format": "secreg-export", "version": 1, "created": RFC 3339, "entries": [ … ], "acls": [], "sha256": hex }
 *
 * An entry has, in this order, key, type, value, encrypted, version, created_at, modified_at, created_by and
 * modified_by; `sha256` is that of the entries as compact JSON. It has no key: it finds damage, not forgery.
 * Encrypted: the passphrase document of `@secreg/crypto`, format `secreg-export-encrypted`, around the document above.
 */
import { createHash } from 'node:crypto'
import { isCryptoError, openWithPassphrase, sealWithPassphrase } from '@secreg/crypto'
import { createScryptPool, nodeBackend } from '@secreg/crypto/node'
import {
  type ExportEntry,
  parsePath,
  parseValue,
  parseValueType,
  SecregError,
} from '@secreg/protocol'
import { CliError } from './errors.ts'

/** Name of the format in the clear. */
export const EXPORT_FORMAT = 'secreg-export'
/** Name of the encrypted format. */
export const ENCRYPTED_FORMAT = 'secreg-export-encrypted'

/** The members of an entry in their order. */
function canonical(entry: ExportEntry): ExportEntry {
  const { key, type, value, encrypted, version } = entry
  const { created_at, modified_at, created_by, modified_by } = entry
  return { key, type, value, encrypted, version, created_at, modified_at, created_by, modified_by }
}

function digest(entries: readonly ExportEntry[]): string {
  const hash = createHash('sha256')
  hash.update(JSON.stringify(entries))
  return hash.digest('hex')
}

/** Write an export. */
export function formatExport(entries: readonly ExportEntry[], createdMs: number): string {
  const rows = entries.map(canonical)
  const head = JSON.stringify({
    format: EXPORT_FORMAT,
    version: 1,
    created: new Date(createdMs).toISOString(),
  })
  // One entry a line, so that two exports can be compared line by line.
  const lines = rows.map((row) => JSON.stringify(row)).join(',\n')
  return `${head.slice(0, -1)},"entries":[\n${lines}\n],"acls":[],"sha256":"${digest(rows)}"}\n`
}

const damaged = (what: string): CliError =>
  new CliError('INVALID_ARGUMENT', `not a usable secreg export: ${what}`)

/** Tell what a JSON value is. */
export function exportFormatOf(value: unknown): 'plain' | 'encrypted' | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { format } = value as { format?: unknown }
  if (format === EXPORT_FORMAT) return 'plain'
  return format === ENCRYPTED_FORMAT ? 'encrypted' : undefined
}

/**
 * Check an export and give its entries.
 *
 * @throws CliError `INVALID_ARGUMENT` when anything in it is not as it was written
 */
export function readExport(value: unknown): ExportEntry[] {
  const { version, entries, sha256 } = value as Record<string, unknown>
  if (version !== 1) throw damaged('its version is not 1')
  if (!Array.isArray(entries)) throw damaged('it has no entries')
  const seen = new Set<string>()
  const rows = entries.map((entry: unknown, index) => {
    const row = entryOf(entry, index)
    if (seen.has(row.key)) throw damaged(`entry ${index + 1} has the key of another`)
    seen.add(row.key)
    return row
  })
  if (typeof sha256 !== 'string' || digest(rows) !== sha256) {
    throw damaged('its checksum does not fit; it is damaged or was changed')
  }
  return rows
}

function entryOf(entry: unknown, index: number): ExportEntry {
  const row = (typeof entry === 'object' ? entry : null) as ExportEntry | null
  const { key, type, value, encrypted } = row ?? {}
  if (row === null || typeof key !== 'string' || typeof type !== 'string') {
    throw damaged(`entry ${index + 1} is no entry`)
  }
  if (typeof value !== 'string' || typeof encrypted !== 'boolean') {
    throw damaged(`entry ${index + 1} has no value`)
  }
  try {
    parsePath(key)
    parseValue(value, parseValueType(type))
  } catch (error) {
    if (!SecregError.is(error)) throw error
    throw damaged(`entry ${index + 1}: ${error.message}`)
  }
  return canonical(row)
}

/** Seal an export under a passphrase; the text ends with a newline. */
export async function encryptExport(text: string, passphrase: string): Promise<string> {
  const plain = Buffer.from(text)
  await using pool = createScryptPool({ workers: 1 })
  const document = await sealWithPassphrase(ENCRYPTED_FORMAT, passphrase, plain, {
    backend: nodeBackend,
    scrypt: pool.scrypt,
  })
  plain.fill(0)
  return `${JSON.stringify(document)}\n`
}

/**
 * Open an encrypted export.
 *
 * @returns the parsed document inside
 * @throws CliError `PASSPHRASE_WRONG`, `CRYPTO_FAILED` when it is damaged
 */
export async function decryptExport(document: unknown, passphrase: string): Promise<unknown> {
  let plain: Uint8Array
  await using pool = createScryptPool({ workers: 1 })
  try {
    plain = await openWithPassphrase(ENCRYPTED_FORMAT, passphrase, document, {
      backend: nodeBackend,
      scrypt: pool.scrypt,
    })
  } catch (error) {
    if (isCryptoError(error, 'ERR_CRYPTO_WRONG_KEY')) {
      throw new CliError('PASSPHRASE_WRONG', 'the passphrase does not fit this export')
    }
    if (!isCryptoError(error)) throw error
    throw new CliError('CRYPTO_FAILED', `the encrypted export cannot be used: ${error.message}`)
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(plain))
  } catch {
    throw new CliError('CRYPTO_FAILED', 'the encrypted export holds no export')
  } finally {
    plain.fill(0)
  }
}
