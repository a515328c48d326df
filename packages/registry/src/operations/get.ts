/** Read one value. Needs no engine write; its record is written before the answer (DESIGN §2, step 6). */
import { type Caller, type GetResponse, parsePath, type RequestOf } from '@secreg/protocol'
import type { MaybePromise, Row } from '@secreg/storage'
import { accessDenied } from '../authorizer.ts'
import type { Core } from '../core.ts'
import { decodeEntry, type Entry, expires, revisionOf } from '../entry.ts'
import { entryKey } from '../keys.ts'
import { type Readable, readableVersion, textOf } from '../read-value.ts'
import { type Facts, recorded, whenReady } from '../recorded.ts'

/**
 * Read the active version of an entry, or the one that is asked for.
 *
 * @throws SecregError `ERR_PATH_INVALID`, `ERR_ACCESS_DENIED`, `ERR_STORAGE_KEY_NOT_FOUND`, `ERR_ENTRY_DELETED`,
 *   `ERR_VERSION_NOT_FOUND`, `ERR_VERSION_DELETED`, `ERR_VERSION_DESTROYED`, `ERR_SEALED`, `ERR_CRYPTO_FAILED`,
 *   `ERR_AUDIT_FAILED`
 */
export function get(core: Core, caller: Caller, request: RequestOf<'get'>): Promise<GetResponse> {
  const facts: Facts = { action: 'read' }
  return recorded(core.journal, caller, facts, () => readEntry(core, caller, request, facts))
}

/** The same, as a part of another operation, which leaves the record. */
export async function seenValue(
  core: Core,
  caller: Caller,
  request: RequestOf<'get'>,
): Promise<GetResponse> {
  return readEntry(core, caller, request, { action: 'read' })
}

function readEntry(
  core: Core,
  caller: Caller,
  request: RequestOf<'get'>,
  facts: Facts,
): MaybePromise<GetResponse> {
  const path = parsePath(request.key)
  facts.paths = [path]
  const { authorizer } = core
  if (!authorizer.asksEntry) authorizer.require(caller, 'read', path)
  core.keys.requireReadable()
  return whenReady(core.engine.get(entryKey(path)), (row) => {
    const entry = row === undefined ? undefined : decodeEntry(row)
    if (authorizer.asksEntry) authorizer.require(caller, 'read', path, entry)
    const nowMs = entry !== undefined && expires(entry) ? core.clock.now() : 0
    return whenReady(readableVersion(core, entry, request.version, nowMs), (found) => {
      const isUnchanged = request.if_changed === found.number && request.version === undefined
      if (!isUnchanged) facts.versions = [found.number]
      const wanted = !found.encrypted || request.decrypt === true
      // Also of what has not changed: who may not have the value is not told that he has it.
      if (wanted) requireValue(core, caller, path, found, facts)
      if (isUnchanged) {
        core.polls.note(caller, path, core.now())
        facts.unrecorded = true
        return answerOf(found, row as Row, null, { unchanged: true })
      }
      const value: MaybePromise<string | null> = wanted ? textOf(core, found) : null
      const detail = request.detail === true ? detailOf(found) : undefined
      return whenReady(value, (text) => answerOf(found, row as Row, text, detail))
    })
  })
}

/** Decide whether the value itself may leave. */
export function requireValue(
  core: Core,
  caller: Caller,
  path: string,
  { entry, encrypted }: Pick<Readable, 'entry' | 'encrypted'>,
  facts?: Facts,
): void {
  if (encrypted) {
    if (facts !== undefined) facts.action = 'decrypt'
    if (!core.authorizer.allows(caller, 'decrypt', path, entry)) throw accessDenied()
  }
  if (entry.private && !core.authorizer.allows(caller, 'use-internal', path, entry)) {
    throw accessDenied()
  }
}

export function answerOf(
  { number, type, encrypted }: Pick<Readable, 'number' | 'type' | 'encrypted'>,
  row: Row,
  value: string | null,
  more: Partial<GetResponse> | undefined,
): GetResponse {
  const answer = { value, type, encrypted, version: number, modify_revision: revisionOf(row) }
  return more === undefined ? answer : { ...answer, ...more }
}

function detailOf({ entry, header }: Readable): Partial<GetResponse> {
  const versionAtMs = header === undefined ? entry.activeExpiresAtMs : header.expiresAtMs
  const expiresAtMs = earliest(entry, versionAtMs)
  return {
    created_at: header?.createdAtMs ?? entry.createdAtMs,
    created_by: header?.createdBy ?? entry.createdBy,
    modified_at: header?.createdAtMs ?? entry.modifiedAtMs,
    modified_by: header?.createdBy ?? entry.modifiedBy,
    ...(expiresAtMs === undefined ? {} : { expires_at: expiresAtMs }),
  }
}

/** When the entry or its version goes, whichever is first. */
export function earliest(entry: Entry, versionAtMs: number | undefined): number | undefined {
  const { expiresAtMs } = entry
  if (expiresAtMs === undefined || versionAtMs === undefined) return expiresAtMs ?? versionAtMs
  return Math.min(expiresAtMs, versionAtMs)
}
