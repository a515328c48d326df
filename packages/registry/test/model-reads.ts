/** What the model answers to questions (`entry-messages.ts`). */
import type { RequestOf } from '@secreg/protocol'
import type { ModelDraft } from './model-draft.ts'
import {
  activeOf,
  earliest,
  type Life,
  type ModelVersion,
  Refusal,
  requirePresent,
  requireReadable,
  stateOf,
} from './model-life.ts'
import { may, mayBelow, mayReadLog } from './model-policy.ts'

export function get(draft: ModelDraft, request: RequestOf<'get'>): unknown {
  const { key, version: asked } = request
  Object.assign(draft, { action: 'read', paths: [key] })
  draft.require('read', key)
  const life = requirePresent(draft.life(key), draft.now)
  const number = asked ?? life.active
  const version = requireReadable(life, number, draft.now)
  const { type, encrypted } = version
  const base = { type, encrypted, version: number, modify_revision: life.revision }
  const isUnchanged = asked === undefined && request.if_changed === number
  if (!isUnchanged) draft.versions = [number]
  const wanted = !encrypted || request.decrypt === true
  if (wanted) {
    if (encrypted) draft.action = 'decrypt'
    draft.requireValue(key, encrypted, life)
  }
  if (isUnchanged) {
    draft.isRecorded = false
    const others = (draft.polls.get(key) ?? []).filter(({ by }) => by !== draft.who)
    draft.polls.set(key, [{ by: draft.who, at: draft.wall }, ...others])
    return { ...base, value: null, unchanged: true }
  }
  const detail = request.detail === true ? detailOf(life, number, version) : {}
  return { ...base, value: wanted ? version.text : null, ...detail }
}

function detailOf(life: Life, number: number, version: ModelVersion): object {
  const { createdAt, createdBy } = version
  return {
    ...(number === life.active
      ? {
          created_at: life.createdAt,
          created_by: life.createdBy,
          modified_at: life.modifiedAt,
          modified_by: life.modifiedBy,
        }
      : {
          created_at: createdAt,
          created_by: createdBy,
          modified_at: createdAt,
          modified_by: createdBy,
        }),
    expires_at: earliest(life.expiresAt, version.expiresAt),
  }
}

export function list(draft: ModelDraft, request: RequestOf<'list'>): unknown {
  const { model, who } = draft
  const prefix = request.prefix === '/' ? '' : request.prefix
  Object.assign(draft, { action: 'list', paths: [request.prefix] })
  const { after, limit = Number.POSITIVE_INFINITY } = request
  if (after !== undefined && !after.startsWith(`${prefix}/`)) throw new Refusal('INVALID_ARGUMENT')
  if (!mayBelow(who, 'list', prefix)) throw new Refusal('ACCESS_DENIED')
  const keys: string[] = []
  for (const path of model.liveBelow(prefix)) {
    if (!may(who, 'list', path) || (after !== undefined && path <= after)) continue
    const slash = request.recursive === true ? -1 : path.indexOf('/', prefix.length + 1)
    const key = slash === -1 ? path : path.slice(0, slash + 1)
    if (!keys.includes(key)) keys.push(key)
  }
  const page = keys.slice(0, limit)
  const entries = page.filter((key) => !key.endsWith('/')).map((key) => entryOf(draft, key))
  return {
    keys: page,
    ...(request.detail === true ? { entries } : {}),
    ...(keys.length > page.length ? { next: page.at(-1) } : {}),
  }
}

function entryOf(draft: ModelDraft, key: string): object {
  const life = draft.life(key) as Life
  const { type, encrypted } = activeOf(life)
  const { active: version, modifiedAt, modifiedBy } = life
  return { key, type, encrypted, version, modified_at: modifiedAt, modified_by: modifiedBy }
}

export function search(draft: ModelDraft, request: RequestOf<'search'>): unknown {
  const { model, who } = draft
  const { text, key, tag, metadata = {}, limit = Number.POSITIVE_INFINITY } = request
  const prefix = request.prefix === undefined || request.prefix === '/' ? '' : request.prefix
  Object.assign(draft, { action: 'search', paths: [prefix === '' ? '/' : prefix] })
  if (!mayBelow(who, 'list', prefix)) throw new Refusal('ACCESS_DENIED')
  const includes = (whole: string, part = ''): boolean =>
    whole.toLowerCase().includes(part.toLowerCase())
  const found = model.liveBelow(prefix).filter((path) => {
    const { tags, custom } = draft.life(path) as Life
    return (
      may(who, 'list', path) &&
      includes(path, text) &&
      includes(path.slice(path.lastIndexOf('/') + 1), key) &&
      (tag === undefined || tags.includes(tag)) &&
      Object.entries(metadata).every(([name, value]) => custom[name] === value)
    )
  })
  const page = found.slice(0, limit)
  return {
    entries: page.map((path) => {
      const { description, tags } = draft.life(path) as Life
      return {
        ...entryOf(draft, path),
        ...(description === undefined ? {} : { description }),
        ...(tags.length === 0 ? {} : { tags }),
      }
    }),
    ...(found.length > page.length ? { next: page.at(-1) } : {}),
  }
}

export function history(draft: ModelDraft, request: RequestOf<'history'>): unknown {
  const { key, limit = 100, before = Number.POSITIVE_INFINITY } = request
  Object.assign(draft, { action: 'history', paths: [key] })
  draft.require('read-metadata', key)
  const life = draft.life(key)
  if (life === undefined) throw new Refusal('STORAGE_KEY_NOT_FOUND')
  const numbers = [...life.versions.keys()].filter((number) => number < before)
  numbers.sort((a, b) => b - a)
  const page = numbers.slice(0, limit)
  const polled = mayReadLog(draft.who) ? (draft.polls.get(key) ?? []) : []
  return {
    key,
    active: life.active,
    latest: life.latest,
    deleted_at: life.deletedAt,
    deleted_by: life.deletedBy,
    versions: page.map((number) => {
      const version = life.versions.get(number) as ModelVersion
      return {
        version: number,
        state: stateOf(version, draft.now),
        type: version.type,
        encrypted: version.encrypted,
        created_at: version.createdAt,
        created_by: version.createdBy,
        expires_at: version.destroyed ? undefined : version.expiresAt,
      }
    }),
    ...(polled.length === 0 ? {} : { polled }),
    ...(numbers.length > page.length ? { next: page.at(-1) } : {}),
  }
}
