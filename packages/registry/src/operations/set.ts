/** Write one value: a new version, with what its mount and its entry say about it. */
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
import type { Core } from '../core.ts'
import { atOnceOrSliced, Edits } from '../edits.ts'
import type { Metadata } from '../entry.ts'
import type { EntryEdit } from '../entry-edit.ts'
import { countNumbers } from '../number-set.ts'
import { type Facts, prepared, refusalBody } from '../recorded.ts'

/** A value to write, checked as far as it can be without the state. */
export interface SetDraft {
  readonly path: string
  readonly value: TypedValue
  /** Absent: as it was, or by the subtree's rule. */
  readonly encrypt?: boolean
  readonly ifVersion?: number
  readonly ifRevision?: number
  readonly ifType?: string
  /** Absent or 0: it does not expire. */
  readonly ttlMs?: number
  readonly private?: boolean
  readonly ephemeral?: boolean
}

/**
 * Set an entry.
 *
 * @throws SecregError `ERR_PATH_INVALID`, `ERR_VALUE_INVALID`, `ERR_VALUE_TOO_LARGE`, `ERR_ACCESS_DENIED`,
 *   `ERR_VERSION_CONFLICT`, `ERR_VERSION_REQUIRED`, `ERR_DIALECT_REFUSED`, `ERR_SEALED`, and the failures of store
 *   and log
 */
export function set(core: Core, caller: Caller, request: RequestOf<'set'>): Promise<SetResponse> {
  const facts: Facts = { action: 'write' }
  const prepare = (): SetDraft => {
    facts.paths = [parsePath(request.key)]
    // Whoever asked while it was sealed is not answered by what it is when his turn comes.
    core.keys.requireUnsealed()
    return draftOf(request)
  }
  return prepared(core.journal, caller, facts, prepare, async (draft) => {
    let erases = false
    const answer = await core.writer.submit<SetResponse>({
      plan: (view) => {
        const edits = new Edits(core, caller, view)
        const edit = edits.at(draft.path)
        const rows = draft.ephemeral === undefined ? 0 : rowsOf(edit)
        erases = draft.ephemeral === true && rows > 0
        const version = planSet(core, caller, draft, edit)
        return atOnceOrSliced(
          rows,
          edits.plan(caller, {
            action: 'write',
            facts: { ...facts, versions: [version] },
            result: (revision) => ({ success: true, version, revision }),
          }),
        )
      },
      refusal: (error) => refusalBody(caller, facts, error),
    })
    if (erases) await core.eraser.settle()
    return answer
  })
}

/** Rows of an entry's versions, about. */
export function rowsOf(edit: EntryEdit): number {
  return edit.entry === undefined ? 0 : countNumbers(edit.entry.present)
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
    ...(request.if_revision === undefined ? {} : { ifRevision: request.if_revision }),
    ...(request.if_type === undefined ? {} : { ifType: parseValueType(request.if_type) }),
    ...(request.ttl_s === undefined ? {} : { ttlMs: 1000 * request.ttl_s }),
    ...(request.private === undefined ? {} : { private: request.private }),
    ...(request.ephemeral === undefined ? {} : { ephemeral: request.ephemeral }),
  }
}

/**
 * Decide, check preconditions and write one value.
 *
 * @param made - as of {@link requireWrite}
 * @returns the version that was made
 */
export function planSet(
  core: Core,
  caller: Caller,
  draft: SetDraft,
  edit: EntryEdit,
  made?: Metadata['custom'],
): number {
  requireWrite(core, caller, edit, made)
  core.keys.requireUnsealed()
  requireWritable(edit)
  checkPreconditions(draft, edit)
  const encrypted = isToBeEncrypted(core, draft, edit)
  const before = edit.define(draft.value.type)
  if (draft.private === false && before.private) {
    throw new SecregError('INVALID_ARGUMENT', 'a private entry stays private; purge it first')
  }
  if (draft.private === true) edit.makePrivate()
  if (draft.ephemeral === true) edit.makeEphemeral()
  if (draft.ephemeral === false) edit.makeDurable()
  edit.expireAt(
    draft.ttlMs === undefined || draft.ttlMs === 0 ? undefined : core.clock.now() + draft.ttlMs,
  )
  return edit.put(draft.value, { encrypted, activate: edit.mount.rules?.activatesNew !== false })
}

/**
 * Require the right to write a value: to make an entry, or to change the one that can be read.
 *
 * @param made - custom metadata that it gets where there is no entry yet
 * @throws SecregError `ERR_ACCESS_DENIED`
 */
export function requireWrite(
  { authorizer }: Core,
  caller: Caller,
  { entry, isLive, path }: EntryEdit,
  made: Metadata['custom'] = {},
): void {
  const action = isLive ? 'update' : 'create'
  authorizer.require(caller, action, path, entry ?? { metadata: { custom: made } })
}

/** @throws SecregError `ERR_DIALECT_REFUSED` where the write rules of the subtree are not known here */
export function requireWritable({ mount }: EntryEdit): void {
  if (mount.rules !== undefined) return
  throw new SecregError(
    'DIALECT_REFUSED',
    `${mount.path} has the write rules of ${mount.dialect}, which this daemon does not serve`,
  )
}

function checkPreconditions(draft: SetDraft, edit: EntryEdit): void {
  const { entry } = edit
  const { ifVersion, ifRevision, ifType } = draft
  if (ifVersion !== undefined && ifVersion !== edit.latestOfLife) throw otherVersion()
  if (ifRevision !== undefined && ifRevision !== edit.revision) throw otherVersion()
  if (ifType !== undefined && ifType !== entry?.type) {
    throw new SecregError('VERSION_CONFLICT', 'the entry has another type; read it again')
  }
  if (ifVersion === undefined && ifRevision === undefined) requireUnconditional(edit)
}

/**
 * Require that an entry may be written without the version that it has.
 *
 * @throws SecregError `ERR_VERSION_REQUIRED`
 */
export function requireUnconditional({ entry, mount }: EntryEdit): void {
  if (!(entry?.limits.casRequired ?? mount.casRequired ?? false)) return
  throw new SecregError(
    'VERSION_REQUIRED',
    'this entry is changed only with the version that it has: give if_version',
  )
}

export function otherVersion(): SecregError {
  return new SecregError('VERSION_CONFLICT', 'the entry has another version; read it again')
}

/** Once encrypted, a value stays so unless the writer says otherwise; some subtrees leave no choice. */
export function isToBeEncrypted(
  core: Core,
  draft: Pick<SetDraft, 'path' | 'encrypt'>,
  { entry, mount }: EntryEdit,
): boolean {
  if (mount.encrypt === true || mount.rules?.encrypted === true) return true
  if (core.settings.encryptPrefixes.some((prefix) => isAtOrBelow(draft.path, prefix))) return true
  return draft.encrypt ?? entry?.encrypted ?? false
}
