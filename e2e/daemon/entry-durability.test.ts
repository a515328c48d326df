/**
 * Transactions, moves, purges and expiry survive: wholly or not at all. Durability class of every change: synced
 * (DESIGN §2). Rounds of kill -9: `SECREG_SOAK_ROUNDS`, 10 unless told.
 */
import { randomBytes, randomInt } from 'node:crypto'
import { rmSync } from 'node:fs'
import { findCanary, waitFor } from '@secreg/testkit'
import { expect, test } from 'vitest'
import {
  type ChangeWriter,
  Expirer,
  Mover,
  Purger,
  Refused,
  Transfers,
} from '../lib/change-writers.ts'
import { fillDisk } from '../lib/fill-disk.ts'
import { readLog, Site } from '../lib/site.ts'
import { mountSmallDisk } from '../lib/small-disk.ts'
import { Wire } from '../lib/wire.ts'

const ROUNDS = Number(process.env['SECREG_SOAK_ROUNDS'] ?? 10)

interface Crew {
  readonly writers: readonly ChangeWriter[]
  readonly purgers: readonly Purger[]
  readonly expirers: readonly Expirer[]
}

function createCrew(): Crew {
  const purgers = [new Purger('a'), new Purger('b')]
  const expirers = [new Expirer('a'), new Expirer('b')]
  const transfers = ['a', 'b', 'c'].map((name) => new Transfers(name))
  const movers = [new Mover('a'), new Mover('b')]
  return { writers: [...transfers, ...movers, ...purgers, ...expirers], purgers, expirers }
}

async function checkAll({ writers }: Crew, admin: Wire): Promise<void> {
  for (const writer of writers) await writer.check(admin)
}

/** To be called when nothing is under way whose outcome is not known. */
function checkLog({ writers }: Crew, site: Site): void {
  const { lines, torn } = readLog(site.audit)
  expect(torn).toBe('')
  for (const writer of writers) writer.checkLog(lines)
}

/** Bytes that were purged leave the files, also when a death or a full disk came between. */
async function waitForErasure({ purgers }: Crew, data: string): Promise<void> {
  const purged = purgers.flatMap((purger) => purger.purged)
  expect(purged.length).toBeGreaterThan(0)
  await waitFor(() => purged.every((value) => findCanary(value, data).length === 0), {
    timeoutMs: 30_000,
    what: 'the purged bytes to leave the files',
  })
}

test(`kill -9 under transactions, moves, purges and expiry leaves each wholly done or not at all, ${ROUNDS} times`, {
  timeout: 60_000 + ROUNDS * 10_000,
}, async () => {
  await using site = new Site()
  const key = site.home.write('key', randomBytes(32))
  site.configure({ config: `[unlock]\nkey_file = ${JSON.stringify(key)}` })
  const crew = createCrew()
  let daemon = await site.start()
  let admin = await site.initialize()
  for (const writer of crew.writers) await writer.prepare(admin)
  let steps = 0
  for (let round = 0; round < ROUNDS; round++) {
    const killAt = randomInt(1, 400)
    let seen = 0
    const { session } = admin
    const work = crew.writers.map(async (writer) => {
      using wire = await Wire.open(site.socket)
      wire.session = session
      const gone = wire.closed.then(() => 'gone')
      for (;;) {
        const step = writer.step(wire).then(
          () => 'done',
          async (error: Error) => {
            // Only the end of the daemon is a reason to fail.
            if (error.message !== 'the server closed') throw error
            return gone
          },
        )
        if ((await step) === 'gone') return
        seen++
      }
    })
    await waitFor(() => seen >= killAt, { intervalMs: 1, timeoutMs: 30_000 })
    // Not only right behind an answer: also in the middle of what follows it.
    for (let turns = randomInt(0, 300); turns > 0; turns--) {
      await new Promise((resume) => setImmediate(resume))
    }
    await daemon.kill('SIGKILL')
    await Promise.all(work)
    admin.close()
    steps += seen

    daemon = await site.start()
    admin = await site.admin()
    await checkAll(crew, admin)
    // What was interrupted can be done again.
    for (const writer of crew.writers) for (let run = 0; run < 2; run++) await writer.step(admin)
    await checkAll(crew, admin)
    checkLog(crew, site)
  }
  expect(steps).toBeGreaterThanOrEqual(ROUNDS)
  expect(crew.expirers.every(({ acknowledged }) => acknowledged > 0)).toBe(true)
  await waitFor(() => crew.expirers.every((expirer) => expirer.isOver(readLog(site.audit).lines)))
  expect((await admin.ok('list', { prefix: '/expiring', recursive: true })).keys).toEqual([])
  await checkAll(crew, admin)
  checkLog(crew, site)
  await waitForErasure(crew, site.data)
  const { ok, findings } = await admin.ok('security', { op: 'audit' })
  expect(ok, JSON.stringify(findings)).toBe(true)
  admin.close()
})

test('disk of the store full: transactions, moves and purges are refused whole, and go on when there is room', async (context) => {
  await using site = new Site()
  await using small = await mountSmallDisk(context, site, { part: 'data' })
  const { path: disk, moved: data } = small
  const daemon = await site.start()
  using admin = await site.initialize()
  const crew = createCrew()
  for (const writer of crew.writers) await writer.prepare(admin)
  for (const writer of crew.writers) for (let run = 0; run < 4; run++) await writer.step(admin)

  const filling = `${disk}/filling`
  fillDisk(filling)
  const refusals = new Map<ChangeWriter, number>(crew.writers.map((writer) => [writer, 0]))
  const isEnough = () => [...refusals.values()].every((count) => count >= 3)
  for (let step = 0; step < 2000 && !isEnough(); step++) {
    for (const writer of crew.writers) {
      try {
        await writer.step(admin)
      } catch (error) {
        if (!(error instanceof Refused)) throw error
        refusals.set(writer, (refusals.get(writer) ?? 0) + 1)
      }
    }
    fillDisk(filling)
  }
  expect(isEnough(), 'each kind of change was refused').toBe(true)

  rmSync(filling)
  await waitFor(async () => {
    await crew.writers[0]?.step(admin)
    return true
  })
  await checkAll(crew, admin)
  for (const writer of crew.writers) for (let run = 0; run < 4; run++) await writer.step(admin)
  await checkAll(crew, admin)
  await waitForErasure(crew, data)
  await daemon.kill('SIGKILL')
  await site.start()
  using again = await site.unlock()
  await checkAll(crew, again)
  checkLog(crew, site)
  expect((await again.ok('security', { op: 'audit' })).ok).toBe(true)
})
