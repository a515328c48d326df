/**
 * Changes of protectors under kill -9 at random moments: what opened the registry before opens it, or what was given
 * since; a rerun finishes. Durability class: synced (DESIGN §2). Rounds: `SECREG_SOAK_ROUNDS`, 10 unless told.
 */
import { randomBytes, randomInt } from 'node:crypto'
import { findCanary, waitFor } from '@secreg/testkit'
import { expect, test } from 'vitest'
import { ADMIN, PASSPHRASE, PASSWORD, readLog, Site } from '../lib/site.ts'
import { Wire } from '../lib/wire.ts'

const ROUNDS = Number(process.env['SECREG_SOAK_ROUNDS'] ?? 10)

interface Change {
  readonly request: object
  /** What opens it, beside the key file, once it is made. */
  readonly after: readonly object[]
}

/** Whether something opens what the daemon has; it is sealed before. */
async function opens(site: Site, request: object): Promise<boolean> {
  using wire = await Wire.open(site.socket)
  const { body } = await wire.ask('seal', { op: 'unlock', ...request })
  if (body.state !== 'unsealed') {
    expect(['UNLOCK_FAILED', 'NO_PROTECTOR']).toContain(body.reason)
    return false
  }
  await wire.login(ADMIN, PASSWORD)
  expect(await wire.ok('get', { key: '/s', decrypt: true })).toMatchObject({ value: 'secret' })
  await wire.ok('seal', { op: 'lock' })
  return true
}

test(`kill -9 while protectors are added, changed and removed: before or after, never neither, ${ROUNDS} times`, {
  timeout: 60_000 + ROUNDS * 10_000,
}, async () => {
  await using site = new Site()
  let daemon = await site.start()
  let admin = await site.initialize()
  await admin.ok('set', { key: '/s', value: 'secret', encrypt: true })
  const file = (): string => randomBytes(32).toString('base64')
  let keyFile = file()
  const added = { op: 'add', kind: 'key-file', key_file: keyFile, label: 'host' }
  await admin.ok('protector', { ...added, proof: { passphrase: PASSPHRASE } })
  let ways: readonly object[] = [{ passphrase: PASSPHRASE }, { key_file: keyFile }]
  const ends = { before: 0, after: 0 }
  const past: object[] = []

  for (let round = 0; round < ROUNDS; round++) {
    const proof = { key_file: keyFile }
    const next = file()
    const other = { key_file: next }
    const label = `round ${round}`
    const change: Change = [
      {
        request: { op: 'add', kind: 'key-file', key_file: next, label, proof },
        after: [...ways, other],
      },
      {
        request: { op: 'change', protector: 'host', key_file: next, proof },
        after: ways.map((way) => ('key_file' in way && way.key_file === keyFile ? other : way)),
      },
      {
        request: { op: 'remove', protector: `round ${round - 2}` },
        after: ways.slice(0, -1),
      },
    ][round % 3] as Change
    // Sometimes at once, sometimes when a step of it has left its trace in the log.
    const records = readLog(site.audit).lines.length
    const wantsRecord = randomInt(0, 2) === 1
    const answer = admin.ask('protector', change.request).then(
      ({ body }) => body as { protector?: object },
      () => undefined,
    )
    if (wantsRecord) {
      await waitFor(() => readLog(site.audit).lines.length > records, { intervalMs: 1 })
    }
    for (let turns = randomInt(0, 2000); turns > 0; turns--) {
      await new Promise((resume) => setImmediate(resume))
    }
    await daemon.kill('SIGKILL')
    const answered = await answer
    admin.close()

    daemon = await site.start()
    const [last = {}] = change.after.filter((way) => !ways.includes(way))
    const gone = ways.filter((way) => !change.after.includes(way))
    const isAfter =
      gone.length > 0 ? !(await opens(site, gone[0] as object)) : await opens(site, last)
    if (answered?.protector !== undefined) expect(isAfter).toBe(true)
    ends[isAfter ? 'after' : 'before']++
    for (const way of isAfter ? change.after : ways) expect(await opens(site, way)).toBe(true)
    for (const way of isAfter ? gone : change.after.filter((one) => !ways.includes(one))) {
      expect(await opens(site, way)).toBe(false)
    }

    // A rerun finishes what was not made.
    const [first = {}] = isAfter ? change.after : ways
    admin = await Wire.open(site.socket)
    await admin.ok('seal', { op: 'unlock', ...first })
    await admin.login(ADMIN, PASSWORD)
    if (!isAfter) await admin.ok('protector', change.request)
    ways = change.after
    past.push(...gone)
    if (round % 3 === 1) keyFile = next
  }
  expect(ends.before + ends.after).toBe(ROUNDS)
  const { protectors } = await admin.ok('protector', { op: 'list' })
  expect(protectors).toHaveLength(ways.length)
  await admin.ok('seal', { op: 'lock' })
  for (const way of ways) expect(await opens(site, way)).toBe(true)
  for (const way of past) expect(await opens(site, way)).toBe(false)
  const made = readLog(site.audit).lines.filter(
    ({ body }) => body.action === 'protector' && body.outcome === 'ok' && body.detail !== 'list',
  )
  expect(made).toHaveLength(ROUNDS + 1)
  admin.close()
})

test('kill -9 right after a change: its old header leaves the files at the next start', async () => {
  await using site = new Site()
  const key = site.home.write('key', randomBytes(32))
  site.configure({ config: `[unlock]\nkey_file = ${JSON.stringify(key)}` })
  let daemon = await site.start()
  let admin = await site.initialize()
  const proof = { passphrase: PASSPHRASE }
  const labelled = { op: 'add', kind: 'passphrase', passphrase: PASSPHRASE, label: 'old', proof }
  await admin.ok('protector', labelled)
  // What is looked for is the label, which the header alone has: the log names it in another form.
  const mark = '"label":"old"'
  expect(findCanary(mark, site.data)).not.toEqual([])
  admin.send('protector', { op: 'remove', protector: 'old' })
  await waitFor(
    () => readLog(site.audit).lines.some(({ body }) => body.detail?.startsWith('remove')),
    {
      intervalMs: 1,
    },
  )
  await daemon.kill('SIGKILL')
  admin.close()
  daemon = await site.start()
  await waitFor(() => findCanary(mark, site.data).length === 0, {
    timeoutMs: 30_000,
    what: 'the old header to leave the files',
  })
  admin = await site.admin()
  expect((await admin.ok('protector', { op: 'list' })).protectors).toHaveLength(2)
  admin.close()
  await daemon.kill('SIGTERM')
})
