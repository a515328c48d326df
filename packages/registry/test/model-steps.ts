/**
 * Steps of a sequence as data. A step names versions and revisions by what the model
 * has at that point, so that a sequence stays meaningful when steps are left out of it.
 */
import type { PowerLoss } from '@secreg/audit/testing'
import type { RequestOf } from '@secreg/protocol'
import type { Call, Model } from './model.ts'
import { latestOf, revisionOf } from './model-life.ts'
import type { Who } from './model-policy.ts'

/** The latest version of the path, or so many below. */
type Back = number
/** What a conditional write compares with. */
export type Condition = 'now' | 'stale' | 'none'

export type Value = string | number | boolean | { readonly [key: string]: unknown }

export interface Write {
  readonly key: string
  readonly value: Value
  /** Many times the value: it stands in a row of its own then. */
  readonly big?: true
  readonly type?: string
  readonly encrypt?: boolean
  readonly if_version?: Condition
  readonly if_revision?: Condition
  readonly if_type?: string
  readonly ttl_s?: number
  readonly private?: boolean
  readonly ephemeral?: boolean
}

type Compare = { readonly key: string } & (
  | { readonly revision: Condition; readonly is?: '=' | '!=' | '<' | '>' }
  | { readonly version: Condition; readonly is?: '=' | '!=' | '<' | '>' }
  | { readonly absent: boolean }
  | { readonly value: Value; readonly is?: '=' | '!=' }
)

type TxnStep =
  | { readonly op: 'get'; readonly key: string; readonly decrypt?: boolean }
  | ({ readonly op: 'set' } & Write)
  | { readonly op: 'delete'; readonly key: string }

export type CallerStep = { readonly who: Who } & (
  | ({ readonly op: 'set' } & Write)
  | {
      readonly op: 'get'
      readonly key: string
      readonly decrypt?: boolean
      readonly version?: Back
      readonly if_changed?: Back
      readonly detail?: boolean
    }
  | { readonly op: 'delete'; readonly key: string; readonly recursive?: boolean }
  | { readonly op: 'purge'; readonly key: string; readonly recursive?: boolean }
  | {
      readonly op: 'list'
      readonly prefix: string
      readonly recursive?: boolean
      readonly detail?: boolean
      readonly limit?: number
      readonly after?: string
    }
  | {
      readonly op: 'history'
      readonly key: string
      readonly limit?: number
      readonly before?: Back
    }
  | {
      readonly op: 'rollback'
      readonly key: string
      readonly version: Back
      readonly if_version?: Condition
    }
  | {
      readonly op: 'activate'
      readonly key: string
      readonly version: Back
      readonly if_revision?: Condition
    }
  | { readonly op: 'undelete'; readonly key: string; readonly version?: Back }
  | { readonly op: 'destroy'; readonly key: string; readonly versions: readonly Back[] }
  | { readonly op: 'meta'; readonly key: string }
  | ({ readonly op: 'describe'; readonly if_revision?: Condition } & Omit<
      Extract<RequestOf<'meta'>, { op: 'set' }>,
      'op' | 'if_revision'
    >)
  | ({ readonly op: 'search' } & RequestOf<'search'>)
  | {
      readonly op: 'copy' | 'move'
      readonly from: string
      readonly to: string
      readonly recursive?: boolean
      readonly force?: boolean
    }
  | {
      readonly op: 'txn'
      readonly compare: readonly Compare[]
      readonly then: readonly TxnStep[]
      readonly else: readonly TxnStep[]
    }
  | { readonly op: 'import'; readonly force: boolean; readonly entries: readonly Write[] }
)

/** What becomes of a commit to come: the next, or the one after it. */
export type CommitFault = {
  readonly nth: 1 | 2
  readonly errno: 'ENOSPC' | 'EIO'
  /** `doubt` and `doubt-lost`: nobody is told whether it is there; it is, or is not. */
  readonly ends: 'refused' | 'failed' | 'doubt' | 'doubt-lost'
}

/** What becomes of the bytes of the log that are written and not synced: all kept, or lost with the power. */
export type Death = 'written' | PowerLoss

export type WorldStep =
  | { readonly op: 'reopen' }
  /** The process ends, or power, now or within the next commit. */
  | {
      readonly op: 'kill'
      readonly at: 'now' | 'before-sync' | 'after-sync'
      readonly death: Death
    }
  /** Time passes; or the wall clock alone is put forward or back. */
  | { readonly op: 'advance'; readonly by: 'both' | 'wall'; readonly s: number }
  | { readonly op: 'sweep' }
  | ({ readonly op: 'fault' } & CommitFault)

/** Changes that are asked at once, so that they share commits; they take effect in this order. */
export interface TogetherStep {
  readonly op: 'together'
  readonly steps: readonly CallerStep[]
}

export type Step = CallerStep | TogetherStep | WorldStep

export function isWorldStep(step: Step): step is WorldStep {
  return ['reopen', 'kill', 'advance', 'sweep', 'fault'].includes(step.op)
}

/** The request that a step is, on what the model has now. */
export function callOf(step: CallerStep, model: Model): Call {
  const { who } = step
  const call = (op: string, request: object): Call => ({ op, who, request }) as Call
  switch (step.op) {
    case 'set':
      return call('set', writeOf(step, model))
    case 'get': {
      const { op: _, who: __, version, if_changed: changed, ...rest } = step
      return call('get', {
        ...rest,
        ...some('version', backOf(step.key, version, model)),
        ...some('if_changed', backOf(step.key, changed, model)),
      })
    }
    case 'delete':
    case 'list':
    case 'search': {
      const { op, who: _, ...request } = step
      return call(op, request)
    }
    case 'history': {
      const { op: _, who: __, before, ...rest } = step
      return call('history', { ...rest, ...some('before', backOf(step.key, before, model)) })
    }
    case 'purge':
    case 'rollback':
    case 'activate':
    case 'undelete':
    case 'destroy':
      return call('versions', versionsOf(step, model))
    case 'meta':
      return call('meta', { op: 'get', key: step.key })
    case 'describe': {
      const { op: _, who: __, if_revision: condition, ...rest } = step
      const revision = some('if_revision', revisionFor(step.key, condition, model))
      return call('meta', { op: 'set', ...rest, ...revision })
    }
    case 'copy':
    case 'move': {
      const { who: _, ...request } = step
      return call('transfer', request)
    }
    case 'txn': {
      const branch = (steps: readonly TxnStep[]): object[] =>
        steps.map((each) => (each.op === 'set' ? { op: 'set', ...writeOf(each, model) } : each))
      return call('txn', {
        compare: step.compare.map((each) => ({
          ...each,
          ...('revision' in each
            ? some('revision', revisionFor(each.key, each.revision, model))
            : {}),
          ...('version' in each ? some('version', versionFor(each.key, each.version, model)) : {}),
        })),
        then: branch(step.then),
        else: branch(step.else),
      })
    }
    case 'import':
      return call('import', {
        force: step.force,
        entries: step.entries.map((each) => writeOf(each, model)),
      })
  }
}

function versionsOf(
  step: Extract<CallerStep, { op: 'purge' | 'rollback' | 'activate' | 'undelete' | 'destroy' }>,
  model: Model,
): object {
  const { who: _, ...rest } = step
  const { key } = rest
  const back = (version: Back | undefined): number | undefined => backOf(key, version, model)
  switch (rest.op) {
    case 'purge':
      return rest
    case 'rollback':
      return {
        ...rest,
        version: back(rest.version),
        ...some('if_version', versionFor(key, rest.if_version, model)),
      }
    case 'activate':
      return {
        ...rest,
        version: back(rest.version),
        ...some('if_revision', revisionFor(key, rest.if_revision, model)),
      }
    case 'undelete':
      return { ...rest, ...some('version', back(rest.version)) }
    case 'destroy':
      return { ...rest, versions: rest.versions.map(back) }
  }
}

function writeOf(step: Write, model: Model): RequestOf<'set'> {
  const { key, value, big, if_version: version, if_revision: revision } = step
  const { type, encrypt, if_type, ttl_s, ephemeral, private: isPrivate } = step
  return {
    key,
    value: (big ? String(value).padEnd(5000, 'large ') : value) as RequestOf<'set'>['value'],
    ...some('type', type),
    ...some('encrypt', encrypt),
    ...some('if_type', if_type),
    ...some('ttl_s', ttl_s),
    ...some('private', isPrivate),
    ...some('ephemeral', ephemeral),
    ...some('if_version', versionFor(key, version, model)),
    ...some('if_revision', revisionFor(key, revision, model)),
  } as RequestOf<'set'>
}

function some(name: string, value: unknown): object {
  return value === undefined ? {} : { [name]: value }
}

function backOf(key: string, back: Back | undefined, model: Model): number | undefined {
  return back === undefined ? undefined : Math.max(1, model.latest(key) - back)
}

function versionFor(
  key: string,
  condition: Condition | undefined,
  model: Model,
): number | undefined {
  return conditionOf(condition, latestOf(model.life(key)))
}

function revisionFor(
  key: string,
  condition: Condition | undefined,
  model: Model,
): number | undefined {
  return conditionOf(condition, revisionOf(model.life(key), model.clock.now()))
}

function conditionOf(condition: Condition | undefined, now: number): number | undefined {
  if (condition === undefined) return undefined
  if (condition === 'none') return 0
  return condition === 'now' ? now : Math.max(1, now - 1)
}
