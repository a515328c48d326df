/**
 * One entry under change: what a plan does to it step by step, and the rows that come out (DESIGN §4). Numbers never
 * repeat in any life of a path; the active version is never pruned; what is erased is noted for the eraser.
 */
import type { ChangeEvent, ChangeOp, TypedValue } from '@secreg/protocol'
import type { Op } from '@secreg/storage'
import type { Shown } from './counters.ts'
import {
  decodeEntry,
  type Entry,
  type EntryLimits,
  INLINE_VALUE_BYTES,
  isExpired,
  isLive,
  type Metadata,
} from './entry.ts'
import { activated, beginLife, claim, hidden, left, pruned, unhidden } from './entry-life.ts'
import { EntryRows } from './entry-rows.ts'
import type { View } from './group-view.ts'
import type { KeyState } from './key-state.ts'
import { entryKey } from './keys.ts'
import type { MountRules } from './mounts.ts'
import { addNumbers, hasNumber, NO_NUMBERS, numbersUp, removeNumber } from './number-set.ts'
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

export interface PutOptions {
  readonly encrypted: boolean
  readonly activate: boolean
  /** Number that nobody has used; default the one after the latest. */
  readonly number?: number
}

/** When something expires: the entry (0) or a version. */
export type Expiry = readonly [atMs: number, number: number]

/** What an edit writes and tells. */
export interface EntryChange {
  readonly ops: readonly Op[]
  readonly events: readonly ChangeEvent[]
  /** By how much the numbers of entries with a value grow. */
  readonly shown: Shown
  /** Erased bytes have to leave the files. */
  readonly erases: boolean
}

const UNCHANGED: EntryChange = Object.freeze({
  ops: [],
  events: [],
  shown: { durable: 0, volatile: 0 },
  erases: false,
})

/** Numbers that an entry in memory reserves on disk at once: after a restart they must not come again. */
const RESERVED_NUMBERS = 1024

export class EntryEdit {
  readonly path: string
  readonly mount: MountRules
  /** Of this package only: what {@link relocate} works with. */
  readonly context: EditContext
  readonly rows: EntryRows
  readonly #stored: Entry | undefined
  readonly #storedRevision: number
  /** A stored life that has expired, and that the sweeper has not met yet. */
  #expired: Entry | undefined
  #entry: Entry | undefined
  #retired: Retired | undefined
  readonly #events: ChangeEvent[] = []
  #erases = false

  constructor(context: EditContext, mount: MountRules, path: string, view: View) {
    this.path = path
    this.mount = mount
    this.context = context
    this.rows = new EntryRows(path, view)
    const row = view.get(entryKey(path))
    const stored = row === undefined ? undefined : decodeEntry(row)
    this.#stored = stored
    this.#storedRevision = row?.modifyRevision ?? 0
    if (stored !== undefined && isExpired(stored, context.expiryNowMs)) this.#expired = stored
    else this.#entry = stored
  }

  /** The entry as it is now, deleted or not; `undefined` when there is none. */
  get entry(): Entry | undefined {
    return this.#entry
  }

  /** Whether there is a value that can be read. */
  get isLive(): boolean {
    return this.#entry !== undefined && isLive(this.#entry, this.context.expiryNowMs)
  }

  /** Modify revision of what can be read; 0 = nothing. */
  get revision(): number {
    return this.isLive ? this.#storedRevision : 0
  }

  /** Latest number used in this life; 0 = none yet. */
  get latestOfLife(): number {
    const entry = this.#entry
    if (entry === undefined) return 0
    return entry.latest > entry.base || entry.present.length > 0 ? entry.latest : 0
  }

  /** Latest number used in any life. */
  get latest(): number {
    return this.#entry?.latest ?? this.#past().latest
  }

  /** Whether a number was used in any life. */
  isClaimed(number: number): boolean {
    const { latest, unused } = this.#entry ?? this.#past()
    return number <= latest && !hasNumber(unused, number)
  }

  /** Header of a version; `undefined` when it has no row. */
  version(number: number): Version | undefined {
    const entry = this.#entry
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
    const version = this.#required(number)
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
    const entry = this.#now
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

  /** Make an entry without a version, unless there is one. */
  define(type: TypedValue['type']): Entry {
    if (this.#entry !== undefined) return this.#entry
    const { nowMs, by } = this.context
    this.#entry = beginLife(this.context.newEntryId(), type, this.#past(), { nowMs, by })
    return this.#entry
  }

  /**
   * Write a new version.
   *
   * @returns its number
   * @throws SecregError `ERR_VERSION_CONFLICT` when the number was used before, `ERR_VERSIONS_EXHAUSTED`
   */
  put({ type, bytes }: TypedValue, options: PutOptions): number {
    const { nowMs, by, keys, expiryNowMs } = this.context
    const { encrypted } = options
    const { id, limits, active } = this.define(type)
    const number = this.#claim(options.number)
    const stored = encrypted ? keys.sealValue({ id, type }, number, bytes) : bytes
    const inline = stored.length <= INLINE_VALUE_BYTES
    const deleteAfterMs = limits.deleteAfterMs ?? this.mount.deleteAfterMs
    const expiresAtMs = deleteAfterMs === undefined ? undefined : expiryNowMs + deleteAfterMs
    const version: Version = {
      type,
      encrypted,
      createdAtMs: nowMs,
      createdBy: by,
      destroyed: false,
      ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
      ...(inline ? { value: stored } : {}),
    }
    const entry = this.#now
    this.rows.putVersion(entry, number, version, true)
    if (!inline) this.rows.putValue(entry, number, stored, true)
    if (expiresAtMs !== undefined) this.rows.putExpiry(entry, expiresAtMs, number)
    this.#entry = {
      ...entry,
      present: addNumbers(entry.present, number),
      scattered: entry.scattered || !inline || expiresAtMs !== undefined,
    }
    const activates = options.activate || active === 0
    if (activates) this.#entry = activated(this.#now, number, version)
    this.#tell(activates ? 'set' : 'create-version', number)
    this.#prune()
    return number
  }

  /**
   * Make an existing version the active one.
   *
   * @returns whether that changed anything
   * @throws SecregError as {@link readableVersion}
   */
  activate(number: number): boolean {
    const version = this.readableVersion(number)
    if (this.#now.active === number) return false
    this.#entry = activated(this.#now, number, version)
    this.#tell('activate', number)
    return true
  }

  /** Delete the entry; its versions are kept. */
  delete(): void {
    const { nowMs, by } = this.context
    const { value: _, ...entry } = this.#now
    this.#entry = { ...entry, deletedAtMs: nowMs, deletedBy: by }
    this.#tell('delete', entry.active)
  }

  /** Bring a deleted entry back. */
  undelete(): void {
    const { deletedAtMs: _, deletedBy: __, ...entry } = this.#now
    this.#entry = entry
    if (entry.active !== 0 && entry.activeState === undefined) {
      this.#entry = activated(this.#now, entry.active, this.#required(entry.active))
    }
    this.#tell('undelete', entry.active)
  }

  /** Delete one version. */
  deleteVersion(number: number, op: 'delete' | 'expire' = 'delete'): void {
    const version = this.#required(number)
    this.rows.putVersion(this.#now, number, { ...version, deletedAtMs: this.context.nowMs })
    if (number === this.#now.active) this.#entry = hidden(this.#now, 'deleted')
    this.#tell(op, number)
  }

  /** Bring one deleted version back; one that has expired loses its expiry. */
  undeleteVersion(number: number): void {
    const { deletedAtMs: _, expiresAtMs, ...version } = this.#required(number)
    if (version.destroyed) throw versionDestroyed(number)
    if (expiresAtMs !== undefined) this.rows.deleteExpiry(expiresAtMs, number)
    this.rows.putVersion(this.#now, number, version)
    if (number === this.#now.active) this.#entry = unhidden(this.#now, version)
    this.#tell('undelete', number)
  }

  /** Erase the value of a version; its header stays. @returns whether there was one */
  destroy(number: number): boolean {
    const { value, expiresAtMs, ...version } = this.#required(number)
    if (version.destroyed) return false
    const entry = this.#now
    if (value === undefined) this.rows.deleteValue(entry, number)
    if (expiresAtMs !== undefined) this.rows.deleteExpiry(expiresAtMs, number)
    this.rows.putVersion(entry, number, { ...version, destroyed: true })
    if (number === entry.active) this.#entry = hidden(entry, 'destroyed')
    this.#erases = true
    this.#tell('destroy', number)
    return true
  }

  /** Erase the entry with its history; its numbers stay used. */
  purge(): void {
    const entry = this.#now
    this.#tell('purge', entry.active)
    this.#dropLife(entry)
    this.#entry = undefined
  }

  /** Erase a life that has expired. @returns whether there was one */
  expire(): boolean {
    const expired = this.#expired
    if (expired === undefined) return false
    this.#expired = undefined
    this.#dropLife(expired)
    const { active: version, type, encrypted } = expired
    this.#events.unshift({ op: 'expire', key: this.path, version, type, encrypted })
    return true
  }

  /** Change metadata and limits. */
  describe(change: { readonly metadata?: Metadata; readonly limits?: EntryLimits }): void {
    this.#entry = { ...this.#now, ...change }
    this.#tell('metadata', this.#now.active)
  }

  /** Have the whole entry go at a time, or never. */
  expireAt(atMs: number | undefined): void {
    const { expiresAtMs: before, ...entry } = this.#now
    if (before === atMs) return
    if (before !== undefined) this.rows.deleteExpiry(before, 0)
    this.#entry = atMs === undefined ? entry : { ...entry, expiresAtMs: atMs }
    if (atMs !== undefined) this.rows.putExpiry(this.#now, atMs, 0)
  }

  /** Keep it from being read back without `use-internal`. There is no way back but a purge. */
  makePrivate(): void {
    this.#entry = { ...this.#now, private: true }
  }

  /** Keep it in memory only; versions that are on disk are erased, and what is put next is the only one. */
  makeEphemeral(): void {
    const { value: _, ...entry } = this.#now
    if (entry.ephemeral) return
    for (const number of numbersUp(entry.present)) this.rows.deleteVersion(entry, number)
    this.#erases = this.#stored !== undefined
    this.#entry = { ...entry, ephemeral: true, present: NO_NUMBERS, active: 0 }
    if (entry.expiresAtMs !== undefined) this.rows.putExpiry(this.#now, entry.expiresAtMs, 0)
  }

  /** Keep it on disk from now on, with the versions that it has. */
  makeDurable(): void {
    if (!this.#now.ephemeral) return
    const entry: Entry = { ...this.#now, ephemeral: false }
    this.#entry = entry
    for (const number of numbersUp(entry.present)) {
      const version = this.rows.version(entry, number)
      this.rows.putVersion(entry, number, version)
      if (version.value === undefined && !version.destroyed) {
        this.rows.putValue(entry, number, this.rows.value(entry, number, version))
      }
    }
    for (const [atMs, number] of this.rows.expiries(entry)) {
      this.rows.putExpiry(entry, atMs, number)
    }
  }

  /** Take over another entry's metadata; its own event follows with the value. */
  carry(metadata: Metadata): void {
    this.#entry = { ...this.#now, metadata }
  }

  /**
   * Take the entry away from here; its versions stay where they are.
   *
   * @returns the entry, and when it (0) and its versions expire
   */
  moveAway(): { readonly entry: Entry; readonly expiries: readonly Expiry[] } {
    const entry = this.#now
    this.#tell('purge', entry.active)
    const expiries = [...this.rows.expiries(entry)]
    for (const [atMs, number] of expiries) this.rows.deleteExpiry(atMs, number)
    this.#retire({ latest: entry.latest, unused: entry.unused, movedId: entry.id })
    this.#entry = undefined
    // In memory it leaves nothing behind.
    return { entry: entry.ephemeral ? entry : left(entry, this.path), expiries }
  }

  /** What this path remembers of its lives before. */
  get past(): Retired {
    return this.#past()
  }

  /** Go on as an entry that was elsewhere, or is written here version by version. */
  become(entry: Entry, expiries: readonly Expiry[] = []): void {
    this.#entry = entry
    for (const [atMs, number] of expiries) this.rows.putExpiry(entry, atMs, number)
    this.#tell('set', entry.active)
  }

  /** What comes of it; to be called once, at the end. */
  finish(): EntryChange {
    if (this.#events.length === 0 && (this.#entry === undefined || this.#entry === this.#stored)) {
      return UNCHANGED
    }
    this.expire()
    const { nowMs, by } = this.context
    const stored = this.#stored
    if (this.#entry !== undefined) {
      this.#entry = { ...this.#entry, modifiedAtMs: nowMs, modifiedBy: by }
      this.rows.putEntry(this.#entry)
      if (this.#entry.ephemeral) this.#reserve(this.#entry)
    } else if (stored !== undefined) this.rows.deleteEntry()
    const erases = this.#erases && stored !== undefined && !stored.ephemeral
    if (erases) this.rows.noteErasure(stored)
    const shown = {
      durable: counts(this.#entry, false) - counts(stored, false),
      volatile: counts(this.#entry, true) - counts(stored, true),
    }
    return { ops: this.rows.ops(), events: this.#events, shown, erases }
  }

  get #now(): Entry {
    const entry = this.#entry
    if (entry === undefined) throw new TypeError('there is no entry to change')
    return entry
  }

  #past(): Retired {
    this.#retired ??= this.#expired ?? this.rows.retired()
    return this.#retired
  }

  #retire(retired: Retired): void {
    this.#retired = retired
    this.rows.putRetired(retired)
  }

  #claim(asked: number | undefined): number {
    const number = asked ?? this.#now.latest + 1
    this.#entry = claim(this.#now, number, this.mount.rules?.maxVersion ?? 0)
    return number
  }

  #prune(): void {
    const { limits, present, active } = this.#now
    const most = limits.maxVersions ?? this.mount.maxVersions ?? this.mount.rules?.maxVersions ?? 1
    const excess = pruned(present, active, most)
    if (excess.length === 0) return
    for (const number of excess) this.rows.deleteVersion(this.#now, number)
    this.#entry = { ...this.#now, present: excess.reduce(removeNumber, present) }
  }

  /** All rows of a life but its record. */
  #dropLife(entry: Entry): void {
    for (const number of numbersUp(entry.present)) this.rows.deleteVersion(entry, number)
    if (entry.expiresAtMs !== undefined) this.rows.deleteExpiry(entry.expiresAtMs, 0)
    this.#retire({ latest: entry.latest, unused: entry.unused })
    this.#erases = true
  }

  #reserve({ latest }: Entry): void {
    const past = this.#past()
    if (past.latest < latest) {
      this.#retire({ latest: latest + RESERVED_NUMBERS - 1, unused: past.unused })
    }
  }

  #required(number: number): Version {
    const version = this.version(number)
    if (version === undefined) throw versionNotFound(number)
    return version
  }

  #tell(op: ChangeOp, version: number): void {
    const { type, encrypted } = this.#now
    this.#events.push({ op, key: this.path, version, type, encrypted })
  }
}

/** 1 for an entry with a value, expired or not, that is in memory only, or is not. */
function counts(entry: Entry | undefined, ephemeral: boolean): number {
  const isShown =
    entry !== undefined &&
    entry.active !== 0 &&
    entry.deletedAtMs === undefined &&
    entry.activeState === undefined
  return isShown && entry.ephemeral === ephemeral ? 1 : 0
}
