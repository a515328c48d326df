/** One entry as a plan finds it and changes it: what is asked of it. */
import { decodeEntry, type Entry, isExpired, isLive, revisionOf } from './entry.ts'
import { EntryRows } from './entry-rows.ts'
import type { View } from './group-view.ts'
import type { KeyState } from './key-state.ts'
import { entryKey } from './keys.ts'
import type { MountRules } from './mounts.ts'
import { hasNumber } from './number-set.ts'
import { requireReadable, versionDestroyed, versionNotFound } from './readable-version.ts'
import type { Retired } from './retired.ts'
import { stateOfVersion, type Version } from './version.ts'

/** What an edit needs of the registry. */
export interface EditContext {
  readonly keys: Pick<KeyState, 'sealValue' | 'openValue'>
  readonly crypto: { equal(a: Uint8Array, b: Uint8Array): boolean }
  /** Wall clock, for what is shown. */
  readonly nowMs: number
  /** Clock that expiry goes by. */
  readonly expiryNowMs: number
  /** Author of the change. */
  readonly by: string
  newEntryId(): string
}

export class EntryState {
  readonly path: string
  readonly mount: MountRules
  /** Of this package only: what {@link relocate} works with. */
  readonly context: EditContext
  readonly rows: EntryRows
  protected readonly stored: Entry | undefined
  readonly #storedRevision: number
  /** A stored life that has expired, and that the sweeper has not met yet. */
  protected expired: Entry | undefined
  protected current: Entry | undefined
  protected retired: Retired | undefined

  constructor(context: EditContext, mount: MountRules, path: string, view: View) {
    this.path = path
    this.mount = mount
    this.context = context
    this.rows = new EntryRows(path, view)
    const row = view.get(entryKey(path))
    const stored = row === undefined ? undefined : decodeEntry(row)
    this.stored = stored
    this.#storedRevision = row === undefined ? 0 : revisionOf(row)
    if (stored !== undefined && isExpired(stored, context.expiryNowMs)) this.expired = stored
    else this.current = stored
  }

  /** The entry as it is now, deleted or not; `undefined` when there is none. */
  get entry(): Entry | undefined {
    return this.current
  }

  /** Whether there is a value that can be read. */
  get isLive(): boolean {
    return this.current !== undefined && isLive(this.current, this.context.expiryNowMs)
  }

  /** Modify revision of what can be read; 0 = nothing. */
  get revision(): number {
    return this.isLive ? this.#storedRevision : 0
  }

  /** Latest number used in this life; 0 = none yet. */
  get latestOfLife(): number {
    const entry = this.current
    if (entry === undefined) return 0
    return entry.latest > entry.base || entry.present.length > 0 ? entry.latest : 0
  }

  /** Latest number used in any life. */
  get latest(): number {
    return this.current?.latest ?? this.past.latest
  }

  /** Whether a number was used in any life. */
  isClaimed(number: number): boolean {
    const { latest, unused } = this.current ?? this.past
    return number <= latest && !hasNumber(unused, number)
  }

  /** Header of a version; `undefined` when it has no row. */
  version(number: number): Version | undefined {
    const entry = this.current
    return entry !== undefined && hasNumber(entry.present, number)
      ? this.rows.version(entry, number)
      : undefined
  }

  /**
   * A version whose value can be read.
   *
   * @throws SecregError `ERR_VERSION_NOT_FOUND`, `ERR_VERSION_DELETED`, `ERR_VERSION_DESTROYED`
   */
  readableVersion(number: number): Version {
    return requireReadable(number, this.version(number), this.context.expiryNowMs)
  }

  /**
   * Whether a version was deleted or has expired.
   *
   * @throws SecregError `ERR_VERSION_NOT_FOUND`, `ERR_VERSION_DESTROYED`
   */
  isHidden(number: number): boolean {
    const version = this.required(number)
    if (version.destroyed) throw versionDestroyed(number)
    return stateOfVersion(version, this.context.expiryNowMs) !== 'kept'
  }

  /**
   * Bytes of a version.
   *
   * @returns a view of the row when it is plain, else a fresh copy, which the caller wipes
   */
  plain(number: number): Uint8Array {
    const version = this.readableVersion(number)
    const entry = this.now
    const stored = this.rows.value(entry, number, version)
    if (!version.encrypted) return stored
    return this.context.keys.openValue({ id: entry.id, type: version.type }, number, stored)
  }

  /** Whether a version can be read and has these bytes, compared in constant time. */
  holds(number: number, bytes: Uint8Array): boolean {
    const version = this.version(number)
    if (version === undefined) return false
    if (stateOfVersion(version, this.context.expiryNowMs) !== 'kept') return false
    const plain = this.plain(number)
    try {
      return this.context.crypto.equal(plain, bytes)
    } finally {
      if (version.encrypted) plain.fill(0)
    }
  }

  /** What this path remembers of its lives before. */
  get past(): Retired {
    this.retired ??= this.expired ?? this.rows.retired()
    return this.retired
  }

  /** The entry, where there must be one. */
  protected get now(): Entry {
    const entry = this.current
    if (entry === undefined) throw new TypeError('there is no entry to change')
    return entry
  }

  /** @throws SecregError `ERR_VERSION_NOT_FOUND` */
  protected required(number: number): Version {
    const version = this.version(number)
    if (version === undefined) throw versionNotFound(number)
    return version
  }
}
