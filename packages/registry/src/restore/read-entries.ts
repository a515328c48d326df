/** The entries at and below a path that a backup holds, with their active values, in one pass over its rows. */
import { isCryptoError, type KeyRing, openKeyRing } from '@secreg/crypto'
import { nodeBackend } from '@secreg/crypto/node'
import { SecregError } from '@secreg/protocol'
import type { OpenBackupFile } from '../backup/open-backup-file.ts'
import { type Entry, isLive } from '../entry.ts'
import { entriesBelow, entryKey, valueKey, versionKey } from '../keys.ts'
import { IMPORT_LIMITS } from '../operations/import.ts'
import { Pacer } from '../slices.ts'
import { type BackupEntry, backupEntryOf, readEntry, readVersionValue } from './backup-entry.ts'

/** Memory of an entry beside its value and path, about. */
const ENTRY_BYTES = 256

interface Wanted {
  readonly path: string
  readonly entry: Entry
}

/**
 * Read them.
 *
 * @param backup - its rows not asked for yet; left open, and its root key wiped
 * @param only - canonical prefix; `''` takes all
 * @param nowMs - what has expired by then is not taken
 * @returns by path, in order; the caller wipes the values with {@link wipeEntries}
 * @throws SecregError `ERR_BACKUP_DAMAGED`, `ERR_BACKUP_TRUNCATED`, `ERR_CRYPTO_FAILED`, `ERR_LIMIT_EXCEEDED`; errors of
 *   the source
 */
export async function readEntries(
  backup: OpenBackupFile,
  only: string,
  nowMs: number,
): Promise<BackupEntry[]> {
  const ring = openKeyRing(backup.rootKey, backup.header.seal.epochs, nodeBackend)
  backup.rootKey.fill(0)
  const reading = new Reading(only, nowMs, ring)
  const pacer = new Pacer()
  try {
    for await (const { key, value } of backup.rows()) {
      reading.take(key, value)
      if (pacer.isDue) await pacer.turn()
    }
    return reading.finish()
  } catch (error) {
    wipeEntries(reading.found.values())
    throw error
  } finally {
    ring.wipe()
  }
}

export function wipeEntries(entries: Iterable<BackupEntry>): void {
  for (const { value } of entries) value.bytes.fill(0)
}

class Reading {
  readonly found = new Map<string, BackupEntry>()
  readonly #only: string
  readonly #nowMs: number
  readonly #ring: KeyRing
  readonly #paths: string[] = []
  readonly #versions = new Map<string, Wanted>()
  readonly #values = new Map<string, Wanted>()
  #bytes = 0
  #pathBytes = 0

  constructor(only: string, nowMs: number, ring: KeyRing) {
    this.#only = only
    this.#nowMs = nowMs
    this.#ring = ring
  }

  /** @param value - overwritten here unless it is kept */
  take(key: string, value: Uint8Array): void {
    try {
      if (this.#isBelow(key)) this.#takeEntry(key, value)
      else if (this.#versions.has(key)) this.#takeVersion(key, value)
      else if (this.#values.has(key)) {
        const wanted = this.#values.get(key) as Wanted
        this.#values.delete(key)
        this.#keep(wanted, value)
      }
    } finally {
      value.fill(0)
    }
  }

  /** What was found, in the order of paths. */
  finish(): BackupEntry[] {
    if (this.#versions.size > 0 || this.#values.size > 0) {
      throw new SecregError('BACKUP_DAMAGED', 'a version of an entry is missing in the backup')
    }
    return this.#paths.map((path) => this.found.get(path) as BackupEntry)
  }

  #isBelow(key: string): boolean {
    if (this.#only !== '' && key === entryKey(this.#only)) return true
    const { gte, lt } = entriesBelow(this.#only)
    return key >= gte && key < lt
  }

  #takeEntry(key: string, bytes: Uint8Array): void {
    const { path, entry } = readEntry(key, bytes)
    if (!isLive(entry, this.#nowMs)) return
    this.#paths.push(path)
    this.#pathBytes += Buffer.byteLength(path) + 3
    this.#requireRoom(path.length + ENTRY_BYTES)
    if (entry.value !== undefined) this.#keep({ path, entry }, entry.value)
    else {
      // Without the value that stands in a record there are only names and numbers, which are not wiped.
      this.#versions.set(versionKey(entry.id, entry.active), { path, entry })
    }
  }

  #takeVersion(key: string, bytes: Uint8Array): void {
    const wanted = this.#versions.get(key) as Wanted
    this.#versions.delete(key)
    const value = readVersionValue(bytes)
    if (value !== undefined) this.#keep(wanted, value)
    else this.#values.set(valueKey(wanted.entry.id, wanted.entry.active), wanted)
  }

  /** @param stored - plain, or the sealed blob; not kept */
  #keep({ path, entry }: Wanted, stored: Uint8Array): void {
    const bytes = entry.encrypted ? this.#open(path, entry, stored) : Uint8Array.from(stored)
    this.#requireRoom(bytes.length)
    try {
      this.found.set(path, backupEntryOf(path, entry, bytes))
    } catch (error) {
      bytes.fill(0)
      throw error
    }
  }

  #open(path: string, { id, active, type }: Entry, blob: Uint8Array): Uint8Array {
    try {
      return this.#ring.openValue({ entryId: Buffer.from(id, 'hex'), version: active, type }, blob)
    } catch (cause) {
      if (!isCryptoError(cause)) throw cause
      throw new SecregError('CRYPTO_FAILED', `${path} cannot be decrypted in the backup`, { cause })
    }
  }

  #requireRoom(bytes: number): void {
    this.#bytes += bytes
    if (
      this.#paths.length <= IMPORT_LIMITS.entries &&
      this.#bytes <= IMPORT_LIMITS.bytes &&
      this.#pathBytes <= IMPORT_LIMITS.pathBytes
    ) {
      return
    }
    throw new SecregError(
      'LIMIT_EXCEEDED',
      'that is too much for one commit; restore parts of it one after the other',
    )
  }
}
