/** Which version of an entry a reader gets, and its text. */
import { formatValue, SecregError, type ValueType } from '@secreg/protocol'
import type { MaybePromise, Reader } from '@secreg/storage'
import { type Entry, isExpired, isLive } from './entry.ts'
import type { KeyState } from './key-state.ts'
import { valueKey, versionKey } from './keys.ts'
import { hasNumber } from './number-set.ts'
import { requireReadable } from './readable-version.ts'
import { whenReady } from './recorded.ts'
import { decodeVersion, type Version } from './version.ts'

export interface ReadContext {
  readonly engine: Pick<Reader, 'get'>
  readonly keys: Pick<KeyState, 'openValue'>
}

/** One version that can be read. */
export interface Readable {
  readonly entry: Entry
  readonly number: number
  readonly type: ValueType
  readonly encrypted: boolean
  /** Stored bytes where they are at hand. */
  readonly value: Uint8Array | undefined
  /** `undefined` for the active version, of which the entry says it all. */
  readonly header: Version | undefined
}

/** The same for every absent path. */
export function notFound(): SecregError {
  return new SecregError('STORAGE_KEY_NOT_FOUND', 'no such key')
}

/**
 * Require that an entry has a value that can be read.
 *
 * @throws SecregError `ERR_STORAGE_KEY_NOT_FOUND` when it is absent or expired, `ERR_ENTRY_DELETED`,
 *   `ERR_VERSION_DELETED`, `ERR_VERSION_DESTROYED`
 */
export function requireLive(entry: Entry | undefined, nowMs: number): Entry {
  requirePresent(entry, nowMs)
  if (isLive(entry, nowMs)) return entry
  switch (entry.activeState) {
    case 'destroyed':
      throw new SecregError('VERSION_DESTROYED', 'the active version was destroyed for ever')
    case 'deleted':
      throw new SecregError('VERSION_DELETED', 'the active version was deleted')
    default:
      throw entry.active === 0
        ? notFound()
        : new SecregError('VERSION_DELETED', 'the active version has expired')
  }
}

/**
 * Require that there is an entry that is not deleted.
 *
 * @throws SecregError `ERR_STORAGE_KEY_NOT_FOUND`, `ERR_ENTRY_DELETED`
 */
export function requirePresent(entry: Entry | undefined, nowMs: number): asserts entry is Entry {
  if (entry === undefined || isExpired(entry, nowMs)) throw notFound()
  if (entry.deletedAtMs !== undefined) {
    throw new SecregError('ENTRY_DELETED', 'the entry was deleted; undelete brings it back')
  }
}

/**
 * The active version, or the one that is asked for.
 *
 * @throws SecregError as {@link requireLive}; `ERR_VERSION_NOT_FOUND`
 */
export function readableVersion(
  { engine }: ReadContext,
  entry: Entry | undefined,
  asked: number | undefined,
  nowMs: number,
): MaybePromise<Readable> {
  if (asked === undefined || (asked === entry?.active && entry.activeState === undefined)) {
    const live = requireLive(entry, nowMs)
    const { active: number, type, encrypted, value } = live
    return { entry: live, number, type, encrypted, value, header: undefined }
  }
  requirePresent(entry, nowMs)
  if (!hasNumber(entry.present, asked)) {
    requireReadable(asked, undefined, nowMs)
  }
  return whenReady(engine.get(versionKey(entry.id, asked)), (row) => {
    const version = row === undefined ? undefined : decodeVersion(row)
    const header = requireReadable(asked, version, nowMs)
    const { type, encrypted, value } = header
    return { entry, number: asked, type, encrypted, value, header }
  })
}

/**
 * Canonical text of a version.
 *
 * @throws SecregError `ERR_SEALED`, `ERR_CRYPTO_FAILED`, `ERR_STORAGE_CORRUPT`
 */
export function textOf(
  context: ReadContext,
  found: Omit<Readable, 'header'>,
): MaybePromise<string> {
  const { entry, number, value } = found
  if (value !== undefined) return decode(context, found, value)
  return whenReady(context.engine.get(versionKey(entry.id, number)), (header) => {
    const small = header === undefined ? undefined : decodeVersion(header).value
    if (small !== undefined) return decode(context, found, small)
    return whenReady(context.engine.get(valueKey(entry.id, number)), (row) => {
      if (row === undefined) {
        throw new SecregError('STORAGE_CORRUPT', 'a version of the entry is missing')
      }
      return decode(context, found, row.value)
    })
  })
}

function decode(
  { keys }: ReadContext,
  found: Omit<Readable, 'header'>,
  stored: Uint8Array,
): string {
  const { entry, number, type, encrypted } = found
  if (!encrypted) return formatValue({ type, bytes: stored })
  const bytes = keys.openValue({ id: entry.id, type }, number, stored)
  try {
    return formatValue({ type, bytes })
  } finally {
    bytes.fill(0)
  }
}
