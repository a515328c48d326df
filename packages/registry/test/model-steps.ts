/**
 * Steps of a sequence as data, and arbitraries that make them. A step names versions and revisions by what the model
 * has at that point, so that a sequence stays meaningful when steps are left out of it.
 */
import type { RequestOf } from '@secreg/protocol'
import fc from 'fast-check'
import type { Call, Model } from './model.ts'
import { latestOf, revisionOf } from './model-life.ts'
import { CALLERS, type Who } from './model-policy.ts'

/** The latest version of the path, or so many below. */
type Back = number
/** What a conditional write compares with. */
type Condition = 'now' | 'stale' | 'none'

type Value = string | number | boolean | { readonly [key: string]: unknown }

interface Write {
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

type CallerStep = { readonly who: Who } & (
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

export type WorldStep =
  | { readonly op: 'reopen' }
  /** The process ends, or power, now or within the next commit. */
  | {
      readonly op: 'kill'
      readonly at: 'now' | 'before-sync' | 'after-sync'
      readonly power: boolean
    }
  /** Time passes; or the wall clock alone is put forward or back. */
  | { readonly op: 'advance'; readonly by: 'both' | 'wall'; readonly s: number }
  | { readonly op: 'sweep' }
  | ({ readonly op: 'fault' } & CommitFault)

export type Step = CallerStep | WorldStep

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

const who = fc.constantFrom<Who>('root', 'root', 'root', 'bob', 'bob', ...CALLERS)
const key = fc.constantFrom(
  '/user',
  '/user/bob',
  '/user/bob/a',
  '/user/bob/a/b',
  '/user/bobby',
  '/app/a',
  '/app/a/b',
  '/app-2',
  '/security/s',
)
const prefix = fc.oneof(key, fc.constantFrom('/', '/app', '/security'))
const back = fc.constantFrom(0, 0, 1, 1, 2, 3, 5)
const condition = fc.constantFrom<Condition>('now', 'now', 'stale', 'none')
const value: fc.Arbitrary<Value> = fc.constantFrom<Value>('a', 'b', 'c', 'é', '', 7, true, { n: 1 })
const flag = fc.boolean()
const seconds = fc.constantFrom(0, 1, 10, 60, 3600)
const yes = fc.constant(true as const)

type Weighted = { readonly weight: number; readonly arbitrary: fc.Arbitrary<Step> }

/** A step with some required members; each of the others is there in one of five. */
function step(
  weight: number,
  required: Readonly<Record<string, fc.Arbitrary<unknown>>>,
  optional: Readonly<Record<string, fc.Arbitrary<unknown>>> = {},
): Weighted {
  return { weight, arbitrary: members(required, optional) as fc.Arbitrary<Step> }
}

function members(
  required: Readonly<Record<string, fc.Arbitrary<unknown>>>,
  optional: Readonly<Record<string, fc.Arbitrary<unknown>>>,
): fc.Arbitrary<object> {
  const names = Object.keys(optional)
  return fc
    .tuple(
      fc.record(required),
      fc.tuple(...names.map((name) => optional[name] as fc.Arbitrary<unknown>)),
      fc.tuple(...names.map(() => fc.integer({ min: 0, max: 4 }))),
    )
    .map(([some, values, chosen]) => ({
      ...some,
      ...Object.fromEntries(
        names.flatMap((name, at) => (chosen[at] === 0 ? [[name, values[at]]] : [])),
      ),
    }))
}

const op = <T extends string>(name: T): fc.Arbitrary<T> => fc.constant(name)

const writeOptions = {
  big: yes,
  encrypt: flag,
  if_version: condition,
  if_revision: condition,
  if_type: fc.constantFrom('string', 'integer'),
  ttl_s: seconds,
  private: flag,
  ephemeral: flag,
}
const write = members({ key, value }, { encrypt: flag, ephemeral: flag })
const txnStep = fc.oneof(
  { weight: 3, arbitrary: members({ op: op('set'), key, value }, writeOptions) },
  { weight: 2, arbitrary: members({ op: op('get'), key }, { decrypt: flag }) },
  { weight: 1, arbitrary: fc.record({ op: op('delete'), key }) },
)
const order = fc.constantFrom('=', '!=', '<', '>')
const compare = fc.oneof(
  members({ key, revision: condition }, { is: order }),
  members({ key, version: condition }, { is: order }),
  fc.record({ key, absent: flag }),
  members({ key, value }, { is: fc.constantFrom('=', '!=') }),
)
const name = fc.constantFrom('team', 'owner')

const STEPS: readonly Weighted[] = [
  step(30, { op: op('set'), who, key, value }, writeOptions),
  step(
    14,
    { op: op('get'), who, key, decrypt: flag },
    { version: back, if_changed: back, detail: flag },
  ),
  step(5, { op: op('delete'), who, key }, { recursive: flag }),
  step(
    4,
    { op: op('list'), who, prefix, recursive: flag },
    {
      detail: flag,
      limit: fc.integer({ min: 1, max: 3 }),
      after: key,
    },
  ),
  step(4, { op: op('history'), who, key }, { limit: fc.integer({ min: 1, max: 3 }), before: back }),
  step(5, { op: op('rollback'), who, key, version: back }, { if_version: condition }),
  step(5, { op: op('activate'), who, key, version: back }, { if_revision: condition }),
  step(5, { op: op('undelete'), who, key }, { version: back }),
  step(3, {
    op: op('destroy'),
    who,
    key,
    versions: fc.array(back, { minLength: 1, maxLength: 3 }),
  }),
  step(4, { op: op('purge'), who, key }, { recursive: flag }),
  step(4, { op: op('meta'), who, key }),
  step(
    8,
    { op: op('describe'), who, key },
    {
      description: fc.constantFrom('d', null),
      tags: fc.subarray(['x', 'y']),
      custom: fc.dictionary(name, fc.constantFrom('1', '2', null), { maxKeys: 2 }),
      granted: flag,
      max_versions: fc.constantFrom(1, 2, 3, null),
      cas_required: fc.constantFrom(true, false, null),
      delete_after_s: fc.constantFrom(1, 10, 60, null),
      ttl_s: seconds,
      if_revision: condition,
    },
  ),
  step(
    3,
    { op: op('search'), who },
    {
      prefix,
      text: fc.constantFrom('A', 'bob', '/app'),
      key: fc.constantFrom('A', 'b'),
      tag: fc.constantFrom('x', 'y'),
      metadata: fc.dictionary(name, fc.constantFrom('1', '2'), { maxKeys: 1 }),
      limit: fc.integer({ min: 1, max: 3 }),
    },
  ),
  step(5, { op: op('copy'), who, from: key, to: key, force: flag }, { recursive: flag }),
  step(6, { op: op('move'), who, from: key, to: key }, { recursive: flag }),
  step(8, {
    op: op('txn'),
    who,
    compare: fc.array(compare, { maxLength: 2 }),
    then: fc.array(txnStep, { maxLength: 3 }),
    else: fc.array(txnStep, { maxLength: 2 }),
  }),
  step(2, {
    op: op('import'),
    who,
    force: flag,
    entries: fc.uniqueArray(write, {
      maxLength: 3,
      minLength: 1,
      selector: (each) => (each as Write).key,
    }),
  }),
  step(2, { op: op('reopen') }),
  step(3, {
    op: op('kill'),
    at: fc.constantFrom('now', 'before-sync', 'after-sync'),
    power: flag,
  }),
  step(7, { op: op('advance'), by: op('both'), s: fc.constantFrom(1, 9, 10, 60, 700) }),
  step(2, { op: op('advance'), by: op('wall'), s: fc.constantFrom(-3600, -10, 10, 100, 4000) }),
  step(6, { op: op('sweep') }),
  step(4, {
    op: op('fault'),
    nth: fc.constantFrom(1, 1, 1, 2),
    errno: fc.constantFrom('ENOSPC', 'EIO'),
    ends: fc.constantFrom('refused', 'failed', 'doubt', 'doubt-lost'),
  }),
]

/** Sequences of so many steps, which shrink by leaving steps and members out. */
export function sequences(length: number): fc.Arbitrary<readonly Step[]> {
  return new SequenceArbitrary(length)
}

class SequenceArbitrary extends fc.Arbitrary<readonly Step[]> {
  readonly #all: fc.Arbitrary<Step[]>

  constructor(length: number) {
    super()
    this.#all = fc.array(fc.oneof(...STEPS), { minLength: length, maxLength: length })
  }

  override generate(random: fc.Random, bias: number | undefined): fc.Value<readonly Step[]> {
    const { value } = this.#all.generate(random, bias)
    return new fc.Value<readonly Step[]>(value, undefined)
  }

  override canShrinkWithoutContext(value: unknown): value is readonly Step[] {
    return Array.isArray(value)
  }

  override shrink(value: readonly Step[]): fc.Stream<fc.Value<readonly Step[]>> {
    return fc.stream(
      (function* (): Generator<fc.Value<readonly Step[]>> {
        for (const less of shorter(value)) yield new fc.Value(less, undefined)
      })(),
    )
  }
}

function* shorter(steps: readonly Step[]): Generator<readonly Step[]> {
  for (
    let size = Math.ceil(steps.length / 2);
    size >= 1;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let at = 0; at < steps.length; at += size) {
      yield [...steps.slice(0, at), ...steps.slice(at + size)]
    }
  }
  for (const [at, each] of steps.entries()) {
    for (const simpler of simplerThan(each)) yield steps.with(at, simpler)
  }
}

const REQUIRED: ReadonlySet<string> = new Set(
  'op who key value prefix from to compare then else entries force version versions at by s nth errno ends power'.split(
    ' ',
  ),
)

/** The step without one of its optional members, or with less in a list. */
function* simplerThan(each: Step): Generator<Step> {
  const entries = Object.entries(each)
  for (const [member, has] of entries) {
    const isNeeded = REQUIRED.has(member) && !(each.op === 'undelete' && member === 'version')
    if (!isNeeded) yield Object.fromEntries(entries.filter(([one]) => one !== member)) as never
    if (!Array.isArray(has) || has.length === 0) continue
    if (has.length === 1 && (member === 'entries' || member === 'versions')) continue
    for (let at = 0; at < has.length; at++) {
      yield { ...each, [member]: has.toSpliced(at, 1) } as never
    }
  }
}
