/** Every operation of the model that changes something, and the table of all (DESIGN §4; `entry-messages.ts`). */
import {
  formatValue,
  inferValueType,
  parseValue,
  type RequestOf,
  type ValueType,
} from '@secreg/protocol'
import type { CallName, ImportRequest } from './model.ts'
import type { ModelDraft } from './model-draft.ts'
import {
  activeOf,
  earliest,
  isLive,
  type Life,
  latestOf,
  Refusal,
  requireLive,
  requirePresent,
  requireReadable,
  revisionOf,
  stateOf,
} from './model-life.ts'
import { isWithin, may, mayBelow } from './model-policy.ts'
import { get, history, list, search } from './model-reads.ts'
import { transactionOf } from './model-transaction.ts'

export const OPERATIONS: {
  readonly [Op in CallName]: (draft: ModelDraft, request: never) => unknown
} = {
  get,
  set: (draft: ModelDraft, request: RequestOf<'set'>) => {
    Object.assign(draft, { action: 'write', paths: [request.key] })
    const version = set(draft, request)
    draft.versions = [version]
    return { success: true, version, revision: draft.revision }
  },
  delete: remove,
  list,
  history,
  versions,
  meta,
  search,
  transfer,
  txn: transactionOf({ set, typedOf }),
  import: importAll,
}

export function typedOf(request: Pick<RequestOf<'set'>, 'value' | 'type'>): {
  type: ValueType
  text: string
} {
  const type = (request.type as ValueType | undefined) ?? inferValueType(request.value)
  return { type, text: formatValue(parseValue(request.value, type)) }
}

/** @returns the new version */
function set(draft: ModelDraft, request: RequestOf<'set'>): number {
  const { key, ttl_s: ttl } = request
  const value = typedOf(request)
  draft.require(draft.isLive(key) ? 'update' : 'create', key)
  const life = draft.life(key)
  const { if_version: version, if_revision: revision, if_type: type } = request
  if (
    (version !== undefined && version !== latestOf(life)) ||
    (revision !== undefined && revision !== revisionOf(life, draft.now)) ||
    (type !== undefined && (life === undefined || type !== activeOf(life).type))
  ) {
    throw new Refusal('VERSION_CONFLICT')
  }
  if (life?.casRequired && version === undefined && revision === undefined) {
    throw new Refusal('VERSION_REQUIRED')
  }
  if (life?.private && request.private === false) throw new Refusal('INVALID_ARGUMENT')
  return draft.put(key, value, {
    encrypted: request.encrypt ?? draft.staysEncrypted(key),
    private: request.private === true,
    ephemeral: request.ephemeral,
    expiresAt: ttl === undefined || ttl === 0 ? 'never' : draft.now + 1000 * ttl,
  })
}

function remove(draft: ModelDraft, { key, recursive }: RequestOf<'delete'>): unknown {
  Object.assign(draft, { action: 'delete', paths: [key] })
  const { model, who } = draft
  const gone = recursive ? subtree(draft, 'delete', key, (path) => draft.isLive(path)) : leaf()
  if (gone.length === 1) draft.versions = gone.map((path) => draft.life(path)?.active ?? 0)
  for (const path of gone) draft.delete(draft.life(path) as Life)
  return { success: true, deleted: gone.length, revision: draft.revision }

  function leaf(): string[] {
    draft.require('delete', key)
    if (draft.isLive(key)) return [key]
    const below = model.liveBelow(key).some((path) => may(who, 'list', path))
    throw new Refusal(below ? 'NOT_A_LEAF' : 'STORAGE_KEY_NOT_FOUND')
  }
}

/** What one operation takes at and below a path: everything that its caller sees there, or nothing. */
function subtree(
  draft: ModelDraft,
  action: 'delete' | 'purge' | 'read',
  key: string,
  takes: (path: string) => boolean,
): string[] {
  const { who } = draft
  if (!may(who, action, key) && !mayBelow(who, action, key)) throw new Refusal('ACCESS_DENIED')
  const there = [...(draft.life(key) ? [key] : []), ...draft.model.below(key)].filter(takes)
  const taken: string[] = []
  for (const path of there) {
    if (may(who, action, path)) taken.push(path)
    else if (may(who, 'list', path)) throw new Refusal('ACCESS_DENIED')
  }
  if (taken.length === 0) throw new Refusal('STORAGE_KEY_NOT_FOUND')
  return taken
}

function versions(draft: ModelDraft, request: RequestOf<'versions'>): unknown {
  const { key } = request
  Object.assign(draft, { action: request.op, paths: [key] })
  const done = (life: Life, more: object = {}): object => ({
    success: true,
    revision: draft.revision,
    version: life.active,
    ...more,
  })
  switch (request.op) {
    case 'rollback': {
      draft.require('update', key)
      const life = requirePresent(draft.life(key), draft.now)
      if (request.if_version !== undefined && request.if_version !== latestOf(life)) {
        throw new Refusal('VERSION_CONFLICT')
      }
      if (life.casRequired && request.if_version === undefined) {
        throw new Refusal('VERSION_REQUIRED')
      }
      const version = requireReadable(life, request.version, draft.now)
      const encrypted = version.encrypted || draft.staysEncrypted(key)
      draft.versions = [draft.put(key, version, { encrypted })]
      return done(life)
    }
    case 'activate': {
      draft.require('activate', key)
      const life = requirePresent(draft.life(key), draft.now)
      const { if_revision: revision } = request
      if (revision !== undefined && revision !== revisionOf(life, draft.now)) {
        throw new Refusal('VERSION_CONFLICT')
      }
      requireReadable(life, request.version, draft.now)
      draft.versions = [request.version]
      if (life.active === request.version) return done(life)
      life.active = request.version
      draft.touch(life)
      return done(life)
    }
    case 'undelete': {
      draft.require('undelete', key)
      const life = draft.life(key)
      if (life === undefined) throw new Refusal('STORAGE_KEY_NOT_FOUND')
      draft.versions = [request.version ?? life.active]
      if (request.version === undefined && life.deletedAt !== undefined) {
        delete life.deletedAt
        delete life.deletedBy
        draft.touch(life)
        return done(life)
      }
      const version = life.versions.get(request.version ?? life.active)
      if (version === undefined) throw new Refusal('VERSION_NOT_FOUND')
      const state = stateOf(version, draft.now)
      if (state === 'destroyed') throw new Refusal('VERSION_DESTROYED')
      if (state !== 'expired') return done(life)
      delete version.expiresAt
      delete version.swept
      draft.touch(life)
      return done(life)
    }
    case 'destroy': {
      draft.require('destroy', key)
      const life = draft.life(key)
      if (life === undefined) throw new Refusal('STORAGE_KEY_NOT_FOUND')
      const wanted = [...new Set(request.versions)]
      draft.versions = wanted
      const found = wanted.map((number) => {
        const version = life.versions.get(number)
        if (version === undefined) throw new Refusal('VERSION_NOT_FOUND')
        return version
      })
      const kept = found.filter(({ destroyed }) => !destroyed)
      for (const version of kept) {
        version.destroyed = true
        delete version.expiresAt
      }
      if (kept.length > 0) draft.touch(life)
      return done(life, { count: kept.length })
    }
    case 'purge': {
      if (request.recursive === true) {
        const gone = subtree(draft, 'purge', key, () => true)
        for (const path of gone) draft.purge(path)
        return { success: true, revision: draft.revision, count: gone.length }
      }
      draft.require('purge', key)
      const life = draft.life(key)
      if (life === undefined) throw new Refusal('STORAGE_KEY_NOT_FOUND')
      draft.versions = [life.latest]
      draft.purge(key)
      return { success: true, revision: draft.revision, count: 1 }
    }
  }
}

function meta(draft: ModelDraft, request: RequestOf<'meta'>): unknown {
  // No write rules of the model make anything unique.
  if (request.op === 'find') {
    draft.action = 'read-metadata'
    throw new Refusal('DIALECT_REFUSED')
  }
  const { key } = request
  const reads = request.op === 'get'
  Object.assign(draft, { action: reads ? 'read-metadata' : 'write-metadata', paths: [key] })
  draft.require(reads ? 'read-metadata' : 'write-metadata', key)
  const life = requirePresent(draft.life(key), draft.now)
  if (!reads) describe(draft, request, life)
  const { expiresAt, active } = life
  const version = activeOf(life)
  const { type, encrypted } = version
  return {
    key,
    type,
    encrypted,
    private: life.private,
    ephemeral: life.ephemeral,
    active,
    latest: life.latest,
    created_at: life.createdAt,
    created_by: life.createdBy,
    modified_at: life.modifiedAt,
    modified_by: life.modifiedBy,
    modify_revision: life.revision,
    description: life.description,
    tags: life.tags,
    custom: life.custom,
    granted: life.granted,
    max_versions: life.maxVersions,
    cas_required: life.casRequired,
    delete_after_s: life.deleteAfterS,
    // Of a version that the sweeper has deleted, only its history tells when it was.
    expires_at: earliest(expiresAt, version.swept ? undefined : version.expiresAt),
    dialect: 'registry',
  }
}

function describe(
  draft: ModelDraft,
  request: Extract<RequestOf<'meta'>, { op: 'set' }>,
  life: Life,
): void {
  const { if_revision: revision } = request
  if (revision !== undefined && revision !== revisionOf(life, draft.now)) {
    throw new Refusal('VERSION_CONFLICT')
  }
  const patch = (member: keyof Life, asked: unknown): void => {
    if (asked === null) delete life[member]
    else if (asked !== undefined) Object.assign(life, { [member]: asked })
  }
  patch('description', request.description)
  patch('maxVersions', request.max_versions)
  patch('casRequired', request.cas_required)
  patch('deleteAfterS', request.delete_after_s)
  if (request.tags !== undefined) life.tags = [...new Set(request.tags)].sort()
  for (const [name, value] of Object.entries(request.custom ?? {})) {
    life.granted = life.granted.filter((each) => each !== name)
    if (value === null) delete life.custom[name]
    else {
      life.custom[name] = value
      if (request.granted === true) life.granted = [...life.granted, name].sort()
    }
  }
  if (request.ttl_s === 0) delete life.expiresAt
  else if (request.ttl_s !== undefined) life.expiresAt = draft.now + 1000 * request.ttl_s
  draft.touch(life)
}

function transfer(draft: ModelDraft, request: RequestOf<'transfer'>): unknown {
  const { op, from, to, recursive, force } = request
  Object.assign(draft, { action: op, paths: [from, to] })
  if (isWithin(from, to) || isWithin(to, from)) throw new Refusal('INVALID_ARGUMENT')
  const sources = recursive ? subtree(draft, 'read', from, (path) => draft.isLive(path)) : [from]
  for (const source of sources) {
    const target = to + source.slice(from.length)
    if (op === 'copy') copy(draft, source, target, force === true)
    else move(draft, source, target)
  }
  return { success: true, count: sources.length, revision: draft.revision }
}

/** Who takes a value elsewhere must be able to read it. */
function requireTakeable(draft: ModelDraft, path: string): void {
  draft.require('read', path)
  const life = draft.life(path)
  if (life !== undefined) draft.requireValue(path, activeOf(life).encrypted, life)
}

function copy(draft: ModelDraft, from: string, to: string, force: boolean): void {
  requireTakeable(draft, from)
  const isThere = draft.isLive(to)
  draft.require(isThere ? 'update' : 'create', to)
  const source = requireLive(draft.life(from), draft.now)
  if (isThere && !force) throw new Refusal('ALREADY_EXISTS')
  if (draft.life(to)?.casRequired) throw new Refusal('VERSION_REQUIRED')
  const version = activeOf(source)
  const { description, tags, custom } = structuredClone(source)
  const target = draft.life(to)
  // What policy relies on is neither taken along nor replaced.
  const granted = target?.granted ?? []
  for (const name of granted) custom[name] = target?.custom[name] ?? ''
  if (target !== undefined) delete target.description
  draft.put(to, version, {
    encrypted: version.encrypted || draft.staysEncrypted(to),
    private: source.private,
    ephemeral: source.ephemeral ? true : undefined,
    expiresAt: source.expiresAt ?? 'never',
    description: { ...(description === undefined ? {} : { description }), tags, custom, granted },
  })
}

function move(draft: ModelDraft, from: string, to: string): void {
  requireTakeable(draft, from)
  draft.require('delete', from)
  draft.require('create', to)
  if ((draft.life(from)?.granted.length ?? 0) > 0) draft.require('grant', to)
  requireLive(draft.life(from), draft.now)
  if (draft.life(to) !== undefined) throw new Refusal('ALREADY_EXISTS')
  draft.move(from, to)
}

function importAll(draft: ModelDraft, { force, entries }: ImportRequest): unknown {
  draft.action = 'import'
  const { who } = draft
  if (!mayBelow(who, 'create', '') && !mayBelow(who, 'update', '')) {
    throw new Refusal('ACCESS_DENIED')
  }
  draft.paths = entries.map(({ key }) => key)
  let unchanged = 0
  for (const entry of entries) {
    const { key } = entry
    const life = draft.life(key)
    draft.require(isLive(life, draft.now) ? 'update' : 'create', key)
    if (isLive(life, draft.now)) {
      if (isSame(draft, life, entry)) {
        unchanged++
        continue
      }
      if (!force) throw new Refusal('ALREADY_EXISTS')
    }
    set(draft, entry)
  }
  const imported = entries.length - unchanged
  return { imported, unchanged, revision: draft.revision }
}

/** Whether an entry has type, protection and value already; never for who may not read it. */
function isSame(draft: ModelDraft, life: Life, entry: RequestOf<'set'>): boolean {
  const { who } = draft
  const { type, text, encrypted } = activeOf(life)
  const asked = typedOf(entry)
  return (
    may(who, 'read', entry.key) &&
    (!encrypted || may(who, 'decrypt', entry.key)) &&
    (!life.private || may(who, 'use-internal', entry.key)) &&
    type === asked.type &&
    text === asked.text &&
    encrypted === (entry.encrypt ?? encrypted)
  )
}
