/** Metadata, limits and expiry of an entry (DESIGN §4). */
import {
  type Caller,
  LIMITS,
  type MetaResponse,
  parsePath,
  type RequestOf,
  SecregError,
} from '@secreg/protocol'
import type { MaybePromise } from '@secreg/storage'
import type { Core } from '../core.ts'
import { decodeEntry, type Entry, type EntryLimits, type Metadata, revisionOf } from '../entry.ts'
import type { EntryEdit } from '../entry-edit.ts'
import { entryKey } from '../keys.ts'
import { notFound, requirePresent } from '../read-value.ts'
import { readableNumbers } from '../readable-numbers.ts'
import { type Facts, recorded, whenReady } from '../recorded.ts'
import { pathOfUnique, rowKeyFor, rowKeyOf } from '../unique-keys.ts'
import { changeEntry } from './change.ts'
import { earliest } from './get.ts'
import { otherVersion } from './set.ts'

type GetMeta = Extract<RequestOf<'meta'>, { op: 'get' }>
type SetMeta = Extract<RequestOf<'meta'>, { op: 'set' }>
type FindMeta = Extract<RequestOf<'meta'>, { op: 'find' }>

/**
 * Read or change the metadata of an entry that is not deleted, named by its path or by what only it has. Of one that is
 * found, whoever may not read its metadata is told the same as if there were none.
 *
 * @throws SecregError `ERR_PATH_INVALID`, `ERR_ACCESS_DENIED`, `ERR_STORAGE_KEY_NOT_FOUND`, `ERR_ENTRY_DELETED`,
 *   `ERR_VERSION_CONFLICT`, `ERR_ALREADY_EXISTS`, `ERR_DIALECT_REFUSED` where nothing of the dialect is unique, `ERR_LIMIT_EXCEEDED`, `ERR_SEALED`, and the failures of store and log
 */
export function meta(
  core: Core,
  caller: Caller,
  request: RequestOf<'meta'>,
): Promise<MetaResponse> {
  switch (request.op) {
    case 'get':
      return getMeta(core, caller, request)
    case 'find':
      return findMeta(core, caller, request)
    case 'set':
      return setMeta(core, caller, request)
  }
}

/** What is told of an entry, as a part of another operation, which leaves the record. */
export async function seenMeta(
  core: Core,
  caller: Caller,
  request: GetMeta | FindMeta,
): Promise<MetaResponse> {
  return request.op === 'get'
    ? metaOf(core, caller, request, {})
    : hiding(async () => foundMeta(core, caller, request, {}))
}

function findMeta(core: Core, caller: Caller, request: FindMeta): Promise<MetaResponse> {
  const facts: Facts = { action: 'read-metadata' }
  return hiding(() =>
    recorded(core.journal, caller, facts, () => foundMeta(core, caller, request, facts)),
  )
}

function foundMeta(
  core: Core,
  caller: Caller,
  request: FindMeta,
  facts: Pick<Facts, 'paths' | 'detail'>,
): MaybePromise<MetaResponse> {
  const rules = core.mounts.dialect(request.dialect)
  if (rules?.unique === undefined) {
    throw new SecregError('DIALECT_REFUSED', 'nothing of such write rules is unique')
  }
  facts.detail = `find ${rules.name}`
  core.keys.requireReadable()
  const key = rowKeyOf(core, rules, request.unique)
  return whenReady(core.engine.get(key), (named) => {
    if (named === undefined) throw notFound()
    const path = pathOfUnique(named)
    facts.paths = [path]
    return whenReady(core.engine.get(entryKey(path)), (row) => {
      const entry = row === undefined ? undefined : decodeEntry(row)
      core.authorizer.require(caller, 'read-metadata', path, entry)
      requirePresent(entry, core.clock.now())
      const { rules: here } = core.mounts.at(path)
      if (rowKeyFor(core, here, path, entry) !== key) throw notFound()
      return answerOf(core, path, entry, row === undefined ? 0 : revisionOf(row))
    })
  })
}

/** Whoever may not see it is told so in the log only. */
async function hiding(find: () => Promise<MetaResponse>): Promise<MetaResponse> {
  try {
    return await find()
  } catch (error) {
    const isHidden = SecregError.is(error) && error.reason === 'ACCESS_DENIED'
    throw isHidden ? notFound() : error
  }
}

function getMeta(core: Core, caller: Caller, request: GetMeta): Promise<MetaResponse> {
  const facts: Facts = { action: 'read-metadata' }
  return recorded(core.journal, caller, facts, () => metaOf(core, caller, request, facts))
}

function metaOf(
  core: Core,
  caller: Caller,
  request: GetMeta,
  facts: Pick<Facts, 'paths'>,
): MaybePromise<MetaResponse> {
  const path = parsePath(request.key)
  facts.paths = [path]
  const { authorizer } = core
  if (!authorizer.asksEntry) authorizer.require(caller, 'read-metadata', path)
  core.keys.requireReadable()
  return whenReady(core.engine.get(entryKey(path)), (row) => {
    const entry = row === undefined ? undefined : decodeEntry(row)
    if (authorizer.asksEntry) authorizer.require(caller, 'read-metadata', path, entry)
    const nowMs = core.clock.now()
    requirePresent(entry, nowMs)
    const answer = answerOf(core, path, entry, row === undefined ? 0 : revisionOf(row))
    if (request.versions !== true) return answer
    return readableNumbers(core.engine, entry, nowMs).then((versions) => ({
      ...answer,
      versions,
    }))
  })
}

function setMeta(core: Core, caller: Caller, request: SetMeta): Promise<MetaResponse> {
  const facts: Facts = { action: 'write-metadata' }
  return changeEntry(
    core,
    caller,
    facts,
    'write-metadata',
    () => parsePath(request.key),
    (edit) => {
      const { entry } = edit
      requirePresent(entry, core.clock.now())
      if (request.if_revision !== undefined && request.if_revision !== edit.revision) {
        throw otherVersion()
      }
      edit.describe({
        metadata: changedMetadata(core, caller, request, edit, entry),
        limits: changedLimits(request, entry.limits),
      })
      if (request.ttl_s !== undefined) {
        const { ttl_s: ttl } = request
        edit.expireAt(ttl === 0 ? undefined : core.clock.now() + 1000 * ttl)
      }
      return {
        result: (revision) => answerOf(core, edit.path, edit.entry as Entry, revision),
      }
    },
  )
}

function changedMetadata(
  core: Core,
  caller: Caller,
  request: SetMeta,
  edit: EntryEdit,
  { metadata }: Entry,
): Metadata {
  const custom = new Map(Object.entries(metadata.custom ?? {}))
  const granted = new Set(metadata.granted)
  const named = Object.entries(request.custom ?? {})
  // What policy relies on is changed only by who may change policy there.
  const touchesGranted = request.granted === true || named.some(([name]) => granted.has(name))
  if (named.length > 0 && touchesGranted) {
    core.authorizer.require(caller, 'grant', edit.path, edit.entry)
  }
  for (const [name, value] of named) {
    granted.delete(name)
    if (value === null) custom.delete(name)
    else {
      custom.set(name, value)
      if (request.granted === true) granted.add(name)
    }
  }
  if (custom.size > LIMITS.metadataMembers) {
    throw new SecregError(
      'LIMIT_EXCEEDED',
      `an entry has at most ${LIMITS.metadataMembers} members of custom metadata`,
    )
  }
  const description =
    request.description === undefined ? metadata.description : (request.description ?? undefined)
  const tags = request.tags === undefined ? metadata.tags : [...new Set(request.tags)].sort()
  return {
    ...(description === undefined ? {} : { description }),
    ...(tags === undefined || tags.length === 0 ? {} : { tags }),
    ...(custom.size === 0 ? {} : { custom: Object.fromEntries(custom) }),
    ...(granted.size === 0 ? {} : { granted: [...granted].sort() }),
  }
}

function changedLimits(request: SetMeta, limits: EntryLimits): EntryLimits {
  const maxVersions = patched(request.max_versions, limits.maxVersions)
  const casRequired = patched(request.cas_required, limits.casRequired)
  const seconds = request.delete_after_s
  const deleteAfterMs = patched(
    typeof seconds === 'number' ? 1000 * seconds : seconds,
    limits.deleteAfterMs,
  )
  return {
    ...(maxVersions === undefined ? {} : { maxVersions }),
    ...(casRequired === undefined ? {} : { casRequired }),
    ...(deleteAfterMs === undefined ? {} : { deleteAfterMs }),
  }
}

function patched<T>(asked: T | null | undefined, before: T | undefined): T | undefined {
  return asked === undefined ? before : (asked ?? undefined)
}

function answerOf(core: Core, path: string, entry: Entry, revision: number): MetaResponse {
  const { metadata, limits } = entry
  const expiresAtMs = earliest(entry, entry.activeExpiresAtMs)
  return {
    key: path,
    type: entry.type,
    encrypted: entry.encrypted,
    private: entry.private,
    ephemeral: entry.ephemeral,
    active: entry.active,
    latest: entry.latest,
    created_at: entry.createdAtMs,
    created_by: entry.createdBy,
    modified_at: entry.modifiedAtMs,
    modified_by: entry.modifiedBy,
    modify_revision: revision,
    ...(metadata.description === undefined ? {} : { description: metadata.description }),
    tags: metadata.tags ?? [],
    custom: metadata.custom ?? {},
    granted: metadata.granted ?? [],
    ...(limits.maxVersions === undefined ? {} : { max_versions: limits.maxVersions }),
    ...(limits.casRequired === undefined ? {} : { cas_required: limits.casRequired }),
    ...(limits.deleteAfterMs === undefined ? {} : { delete_after_s: limits.deleteAfterMs / 1000 }),
    ...(expiresAtMs === undefined ? {} : { expires_at: expiresAtMs }),
    dialect: core.mounts.at(path).dialect,
  }
}
