import {
  copySecret,
  deleteSecret,
  moveSecret,
  rotateSecret,
  type SecretProvider,
  type SecretsApiReason,
} from '@secreg/secrets-api'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Gate, PlainMemory, VersionedMemory } from '../provider/memory-provider.ts'
import { laterReasonOf } from '../reason-of.ts'
import { AUTHOR, set, uriOf } from './secrets.ts'

/** Every call of a provider waits for its turn, in an order that fast-check chooses. */
const gateOf =
  (scheduler: fc.Scheduler): Gate =>
  (method) =>
    scheduler.schedule(Promise.resolve(), method)

const kinds: [string, (gate: Gate) => SecretProvider][] = [
  ['with versions', (gate) => new VersionedMemory(gate)],
  ['without', (gate) => new PlainMemory(gate)],
]

async function valuesOf(provider: VersionedMemory | PlainMemory | SecretProvider, tail: string) {
  const current = await provider.read(uriOf(tail))
  return current.kind === 'found' ? Object.fromEntries(current.data) : undefined
}

/** Seed before the scheduler has a say, then let it order the rest. */
async function race(
  make: (gate: Gate) => SecretProvider,
  scheduler: fc.Scheduler,
  seed: Record<string, Record<string, string>>,
  runs: readonly ((provider: SecretProvider) => Promise<unknown>)[],
) {
  let open = true
  const provider = make(async (method) => {
    if (!open) await gateOf(scheduler)(method)
  })
  for (const [tail, data] of Object.entries(seed)) {
    await provider.write(uriOf(tail), new Map(Object.entries(data)))
  }
  open = false
  const results = runs.map((run) => laterReasonOf(run(provider)))
  const reasons: (SecretsApiReason | undefined)[] = await scheduler.waitFor(Promise.all(results))
  open = true
  return { provider, reasons }
}

describe.each(kinds)('%s, in any order', (_, make) => {
  test('writes of keys lose none (W08)', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.integer({ min: 2, max: 5 }), async (scheduler, count) => {
        const keys = Array.from({ length: count }, (_each, at) => `k${at}`)
        const { provider, reasons } = await race(make, scheduler, { a: { old: 'x' } }, [
          ...keys.map((key) => (p: SecretProvider) => set(p, `a#${key}`, key)),
          (p) => deleteSecret(p, uriOf('a#old')),
          (p) => rotateSecret(p, uriOf('a#rot'), 'rot', AUTHOR),
        ])
        const done = [...keys, 'old', 'rot'].filter((_key, at) => reasons[at] === undefined)
        expect(new Set(reasons)).not.toContain('PROVIDER_ERROR')
        const wanted = Object.fromEntries(
          done.filter((key) => key !== 'old').map((key) => [key, key]),
        )
        if (!done.includes('old')) wanted['old'] = 'x'
        expect(await valuesOf(provider, 'a')).toEqual(wanted)
        for (const reason of reasons) expect([undefined, 'CAS_MISMATCH']).toContain(reason)
        expect(done.length).toBeGreaterThan(0)
      }),
      { numRuns: 60 },
    )
  })

  test.each(['', '#k'])('of moves of one source, one succeeds (C13): a%s', async (key) => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.boolean(), async (scheduler, overwrite) => {
        const move = (to: string) => (p: SecretProvider) =>
          moveSecret(
            { provider: p, uri: uriOf(`a${key}`) },
            { provider: p, uri: uriOf(to) },
            { ...AUTHOR, overwrite },
          )
        const seed = { a: { k: 'v', other: 'o' } }
        const { provider, reasons } = await race(make, scheduler, seed, [
          move(`b${key}`),
          move(`b${key}`),
          move(`c${key}`),
        ])
        expect(reasons.filter((reason) => reason === undefined)).toHaveLength(1)
        const left = key === '' ? undefined : { other: 'o' }
        expect(await valuesOf(provider, 'a')).toEqual(left)
        const copies = [await valuesOf(provider, 'b'), await valuesOf(provider, 'c')]
        expect(copies.map((copy) => copy?.['k'])).toContain('v')
      }),
      { numRuns: 60 },
    )
  })

  test('a move, and writes to its source and destination, lose nothing', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        const { provider, reasons } = await race(make, scheduler, { a: { k: 'v' } }, [
          (p) =>
            moveSecret({ provider: p, uri: uriOf('a') }, { provider: p, uri: uriOf('b') }, AUTHOR),
          (p) => set(p, 'a#late', 'x'),
          (p) => set(p, 'b#theirs', 'y'),
        ])
        const all = { ...(await valuesOf(provider, 'a')), ...(await valuesOf(provider, 'b')) }
        expect(all['k']).toBe('v')
        if (reasons[1] === undefined) expect(all['late']).toBe('x')
        if (reasons[2] === undefined) expect(all['theirs']).toBe('y')
      }),
      { numRuns: 60 },
    )
  })

  test('of copies to one destination that was free, one succeeds', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.constantFrom('', '#k'), async (scheduler, key) => {
        const copy = (from: string) => (p: SecretProvider) =>
          copySecret(
            { provider: p, uri: uriOf(`${from}${key}`) },
            { provider: p, uri: uriOf(`c${key}`) },
            AUTHOR,
          )
        const seed = { a: { k: 'from a' }, b: { k: 'from b' } }
        const { provider, reasons } = await race(make, scheduler, seed, [copy('a'), copy('b')])
        expect(reasons.toSorted()).toEqual(['DESTINATION_EXISTS', undefined])
        const winner = reasons[0] === undefined ? 'from a' : 'from b'
        expect(await valuesOf(provider, 'c')).toEqual({ k: winner })
      }),
      { numRuns: 60 },
    )
  })
})
