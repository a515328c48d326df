/** The rows of one entry: those stored, and those that an edit writes. */
import { SecregError } from '@secreg/protocol'
import type { Op } from '@secreg/storage'
import { type Entry, encodeEntry } from './entry.ts'
import { encodeErasure } from './eraser.ts'
import type { View } from './group-view.ts'
import {
  entryKey,
  erasureKey,
  expiryKey,
  isCountedKey,
  isEntryKey,
  retiredKey,
  valueKey,
  versionKey,
} from './keys.ts'
import { numbersUp } from './number-set.ts'
import { type Renumbering, raised } from './renumbering.ts'
import { decodeRetired, encodeRetired, NEVER_USED, type Retired } from './retired.ts'
import { addUsage, NO_USAGE, type SplitUsage, type Usage } from './usage.ts'
import { rowsOf } from './usage-count.ts'
import { decodeVersion, encodeVersion, type Version } from './version.ts'

const encoder = new TextEncoder()

export class EntryRows {
  readonly #path: string
  readonly #view: View
  readonly #ops = new Map<string, Op>()
  readonly #versions = new Map<string, Version>()

  constructor(path: string, view: View) {
    this.#path = path
    this.#view = view
  }

  get isEmpty(): boolean {
    return this.#ops.size === 0
  }

  ops(): Op[] {
    return [...this.#ops.values()]
  }

  /** @param renumbering - that raises the numbers of rows which a restore brought, and of paths that it did not know */
  retired({ revision, raise }: Renumbering): Retired {
    const row = this.#view.get(retiredKey(this.#path))
    const retired = row === undefined ? NEVER_USED : decodeRetired(row.value)
    const isOld = row === undefined || row.modifyRevision <= revision
    return raise > 0 && isOld ? raised(retired, raise) : retired
  }

  putRetired(retired: Retired): void {
    this.#put(retiredKey(this.#path), encodeRetired(retired))
  }

  putEntry(entry: Entry): void {
    this.#put(entryKey(this.#path), encodeEntry(entry), entry)
  }

  deleteEntry(): void {
    this.#delete(entryKey(this.#path))
  }

  /** Header of a version that must have a row. */
  version({ id }: Entry, number: number): Version {
    const key = versionKey(id, number)
    const written = this.#versions.get(key)
    if (written !== undefined) return written
    const row = this.#view.get(key)
    if (row === undefined) throw missing()
    return decodeVersion(row)
  }

  /** Stored bytes of a version that has some: plain, or the sealed blob. A view. */
  value(entry: Entry, number: number, version: Version): Uint8Array {
    if (version.value !== undefined) return version.value
    const key = valueKey(entry.id, number)
    const written = this.#ops.get(key)
    const row = written?.type === 'put' ? written : this.#view.get(key)
    if (row === undefined) throw missing()
    return row.value
  }

  putVersion(entry: Entry, number: number, version: Version, fresh = false): void {
    const key = versionKey(entry.id, number)
    this.#versions.set(key, version)
    this.#put(key, encodeVersion(version), entry, fresh)
  }

  putValue(entry: Entry, number: number, value: Uint8Array, fresh = false): void {
    this.#put(valueKey(entry.id, number), value, entry, fresh)
  }

  deleteValue(entry: Entry, number: number): void {
    this.#delete(valueKey(entry.id, number))
  }

  /** Remove a version with whatever belongs to it. */
  deleteVersion(entry: Entry, number: number): void {
    if (entry.scattered) {
      const version = this.version(entry, number)
      if (version.value === undefined && !version.destroyed) this.deleteValue(entry, number)
      if (version.expiresAtMs !== undefined) this.deleteExpiry(version.expiresAtMs, number)
    }
    const key = versionKey(entry.id, number)
    this.#versions.delete(key)
    this.#delete(key)
  }

  putExpiry(entry: Entry, atMs: number, number: number): void {
    this.#put(expiryKey(atMs, this.#path, number), encoder.encode(entry.id), entry)
  }

  deleteExpiry(atMs: number, number: number): void {
    this.#delete(expiryKey(atMs, this.#path, number))
  }

  /** When the entry (0) and those of its versions expire that the sweeper has not met yet. */
  *expiries(entry: Entry): Generator<readonly [atMs: number, number: number]> {
    if (entry.expiresAtMs !== undefined) yield [entry.expiresAtMs, 0]
    if (!entry.scattered) return
    for (const number of numbersUp(entry.present)) {
      const { expiresAtMs } = this.version(entry, number)
      if (expiresAtMs !== undefined && this.#expires(expiresAtMs, number)) {
        yield [expiresAtMs, number]
      }
    }
  }

  #expires(atMs: number, number: number): boolean {
    const key = expiryKey(atMs, this.#path, number)
    const written = this.#ops.get(key)
    return written === undefined ? this.#view.get(key) !== undefined : written.type === 'put'
  }

  /** Have the erased bytes of an entry leave the files. */
  noteErasure({ id, former = [] }: Entry): void {
    this.#put(erasureKey(id), encodeErasure([this.#path, ...former]))
  }

  /**
   * By how much this makes grow what is stored.
   *
   * @param wasVolatile - the rows that are stored now are in memory only
   */
  growth(wasVolatile: boolean): SplitUsage {
    const grown = { durable: NO_USAGE, volatile: NO_USAGE }
    const add = (volatile: boolean, key: string, value: Uint8Array, sign: 1 | -1): void => {
      const part = volatile ? 'volatile' : 'durable'
      const usage = { entries: isEntryKey(key) ? 1 : 0, bytes: value.length }
      grown[part] = addUsage(grown[part], usage, sign)
    }
    for (const op of this.#ops.values()) {
      if (!isCountedKey(op.key)) continue
      const isFresh = op.type === 'put' && op.fresh === true
      const before = isFresh ? undefined : this.#view.get(op.key)
      if (before !== undefined) add(wasVolatile, op.key, before.value, -1)
      if (op.type === 'put') add(op.volatile === true, op.key, op.value, 1)
    }
    return grown
  }

  /** What the versions of an entry take. */
  *weigh(entry: Entry): Generator<undefined, Usage> {
    let bytes = 0
    for (const key of rowsOf(entry)) {
      yield
      const op = this.#ops.get(key)
      const row = op === undefined ? this.#view.get(key) : op.type === 'put' ? op : undefined
      bytes += row?.value.length ?? 0
    }
    return { entries: 0, bytes }
  }

  /** @param entry - whose row it is: rows of an entry in memory are in memory too */
  #put(key: string, value: Uint8Array, entry?: Entry, fresh = false): void {
    this.#ops.set(key, {
      type: 'put',
      key,
      value,
      ...(fresh ? { fresh: true as const } : {}),
      ...(entry?.ephemeral === true ? { volatile: true as const } : {}),
    })
  }

  #delete(key: string): void {
    this.#ops.set(key, { type: 'delete', key })
  }
}

function missing(): SecregError {
  return new SecregError('STORAGE_CORRUPT', 'a version of the entry is missing')
}
