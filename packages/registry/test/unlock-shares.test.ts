/** Unlocking share by share: any k of n, never fewer, and nothing that tells which share is not genuine. */
import { createMemoryFiles, withFaults } from '@secreg/audit/testing'
import type { SealResponse, ShareProgress } from '@secreg/protocol'
import { loginTestUser, TEST_ADMIN } from '@secreg/registry/testing'
import { forgeShare, otherShare, SHARE_AT } from '@secreg/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SHARES_WAIT_MS } from '../src/seal/share-collector.ts'
import { linesOf, open, outcomeOf, PEER, reason } from './fixture.ts'

const ADMIN = { admin: TEST_ADMIN.admin, admin_password: TEST_ADMIN.admin_password }

/** A registry that shares alone open, sealed, with its shares. */
async function sealed(
  counts: { count: number; threshold: number },
  options: Parameters<typeof open>[0] = {},
) {
  const clock = { ms: 1000 }
  const home = await open({ monotonicMs: () => clock.ms, ...options })
  const { registry, opened } = home
  const answer = await registry.initialize(PEER, { op: 'init', shares: counts, ...ADMIN })
  const admin = await loginTestUser(opened, ADMIN.admin, ADMIN.admin_password)
  await registry.as(admin).set({ key: '/s', value: 'x', encrypt: true })
  await registry.lock(admin)
  const give = (share: string, more: object = {}): Promise<SealResponse> =>
    registry.unlockBy({ ...PEER }, { op: 'unlock', share, ...more })
  const read = async (): Promise<unknown> => {
    const again = await loginTestUser(opened, ADMIN.admin, ADMIN.admin_password)
    return (await registry.as(again).get({ key: '/s', decrypt: true })).value
  }
  return { ...home, clock, shares: [...(answer.shares ?? [])], give, read }
}

const unlocks = (files: Parameters<typeof linesOf>[0]) =>
  linesOf(files)
    .filter(({ body }) => body.action === 'unlock')
    .map(({ body }) => [body.outcome, body.detail, body.reason])

/** A threshold, a count and an order in which shares are given. */
const sets = fc.integer({ min: 2, max: 6 }).chain((count) =>
  fc.tuple(
    fc.constant(count),
    fc.integer({ min: 2, max: count }),
    fc.shuffledSubarray(
      Array.from({ length: count }, (_, at) => at),
      { minLength: count },
    ),
  ),
)

test('any k of n shares open it, in any order, typed in any way, from anybody; the answers count', async () => {
  const spelling = fc.constantFrom<(text: string) => string>(
    (text) => text,
    (text) => text.toLowerCase(),
    (text) => ` ${text.replaceAll('-', ' ')}\n`,
    (text) => text.replaceAll('-', ''),
  )
  await fc.assert(
    fc.asyncProperty(sets, spelling, fc.boolean(), async ([count, k, order], spell, again) => {
      const home = await sealed({ count, threshold: k })
      expect(home.shares).toHaveLength(count)
      const used = order.slice(0, k)
      for (const [at, index] of used.entries()) {
        const share = home.shares[index] as string
        const answer = await home.give(spell(share))
        if (at + 1 === k) {
          expect(answer).toEqual({ state: 'unsealed' })
          continue
        }
        const share_progress = { have: at + 1, need: k }
        expect(answer).toEqual({ state: 'sealed', share_progress })
        // Twice is once.
        if (again) expect(await home.give(share)).toEqual({ state: 'sealed', share_progress })
        expect(home.registry.status().share_progress).toEqual([share_progress])
      }
      expect(home.registry.status().share_progress).toBeUndefined()
      expect(await home.read()).toBe('x')
      await home.registry.close()
    }),
    { numRuns: 40 },
  )
})

test('k-1 shares never open it, however often and in whatever order they are given', async () => {
  await fc.assert(
    fc.asyncProperty(
      sets,
      fc.array(fc.nat(), { maxLength: 12 }),
      async ([count, k, order], picks) => {
        const home = await sealed({ count, threshold: k })
        const few = order.slice(0, k - 1).map((index) => home.shares[index] as string)
        for (const share of few) await home.give(share)
        for (const pick of picks) {
          const answer = await home.give(few[pick % few.length] as string)
          expect(answer.share_progress).toEqual({ have: k - 1, need: k })
        }
        await expect(home.give(few[0] as string, { finish: true })).rejects.toMatchObject({
          reason: 'SHARES_MISSING',
          message: `${k} shares are needed, and ${k - 1} are there`,
        })
        expect(home.registry.state).toBe('sealed')
        await home.registry.close()
      },
    ),
    { numRuns: 30 },
  )
})

test('one forged share among k opens nothing, and no answer, record or status tells which it was', async () => {
  await fc.assert(
    fc.asyncProperty(
      sets,
      fc.nat(),
      fc.nat(255),
      fc.boolean(),
      async ([count, k, order], place, bit, sameNumber) => {
        const home = await sealed({ count, threshold: k })
        const genuine = order.slice(0, k).map((index) => home.shares[index] as string)
        const at = place % k
        const forged = [...genuine]
        forged[at] = otherShare(genuine[at] as string, bit)
        // A share that bears the number of another is as good as any.
        if (sameNumber) {
          forged[at] = otherShare(genuine[(at + 1) % k] as string, bit)
        }
        const seen: unknown[] = []
        for (const share of forged) {
          seen.push(await outcomeOf(() => home.give(share)))
          seen.push(home.registry.status().share_progress)
        }
        const progress = (have: number): ShareProgress => ({ have, need: k })
        const expected = genuine.flatMap((_, index): unknown[] =>
          index + 1 < k
            ? [
                { answer: { state: 'sealed', share_progress: progress(index + 1) } },
                [progress(index + 1)],
              ]
            : [
                {
                  reason: 'UNLOCK_FAILED',
                  message: 'what was given does not unlock it',
                  status: 4,
                },
                undefined,
              ],
        )
        expect(seen).toEqual(expected)
        const records = unlocks(home.files)
        expect(records.map(([outcome]) => outcome)).toEqual([...Array(k - 1).fill('ok'), 'denied'])
        expect(records.map(([, detail]) => String(detail).replace(/ [0-9a-f]{8} /, ' '))).toEqual(
          genuine.map((__, index) => `shares ${index + 1} of ${k}`),
        )
        expect(home.registry.state).toBe('sealed')
        // Everything was forgotten: the genuine ones have to be given again, all of them.
        for (const [index, share] of genuine.entries()) {
          const { state } = await home.give(share)
          expect(state).toBe(index + 1 < k ? 'sealed' : 'unsealed')
        }
        expect(await home.read()).toBe('x')
        await home.registry.close()
      },
    ),
    { numRuns: 40 },
  )
})

test('shares that come at the same time are tried once; who comes late finds it open', async () => {
  const { shares, give, read } = await sealed({ count: 6, threshold: 3 })
  const answers = await Promise.all(shares.map((share) => give(share)))
  expect(answers.map(({ state }) => state)).toEqual([
    'sealed',
    'sealed',
    'unsealed',
    'unsealed',
    'unsealed',
    'unsealed',
  ])
  expect(await read()).toBe('x')
})

test('daily shares and those kept for recovery are collected apart, and each opens in its own way only', async () => {
  const home = await sealed({ count: 3, threshold: 2 })
  const { registry, give, shares, opened } = home
  for (const share of shares.slice(1)) await give(share)
  const admin = await loginTestUser(opened, ADMIN.admin, ADMIN.admin_password)
  const added = await registry.as(admin).protector({
    op: 'add',
    kind: 'shares',
    shares: { count: 4, threshold: 3 },
    label: 'board',
    recovery: true,
    proof: { shares: shares.slice(0, 2) },
  })
  const kept = [...(added.shares ?? [])]
  await registry.lock(admin)

  await give(kept[0] as string, { recovery: true })
  await give(kept[1] as string, { recovery: true })
  await give(shares[0] as string)
  expect(registry.status().share_progress).toEqual([
    { have: 2, need: 3, recovery: true },
    { have: 1, need: 2 },
  ])
  await expect(give(kept[2] as string)).rejects.toEqual(reason('SHARE_FOREIGN'))
  await expect(give(shares[1] as string, { recovery: true })).rejects.toEqual(
    reason('SHARE_FOREIGN'),
  )
  expect(await give(kept[2] as string, { recovery: true })).toEqual({ state: 'unsealed' })
  expect(unlocks(home.files).at(-1)?.[1]).toMatch(
    /^shares "board" [0-9a-f]{8} 3 of 3 for recovery$/,
  )
  // What had been collected of the other set is gone as well.
  const again = await loginTestUser(opened, ADMIN.admin, ADMIN.admin_password)
  await registry.lock(again)
  expect(registry.status().share_progress).toBeUndefined()
  expect((await give(shares[1] as string)).share_progress).toEqual({ have: 1, need: 2 })
})

describe('what is collected is forgotten', () => {
  test('after 15 minutes without another share, and not before', async () => {
    const { clock, registry, shares, give } = await sealed({ count: 5, threshold: 4 })
    await give(shares[0] as string)
    clock.ms += SHARES_WAIT_MS - 1
    await give(shares[1] as string)
    clock.ms += SHARES_WAIT_MS - 1
    await registry.sweep()
    expect(registry.status().share_progress).toEqual([{ have: 2, need: 4 }])
    // One that is there already is no progress.
    await give(shares[1] as string)
    clock.ms += 1
    await registry.sweep()
    expect(registry.status().share_progress).toBeUndefined()
    expect((await give(shares[2] as string)).share_progress).toEqual({ have: 1, need: 4 })
  })

  test('when it is asked for, which is recorded', async () => {
    const { registry, shares, give, files } = await sealed({ count: 3, threshold: 3 })
    await give(shares[0] as string)
    expect(await registry.unlockBy(PEER, { op: 'unlock', reset: true })).toEqual({
      state: 'sealed',
    })
    expect(registry.status().share_progress).toBeUndefined()
    expect(unlocks(files).at(-1)).toEqual(['ok', 'reset shares', undefined])
  })

  test('when something else opens it', async () => {
    const { registry, shares, give, opened } = await sealed({ count: 3, threshold: 2 })
    for (const share of shares.slice(0, 2)) await give(share)
    const admin = await loginTestUser(opened, ADMIN.admin, ADMIN.admin_password)
    const passphrase = 'twelve characters'
    await registry.as(admin).protector({
      op: 'add',
      kind: 'passphrase',
      passphrase,
      proof: { shares: shares.slice(1) },
    })
    await registry.lock(admin)
    await give(shares[0] as string)
    await registry.unlockBy(PEER, { op: 'unlock', passphrase })
    const again = await loginTestUser(opened, ADMIN.admin, ADMIN.admin_password)
    await registry.lock(again)
    expect((await give(shares[1] as string)).share_progress).toEqual({ have: 1, need: 2 })
  })
})

test('a share that cannot be recorded does not count', async () => {
  const files = withFaults(createMemoryFiles())
  const home = await sealed({ count: 3, threshold: 2 }, { files: files as never })
  files.fail({ operation: 'write', code: 'EIO', times: Number.POSITIVE_INFINITY })
  await expect(home.give(home.shares[0] as string)).rejects.toEqual(reason('AUDIT_FAILED'))
  expect(home.registry.status().share_progress).toBeUndefined()
  await expect(home.give(home.shares[1] as string, { finish: true })).rejects.toEqual(
    reason('AUDIT_FAILED'),
  )
  expect(home.registry.status().share_progress).toBeUndefined()
  files.clear()
  await home.give(home.shares[0] as string)
  expect(await home.give(home.shares[1] as string)).toEqual({ state: 'unsealed' })
})

test('what leads nowhere is slowed, told in one record a second, and hinders no passphrase', async () => {
  const clock = { ms: 1000 }
  const home = await open({ monotonicMs: () => clock.ms })
  const { registry, files } = home
  const init = { op: 'init', ...TEST_ADMIN, shares: { count: 3, threshold: 2 } } as const
  const { shares = [] } = await registry.initialize(PEER, init)
  const admin = await loginTestUser(home.opened, ADMIN.admin, ADMIN.admin_password)
  await registry.lock(admin)
  const before = linesOf(files).length
  const wrong = () => outcomeOf(() => registry.unlockBy(PEER, { op: 'unlock', share: 'SRS1' }))
  const outcomes: unknown[] = []
  for (let at = 0; at < 500; at++) {
    clock.ms += 1
    outcomes.push(await wrong())
  }
  const reasons = outcomes.map((outcome) => (outcome as { reason: string }).reason)
  expect(reasons.filter((word) => word === 'SHARE_INVALID')).toHaveLength(17)
  expect(reasons.filter((word) => word === 'BUSY')).toHaveLength(483)
  // A genuine share has to wait like any other; a passphrase is slow by itself.
  await expect(
    registry.unlockBy(PEER, { op: 'unlock', share: shares[0] as string }),
  ).rejects.toEqual(reason('BUSY'))
  clock.ms += 1000
  await registry.sweep()
  const first = { op: 'unlock', share: shares[0] as string } as const
  expect(await registry.unlockBy(PEER, first)).toMatchObject({
    share_progress: { have: 1, need: 2 },
  })
  const told = linesOf(files)
    .slice(before)
    .map(({ body }) => [body.reason, body.count])
  const summaries = told.filter(([word]) => word === 'BUSY')
  expect(told).toHaveLength(18 + summaries.length)
  expect(summaries.length).toBeLessThanOrEqual(3)
  expect(summaries.reduce((sum, [, count]) => sum + Number(count), 0)).toBe(484)
  const { passphrase } = TEST_ADMIN
  for (let at = 0; at < 40; at++) await wrong()
  expect(await registry.unlockBy(PEER, { op: 'unlock', passphrase })).toEqual({ state: 'unsealed' })
})

test('a share whose set, threshold or count is not that of the registry is of another set', async () => {
  const { shares, give, registry } = await sealed({ count: 5, threshold: 3 })
  const [share = ''] = shares
  for (const [at, flip] of [
    [0, 1],
    [SHARE_AT.threshold, 1],
    [SHARE_AT.count, 8],
  ] as const) {
    const other = forgeShare(share, (bytes) => {
      bytes[at] = (bytes[at] as number) ^ flip
    })
    await expect(give(other)).rejects.toEqual(reason('SHARE_FOREIGN'))
  }
  expect(registry.status().share_progress).toBeUndefined()
})
