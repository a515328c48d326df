/**
 * kill -9 at any moment of a rotation: every value is readable at once after the start, and the rotation goes on to its
 * end. Rounds: `SECREG_SOAK_ROUNDS`, 6 unless told.
 */
import { randomBytes, randomInt } from 'node:crypto'
import { waitFor } from '@secreg/testkit'
import { expect, test } from 'vitest'
import { readLog, Site } from '../lib/site.ts'
import { Wire } from '../lib/wire.ts'

const ROUNDS = Number(process.env['SECREG_SOAK_ROUNDS'] ?? 6)
const ENTRIES = 2000
const LARGE = 'L'.repeat(10_000)

const keyOf = (i: number): string => `/app/${String(i).padStart(5, '0')}`

async function fill(admin: Wire): Promise<void> {
  const { import: job } = await admin.ok('import', { op: 'begin' })
  const entries = Array.from({ length: ENTRIES }, (_, i) => ({
    key: keyOf(i),
    value: i % 100 === 0 ? `${LARGE}${i}` : `value ${i}`,
    encrypt: true,
  }))
  for (let at = 0; at < ENTRIES; at += 500) {
    const part = entries.slice(at, at + 500)
    await admin.ok('import', { op: 'stage', import: job, entries: part })
  }
  await admin.ok('import', { op: 'commit', import: job })
}

async function check(admin: Wire, writes: ReadonlyMap<string, string>): Promise<void> {
  for (let i = 0; i < ENTRIES; i += 7) {
    const { value } = await admin.ok('get', { key: keyOf(i), decrypt: true })
    expect(value).toBe(i % 100 === 0 ? `${LARGE}${i}` : `value ${i}`)
  }
  for (const [key, value] of writes) {
    expect((await admin.ok('get', { key, decrypt: true })).value).toBe(value)
  }
}

test(`a rotation that is killed goes on at the next start, ${ROUNDS} times`, {
  timeout: 60_000 + ROUNDS * 30_000,
}, async () => {
  await using site = new Site()
  const key = site.home.write('key', randomBytes(32))
  site.configure({ config: `[unlock]\nkey_file = ${JSON.stringify(key)}` })
  let daemon = await site.start()
  let admin = await site.initialize()
  await fill(admin)
  const writes = new Map<string, string>()
  let cut = 0
  for (let round = 0; round < ROUNDS; round++) {
    await admin.ok('rotate', { op: 'start' })
    const { session } = admin
    using beside = await Wire.open(site.socket)
    beside.session = session
    const gone = beside.closed.then(() => undefined)
    const writing = (async () => {
      for (let i = 0; ; i++) {
        const written = `/beside/${i % 20}`
        const value = `${round} ${i}`
        const done = beside.ok('set', { key: written, value, encrypt: true }).then(
          () => true,
          () => undefined,
        )
        if ((await Promise.race([done, gone])) !== true) return written
        writes.set(written, value)
      }
    })()
    // The first is for certain in the midst of it.
    const killAt = randomInt(0, round === 0 ? ENTRIES / 2 : ENTRIES + 200)
    await waitFor(
      async () => {
        const { rotation } = await admin.ok('rotate', { op: 'status' })
        return rotation === undefined || rotation.phase !== 'values' || rotation.done >= killAt
      },
      { intervalMs: 1, timeoutMs: 30_000 },
    )
    for (let turns = randomInt(0, 300); turns > 0; turns--) {
      await new Promise((resume) => setImmediate(resume))
    }
    await daemon.kill('SIGKILL')
    // Whether the last one is there nobody was told.
    writes.delete(await writing)
    admin.close()
    daemon = await site.start()
    admin = await site.admin()
    await check(admin, writes)
    const { rotation } = await admin.ok('rotate', { op: 'status' })
    if (rotation !== undefined) cut++
    await waitFor(async () => (await admin.ok('rotate', { op: 'status' })).rotation === undefined, {
      timeoutMs: 30_000,
      what: 'the rotation to end',
    })
    expect((await admin.ok('rotate', { op: 'status' })).epoch).toBe(round + 2)
    await check(admin, writes)
  }
  expect(cut).toBeGreaterThan(0)
  const finished = readLog(site.audit).lines.filter(
    ({ body }) => body.action === 'rotate' && body.detail?.startsWith('finished') === true,
  )
  expect(finished.map(({ body }) => body.detail)).toEqual(
    Array.from({ length: ROUNDS }, (_, i) => `finished epoch ${i + 2}`),
  )
  const { ok, findings } = await admin.ok('security', { op: 'audit' })
  expect(ok, JSON.stringify(findings)).toBe(true)
  admin.close()
})
