/** Sequences of steps at random, each about some of the paths only, so that its steps meet. */
import fc from 'fast-check'
import { CALLERS, type Who } from './model-policy.ts'
import type { CallerStep, Condition, Step, Value, Write } from './model-steps.ts'

const KEYS = [
  '/user',
  '/user/bob',
  '/user/bob/a',
  '/user/bob/a/b',
  '/user/bobby',
  '/app/a',
  '/app/a/b',
  '/app-2',
  '/security/s',
] as const

const who = fc.oneof(
  { weight: 14, arbitrary: fc.constant<Who>('root') },
  { weight: 6, arbitrary: fc.constantFrom<Who>('bob', ...CALLERS) },
)
const back = fc.constantFrom(0, 0, 1, 1, 2, 3, 5)
const condition = fc.constantFrom<Condition>('now', 'now', 'now', 'now', 'stale', 'none')
const value: fc.Arbitrary<Value> = fc.constantFrom<Value>('a', 'b', 'c', 'é', '', 7, true, { n: 1 })
const flag = fc.boolean()
const seconds = fc.constantFrom(0, 0, 10, 60, 3600)
const yes = fc.constant(true as const)

type Weighted = { readonly weight: number; readonly arbitrary: fc.Arbitrary<Step> }

/** A step with some required members; each of the others is there in one of so many. */
function step(
  weight: number,
  required: Readonly<Record<string, fc.Arbitrary<unknown>>>,
  optional: Readonly<Record<string, fc.Arbitrary<unknown>>> = {},
  oneIn = 5,
): Weighted {
  return { weight, arbitrary: members(required, optional, oneIn) as fc.Arbitrary<Step> }
}

/** Mostly between two paths of which none is within the other: the other case is refused at once. */
function apart({ weight, arbitrary }: Weighted): Weighted {
  const isApart = (each: Step): boolean => 'from' in each && each.from !== each.to
  return { weight, arbitrary: arbitrary.filter(isApart) }
}

function members(
  required: Readonly<Record<string, fc.Arbitrary<unknown>>>,
  optional: Readonly<Record<string, fc.Arbitrary<unknown>>>,
  oneIn = 5,
): fc.Arbitrary<object> {
  const names = Object.keys(optional)
  return fc
    .tuple(
      fc.record(required),
      fc.tuple(...names.map((name) => optional[name] as fc.Arbitrary<unknown>)),
      fc.tuple(...names.map(() => fc.integer({ min: 1, max: oneIn }))),
    )
    .map(([some, values, chosen]) => ({
      ...some,
      ...Object.fromEntries(
        names.flatMap((name, at) => (chosen[at] === 1 ? [[name, values[at]]] : [])),
      ),
    }))
}

const op = <T extends string>(name: T): fc.Arbitrary<T> => fc.constant(name)

const name = fc.constantFrom('team', 'owner')
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

/** Questions about these paths. */
function reads(key: fc.Arbitrary<string>): Weighted[] {
  const prefix = fc.oneof(key, fc.constantFrom('/', '/app', '/user', '/security'))
  return [
    step(
      14,
      { op: op('get'), who, key, decrypt: flag },
      { version: back, if_changed: back, detail: flag },
    ),
    step(
      4,
      { op: op('list'), who, prefix, recursive: flag },
      {
        detail: flag,
        limit: fc.integer({ min: 1, max: 3 }),
        after: key,
      },
    ),
    step(
      4,
      { op: op('history'), who, key },
      { limit: fc.integer({ min: 1, max: 3 }), before: back },
    ),
    step(4, { op: op('meta'), who, key }),
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
  ]
}

/** Changes of these paths. */
function changes(key: fc.Arbitrary<string>): Weighted[] {
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
  return [
    step(30, { op: op('set'), who, key, value }, writeOptions),
    step(5, { op: op('delete'), who, key }, { recursive: flag }),
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
        delete_after_s: fc.constantFrom(1, 10, 10, 60, null),
        ttl_s: seconds,
        if_revision: condition,
      },
      3,
    ),
    apart(step(5, { op: op('copy'), who, from: key, to: key, force: flag }, { recursive: flag })),
    apart(step(7, { op: op('move'), who, from: key, to: key }, { recursive: flag })),
    step(8, {
      op: op('txn'),
      who,
      compare: fc.array(compare, { maxLength: 2 }),
      then: fc.array(txnStep, { maxLength: 3 }),
      else: fc.array(txnStep, { maxLength: 2 }),
    }),
  ]
}

/** What takes more than one request. */
function jobs(key: fc.Arbitrary<string>): Weighted[] {
  const write = members({ key, value }, { encrypt: flag, ephemeral: flag })
  const together = fc.array(fc.oneof(...changes(key)), { minLength: 2, maxLength: 8 })
  return [
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
    step(6, { op: op('together'), steps: together }),
  ]
}

/** What happens to the time. */
const TIME: readonly Weighted[] = [
  step(9, { op: op('advance'), by: op('both'), s: fc.constantFrom(1, 1, 9, 10, 10, 60, 700) }),
  step(2, { op: op('advance'), by: op('wall'), s: fc.constantFrom(-3600, -10, 10, 100, 4000) }),
  step(6, { op: op('sweep') }),
]

/** What happens to the process and its store. */
const TROUBLE: readonly Weighted[] = [
  step(2, { op: op('reopen') }),
  step(3, {
    op: op('kill'),
    at: fc.constantFrom('now', 'before-sync', 'after-sync'),
    death: fc.constantFrom('written', 'written', 'lost', 'torn', 'holes'),
  }),
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
    this.#all = fc
      .tuple(fc.shuffledSubarray([...KEYS], { minLength: 2, maxLength: 6 }), fc.boolean())
      .chain(([keys, isQuiet]) => {
        const key = fc.constantFrom(...keys)
        const asked = [...reads(key), ...changes(key), ...jobs(key)]
        const all = [...asked, ...TIME, ...(isQuiet ? [] : TROUBLE)]
        return fc.array(fc.oneof(...all), { minLength: length, maxLength: length })
      })
  }

  override generate(random: fc.Random): fc.Value<readonly Step[]> {
    // Without a bias to small values: what matters here is how steps meet.
    const { value } = this.#all.generate(random, undefined)
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
  'op who key value prefix from to compare then else entries force version versions at by s nth errno ends death steps'.split(
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
    if (each.op !== 'together') continue
    for (const [at, one] of each.steps.entries()) {
      for (const simpler of simplerThan(one)) {
        yield { ...each, steps: each.steps.with(at, simpler as CallerStep) }
      }
    }
  }
}
