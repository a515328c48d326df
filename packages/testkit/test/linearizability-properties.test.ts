import {
  checkLinearizable,
  type RegisterInput,
  type RegisterOperation,
  type RegisterOutput,
  VERSIONED_REGISTER,
} from '@secreg/testkit'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { contendedHistory, hasOrder } from './histories.ts'

const RUNS = process.env['SECREG_SOAK'] === '1' ? 200_000 : 4_000

const value = fc.constantFrom('a', 'b')
const version = fc.integer({ min: 1, max: 3 })
const input: fc.Arbitrary<RegisterInput> = fc.oneof(
  fc.constant<RegisterInput>({ op: 'get' }),
  value.map((text): RegisterInput => ({ op: 'set', value: text })),
  fc
    .tuple(value, fc.integer({ min: 0, max: 2 }))
    .map(([text, ifVersion]): RegisterInput => ({ op: 'set', value: text, ifVersion })),
  fc.constant<RegisterInput>({ op: 'delete' }),
)
/** Mostly such as belong to the input, so that a fair share of the histories is right. */
function outputOf({ op }: RegisterInput): fc.Arbitrary<RegisterOutput | undefined> {
  const refusal = fc.constantFrom<RegisterOutput>('absent', 'conflict')
  const absent = fc.constant<RegisterOutput>('absent')
  const told: fc.Arbitrary<RegisterOutput> =
    op === 'get' ? fc.record({ value, version }) : fc.record({ version })
  return fc.oneof(
    { weight: 6, arbitrary: told },
    { weight: 2, arbitrary: op === 'set' ? fc.constant<RegisterOutput>('conflict') : absent },
    { weight: 1, arbitrary: refusal },
    { weight: 3, arbitrary: fc.constant(undefined) },
  )
}
const time = fc.integer({ min: 0, max: 12 })
const operation: fc.Arbitrary<RegisterOperation> = input.chain((asked) =>
  fc
    .record({
      client: fc.constant(0),
      key: fc.constantFrom('/a', '/a', '/a', '/b'),
      input: fc.constant(asked),
      output: outputOf(asked),
      from: time,
      to: time,
    })
    .map(({ from, to, output, ...rest }) => ({
      ...rest,
      output,
      calledAt: Math.min(from, to),
      returnedAt: output === undefined ? undefined : Math.max(from, to),
    })),
)

const verdictOf = (history: readonly RegisterOperation[]) =>
  checkLinearizable(history, VERSIONED_REGISTER)

/** The same verdict as by trying everything, and a fault that is the first one. */
function compare(history: readonly RegisterOperation[]): boolean {
  const verdict = verdictOf(history)
  expect(verdict.ok).toBe(hasOrder(history))
  if (verdict.ok) return true
  const { key, operation: fault } = verdict
  const until = fault.returnedAt as number
  // Calls up to the fault; what returned later may have taken effect by then, with the answer that it gave, or not.
  const seen = (isPast: (at: number) => boolean): RegisterOperation[] =>
    history
      .filter((one) => one.key === key && one.calledAt <= until)
      .map((one) =>
        one.returnedAt !== undefined && isPast(one.returnedAt)
          ? one
          : { ...one, returnedAt: undefined },
      )
  expect(hasOrder(seen((at) => at <= until))).toBe(false)
  expect(hasOrder(seen((at) => at < until))).toBe(true)
  expect(verdict.states.length).toBeGreaterThan(0)
  return false
}

test('any small history is judged as by trying every order', () => {
  const counts = { right: 0, wrong: 0 }
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 6 }), (history) => {
      counts[compare(history) ? 'right' : 'wrong']++
    }),
    { numRuns: RUNS },
  )
  // Neither of the two is rare, or little would be compared.
  expect(Math.min(counts.right, counts.wrong)).toBeGreaterThan(RUNS / 10)
})

const contention = fc.record({
  seed: fc.integer(),
  clients: fc.integer({ min: 1, max: 4 }),
  operations: fc.integer({ min: 1, max: 7 }),
  keys: fc.integer({ min: 1, max: 2 }),
  unknown: fc.integer({ min: 0, max: 2 }),
})

/** A history with one thing about one operation changed. */
function mutate(
  history: readonly RegisterOperation[],
  at: number,
  kind: number,
): RegisterOperation[] {
  const index = at % history.length
  const one = history[index] as RegisterOperation
  const { output, calledAt, returnedAt } = one
  const version = typeof output === 'object' ? (output.version ?? 0) : 0
  const changed = (part: Partial<RegisterOperation>): RegisterOperation[] =>
    history.with(index, { ...one, ...part })
  switch (kind) {
    case 0:
      return changed({ output: undefined, returnedAt: undefined })
    case 1:
      return changed({ calledAt: calledAt - 25, returnedAt: returnedAt && returnedAt - 20 })
    case 2:
      return changed({ calledAt: calledAt + 20, returnedAt: returnedAt && returnedAt + 25 })
    case 3:
      return history.toSpliced(index, 1)
    case 4:
      return changed({
        output: typeof output === 'object' ? { ...output, version: version + 1 } : { version: 1 },
        returnedAt: returnedAt ?? calledAt + 10,
      })
    case 5:
      return changed({
        output: typeof output === 'object' ? { ...output, version: version - 1 } : { version: 2 },
        returnedAt: returnedAt ?? calledAt + 10,
      })
    case 6:
      return changed({
        output: one.input.op === 'set' ? 'conflict' : 'absent',
        returnedAt: returnedAt ?? calledAt + 10,
      })
    default:
      return changed({
        ...(typeof output === 'object' && output.value !== undefined
          ? { output: { ...output, value: 'x' } }
          : { input: { op: 'set', value: 'y' } }),
      })
  }
}

test('a history of operations that took effect within their times is right; one changed is judged as by trying every order', () => {
  const counts = { right: 0, wrong: 0 }
  fc.assert(
    fc.property(contention, fc.nat({ max: 6 }), fc.nat({ max: 7 }), (options, at, kind) => {
      const history = contendedHistory(options)
      expect(verdictOf(history)).toEqual({ ok: true })
      counts[compare(mutate(history, at, kind)) ? 'right' : 'wrong']++
    }),
    { numRuns: RUNS },
  )
  expect(Math.min(counts.right, counts.wrong)).toBeGreaterThan(RUNS / 10)
})

test('a long history with one changed operation is right up to its fault', () => {
  fc.assert(
    fc.property(fc.integer(), fc.nat({ max: 999 }), fc.nat({ max: 7 }), (seed, at, kind) => {
      const long = contendedHistory({ seed, clients: 16, operations: 1000, keys: 4, unknown: 4 })
      expect(verdictOf(long)).toEqual({ ok: true })
      const verdict = verdictOf(mutate(long, at, kind))
      if (verdict.ok) return
      // Up to before the fault it is right.
      const until = verdict.operation.returnedAt as number
      const cut = mutate(long, at, kind)
        .filter(({ calledAt }) => calledAt <= until)
        .map((one) => ((one.returnedAt ?? until) < until ? one : { ...one, returnedAt: undefined }))
      expect(verdictOf(cut.filter(({ key }) => key === verdict.key))).toEqual({ ok: true })
    }),
    { numRuns: RUNS / 100 },
  )
})
