/** Changes at the same time, each through a provider of its own, in orders that fast-check chooses. */
import {
  deleteSecret,
  moveSecret,
  parseSecretUri,
  type SecretProvider,
  type SecretsApiReason,
  writeSecret,
} from '@secreg/secrets-api'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AUTHOR } from '../operations/secrets.ts'
import { laterReasonOf } from '../reason-of.ts'
import { sameAsMemory } from './random-requests.ts'
import { type Pass, passing, providerInRoom, type RegistrySite, registrySite } from './site.ts'

let site: RegistrySite
beforeAll(async () => {
  site = await registrySite()
})
afterAll(() => site.close())

const RUNS = { numRuns: 25 }
const uriOf = (tail: string) => parseSecretUri(`secreg://secret/${tail}`)
const at = uriOf('a')
const one = new Map([['k', 'v']])

type Run = (provider: SecretProvider) => Promise<unknown>

/** Seed in peace, then let the scheduler order what the runs ask. */
async function race(
  scheduler: fc.Scheduler,
  seed: Run,
  runs: (token: string) => readonly Run[],
): Promise<{ provider: SecretProvider; reasons: readonly (SecretsApiReason | undefined)[] }> {
  const provider = providerInRoom(site.admin)
  await seed(provider)
  const { token } = await provider.read(at)
  const pass: Pass = (method) => scheduler.schedule(Promise.resolve(), method)
  const results = runs(token).map((run) =>
    laterReasonOf(run(providerInRoom(passing(site.admin, pass), provider.room))),
  )
  return { provider, reasons: await scheduler.waitFor(Promise.all(results)) }
}

const seed: Run = (provider) => provider.write(at, one)

test('of all changes with one token, one is made', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), async (scheduler) => {
      const { provider, reasons } = await race(scheduler, seed, (token) => [
        (p) => p.write(at, new Map([['k', 'one']]), { cas: token }),
        (p) => p.remove(at, token),
        (p) => p.destroy(at, token),
        (p) => p.remove(at, token),
        (p) => p.write(at, new Map([['k', 'two']]), { cas: token }),
        (p) => p.destroy(at, token),
        (p) => p.patchMetadata(at, new Map([['owner', 'o']])),
      ])
      const changes = reasons.slice(0, 6)
      expect(changes.filter((reason) => reason === undefined)).toHaveLength(1)
      for (const reason of changes) expect([undefined, 'CAS_MISMATCH']).toContain(reason)
      const wanted = [
        { kind: 'found', version: 2, data: new Map([['k', 'one']]) },
        { kind: 'deleted', version: 1 },
        { kind: 'absent' },
        { kind: 'deleted', version: 1 },
        { kind: 'found', version: 2, data: new Map([['k', 'two']]) },
        { kind: 'absent' },
      ][changes.indexOf(undefined)]
      expect(await provider.read(at)).toMatchObject(wanted ?? {})
    }),
    RUNS,
  )
})

test('of those who write first, one does; without a check, all do', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), async (scheduler) => {
      const { reasons } = await race(
        scheduler,
        async () => {},
        (token) => [...[1, 2, 3].map((): Run => (p) => p.write(at, one, { cas: token }))],
      )
      expect(reasons.filter((reason) => reason === undefined)).toHaveLength(1)
      const all = await race(
        scheduler,
        async () => {},
        () => [1, 2, 3].map((): Run => (p) => p.write(at, one)),
      )
      expect(all.reasons).toEqual([undefined, undefined, undefined])
      expect(await all.provider.read(at)).toMatchObject({ version: 3 })
    }),
    RUNS,
  )
})

test('keys that are written lose none, and nothing deleted comes back', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), async (scheduler) => {
      const set =
        (tail: string): Run =>
        (p) =>
          writeSecret(p, uriOf(tail), 'x', AUTHOR)
      const { provider, reasons } = await race(scheduler, seed, () => [
        set('a#one'),
        set('a#two'),
        (p) => deleteSecret(p, at),
      ])
      for (const reason of reasons) expect([undefined, 'CAS_MISMATCH']).toContain(reason)
      const current = await provider.read(at)
      const keys = current.kind === 'found' ? [...current.data.keys()] : []
      if (reasons[2] === undefined) expect(keys).not.toContain('k')
      else expect(keys).toContain('k')
      if (reasons[2] !== undefined) {
        if (reasons[0] === undefined) expect(keys).toContain('one')
        if (reasons[1] === undefined) expect(keys).toContain('two')
      }
    }),
    RUNS,
  )
})

test('of moves of one source, one succeeds (C13)', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), async (scheduler) => {
      const move =
        (to: string): Run =>
        (provider) =>
          moveSecret({ provider, uri: at }, { provider, uri: uriOf(to) }, AUTHOR)
      const { provider, reasons } = await race(scheduler, seed, () => [move('b'), move('c')])
      expect(reasons.filter((reason) => reason === undefined)).toHaveLength(1)
      expect((await provider.read(at)).kind).toBe('deleted')
    }),
    RUNS,
  )
})

test('any requests do what they do over a plain memory', async () => {
  await sameAsMemory(() => providerInRoom(site.admin), 12)
})
