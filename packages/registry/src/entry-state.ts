/** One entry as a plan finds it and changes it: what is asked of it. */
import { decodeEntry, type Entry, isExpired, isLive, revisionOf } from './entry.ts'
import { EntryRows } from './entry-rows.ts'
import type { View } from './group-view.ts'
import type { KeyState } from './key-state.ts'
import { entryKey } from './keys.ts'
import type { MountRules } from './mounts.ts'
import { hasNumber } from './number-set.ts'
import { requireReadable, versionDestroyed, versionNotFound } from './readable-version.ts'
import { type Renumbering, raised } from './renumbering.ts'
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
  /** How far numbers of rows that a restore brought are raised. */
  readonly renumbering: Renumbering
  /** Author of the change. */
  readonly by: string
  newEntryId(): string
  /** Told of each value that is written; for records that name values by keyed hashes. */
  readonly onValue?: (path: string, bytes: Uint8Array) => void
}

export class EntryState {
  readonly path: string
  readonly mount: MountRules
  /** Of this package only: what {@link relocate} works with. */
  readonly context: EditContext
  readonly rows: EntryRows
  protected readonly stored: Entry | undefined
  readonly #storedRevision: number
  /** It is as a restore has brought it: its numbers go on above those that clients may hold. */
  readonly #isRestored: boolean
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
    this.#isRestored = row !== undefined && this.#storedRevision <= context.renumbering.revision
    if (stored !== undefined && isExpired(stored, context.expiryNowMs)) this.expired = stored
    else this.current = stored
  }

  /** The entry as it is now, deleted or not; `undefined` when there is none. */
  get entry(): Entry | undefined {
    return this.current
  }

  /** The entry as it is stored, deleted, expired or not. */
  get before(): Entry | undefined {
    return this.stored
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

  /** Number that the next version gets. */
  get next(): number {
    return this.#used.latest + 1
  }

  /** Numbers of this life and those before that count as used. */
  get #used(): Pick<Retired, 'latest' | 'unused'> {
    return this.current === undefined ? this.past : this.claimedBy(this.current)
  }

  /** A life with the numbers that count as used by it. */
  protected claimedBy(entry: Entry): Entry {
    const isAsRestored =
      this.#isRestored && entry.id === this.stored?.id && entry.latest === this.stored.latest
    return isAsRestored ? raised(entry, this.context.renumbering.raise) : entry
  }

  /** Have the numbers go on above those that clients may hold, where a restore has brought the entry. */
  raise(): void {
    if (this.current !== undefined) this.current = this.claimedBy(this.current)
  }

  /** Whether a number was used in any life. */
  isClaimed(number: number): boolean {
    const { latest, unused } = this.#used
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
    this.retired ??=
      this.expired === undefined
        ? this.rows.retired(this.context.renumbering)
        : this.claimedBy(this.expired)
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
