/** Many at once: one question for each key, and never more uses than were permitted (specs: secrets-api §3.5). */
import {
  type Decision,
  type DecisionQuestion,
  GRANT_DEFAULTS,
  type Permit,
  type Permitted,
  type Refused,
} from '@secreg/secrets-api/enforcement'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bench, DENY, kv, permitWith, Recorder, told } from './support.ts'

const URI = kv('app/test#value')
const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('100 first reads at once', () => {
  const run = async (answer: () => Decision | Promise<Decision>) => {
    const { admit, enforcement, recorder } = bench({}, new Recorder(answer))
    const results = await Promise.all(
      Array.from({ length: 100 }, () =>
        enforcement.enforce(admit(), { operation: 'value', target: () => ({ uri: URI }) }),
      ),
    )
    return { results, recorder }
  }

  test('take one decision', async () => {
    const { results, recorder } = await run(() => permitWith({ maxUses: 100 }))
    expect(results.map(told)).toEqual(results.map(() => '200'))
    expect(recorder.calls).toHaveLength(1)
    const uses = results.map((result) => (result as Permitted).permits[0]?.grant.uses)
    expect(uses.sort((a = 0, b = 0) => a - b)).toEqual(
      Array.from({ length: 100 }, (_, at) => at + 1),
    )
  })

  test('A17: ten to a permit', async () => {
    const { results, recorder } = await run(() => permitWith({ maxUses: 10 }))
    const byGrant = new Map<string | undefined, number>()
    for (const result of results) {
      const id = (result as Permitted).permits[0]?.grant.grantId
      byGrant.set(id, (byGrant.get(id) ?? 0) + 1)
    }
    expect([...byGrant.values()]).toEqual(Array.from({ length: 10 }, () => 10))
    expect(recorder.calls).toHaveLength(10)
  })

  test('one each, where that is what is permitted', async () => {
    const { results, recorder } = await run(() => permitWith({}))
    expect(results.map(told)).toEqual(results.map(() => '200'))
    expect(recorder.calls).toHaveLength(100)
  })

  test('are denied by one decision', async () => {
    const { results, recorder } = await run(() => DENY)
    expect(results.map(told)).toEqual(results.map(() => '403 DENY'))
    expect(recorder.calls).toHaveLength(1)
  })

  test('fail by one outage', async () => {
    const { results, recorder } = await run(() => Promise.reject(new Error('down')))
    expect(results.map(told)).toEqual(results.map(() => '503 PDP_UNAVAILABLE'))
    expect(recorder.calls).toHaveLength(1)
  })
})

const read = fc.record({
  op: fc.constant('read' as const),
  uri: fc.constantFrom('a', 'b', 'c'),
  token: fc.constantFrom(undefined, undefined, 't1', 't2'),
  key: fc.constantFrom(undefined, 'K1', 'K1', 'K2'),
})
const answer = fc.record({
  op: fc.constant('answer' as const),
  which: fc.nat(20),
  effect: fc.constantFrom('permit' as const, 'permit' as const, 'permit' as const, 'deny', 'throw'),
  maxUses: fc.constantFrom(undefined, 1, 2, 5),
  ttlSeconds: fc.constantFrom(undefined, 1, 10),
})
const step = fc.oneof(
  { weight: 6, arbitrary: read },
  { weight: 4, arbitrary: answer },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant('pass' as const),
      ms: fc.constantFrom(400, 1_000, 6_000, 301_000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('end' as const) }) },
)

interface Pending {
  readonly question: DecisionQuestion
  readonly askedMs: number
  settle(decision: Decision | Error): void
}

interface Issued {
  readonly maxUses: number
  readonly untilMs: number
  readonly binding: string | undefined
  readonly uses: number[]
}

test.each([
  ['with room for everything', undefined],
  ['with room for one grant', { bytes: 400, ownerBytes: 400 }],
])('%s, any interleaving keeps the promises', async (_, room) => {
  const seen = new Map<string, number>()
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 50, size: 'max' }), async (steps) => {
      let nowMs = 0
      let decisions = 0
      let faults = ''
      const pending: Pending[] = []
      const issued = new Map<string, Issued>()
      /** When a token brought a grant. */
      const marks = new Map<string, number>()
      const bed = bench(
        {
          ...(room === undefined ? {} : { grants: { room } }),
          requestLimit: { burst: 1_000 },
          nowMs: () => nowMs,
        },
        new Recorder((question) => {
          const uri = uriOf(question)
          if (pending.some((other) => uriOf(other.question) === uri)) faults += ` two ask of ${uri}`
          return new Promise<Decision>((resolve, reject) => {
            const settle = (decision: Decision | Error): void =>
              decision instanceof Error ? reject(decision) : resolve(decision)
            pending.push({ question, askedMs: nowMs, settle })
          })
        }),
      )
      let open = 0
      let proofs = 0
      const ended =
        (request: typeof read extends fc.Arbitrary<infer R> ? R : never, startMs: number) =>
        (result: Permitted | Refused): void => {
          open--
          seen.set(told(result), (seen.get(told(result)) ?? 0) + 1)
          if (result.kind === 'refused') return
          const { grant, hit } = result.permits[0] as Permit
          const of = issued.get(grant.decisionId)
          if (of === undefined) {
            faults += ' a grant of no permit'
            return
          }
          if (of.uses.includes(grant.uses)) faults += ' a use taken twice'
          of.uses.push(grant.uses)
          if (of.uses.length > of.maxUses) faults += ' more uses than permitted'
          if (grant.uses > of.maxUses) faults += ' a use beyond the last'
          if (of.binding !== request.key) faults += ' a use by another key'
          if (hit === 'grant' && nowMs >= of.untilMs) faults += ' a use too late'
          seen.set(hit, (seen.get(hit) ?? 0) + 1)
          if (hit === 'grant' || request.token === undefined) return
          const mark = `${request.token} ${request.uri}`
          const before = marks.get(mark)
          if (before !== undefined && nowMs - before < 300_000)
            faults += ' a token brought two grants'
          marks.set(mark, Math.max(startMs, nowMs))
        }
      const decide = ({
        which,
        effect,
        maxUses,
        ttlSeconds,
      }: typeof answer extends fc.Arbitrary<infer A> ? A : never) => {
        if (pending.length === 0) return
        const [{ question, askedMs, settle }] = pending.splice(which % pending.length, 1) as [
          Pending,
        ]
        if (effect === 'throw') return settle(new Error('down'))
        if (effect === 'deny') return settle(DENY)
        const decisionId = `d-${++decisions}`
        issued.set(decisionId, {
          maxUses: maxUses ?? GRANT_DEFAULTS.maxUses,
          untilMs: askedMs + (ttlSeconds ?? GRANT_DEFAULTS.ttlSeconds) * 1000,
          binding: question.context.binding?.value,
          uses: [],
        })
        const obligations = {
          ...(maxUses === undefined ? {} : { maxUses }),
          ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
        }
        settle({ effect: 'Permit', obligations, decisionId })
      }
      for (const each of steps) {
        if (each.op === 'read') {
          open++
          const admission = bed.admit({
            ...(each.token === undefined ? {} : { tokenId: each.token }),
            ...(each.key === undefined
              ? {}
              : { proofs: { dpop: { thumbprint: each.key, proofId: `p-${++proofs}` } } }),
          })
          const target = () => ({ uri: kv(each.uri) })
          void bed.enforcement
            .enforce(admission, { operation: 'value', target })
            .then(ended(each, nowMs), () => {
              faults += ' a rejection'
            })
        } else if (each.op === 'answer') decide(each)
        else if (each.op === 'pass') nowMs += each.ms
        else bed.enforcement.endGrants()
        await turn()
      }
      // Whoever waits is answered once all questions are.
      for (let rounds = 0; open > 0 && rounds < 200; rounds++) {
        decide({ op: 'answer', which: 0, effect: 'permit', maxUses: 2, ttlSeconds: undefined })
        await turn()
      }
      expect(faults).toBe('')
      expect(open).toBe(0)
    }),
    { numRuns: 80 },
  )
  const wanted = [
    '200',
    'grant',
    'first',
    '403 DENY',
    '403 BINDING_DRIFT',
    '403 JTI_REPLAY',
    '503 PDP_UNAVAILABLE',
  ]
  for (const outcome of wanted) expect([outcome, seen.get(outcome) ?? 0]).not.toEqual([outcome, 0])
})

const uriOf = ({ resource }: DecisionQuestion) =>
  resource.kind === 'secret' ? resource.uri.canonical : 'tenant'
