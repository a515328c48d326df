/** List keys below a prefix, by whole segments and sorted by bytes; deleted and invisible ones are not there. */
import {
  type Caller,
  LIMITS,
  type ListEntry,
  type ListResponse,
  parsePath,
  parsePrefix,
  type RequestOf,
  SecregError,
} from '@secreg/protocol'
import type { Reader, Row, RowIterator } from '@secreg/storage'
import { accessDenied, type EntryFilter, passes } from '../authorizer.ts'
import type { Core } from '../core.ts'
import { decodeEntry, type Entry, isExpired, isLiveRow } from '../entry.ts'
import { entriesBelow, pathOfEntryKey } from '../keys.ts'
import { readableNumbers } from '../readable-numbers.ts'
import { type Facts, recorded } from '../recorded.ts'

/** Room for the keys of one answer: a frame less its header, members and a correlation id. */
const ANSWER_BYTES = LIMITS.frameBytes - 4096
const PAGE_ROWS = 128
/** What the members of one detailed entry take in JSON beside its key, at most. */
const DETAIL_BYTES = 512
/** Digits of a version number, and a comma. */
const NUMBER_BYTES = 13

/** What is looked through, and what of it the caller may see. */
interface Scope {
  readonly prefix: string
  readonly visible: Exclude<EntryFilter, 'none'>
  readonly nowMs: number
  readonly engine: Pick<Reader, 'get'>
  /** Where version numbers or metadata are asked for: of which entries they may be told. */
  readonly described: EntryFilter
  readonly versions: boolean
  readonly metadata: boolean
  /** Also what has no value. */
  readonly unset: boolean
}

/** What is told of an entry only to those who may read its metadata. */
type Description = Pick<ListEntry, 'versions' | 'private' | 'ephemeral' | 'description' | 'custom'>

interface Listing {
  readonly keys: string[]
  readonly entries: ListEntry[]
  bytes: number
}

/**
 * List direct children (a subtree as its path with a trailing `/`), or all keys below with `recursive`.
 *
 * @throws SecregError `ERR_PATH_INVALID`, `ERR_ACCESS_DENIED`; `ERR_LIMIT_EXCEEDED` when no limit was given and the
 *   keys do not fit one answer
 */
export function list(
  core: Core,
  caller: Caller,
  request: RequestOf<'list'>,
): Promise<ListResponse> {
  const facts: Facts = { action: 'list' }
  return recorded(core.journal, caller, facts, () => listed(core, caller, request, facts))
}

/** The same as a part of another operation, which leaves the record. @param facts - gets what is known of it */
export async function listed(
  core: Core,
  caller: Caller,
  request: RequestOf<'list'>,
  facts: Pick<Facts, 'paths' | 'count'>,
): Promise<ListResponse> {
  const prefix = parsePrefix(request.prefix)
  facts.paths = [prefix === '' ? '/' : prefix]
  const after = request.after === undefined ? undefined : parsePrefix(request.after)
  if (after !== undefined && !after.startsWith(`${prefix}/`)) {
    throw new SecregError('INVALID_ARGUMENT', 'after must be a key below the prefix')
  }
  const visible = core.authorizer.filter(caller, 'list', prefix)
  if (visible === 'none') throw accessDenied()
  core.keys.requireReadable()
  const iterator = core.engine.iterate(startOf(prefix, request.after))
  const versions = request.detail === true && request.versions === true
  const metadata = request.detail === true && request.metadata === true
  const scope: Scope = {
    prefix,
    visible,
    nowMs: core.clock.now(),
    engine: core.engine,
    described:
      versions || metadata ? core.authorizer.filter(caller, 'read-metadata', prefix) : 'none',
    versions,
    metadata,
    unset: request.unset === true,
  }
  try {
    const answer = await collect(iterator, request, scope)
    facts.count = answer.keys.length
    return answer
  } finally {
    await iterator.close()
  }
}

/** Rows from behind the last key of the page before; behind a whole subtree when that was the last one. */
function startOf(prefix: string, after: string | undefined) {
  const space = entriesBelow(prefix)
  if (after === undefined) return space
  if (after.endsWith('/')) return { gte: `e${after.slice(0, -1)}0`, lt: space.lt }
  return { gt: `e${parsePath(after)}`, lt: space.lt }
}

async function collect(
  iterator: RowIterator,
  request: RequestOf<'list'>,
  scope: Scope,
): Promise<ListResponse> {
  const { prefix, visible } = scope
  const listing: Listing = { keys: [], entries: [], bytes: 0 }
  const limit = request.limit ?? Number.POSITIVE_INFINITY
  const detail = request.detail === true
  for (;;) {
    const page = await iterator.nextPage(PAGE_ROWS)
    if (page.length === 0) return answerOf(listing, detail)
    for (const row of page) {
      const path = pathOfEntryKey(row.key)
      if (!isListed(row, scope) || !passes(visible, path, () => decodeEntry(row))) continue
      const child = request.recursive === true ? -1 : path.indexOf('/', prefix.length + 1)
      const key = child === -1 ? path : path.slice(0, child + 1)
      if (key === listing.keys.at(-1)) continue
      if (listing.keys.length >= limit) return answerOf(listing, detail, listing.keys.at(-1))
      const entry = detail && child === -1 ? decodeEntry(row) : undefined
      const told = entry === undefined ? undefined : await descriptionOf(scope, path, entry)
      if (!add(listing, key, entry, told)) {
        if (request.limit !== undefined) return answerOf(listing, detail, listing.keys.at(-1))
        throw new SecregError(
          'LIMIT_EXCEEDED',
          'the keys do not fit one answer: ask for them in pages, with limit and after',
        )
      }
      if (child !== -1) {
        // One step over the whole subtree, however many keys it has.
        iterator.seek(`e${path.slice(0, child)}0`)
        break
      }
    }
  }
}

function isListed(row: Row, { nowMs, unset }: Scope): boolean {
  if (isLiveRow(row, nowMs)) return true
  if (!unset) return false
  const entry = decodeEntry(row)
  return entry.deletedAtMs === undefined && !isExpired(entry, nowMs)
}

/** What is asked for of it and may be told. */
async function descriptionOf(
  { described, engine, versions, metadata, nowMs }: Scope,
  path: string,
  entry: Entry,
): Promise<Description | undefined> {
  if (described === 'none' || !passes(described, path, () => entry)) return undefined
  const { description, custom } = entry.metadata
  return {
    ...(versions ? { versions: await readableNumbers(engine, entry, nowMs) } : {}),
    ...(metadata ? { private: entry.private, ephemeral: entry.ephemeral } : {}),
    ...(metadata && description !== undefined ? { description } : {}),
    ...(metadata && custom !== undefined ? { custom } : {}),
  }
}

/** @param entry - of a detailed listing; `undefined` of a subtree */
function add(
  listing: Listing,
  key: string,
  entry: Entry | undefined,
  told: Description | undefined,
): boolean {
  const size = Buffer.byteLength(key) + 3
  const bytes = entry === undefined ? size : 2 * size + DETAIL_BYTES + bytesOf(told)
  if (listing.bytes + bytes > ANSWER_BYTES) return false
  listing.bytes += bytes
  listing.keys.push(key)
  if (entry !== undefined) {
    listing.entries.push({
      key,
      type: entry.type,
      encrypted: entry.encrypted,
      version: entry.active,
      modified_at: entry.modifiedAtMs,
      modified_by: entry.modifiedBy,
      ...told,
    })
  }
  return true
}

/** What a description takes in JSON, at most. */
function bytesOf(told: Description | undefined): number {
  if (told === undefined) return 0
  const { versions = [], description, custom } = told
  const texts = description === undefined && custom === undefined ? '' : [description, custom]
  return NUMBER_BYTES * versions.length + Buffer.byteLength(JSON.stringify(texts))
}

function answerOf(listing: Listing, detail: boolean, next?: string): ListResponse {
  return {
    keys: listing.keys,
    ...(detail ? { entries: listing.entries } : {}),
    ...(next === undefined ? {} : { next }),
  }
}
