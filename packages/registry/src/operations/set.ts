/** Write one value: a new version, which becomes the active one (DESIGN §4). */
import {
  type Caller,
  inferValueType,
  isAtOrBelow,
  parsePath,
  parseValue,
  parseValueType,
  type RequestOf,
  SecregError,
  type SetResponse,
  type TypedValue,
} from '@secreg/protocol'
import type { Op } from '@secreg/storage'
import { auditBody } from '../audit-record.ts'
import type { Core } from '../core.ts'
import {
  decodeEntry,
  type Entry,
  encodeEntry,
  encodeVersion,
  INLINE_VALUE_BYTES,
} from '../entry.ts'
import type { View } from '../group-view.ts'
import { entryKey, versionKey } from '../keys.ts'
import type { ChangeEvent } from '../operation.ts'
import { type Facts, recorded, refusalBody } from '../recorded.ts'

/** Versions kept of an entry of the registry's own dialect; the active one is never pruned. */
export const KEPT_VERSIONS = 10

/** A value to write, checked as far as it can be without the state. */
export interface SetDraft {
  readonly path: string
  readonly value: TypedValue
  /** Absent: as it was, or by the subtree's rule. */
  readonly encrypt?: boolean
  readonly ifVersion?: number
  readonly ifType?: string
}

/** The rows of one written value. */
export interface SetRows {
  readonly ops: readonly Op[]
  readonly version: number
  readonly created: boolean
  readonly event: ChangeEvent
}

/**
 * Set an entry.
 *
 * @throws SecregError `ERR_PATH_INVALID`, `ERR_VALUE_INVALID`, `ERR_VALUE_TOO_LARGE`, `ERR_ACCESS_DENIED`,
 *   `ERR_VERSION_CONFLICT`, `ERR_SEALED`, and the failures of store and log
 */
export function set(core: Core, caller: Caller, request: RequestOf<'set'>): Promise<SetResponse> {
  const facts: Facts = { action: 'write' }
  let draft: SetDraft
  try {
    facts.paths = [parsePath(request.key)]
    // Whoever asked while it was sealed is not answered by what it is when his turn comes.
    core.keys.requireUnsealed()
    draft = draftOf(request)
  } catch (error) {
    return recorded(core.journal, caller, facts, () => {
      throw error
    })
  }
  return core.writer.submit({
    plan: (view) => {
      const rows = planSet(core, caller, draft, view)
      const counters = core.counters.plan(view, rows.created ? 1 : 0)
      return {
        ops: [...rows.ops, ...counters],
        events: [rows.event],
        record: auditBody(caller, 'write', 'ok', { ...facts, versions: [rows.version] }),
        result: (revision) => ({ success: true, version: rows.version, revision }),
      }
    },
    refusal: (error) => refusalBody(caller, facts, error),
  })
}

/**
 * Check what needs no state.
 *
 * @throws SecregError `ERR_PATH_INVALID`, `ERR_VALUE_INVALID`, `ERR_VALUE_TOO_LARGE`
 */
export function draftOf(request: RequestOf<'set'>): SetDraft {
  const path = parsePath(request.key)
  const type =
    request.type === undefined ? inferValueType(request.value) : parseValueType(request.type)
  return {
    path,
    value: parseValue(request.value, type),
    ...(request.encrypt === undefined ? {} : { encrypt: request.encrypt }),
    ...(request.if_version === undefined ? {} : { ifVersion: request.if_version }),
    ...(request.if_type === undefined ? {} : { ifType: parseValueType(request.if_type) }),
  }
}

/** Decide, check preconditions and build the rows of one write; synchronous and pure. */
export function planSet(core: Core, caller: Caller, draft: SetDraft, view: View): SetRows {
  const row = view.get(entryKey(draft.path))
  const before = row === undefined ? undefined : decodeEntry(row)
  const live = before !== undefined && before.active !== 0
  core.authorizer.require(caller, live ? 'update' : 'create', draft.path)
  core.keys.requireUnsealed()
  checkPreconditions(draft, before)
  const nowMs = core.now()
  const by = authorOf(caller)
  const id = before?.id ?? core.newEntryId()
  const version = (before?.latest ?? 0) + 1
  const encrypted = isToBeEncrypted(core, draft, before)
  const { type } = draft.value
  const stored = encrypted
    ? core.keys.sealValue({ id, type }, version, draft.value.bytes)
    : draft.value.bytes
  const entry: Entry = {
    id,
    type,
    encrypted,
    createdAtMs: before?.createdAtMs ?? nowMs,
    createdBy: before?.createdBy ?? by,
    active: version,
    latest: version,
    base: before?.base ?? 0,
    modifiedAtMs: nowMs,
    modifiedBy: by,
    ...(stored.length <= INLINE_VALUE_BYTES ? { value: stored } : {}),
  }
  const ops: Op[] = [
    { type: 'put', key: entryKey(draft.path), value: encodeEntry(entry) },
    {
      type: 'put',
      key: versionKey(id, version),
      fresh: true,
      value: encodeVersion({ type, encrypted, createdAtMs: nowMs, createdBy: by, value: stored }),
    },
  ]
  const pruned = version - KEPT_VERSIONS
  if (pruned > entry.base) ops.push({ type: 'delete', key: versionKey(id, pruned) })
  return {
    ops,
    version,
    created: !live,
    event: { op: 'set', key: draft.path, version, type, encrypted },
  }
}

/** Name that an entry remembers as its author. */
export function authorOf(caller: Caller): string {
  return caller.login ?? caller.principals[0] ?? 'unknown'
}

function checkPreconditions(draft: SetDraft, before: Entry | undefined): void {
  const latest = before === undefined ? 0 : before.latest - before.base
  if (draft.ifVersion !== undefined && draft.ifVersion !== latest) {
    throw new SecregError('VERSION_CONFLICT', 'the entry has another version; read it again')
  }
  if (draft.ifType !== undefined && draft.ifType !== before?.type) {
    throw new SecregError('VERSION_CONFLICT', 'the entry has another type; read it again')
  }
}

/** Once encrypted, a value stays so unless the writer says otherwise; some subtrees leave no choice. */
export function isToBeEncrypted(core: Core, draft: SetDraft, before: Entry | undefined): boolean {
  if (core.settings.encryptPrefixes.some((prefix) => isAtOrBelow(draft.path, prefix))) return true
  return draft.encrypt ?? before?.encrypted ?? false
}
