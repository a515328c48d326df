/**
 * What is refused or unchanged on what others of its group will write is answered only once that is certain, and planned
 * anew when it fails: else a loser could tell of a change that is lost, and that no reader has seen yet.
 */
import type { MaybePromise } from '@secreg/storage'
import { MemoryEngine } from '@secreg/storage'
import { FaultEngine } from '@secreg/storage/testing'
import { expect, test } from 'vitest'
import { linesOf, reason, start } from './fixture.ts'

/** A registry whose next commit waits, before it reaches the medium, until the test lets it go. */
async function startHeld() {
  let point: () => MaybePromise<void> = () => {}
  const engine = new FaultEngine(new MemoryEngine(), {
    onPoint: (reached) => (reached === 'before-sync' ? point() : undefined),
  })
  const home = await start({ engine })
  /** Hold the next commit; resolves with what lets it go, once it is there. */
  const hold = (): Promise<() => void> =>
    new Promise((reached) => {
      point = () => {
        point = () => {}
        return new Promise((letGo) => reached(letGo))
      }
    })
  return { ...home, engine, hold }
}

/** Turns of the event loop in which everything that does not wait would be answered. */
async function turns(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await new Promise((resume) => setImmediate(resume))
}

/** What has been answered, in order, by name. */
function watchOver(named: Readonly<Record<string, Promise<unknown>>>) {
  const answered: string[] = []
  const settled = Object.entries(named).map(([name, promise]) =>
    promise.then(
      () => answered.push(`${name} done`),
      (error) => answered.push(`${name} ${error.reason}`),
    ),
  )
  return { answered, all: Promise.all(settled) }
}

type Held = Awaited<ReturnType<typeof startHeld>>

/** Operations that change nothing, each because of what the winner writes. */
function losersOf({ api }: Held): Record<string, Promise<unknown>> {
  return {
    set: api.set({ key: '/cas', value: 'c', if_version: 1 }),
    txn: api.txn({ compare: [{ key: '/cas', version: 1 }], then: [{ op: 'get', key: '/cas' }] }),
    absent: api.txn({ then: [{ op: 'delete', key: '/absent' }] }),
    typed: api.set({ key: '/cas', value: '1', type: 'integer', if_version: 1 }),
  }
}

for (const when of ['in one group with', 'while the commit is under way of'] as const) {
  test(`fault: losers ${when} the winner were answered before its commit`, async () => {
    const home = await startHeld()
    await home.api.set({ key: '/cas', value: 'a' })
    const before = linesOf(home.files).length
    const held = home.hold()
    const winner = { winner: home.api.set({ key: '/cas', value: 'b', if_version: 1 }) }
    let losers = when === 'in one group with' ? losersOf(home) : {}
    const letGo = await held
    if (when !== 'in one group with') losers = losersOf(home)
    const { answered, all } = watchOver({ ...winner, ...losers })
    await turns()
    expect(answered).toEqual([])
    expect(linesOf(home.files)).toHaveLength(before)
    letGo()
    await all
    expect([...answered].sort()).toEqual([
      'absent done',
      'set VERSION_CONFLICT',
      'txn done',
      'typed VERSION_CONFLICT',
      'winner done',
    ])
    const lines = linesOf(home.files).slice(before)
    expect(lines[0]?.body).toMatchObject({ action: 'write', outcome: 'ok', versions: [2] })
    expect(lines).toHaveLength(5)
    expect(await home.api.get({ key: '/cas' })).toMatchObject({ value: 'b', version: 2 })
  })

  test(`losers ${when} the winner are planned anew when its commit fails`, async () => {
    const home = await startHeld()
    await home.api.set({ key: '/cas', value: 'a' })
    const before = linesOf(home.files).length
    const held = home.hold()
    home.engine.failCommit(1, { errno: 'ENOSPC' })
    const winner = home.api.set({ key: '/cas', value: 'b', if_version: 1 })
    let losers = when === 'in one group with' ? losersOf(home) : {}
    const letGo = await held
    if (when !== 'in one group with') losers = losersOf(home)
    const answers = Promise.allSettled(Object.values(losers))
    letGo()
    await expect(winner).rejects.toEqual(reason('STORAGE_FULL'))
    const [set, txn, , typed] = await answers
    // The first of them wins now.
    expect(set).toMatchObject({ value: { version: 2 } })
    expect(txn).toMatchObject({ value: { succeeded: false } })
    expect(typed).toMatchObject({ reason: { reason: 'VERSION_CONFLICT' } })
    expect(await home.api.get({ key: '/cas' })).toMatchObject({ value: 'c', version: 2 })
    const told = linesOf(home.files)
      .slice(before)
      .filter(({ body }) => body.action === 'write')
      .map(({ body }) => [body.outcome, body.reason])
    expect(told).toHaveLength(3)
    expect(told).toContainEqual(['failed', 'STORAGE_FULL'])
    expect(told).toContainEqual(['ok', undefined])
    expect(told).toContainEqual(['failed', 'VERSION_CONFLICT'])
  })
}
