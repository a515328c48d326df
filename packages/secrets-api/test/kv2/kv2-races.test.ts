/** Changes of one secret at the same time, in orders that fast-check chooses: every request and answer waits for it. */
import {
  deleteSecret,
  moveSecret,
  type SecretProvider,
  type SecretsApiReason,
} from '@secreg/secrets-api'
import { kv2Provider } from '@secreg/secrets-api/kv2'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AUTHOR, set, uriOf } from '../operations/secrets.ts'
import { laterReasonOf } from '../reason-of.ts'
import { sameAsMemory } from '../registry/random-requests.ts'
import { type Kv2Site, kv2Site, type Pass, roomOf } from './kv2-site.ts'

let site: Kv2Site
beforeAll(async () => {
  site = await kv2Site()
})
afterAll(() => site[Symbol.asyncDispose]())

const RUNS = { numRuns: 12 }
const at = uriOf('a')
const one = new Map([['k', 'v']])

type Run = (provider: SecretProvider) => Promise<unknown>

/** Seed in peace, then let the scheduler order what the runs send. */
async function race(
  scheduler: fc.Scheduler,
  seed: Run,
  runs: (token: string) => readonly Run[],
): Promise<{ provider: SecretProvider; reasons: readonly (SecretsApiReason | undefined)[] }> {
  let pass: Pass = async () => {}
  const client = roomOf(site.client, (method) => pass(method))
  const provider = kv2Provider({ client, name: 'openbao' })
  await seed(provider)
  const { token } = await provider.read(at)
  pass = (method) => scheduler.schedule(Promise.resolve(), method)
  const results = runs(token).map((run) => laterReasonOf(run(provider)))
  const reasons = await scheduler.waitFor(Promise.all(results))
  pass = async () => {}
  return { provider, reasons }
}

const seed: Run = (provider) => provider.write(at, one)

test('of all changes with one token, one is made', async () => {
  const made = new Set<number>()
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), async (scheduler) => {
      const { provider, reasons } = await race(scheduler, seed, (token) => [
        (p) => p.write(at, new Map([['k', 'one']]), { cas: token }),
        (p) => p.remove(at, token),
        (p) => p.destroy(at, token),
        (p) => p.remove(at, token),
        (p) => p.write(at, new Map([['k', 'two']]), { cas: token }),
        (p) => p.destroy(at, token),
      ])
      const winner = reasons.indexOf(undefined)
      made.add(winner)
      expect(reasons.filter((reason) => reason === undefined)).toHaveLength(1)
      for (const reason of reasons) expect([undefined, 'CAS_MISMATCH']).toContain(reason)
      const wanted = [
        { kind: 'found', version: 2, data: new Map([['k', 'one']]) },
        { kind: 'deleted', version: 1 },
        { kind: 'absent' },
        { kind: 'deleted', version: 1 },
        { kind: 'found', version: 2, data: new Map([['k', 'two']]) },
        { kind: 'absent' },
      ][winner]
      expect(await provider.read(at)).toMatchObject(wanted ?? {})
    }),
    RUNS,
  )
  expect(made.size).toBeGreaterThan(0)
})

test('of those who write first, one does', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), async (scheduler) => {
      const { reasons } = await race(
        scheduler,
        async () => {},
        (token) => [1, 2, 3].map(() => (p) => p.write(at, one, { cas: token })),
      )
      expect(reasons.filter((reason) => reason === undefined)).toHaveLength(1)
    }),
    RUNS,
  )
})

test('what is deleted meanwhile is not brought back by a key that is written', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), async (scheduler) => {
      const { provider, reasons } = await race(scheduler, seed, () => [
        (p) => set(p, 'a#late', 'x'),
        (p) => deleteSecret(p, at),
      ])
      expect(reasons).toEqual([undefined, undefined])
      const current = await provider.read(at)
      // Whichever was last: both are gone, or the key is all that there is.
      if (current.kind === 'found') expect(current.data).toEqual(new Map([['late', 'x']]))
      else expect(current).toMatchObject({ kind: 'deleted', version: 2 })
    }),
    RUNS,
  )
})

test('of moves of one source, one succeeds, and keys that are written are not lost (C13)', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), async (scheduler) => {
      const move =
        (to: string): Run =>
        (provider) =>
          moveSecret({ provider, uri: at }, { provider, uri: uriOf(to) }, AUTHOR)
      const { provider, reasons } = await race(scheduler, seed, () => [
        move('b'),
        move('c'),
        (p) => set(p, 'a#late', 'x'),
      ])
      expect(reasons[2]).toBeUndefined()
      const moved = reasons.slice(0, 2).filter((reason) => reason === undefined)
      expect(moved.length).toBeLessThanOrEqual(1)
      const all = await Promise.all(['a', 'b', 'c'].map((tail) => provider.read(uriOf(tail))))
      const values = all.flatMap((each) => (each.kind === 'found' ? [...each.data] : []))
      expect(values).toContainEqual(['k', 'v'])
      expect(values).toContainEqual(['late', 'x'])
    }),
    RUNS,
  )
})

test('any requests do what they do over a plain memory', async () => {
  await sameAsMemory(() => kv2Provider({ client: roomOf(site.client), name: 'openbao' }), 6)
})
