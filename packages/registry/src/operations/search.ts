/** Find entries by path and metadata, never by value (DESIGN §4). */
import {
  type Caller,
  LIMITS,
  parsePath,
  parsePrefix,
  type RequestOf,
  type SearchEntry,
  type SearchResponse,
  SecregError,
} from '@secreg/protocol'
import { accessDenied, passes } from '../authorizer.ts'
import type { Core } from '../core.ts'
import { decodeEntry, type Entry, isLiveRow } from '../entry.ts'
import { entriesBelow, pathOfEntryKey } from '../keys.ts'
import { REGISTRY_LIMITS } from '../limits.ts'
import { type Facts, recorded } from '../recorded.ts'

const DEFAULT_LIMIT = 1000
const PAGE_ROWS = 128
/** Room for the entries of one answer. */
const ANSWER_BYTES = LIMITS.frameBytes / 2

/**
 * Search below a prefix.
 *
 * @param mostLooked - entries that the caller sees after which the answer says where to go on
 * @throws SecregError `ERR_PATH_INVALID`, `ERR_INVALID_ARGUMENT`, `ERR_ACCESS_DENIED`, `ERR_SEALED`
 */
export function search(
  core: Core,
  caller: Caller,
  request: RequestOf<'search'>,
  mostLooked: number = REGISTRY_LIMITS.searchRows,
): Promise<SearchResponse> {
  const facts: Facts = { action: 'search' }
  return recorded(core.journal, caller, facts, async () => {
    const prefix = parsePrefix(request.prefix ?? '/')
    facts.paths = [prefix === '' ? '/' : prefix]
    const after = request.after === undefined ? undefined : parsePath(request.after)
    if (after !== undefined && !after.startsWith(`${prefix}/`)) {
      throw new SecregError('INVALID_ARGUMENT', 'after must be a key below the prefix')
    }
    const { authorizer, engine } = core
    const visible = authorizer.filter(caller, 'list', prefix)
    if (visible === 'none') throw accessDenied()
    const described = authorizer.filter(caller, 'read-metadata', prefix)
    core.keys.requireReadable()
    const nowMs = core.clock.now()
    const matches = matcherOf(request)
    const asksMetadata = request.metadata !== undefined || request.tag !== undefined
    const limit = request.limit ?? DEFAULT_LIMIT
    const { lt, gte } = entriesBelow(prefix)
    const iterator = engine.iterate(after === undefined ? { gte, lt } : { gt: `e${after}`, lt })
    const entries: SearchEntry[] = []
    let bytes = 0
    let looked = 0
    try {
      for (;;) {
        const page = await iterator.nextPage(PAGE_ROWS)
        if (page.length === 0) {
          facts.count = entries.length
          return { entries }
        }
        for (const row of page) {
          const path = pathOfEntryKey(row.key)
          const entry = (): Entry => decodeEntry(row)
          if (!isLiveRow(row, nowMs) || !passes(visible, path, entry)) continue
          // What the caller does not see must be neither counted nor named as where to go on.
          looked++
          const mayDescribe = passes(described, path, entry)
          // Whoever may not read metadata must not find out by searching for it.
          if ((!asksMetadata || mayDescribe) && matches(path, entry)) {
            const found = foundOf(path, entry(), mayDescribe)
            bytes += 2 * Buffer.byteLength(path) + 1024 + 4 * (found.description?.length ?? 0)
            if (entries.length >= limit || bytes > ANSWER_BYTES) {
              facts.count = entries.length
              return { entries, next: entries.at(-1)?.key ?? path }
            }
            entries.push(found)
          }
          if (looked >= mostLooked) {
            facts.count = entries.length
            return { entries, next: path }
          }
        }
      }
    } finally {
      await iterator.close()
    }
  })
}

function foundOf(path: string, entry: Entry, mayDescribe: boolean): SearchEntry {
  const { description, tags } = entry.metadata
  return {
    key: path,
    type: entry.type,
    encrypted: entry.encrypted,
    version: entry.active,
    modified_at: entry.modifiedAtMs,
    modified_by: entry.modifiedBy,
    ...(mayDescribe && description !== undefined ? { description } : {}),
    ...(mayDescribe && tags !== undefined ? { tags } : {}),
  }
}

function matcherOf(request: RequestOf<'search'>): (path: string, entry: () => Entry) => boolean {
  const text = request.text?.toLowerCase()
  const key = request.key?.toLowerCase()
  const members = Object.entries(request.metadata ?? {})
  const { tag } = request
  return (path, entry) => {
    const lower = text === undefined && key === undefined ? '' : path.toLowerCase()
    if (text !== undefined && !lower.includes(text)) return false
    if (key !== undefined && !lower.slice(lower.lastIndexOf('/') + 1).includes(key)) return false
    if (members.length === 0 && tag === undefined) return true
    const { custom = {}, tags = [] } = entry().metadata
    if (tag !== undefined && !tags.includes(tag)) return false
    return members.every(([name, value]) => Object.hasOwn(custom, name) && custom[name] === value)
  }
}
