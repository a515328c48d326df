/** The versions of an entry, newest first; never their values. */
import {
  type Caller,
  type HistoryResponse,
  LIMITS,
  parsePath,
  type RequestOf,
  type VersionInfo,
} from '@secreg/protocol'
import type { Core } from '../core.ts'
import { decodeEntry, isExpired } from '../entry.ts'
import { entryKey, versionKey } from '../keys.ts'
import { numbersDown } from '../number-set.ts'
import { notFound } from '../read-value.ts'
import { corrupt } from '../record.ts'
import { type Facts, recorded } from '../recorded.ts'
import { decodeVersion, stateOfVersion } from '../version.ts'

const DEFAULT_LIMIT = 100
/** Headers that are read before the event loop gets a turn. */
const PAGE = 64

/**
 * List versions of an entry, deleted or not.
 *
 * @throws SecregError `ERR_PATH_INVALID`, `ERR_ACCESS_DENIED`, `ERR_STORAGE_KEY_NOT_FOUND`, `ERR_SEALED`
 */
export function history(
  core: Core,
  caller: Caller,
  request: RequestOf<'history'>,
): Promise<HistoryResponse> {
  const facts: Facts = { action: 'history' }
  return recorded(core.journal, caller, facts, () => versionsOf(core, caller, request, facts))
}

/** The same, as a part of another operation, which leaves the record. */
export function seenHistory(
  core: Core,
  caller: Caller,
  request: RequestOf<'history'>,
): Promise<HistoryResponse> {
  return versionsOf(core, caller, request, {})
}

async function versionsOf(
  core: Core,
  caller: Caller,
  request: RequestOf<'history'>,
  facts: Partial<Facts>,
): Promise<HistoryResponse> {
  const path = parsePath(request.key)
  facts.paths = [path]
  const { authorizer, engine } = core
  if (!authorizer.asksEntry) authorizer.require(caller, 'read-metadata', path)
  core.keys.requireReadable()
  const row = await engine.get(entryKey(path))
  const entry = row === undefined ? undefined : decodeEntry(row)
  if (authorizer.asksEntry) authorizer.require(caller, 'read-metadata', path, entry)
  const nowMs = core.clock.now()
  if (entry === undefined || isExpired(entry, nowMs)) throw notFound()
  const limit = Math.min(request.limit ?? DEFAULT_LIMIT, LIMITS.historyVersions)
  const versions: VersionInfo[] = []
  let next: number | undefined
  for (const number of numbersDown(entry.present, request.before)) {
    if (versions.length >= limit) {
      next = versions.at(-1)?.version
      break
    }
    const header = await engine.get(versionKey(entry.id, number))
    // Between two turns the entry may have been changed: what is gone by now is left out.
    if (header === undefined) {
      if ((await engine.get(entryKey(path)))?.modifyRevision === row?.modifyRevision) {
        throw corrupt()
      }
      continue
    }
    const version = decodeVersion(header)
    const { type, encrypted, createdAtMs, createdBy, deletedAtMs, expiresAtMs } = version
    versions.push({
      version: number,
      state: stateOfVersion(version, nowMs),
      type,
      encrypted,
      created_at: createdAtMs,
      created_by: createdBy,
      ...(deletedAtMs === undefined ? {} : { deleted_at: deletedAtMs }),
      ...(expiresAtMs === undefined ? {} : { expires_at: expiresAtMs }),
    })
    if (versions.length % PAGE === 0) await new Promise((resume) => setImmediate(resume))
  }
  facts.count = versions.length
  const polled = authorizer.allows(caller, 'audit-read', '/') ? core.polls.of(path) : []
  return {
    key: path,
    active: entry.active,
    latest: entry.latest,
    ...(entry.deletedAtMs === undefined ? {} : { deleted_at: entry.deletedAtMs }),
    ...(entry.deletedBy === undefined ? {} : { deleted_by: entry.deletedBy }),
    versions,
    ...(polled.length === 0 ? {} : { polled }),
    ...(next === undefined ? {} : { next }),
  }
}
