/**
 * What no two entries of a dialect may share (`Dialect.unique`): one row for each, with the path of the entry that has it
 * as UTF-8, written in the same commit as the entry and in memory only when the entry is. A row is a hint, never proof:
 * it counts only as long as the entry at its path has what the row is for, so that one which expiry or another version of
 * the program has left behind stands in nobody's way.
 */
import type { CryptoBackend } from '@secreg/crypto'
import { type Dialect, SecregError } from '@secreg/protocol'
import type { Op, Row } from '@secreg/storage'
import { decodeEntry, type Entry, isExpired } from './entry.ts'
import type { View } from './group-view.ts'
import { entryKey, uniqueKey } from './keys.ts'
import type { MountRules } from './mounts.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

/** Where things are looked up. */
export interface UniqueContext {
  readonly crypto: Pick<CryptoBackend, 'sha256'>
  readonly mounts: { at(path: string): MountRules }
}

/** Key of the row of something. */
export function rowKeyOf(
  { crypto }: Pick<UniqueContext, 'crypto'>,
  { name }: Pick<Dialect, 'name'>,
  unique: string,
): string {
  const hash = Buffer.from(crypto.sha256(encoder.encode(unique))).toString('hex')
  return uniqueKey(name, hash)
}

/** Path that a row names. */
export function pathOfUnique({ value }: Pick<Row, 'value'>): string {
  try {
    return decoder.decode(value)
  } catch (cause) {
    throw new SecregError('STORAGE_CORRUPT', 'a row of what is unique cannot be read', { cause })
  }
}

/** Key of the row that an entry has; `undefined` when it has nothing that others may not have. */
export function rowKeyFor(
  context: Pick<UniqueContext, 'crypto'>,
  rules: Dialect | undefined,
  path: string,
  entry: Entry | undefined,
): string | undefined {
  if (rules?.unique === undefined || entry === undefined) return undefined
  const isDeleted = entry.deletedAtMs !== undefined
  const unique = rules.unique({ path, isDeleted, custom: entry.metadata.custom ?? {} })
  return unique === undefined ? undefined : rowKeyOf(context, rules, unique)
}

interface Claim {
  readonly path: string
  readonly volatile: boolean
  /** The row is as it has to be, unless somebody else has taken it. */
  readonly isOld: boolean
}

/** What of it one plan takes and gives back. */
export class UniqueKeys {
  readonly #context: UniqueContext
  readonly #nowMs: number
  readonly #claims = new Map<string, Claim>()
  readonly #released: (readonly [key: string, path: string])[] = []
  readonly #paths = new Set<string>()

  /** @param nowMs - time by which things have expired */
  constructor(context: UniqueContext, nowMs: number) {
    this.#context = context
    this.#nowMs = nowMs
  }

  /**
   * Take note of an entry that the plan changes.
   *
   * @throws SecregError `ERR_ALREADY_EXISTS` when another entry of the plan has the same
   */
  add(
    { path, mount: { rules } }: { readonly path: string; readonly mount: MountRules },
    before: Entry | undefined,
    after: Entry | undefined,
  ): void {
    const old = rowKeyFor(this.#context, rules, path, before)
    const key = rowKeyFor(this.#context, rules, path, after)
    this.#paths.add(path)
    if (old !== undefined && old !== key) this.#released.push([old, path])
    if (key === undefined || after === undefined) return
    if (this.#claims.has(key)) throw taken()
    const { ephemeral: volatile } = after
    const isOld = old === key && before?.ephemeral === volatile
    this.#claims.set(key, { path, volatile, isOld })
  }

  /**
   * Rows that go with the plan.
   *
   * @throws SecregError `ERR_ALREADY_EXISTS` when another entry has what one of the plan is to have
   */
  plan(view: View): Op[] {
    const ops: Op[] = []
    for (const [key, path] of this.#released) {
      const row = view.get(key)
      const isOwn = row !== undefined && pathOfUnique(row) === path
      if (isOwn && !this.#claims.has(key)) ops.push({ type: 'delete', key })
    }
    for (const [key, { path, volatile, isOld }] of this.#claims) {
      const row = view.get(key)
      const holder = row === undefined ? undefined : pathOfUnique(row)
      if (holder === path && isOld) continue
      if (holder !== undefined && holder !== path && this.#has(view, holder, key)) throw taken()
      const value = encoder.encode(path)
      ops.push({ type: 'put', key, value, ...(volatile ? { volatile } : {}) })
    }
    return ops
  }

  /** Whether the entry at a path has what a row is for, once the plan is done. */
  #has(view: View, path: string, key: string): boolean {
    // What the plan itself changes has said what it takes.
    if (this.#paths.has(path)) return false
    const row = view.get(entryKey(path))
    const entry = row === undefined ? undefined : decodeEntry(row)
    if (entry === undefined || isExpired(entry, this.#nowMs)) return false
    return rowKeyFor(this.#context, this.#context.mounts.at(path).rules, path, entry) === key
  }
}

function taken(): SecregError {
  return new SecregError('ALREADY_EXISTS', 'another entry has what only one may have')
}
