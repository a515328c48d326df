/**
 * Operations of foreign doors (DESIGN §4): the dialect says, from the state of one entry, what is to be done; here it is
 * decided, done and recorded like everything else. A door writes only into mounts of its own dialect.
 */
import {
  type Caller,
  type DialectEffect,
  type DialectEntry,
  type DialectOperation,
  type DialectResponse,
  parsePath,
  type RequestOf,
  SecregError,
} from '@secreg/protocol'
import type { Core } from '../core.ts'
import { atOnceOrSliced, Edits } from '../edits.ts'
import type { Metadata } from '../entry.ts'
import type { EntryEdit } from '../entry-edit.ts'
import { type Facts, prepared, refusalBody } from '../recorded.ts'
import { stateOfVersion } from '../version.ts'
import { isToBeEncrypted, rowsOf } from './set.ts'

/** Effects whose old bytes leave the disk. */
const ERASES: ReadonlySet<DialectEffect['do']> = new Set(['destroy', 'purge'])

/**
 * Run one operation of a foreign door.
 *
 * @returns with what the dialect answers
 * @throws SecregError `ERR_PATH_INVALID`; `ERR_DIALECT_REFUSED` when the dialect or operation is not known, or the path
 *   is in no mount of it; `ERR_ACCESS_DENIED`, `ERR_SEALED`, what the dialect refuses with, and the failures of store
 *   and log
 */
export function dialectOperation(
  core: Core,
  caller: Caller,
  asked: RequestOf<'dialect'>,
): Promise<DialectResponse> {
  const facts: Facts = { action: 'write' }
  const prepare = () => {
    const path = parsePath(asked.key)
    facts.paths = [path]
    const operation = operationOf(core, asked)
    facts.action = operation.audit
    // Only once both words are known ones: what a caller made up is not written into the log.
    facts.detail = `${asked.dialect} ${asked.operation}`
    core.keys.requireUnsealed()
    return { path, operation }
  }
  return prepared(core.journal, caller, facts, prepare, async ({ path, operation }) => {
    let erases = false
    const answer = await core.writer.submit<DialectResponse>({
      plan: (view) => {
        core.keys.requireUnsealed()
        const edits = new Edits(core, caller, view)
        const edit = edits.at(path)
        const { action } = operation
        const isPresent = edit.entry !== undefined && edit.entry.deletedAtMs === undefined
        const right = typeof action === 'string' ? action : action(edit.isLive, isPresent)
        const made = isPresent ? undefined : operation.makes?.(asked.request)
        if (edit.entry !== undefined || made === undefined) {
          core.authorizer.require(caller, right, path, edit.entry)
        }
        if (made !== undefined) {
          core.authorizer.require(caller, right, path, { metadata: { custom: made } })
        }
        if (edit.mount.dialect !== asked.dialect) throw notItsMount()
        const rows = rowsOf(edit)
        const state = stateOf(core, caller, edit, edits.expiryNowMs)
        const { effects, result } = operation.plan(state, asked.request)
        if (right !== 'purge' && effects.some((effect) => effect.do === 'purge')) {
          core.authorizer.require(caller, 'purge', path, edit.entry)
        }
        const movesToMemory = edit.before?.ephemeral === false && effects.some(isForMemory)
        erases = movesToMemory || effects.some((effect) => ERASES.has(effect.do))
        const versions = effects.flatMap((effect) => apply(core, edit, effect) ?? [])
        return atOnceOrSliced(
          erases ? rows : 0,
          edits.plan(caller, {
            action: operation.audit,
            facts: versions.length === 0 ? facts : { ...facts, versions },
            usageRight: right,
            result: () => ({ result }),
          }),
        )
      },
      refusal: (error) => refusalBody(caller, facts, error),
    })
    if (erases) await core.eraser.settle()
    return answer
  })
}

function operationOf(core: Core, asked: RequestOf<'dialect'>): DialectOperation {
  const operations = core.mounts.dialect(asked.dialect)?.operations
  const operation =
    operations !== undefined && Object.hasOwn(operations, asked.operation)
      ? operations[asked.operation]
      : undefined
  if (operation === undefined) {
    throw new SecregError('DIALECT_REFUSED', 'this daemon does not serve such an operation')
  }
  return operation
}

function notItsMount(): SecregError {
  return new SecregError('DIALECT_REFUSED', 'the path is in no mount of this door')
}

function stateOf(core: Core, caller: Caller, edit: EntryEdit, nowMs: number): DialectEntry {
  const { entry, path } = edit
  // Who may not have a private value may not find out what it is either, by an answer that tells equal ones apart.
  const mayCompare = (): boolean =>
    entry?.private !== true || core.authorizer.allows(caller, 'use-internal', path, entry)
  return {
    path,
    exists: entry !== undefined,
    active: entry?.active ?? 0,
    latest: edit.latest,
    next: edit.next,
    base: entry?.base ?? edit.next - 1,
    isDeleted: entry?.deletedAtMs !== undefined,
    isPrivate: entry?.private === true,
    isEphemeral: entry?.ephemeral === true,
    custom: entry?.metadata.custom ?? {},
    isClaimed: (version) => edit.isClaimed(version),
    stateOf: (version) => {
      const header = edit.version(version)
      return header === undefined ? undefined : stateOfVersion(header, nowMs)
    },
    holds: (version, bytes) => mayCompare() && edit.holds(version, bytes),
  }
}

/** @returns number of the version that was made or changed, where it is about one */
function apply(core: Core, edit: EntryEdit, effect: DialectEffect): number | undefined {
  switch (effect.do) {
    case 'put': {
      const encrypted = isToBeEncrypted(core, { path: edit.path }, edit)
      edit.define(effect.value.type)
      mark(edit, effect)
      return edit.put(effect.value, {
        encrypted,
        activate: effect.activate !== false,
        ...(effect.version === undefined ? {} : { number: effect.version }),
      })
    }
    case 'define':
      edit.define('bytes')
      if (effect.ephemeral === true) edit.moveToMemory()
      mark(edit, effect)
      edit.describe({ metadata: described(edit.entry?.metadata ?? {}, effect) })
      return undefined
    case 'activate':
      edit.activate(effect.version)
      return effect.version
    case 'delete':
      edit.delete()
      return undefined
    case 'undelete':
      edit.undelete()
      return undefined
    case 'delete-version':
      edit.deleteVersion(effect.version)
      return effect.version
    case 'undelete-version':
      edit.undeleteVersion(effect.version)
      return effect.version
    case 'destroy':
      edit.destroy(effect.version)
      return effect.version
    case 'purge':
      edit.purge()
      return undefined
    case 'metadata':
      edit.describe({ metadata: described(edit.entry?.metadata ?? {}, effect) })
      return undefined
  }
}

function mark(
  edit: EntryEdit,
  effect: { readonly private?: boolean; readonly ephemeral?: boolean },
): void {
  if (effect.private === true) edit.makePrivate()
  if (effect.ephemeral === true) edit.makeEphemeral()
  if (effect.ephemeral === false) edit.makeDurable()
}

/** Whether what it is about is in memory only from then on. */
function isForMemory(effect: DialectEffect): boolean {
  return (effect.do === 'put' || effect.do === 'define') && effect.ephemeral === true
}

function described(
  metadata: Metadata,
  effect: Extract<DialectEffect, { do: 'metadata' | 'define' }>,
): Metadata {
  const custom = new Map(Object.entries(metadata.custom ?? {}))
  for (const [name, value] of Object.entries(effect.custom ?? {})) {
    if (value === custom.get(name)) continue
    // What policy relies on is changed by the registry door only, under `grant`.
    if (metadata.granted?.includes(name) === true) {
      throw new SecregError('ACCESS_DENIED', 'permission denied')
    }
    if (value === null) custom.delete(name)
    else custom.set(name, value)
  }
  const { description: before, custom: _, ...rest } = metadata
  const description = effect.description === undefined ? before : (effect.description ?? undefined)
  return {
    ...rest,
    ...(description === undefined ? {} : { description }),
    ...(custom.size === 0 ? {} : { custom: Object.fromEntries(custom) }),
  }
}
