/**
 * libvirt's directory of secrets (`/etc/libvirt/secrets`, or `libvirt/secrets` below a user's configuration):
 *
 * | file | holds |
 * |---|---|
 * | `<uuid>.xml` | what the secret is |
 * | `<uuid>.base64`, or `<uuid>.aes256cbc` since 12.1 | its value, where it has one |
 *
 * Other files are passed over, as libvirt does. Nothing is written, and no lock is taken: the daemon is to be stopped,
 * or its secrets left alone, while they are read.
 */
import { opendir } from 'node:fs/promises'
import { join } from 'node:path'
import { parseSecretFile, uuidOfFileName } from '../secret/parse-secret-file.ts'
import { SecretFileError } from '../secret/secret-file-error.ts'
import type { SecretDefinition } from '../secret/types.ts'
import { isUuid } from '../secret/uuid.ts'
import { MAX_XML_BYTES } from '../xml/limits.ts'
import { readRegularFile } from './read-regular-file.ts'
import {
  ENCRYPTED_SUFFIX,
  PLAIN_SUFFIX,
  readSecretValue,
  SECRETS_KEY_BYTES,
} from './read-secret-value.ts'

/** Most files of secrets in a directory, so that their names fit into memory. */
export const MAX_SECRET_FILES = 200_000

/** How to read a directory. */
export interface ReadSecretsDirectoryOptions {
  /** Key of encrypted values, 32 bytes; it stays the caller's. Default none. */
  readonly key?: Uint8Array | undefined
  /** Ends the reading between two secrets, with its reason. */
  readonly signal?: AbortSignal | undefined
}

/** What came of one secret. */
export type SecretFileOutcome =
  | {
      readonly outcome: 'ok'
      /** Name of the file of its definition. */
      readonly name: string
      readonly definition: SecretDefinition
      /** 1 to 65,536 bytes, the receiver's to wipe; absent where the secret has no value. */
      readonly value?: Uint8Array
    }
  | {
      readonly outcome: 'skipped'
      readonly name: string
      /** Why; its `file` is the file that is at fault. */
      readonly error: SecretFileError
    }

/**
 * Read all secrets of a directory, by the names of their files. A secret whose definition or value cannot be read is
 * skipped as a whole, as libvirt does; a value without definition is reported as skipped.
 *
 * With a wrong key an encrypted value is noise in one of 256 cases instead of skipped: where one secret is skipped with
 * `ERR_LIBVIRT_FILE_DECRYPT`, no other value is to be trusted either.
 *
 * @param path - of the directory; a symbolic link to it is followed, links in it are not
 * @throws SecretFileError `ERR_LIBVIRT_FILE_DIRECTORY`
 */
export async function* readSecretsDirectory(
  path: string,
  options: ReadSecretsDirectoryOptions = {},
): AsyncGenerator<SecretFileOutcome, void, void> {
  const { key, signal } = options
  if (typeof path !== 'string') throw new TypeError(`path must be a string, got ${typeof path}`)
  if (key !== undefined) assertKey(key)
  signal?.throwIfAborted()
  for (const name of await secretFiles(path)) {
    signal?.throwIfAborted()
    yield await readSecret(path, name, key)
  }
}

/**
 * Read the key of encrypted values, as `secrets_encryption_key` of libvirt's secret.conf names it.
 *
 * @returns 32 bytes, the caller's to wipe
 * @throws SecretFileError `ERR_LIBVIRT_FILE_KEY`, and as for other files
 */
export async function readSecretsKey(path: string): Promise<Uint8Array> {
  const key = await readRegularFile(path, SECRETS_KEY_BYTES)
  if (key === undefined) throw new SecretFileError('ERR_LIBVIRT_FILE_UNREADABLE', path)
  if (key.length === SECRETS_KEY_BYTES) return key
  key.fill(0)
  throw new SecretFileError('ERR_LIBVIRT_FILE_KEY', path)
}

function assertKey(key: Uint8Array): void {
  if (!(key instanceof Uint8Array)) throw new TypeError('key must be a Uint8Array')
  if (key.length !== SECRETS_KEY_BYTES) {
    throw new RangeError(`key must be ${SECRETS_KEY_BYTES} bytes, got ${key.length}`)
  }
}

async function readSecret(
  directory: string,
  name: string,
  key: Uint8Array | undefined,
): Promise<SecretFileOutcome> {
  try {
    if (!name.endsWith('.xml')) throw new SecretFileError('ERR_LIBVIRT_FILE_ORPHAN', name)
    if (uuidOfFileName(name) === undefined) throw new SecretFileError('ERR_LIBVIRT_FILE_NAME', name)
    const path = join(directory, name)
    const xml = await readRegularFile(path, MAX_XML_BYTES)
    if (xml === undefined) throw new SecretFileError('ERR_LIBVIRT_FILE_UNREADABLE', path)
    const definition = parseSecretFile(name, xml)
    const value = await readSecretValue(directory, definition.uuid, key)
    return { outcome: 'ok', name, definition, ...(value === undefined ? {} : { value }) }
  } catch (error) {
    if (!SecretFileError.is(error)) throw error
    return { outcome: 'skipped', name, error }
  }
}

/** Names of definitions, and of values without one. */
async function secretFiles(path: string): Promise<string[]> {
  const definitions = new Set<string>()
  const values = new Map<string, string>()
  try {
    for await (const { name } of await opendir(path)) {
      const uuid = uuidOfValueName(name)
      if (name.endsWith('.xml')) definitions.add(name)
      else if (uuid !== undefined) values.set(uuid, name)
      if (definitions.size + values.size > MAX_SECRET_FILES) {
        throw new SecretFileError('ERR_LIBVIRT_FILE_DIRECTORY', path)
      }
    }
  } catch (cause) {
    if (SecretFileError.is(cause)) throw cause
    throw new SecretFileError('ERR_LIBVIRT_FILE_DIRECTORY', path, { cause })
  }
  const orphans = [...values].filter(([uuid]) => !definitions.has(`${uuid}.xml`))
  return [...definitions, ...orphans.map(([, name]) => name)].sort()
}

function uuidOfValueName(name: string): string | undefined {
  const suffix = [PLAIN_SUFFIX, ENCRYPTED_SUFFIX].find((end) => name.endsWith(end))
  const uuid = suffix === undefined ? '' : name.slice(0, -suffix.length)
  return isUuid(uuid) ? uuid : undefined
}
