/**
 * What was acknowledged survives. Durability class of every change: synced (DESIGN §2). Rounds of kill -9:
 * `SECREG_SOAK_ROUNDS`, 20 unless told.
 */
import { randomBytes, randomInt } from 'node:crypto'
import { rmSync } from 'node:fs'
import { waitFor } from '@secreg/testkit'
import { expect, test } from 'vitest'
import { fillDisk } from '../lib/fill-disk.ts'
import { readLog, Site, startSite } from '../lib/site.ts'
import { mountSmallDisk } from '../lib/small-disk.ts'
import { startTraced } from '../lib/traced.ts'
import { TYPE, Wire } from '../lib/wire.ts'

const ROUNDS = Number(process.env['SECREG_SOAK_ROUNDS'] ?? 20)
const WRITERS = 8
const KEYS_OF_WRITER = 10
/** Requests of one writer that are on their way at the same time. */
const DEPTH = 4

/** What one key was asked to be: version n is `asked[n - 1]`; the first `acknowledged` of them were answered. */
interface Expected {
  asked: string[]
  acknowledged: number
}

test(`kill -9 under ${WRITERS} writers loses no acknowledged set and leaves no half entry, ${ROUNDS} times`, {
  timeout: 60_000 + ROUNDS * 10_000,
}, async () => {
  await using site = new Site()
  const key = site.home.write('key', randomBytes(32))
  site.configure({ config: `[unlock]\nkey_file = ${JSON.stringify(key)}` })
  const expected = new Map<string, Expected>()
  let daemon = await site.start()
  let admin = await site.initialize()
  let acknowledgements = 0
  for (let round = 0; round < ROUNDS; round++) {
    const killAt = randomInt(1, 250)
    const seen = { count: 0 }
    const writers = Array.from({ length: WRITERS }, (_, writer) =>
      write(site, admin.session, writer, expected, seen),
    )
    await waitFor(() => seen.count >= killAt, { intervalMs: 1, timeoutMs: 30_000 })
    // Not only right behind an answer: also in the middle of what follows it.
    for (let turns = randomInt(0, 200); turns > 0; turns--) {
      await new Promise((resume) => setImmediate(resume))
    }
    await daemon.kill('SIGKILL')
    await Promise.all(writers)
    admin.close()
    acknowledgements += seen.count

    daemon = await site.start()
    admin = await site.admin()
    await compare(admin, expected, round)
    compareLog(site.audit, expected, round)
  }
  expect(acknowledgements).toBeGreaterThanOrEqual(ROUNDS)
  const { ok, findings } = await admin.ok('security', { op: 'audit' })
  expect(ok, JSON.stringify(findings)).toBe(true)
  admin.close()
})

/** Set keys one after another until the daemon is gone. */
async function write(
  site: Site,
  session: string,
  writer: number,
  expected: Map<string, Expected>,
  seen: { count: number },
): Promise<void> {
  using wire = await Wire.open(site.socket)
  wire.session = session
  const onTheWay: string[] = []
  for (let n = 0; ; n++) {
    const key = `/w/${writer}/${n % KEYS_OF_WRITER}`
    const value = `${writer}-${n}-${randomBytes(randomInt(1, 3000)).toString('hex')}`
    const entry = expected.get(key) ?? { asked: [], acknowledged: 0 }
    expected.set(key, entry)
    entry.asked.push(value)
    onTheWay.push(key)
    wire.send('set', { key, value, encrypt: writer % 2 === 0 })
    if (onTheWay.length < DEPTH) continue
    const reply = await wire.next().catch(() => undefined)
    if (reply === undefined) break
    const answered = expected.get(onTheWay.shift() as string) as Expected
    expect(reply.type, JSON.stringify(reply.body)).toBe(TYPE.set + 1)
    answered.acknowledged++
    expect(reply.body.version).toBe(answered.acknowledged)
    seen.count++
  }
}

/** Each key has what one of its sets said, and not an older one than the last that was acknowledged. */
async function compare(admin: Wire, expected: Map<string, Expected>, round: number): Promise<void> {
  for (const [key, entry] of expected) {
    const what = `${key} in round ${round}`
    const { type, body } = await admin.ask('get', { key, decrypt: true })
    const version = type === TYPE.get + 1 ? body.version : 0
    if (version === 0) expect(body.reason, what).toBe('STORAGE_KEY_NOT_FOUND')
    else
      expect(body.value === entry.asked[version - 1], `${what} has the value of its version`).toBe(
        true,
      )
    expect(version, what).toBeGreaterThanOrEqual(entry.acknowledged)
    expect(version, what).toBeLessThanOrEqual(entry.asked.length)
    // What was not carried out will not be any more.
    entry.asked.length = version
    entry.acknowledged = version
  }
}

/** The chain holds, each version has exactly one line, and no line speaks of a version that is not there. */
function compareLog(directory: string, expected: Map<string, Expected>, round: number): void {
  const { lines, torn } = readLog(directory)
  expect(torn).toBe('')
  const versions = new Map<string, number[]>()
  let revision = 0
  for (const { rev, body } of lines) {
    if (rev !== undefined) {
      expect(rev).toBeGreaterThanOrEqual(revision)
      revision = rev
    }
    if (body.action !== 'write' || body.outcome !== 'ok') continue
    const path = body.paths[0] as string
    versions.set(path, [...(versions.get(path) ?? []), ...(body.versions ?? [])])
  }
  for (const [key, { acknowledged }] of expected) {
    const every = Array.from({ length: acknowledged }, (_, i) => i + 1)
    expect(versions.get(key) ?? [], `${key} in round ${round}`).toEqual(every)
  }
}

for (const part of ['store', 'audit log'] as const) {
  test(`disk of the ${part} full: refused with DatabaseError, nothing changed, works again when there is room`, async (context) => {
    // The whole disk is smaller than the room that is asked for by default, and here it is to be used to its end.
    await using site = new Site({ audit: 'free_warning = 0\nfree_low = 0\nfree_least = 0' })
    const isStore = part === 'store'
    await using small = await mountSmallDisk(context, site, { part: isStore ? 'data' : 'audit' })
    const { path: disk, moved } = small
    const audit = isStore ? site.audit : moved
    const daemon = await site.start()
    using admin = await site.initialize()
    const value = 'x'.repeat(1000)
    const acknowledged: string[] = []
    const set = async (key: string): Promise<void> => {
      await admin.ok('set', { key, value })
      acknowledged.push(key)
    }
    for (let i = 0; i < 20; i++) await set(`/before/${i}`)

    const filling = `${disk}/filling`
    fillDisk(filling)
    let refusals = 0
    for (let i = 0; i < 3000 && refusals < 10; i++) {
      const key = `/full/${i}`
      const { type, body } = await admin.ask('set', { key, value })
      if (type === TYPE.set + 1) acknowledged.push(key)
      else {
        expect(body, JSON.stringify(body)).toMatchObject({ code: 7, name: 'DatabaseError' })
        refusals++
      }
      fillDisk(filling)
    }
    expect(refusals).toBe(10)

    rmSync(filling)
    await waitFor(
      async () => (await admin.ask('set', { key: '/room', value })).type === TYPE.set + 1,
    )
    acknowledged.push('/room')
    for (let i = 0; i < 20; i++) await set(`/after/${i}`)
    const check = async (wire: Wire): Promise<void> => {
      const { keys } = await wire.ok('list', { prefix: '/', recursive: true })
      expect([...keys].sort()).toEqual([...acknowledged].sort())
      for (const key of acknowledged) expect(await wire.ok('get', { key })).toMatchObject({ value })
    }
    await check(admin)
    await daemon.kill('SIGKILL')
    await site.start()
    using again = await site.unlock()
    await check(again)
    const written = readLog(audit).lines.filter(
      ({ body }) => body.action === 'write' && body.outcome === 'ok',
    )
    expect(written.flatMap(({ body }) => body.paths).sort()).toEqual([...acknowledged].sort())
    expect((await again.ok('security', { op: 'audit' })).ok).toBe(true)
  })
}

test('each commit is synced before its answer: one fdatasync of the store per group', async (context) => {
  await using site = new Site()
  await using traced = await startTraced(context, site, 'fdatasync,fsync', ['-y'])
  using admin = await site.initialize()
  const syncs = () =>
    traced
      .text()
      .split('\n')
      .filter((line) => line.includes(`<${site.data}/`))
      // One that another thread's call came between is written in two parts, of which the first has the path.
      .filter((line) => /\.log>(?:\) += 0| <unfinished \.\.\.>)$/.test(line)).length
  const revision = async (): Promise<number> => (await admin.ok('status', {})).revision
  const measure = async (run: () => Promise<void>) => {
    const before = { syncs: syncs(), revision: await revision() }
    await run()
    const commits = (await revision()) - before.revision
    return { commits, syncs: syncs() - before.syncs }
  }
  const alone = await measure(async () => {
    for (let i = 0; i < 30; i++) await admin.ok('set', { key: `/alone/${i}`, value: 'x' })
  })
  expect(alone.commits).toBeGreaterThanOrEqual(30)
  expect(alone.syncs).toBeGreaterThanOrEqual(alone.commits)
  expect(alone.syncs).toBeLessThanOrEqual(alone.commits + 3)
  const together = await measure(async () => {
    const frames = Array.from({ length: 640 }, (_, i) =>
      admin.frame('set', { key: `/together/${i}`, value: 'x' }),
    )
    admin.socket.write(Buffer.concat(frames))
    for (let i = 0; i < 640; i++) expect((await admin.next()).type).toBe(TYPE.set + 1)
  })
  expect(together.syncs).toBeGreaterThanOrEqual(together.commits)
  // Those that wait together share one.
  expect(together.syncs).toBeLessThan(640 / 4)
})

test('an acknowledged set is there after kill -9 right behind its answer', async () => {
  await using running = await startSite()
  await running.admin.ok('set', { key: '/a', value: 'secret', encrypt: true })
  await running.daemon.kill('SIGKILL')
  await running.site.start()
  using wire = await running.site.unlock()
  expect(await wire.ok('get', { key: '/a', decrypt: true })).toMatchObject({ value: 'secret' })
})
