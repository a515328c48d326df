/**
 * One entry under change: what a plan does to it step by step, and the rows that come out (DESIGN §4). Numbers never
 * repeat in any life of a path; the active version is never pruned; what is erased is noted for the eraser.
 */
import type { ChangeEvent, ChangeOp, TypedValue } from '@secreg/protocol'
import type { Op } from '@secreg/storage'
import type { Shown } from './counters.ts'
import { type Entry, type EntryLimits, INLINE_VALUE_BYTES, type Metadata } from './entry.ts'
import { activated, beginLife, claim, hidden, left, pruned, unhidden } from './entry-life.ts'
import { EntryState } from './entry-state.ts'
import { addNumbers, NO_NUMBERS, numbersUp, removeNumber } from './number-set.ts'
import { versionDestroyed } from './readable-version.ts'
import type { Retired } from './retired.ts'
import { addSplit, hasQuota, NOTHING_USED, type SplitUsage, type Usage } from './usage.ts'
import type { Version } from './version.ts'
import { withGone } from './watch/gone.ts'

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
  /** By how much what is in use of the mount grows, where that is counted. */
  readonly growth?: SplitUsage
  /** Something is written that is more than a deletion. */
  readonly adds: boolean
}

const UNCHANGED: EntryChange = Object.freeze({
  ops: [],
  events: [],
  shown: { durable: 0, volatile: 0 },
  erases: false,
  adds: false,
})

/** What only takes something away: no quota refuses it, though its own record may be longer. */
const DELETIONS: ReadonlySet<ChangeOp> = new Set(['delete', 'expire', 'destroy', 'purge'])

/** Numbers that an entry in memory reserves on disk at once: after a restart they must not come again. */
const RESERVED_NUMBERS = 1024

export class EntryEdit extends EntryState {
  readonly #events: ChangeEvent[] = []
  #erases = false
  /** Of versions that came from or went to another mount. */
  #moved = NOTHING_USED

  /** Make an entry without a version, unless there is one. */
  define(type: TypedValue['type']): Entry {
    if (this.current !== undefined) return this.current
    const { nowMs, by } = this.context
    this.current = beginLife(this.context.newEntryId(), type, this.past, { nowMs, by })
    return this.current
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
    this.raise()
    const before = this.define(type)
    // Of what is in memory only, no hash stands in the log either.
    if (!before.ephemeral) this.context.onValue?.(this.path, bytes)
    const { id, limits, active } = before
    const number = options.number ?? before.latest + 1
    const claimed = claim(before, number, this.mount.rules?.maxVersion ?? 0)
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
    this.rows.putVersion(before, number, version, true)
    if (!inline) this.rows.putValue(before, number, stored, true)
    if (expiresAtMs !== undefined) this.rows.putExpiry(before, expiresAtMs, number)
    const activates = options.activate || active === 0
    const all = addNumbers(before.present, number)
    const excess = pruned(all, activates ? number : active, this.#mostVersions(limits))
    const change = {
      latest: claimed.latest,
      unused: claimed.unused,
      present: excess.length === 0 ? all : excess.reduce(removeNumber, all),
      scattered: before.scattered || !inline || expiresAtMs !== undefined,
    }
    // One object for it all: this is the path of every set.
    const entry = activates ? activated(before, number, version, change) : { ...before, ...change }
    this.current = entry
    for (const old of excess) this.rows.deleteVersion(entry, old)
    this.#tell(activates ? 'set' : 'create-version', number)
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
    if (this.now.active === number) return false
    this.current = activated(this.now, number, version)
    this.#tell('activate', number)
    return true
  }

  /** Delete the entry; its versions are kept. */
  delete(): void {
    const { nowMs, by } = this.context
    const { value: _, ...entry } = this.now
    this.current = { ...entry, deletedAtMs: nowMs, deletedBy: by }
    this.#tell('delete', entry.active)
  }

  /** Bring a deleted entry back. */
  undelete(): void {
    const { deletedAtMs: _, deletedBy: __, ...entry } = this.now
    this.current = entry
    if (entry.active !== 0 && entry.activeState === undefined) {
      this.current = activated(this.now, entry.active, this.required(entry.active))
    }
    this.#tell('undelete', entry.active)
  }

  /** Delete one version. */
  deleteVersion(number: number, op: 'delete' | 'expire' = 'delete'): void {
    const version = this.required(number)
    this.rows.putVersion(this.now, number, { ...version, deletedAtMs: this.context.nowMs })
    if (number === this.now.active) this.current = hidden(this.now, 'deleted')
    this.#tell(op, number)
  }

  /** Bring one deleted version back; one that has expired loses its expiry. */
  undeleteVersion(number: number): void {
    const { deletedAtMs: _, expiresAtMs, ...version } = this.required(number)
    if (version.destroyed) throw versionDestroyed(number)
    if (expiresAtMs !== undefined) this.rows.deleteExpiry(expiresAtMs, number)
    this.rows.putVersion(this.now, number, version)
    if (number === this.now.active) this.current = unhidden(this.now, version)
    this.#tell('undelete', number)
  }

  /** Erase the value of a version; its header stays. @returns whether there was one */
  destroy(number: number): boolean {
    const { value, expiresAtMs, ...version } = this.required(number)
    if (version.destroyed) return false
    const entry = this.now
    if (value === undefined) this.rows.deleteValue(entry, number)
    if (expiresAtMs !== undefined) this.rows.deleteExpiry(expiresAtMs, number)
    this.rows.putVersion(entry, number, { ...version, destroyed: true })
    if (number === entry.active) this.current = hidden(entry, 'destroyed')
    this.#erases = true
    this.#tell('destroy', number)
    return true
  }

  /** Erase the entry with its history; its numbers stay used. */
  purge(): void {
    const entry = this.now
    this.#tellPurge(entry)
    this.#dropLife(entry)
    this.current = undefined
  }

  /** Erase a life that has expired. @returns whether there was one */
  expire(): boolean {
    const expired = this.expired
    if (expired === undefined) return false
    this.expired = undefined
    this.#dropLife(expired)
    const { active: version, type, encrypted } = expired
    const event = { op: 'expire', key: this.path, version, type, encrypted } as const
    this.#events.unshift(withGone(event, expired))
    return true
  }

  /** Change metadata and limits. */
  describe(change: { readonly metadata?: Metadata; readonly limits?: EntryLimits }): void {
    this.current = { ...this.now, ...change }
    this.#tell('metadata', this.now.active)
  }

  /** Have the whole entry go at a time, or never. */
  expireAt(atMs: number | undefined): void {
    const { expiresAtMs: before, ...entry } = this.now
    if (before === atMs) return
    if (before !== undefined) this.rows.deleteExpiry(before, 0)
    this.current = atMs === undefined ? entry : { ...entry, expiresAtMs: atMs }
    if (atMs !== undefined) this.rows.putExpiry(this.now, atMs, 0)
  }

  /** Keep it from being read back without `use-internal`. There is no way back but a purge. */
  makePrivate(): void {
    this.current = { ...this.now, private: true }
  }

  /** Keep it in memory only; versions that are on disk are erased, and what is put next is the only one. */
  makeEphemeral(): void {
    const { value: _, ...entry } = this.now
    if (entry.ephemeral) return
    for (const number of numbersUp(entry.present)) this.rows.deleteVersion(entry, number)
    this.#erases = this.stored !== undefined
    this.current = { ...entry, ephemeral: true, present: NO_NUMBERS, active: 0 }
    if (entry.expiresAtMs !== undefined) this.rows.putExpiry(this.now, entry.expiresAtMs, 0)
  }

  /** The same, but the active version goes on in memory, as it is; of several, it is the only one left. */
  moveToMemory(): void {
    const before = this.now
    if (before.ephemeral) return
    const { active, value: inline } = before
    const version = this.version(active)
    const large =
      version !== undefined && version.value === undefined && !version.destroyed
        ? this.rows.value(before, active, version).slice()
        : undefined
    this.makeEphemeral()
    if (version === undefined) return
    const { expiresAtMs } = version
    this.current = {
      ...this.now,
      active,
      present: addNumbers(NO_NUMBERS, active),
      scattered: large !== undefined || expiresAtMs !== undefined,
      ...(inline === undefined ? {} : { value: inline }),
    }
    this.rows.putVersion(this.now, active, version)
    if (large !== undefined) this.rows.putValue(this.now, active, large)
    // One that the sweeper has met has no row any more.
    if (expiresAtMs !== undefined && version.deletedAtMs === undefined) {
      this.rows.putExpiry(this.now, expiresAtMs, active)
    }
  }

  /** Keep it on disk from now on, with the versions that it has. */
  makeDurable(): void {
    if (!this.now.ephemeral) return
    const entry: Entry = { ...this.now, ephemeral: false }
    this.current = entry
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
    this.current = { ...this.now, metadata }
  }

  /**
   * Take the entry away from here; its versions stay where they are.
   *
   * @returns the entry, and when it (0) and its versions expire
   */
  moveAway(): { readonly entry: Entry; readonly expiries: readonly Expiry[] } {
    this.raise()
    const entry = this.now
    this.#tellPurge(entry)
    const expiries = [...this.rows.expiries(entry)]
    for (const [atMs, number] of expiries) this.rows.deleteExpiry(atMs, number)
    this.#retire({ latest: entry.latest, unused: entry.unused, movedId: entry.id })
    this.current = undefined
    // In memory it leaves nothing behind.
    return { entry: entry.ephemeral ? entry : left(entry, this.path), expiries }
  }

  /** Go on as an entry that was elsewhere, or is written here version by version. */
  become(entry: Entry, expiries: readonly Expiry[] = []): void {
    this.current = entry
    for (const [atMs, number] of expiries) this.rows.putExpiry(entry, atMs, number)
    this.#tell('set', entry.active)
  }

  /** Versions of an entry in another mount belong to this one from now on, or with -1 the other way round. */
  shift(usage: Usage, { ephemeral }: Entry, sign: 1 | -1): void {
    const part = ephemeral ? { volatile: usage } : { durable: usage }
    this.#moved = addSplit(this.#moved, { ...NOTHING_USED, ...part }, sign)
  }

  /** What comes of it; to be called once, at the end. */
  finish(): EntryChange {
    if (this.#events.length === 0 && (this.current === undefined || this.current === this.stored)) {
      return UNCHANGED
    }
    this.expire()
    this.raise()
    const { nowMs, by } = this.context
    const stored = this.stored
    if (this.current !== undefined) {
      const { keptRevision: _, ...entry } = this.current
      this.current = { ...entry, modifiedAtMs: nowMs, modifiedBy: by }
      this.rows.putEntry(this.current)
      if (this.current.ephemeral) this.#reserve(this.current)
    } else if (stored !== undefined) this.rows.deleteEntry()
    const erases = this.#erases && stored !== undefined && !stored.ephemeral
    if (erases) this.rows.noteErasure(stored)
    const shown = {
      durable: counts(this.current, false) - counts(stored, false),
      volatile: counts(this.current, true) - counts(stored, true),
    }
    const adds = this.#events.some(({ op }) => !DELETIONS.has(op))
    const change = { ops: this.rows.ops(), events: this.#events, shown, erases, adds }
    if (!hasQuota(this.mount)) return change
    const grown = this.rows.growth(stored?.ephemeral === true)
    return { ...change, growth: addSplit(grown, this.#moved) }
  }

  #retire(retired: Retired): void {
    this.retired = retired
    this.rows.putRetired(retired)
  }

  #mostVersions({ maxVersions }: EntryLimits): number {
    return maxVersions ?? this.mount.maxVersions ?? this.mount.rules?.maxVersions ?? 1
  }

  /** All rows of a life but its record. */
  #dropLife(entry: Entry): void {
    for (const number of numbersUp(entry.present)) this.rows.deleteVersion(entry, number)
    if (entry.expiresAtMs !== undefined) this.rows.deleteExpiry(entry.expiresAtMs, 0)
    const { latest, unused } = this.claimedBy(entry)
    this.#retire({ latest, unused })
    this.#erases = true
  }

  #reserve({ latest }: Entry): void {
    const past = this.past
    if (past.latest < latest) {
      this.#retire({ latest: latest + RESERVED_NUMBERS - 1, unused: past.unused })
    }
  }

  #tell(op: ChangeOp, version: number): void {
    const { type, encrypted } = this.now
    this.#events.push({ op, key: this.path, version, type, encrypted })
  }

  #tellPurge(entry: Entry): void {
    const { active: version, type, encrypted } = entry
    const event = { op: 'purge', key: this.path, version, type, encrypted } as const
    this.#events.push(withGone(event, entry))
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
