/**
 * An entry as a backup holds it, with its active value. A backup may come from anybody who could make one, so nothing in
 * it is taken for what this software would have written: each part is checked as if a client had sent it.
 */
import {
  formatValue,
  parsePath,
  parseValue,
  parseValueType,
  SecregError,
  type TypedValue,
} from '@secreg/protocol'
import { parseRequest } from '@secreg/protocol/messages'
import { type Entry, type EntryLimits, type Metadata, parseEntry } from '../entry.ts'
import { pathOfEntryKey } from '../keys.ts'
import { decodeVersion } from '../version.ts'

/** An entry to bring back. */
export interface BackupEntry {
  readonly path: string
  /** Wiped by whoever has it. */
  readonly value: TypedValue
  readonly encrypted: boolean
  readonly private: boolean
  readonly expiresAtMs?: number
  readonly metadata: Metadata
  readonly limits: EntryLimits
}

const ID = /^[0-9a-f]{32}$/

/**
 * Read the record of an entry.
 *
 * @throws SecregError `ERR_BACKUP_DAMAGED`
 */
export function readEntry(key: string, bytes: Uint8Array): { path: string; entry: Entry } {
  return checked(() => {
    const path = parsePath(pathOfEntryKey(key))
    const entry = parseEntry(bytes)
    const { id, active, type, expiresAtMs, activeExpiresAtMs, deletedAtMs } = entry
    const times = [expiresAtMs, activeExpiresAtMs, deletedAtMs]
    if (
      parseValueType(type) !== type ||
      typeof id !== 'string' ||
      !ID.test(id) ||
      !isCount(active) ||
      times.some((time) => time !== undefined && !isCount(time))
    ) {
      throw unexpected()
    }
    return { path, entry }
  })
}

/**
 * Read the header of a version.
 *
 * @returns its value, where that stands there: a view
 * @throws SecregError `ERR_BACKUP_DAMAGED`
 */
export function readVersionValue(bytes: Uint8Array): Uint8Array | undefined {
  return checked(() => decodeVersion({ value: bytes }).value)
}

/**
 * Put an entry together with its value.
 *
 * @param bytes - in the clear; taken over
 * @throws SecregError `ERR_BACKUP_DAMAGED`
 */
export function backupEntryOf(path: string, entry: Entry, bytes: Uint8Array): BackupEntry {
  return checked(() => {
    const { type, encrypted, private: isPrivate, expiresAtMs } = entry
    const { metadata, limits } = checkedDescription(path, entry)
    // Canonical, of its type and within its bounds, as when it was set.
    parseValue(formatValue({ type, bytes }), type).bytes.fill(0)
    return {
      path,
      value: { type, bytes },
      encrypted,
      private: isPrivate,
      ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
      metadata,
      limits,
    }
  })
}

function checkedDescription(
  key: string,
  { metadata, limits }: Entry,
): { metadata: Metadata; limits: EntryLimits } {
  const { description, tags, custom, granted } = metadata
  const { maxVersions, casRequired, deleteAfterMs } = limits
  parseRequest('meta', {
    op: 'set',
    key,
    description,
    tags,
    custom,
    max_versions: maxVersions,
    cas_required: casRequired,
    delete_after_s: deleteAfterMs === undefined ? undefined : deleteAfterMs / 1000,
  })
  const names = granted ?? []
  const isNamed = (name: unknown): boolean =>
    typeof name === 'string' && Object.hasOwn(custom ?? {}, name)
  const texts = [description ?? '', ...Object.values(custom ?? {})]
  if (
    !Array.isArray(names) ||
    !names.every(isNamed) ||
    !texts.every((text) => typeof text === 'string') ||
    // A request may take something away with null; a record has none.
    [description, maxVersions, casRequired].includes(null as never)
  ) {
    throw unexpected()
  }
  return {
    metadata: {
      ...(description === undefined ? {} : { description }),
      ...(tags === undefined ? {} : { tags }),
      ...(custom === undefined ? {} : { custom }),
      ...(granted === undefined ? {} : { granted }),
    },
    limits: {
      ...(maxVersions === undefined ? {} : { maxVersions }),
      ...(casRequired === undefined ? {} : { casRequired }),
      ...(deleteAfterMs === undefined ? {} : { deleteAfterMs }),
    },
  }
}

function checked<T>(read: () => T): T {
  try {
    return read()
  } catch (cause) {
    throw unexpected(cause)
  }
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0

function unexpected(cause?: unknown): SecregError {
  return new SecregError(
    'BACKUP_DAMAGED',
    'a record in the backup is not as this version writes it',
    {
      cause,
    },
  )
}
