/** `secregd restore`: a whole registry from a backup, its drill, and whatever interrupts it (DESIGN §6). */
import { randomBytes, randomInt } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createTempHome, findCanary, runNode, skipTest, startNode } from '@secreg/testkit'
import { expect, test } from 'vitest'
import { offline, takeBackup } from '../lib/backup.ts'
import { PASSPHRASE, SECREGD, Site, startSite } from '../lib/site.ts'
import type { Wire } from '../lib/wire.ts'

const ROUNDS = Number(process.env['SECREG_SOAK_ROUNDS'] ?? 8)
const SECRET = `secret-${randomBytes(12).toString('hex')}`

async function fill(admin: Wire): Promise<void> {
  for (const value of ['one', 'two', SECRET]) {
    await admin.ok('set', { key: '/app/secret', value, encrypt: true })
  }
  await admin.ok('set', { key: '/app/large', value: 'L'.repeat(20_000), encrypt: true })
  await admin.ok('set', { key: '/app/port', value: '8080', type: 'integer' })
  await admin.ok('set', { key: '/app/deleted', value: 'gone' })
  await admin.ok('delete', { key: '/app/deleted' })
  await admin.ok('set', { key: '/app/purged', value: 'gone for ever' })
  await admin.ok('versions', { op: 'purge', key: '/app/purged' })
  await admin.ok('meta', { op: 'set', key: '/app/port', description: 'where it listens' })
  await admin.ok('mount', { op: 'set', path: '/team', dialect: 'registry', max_versions: 3 })
  await admin.ok('user', {
    op: 'add',
    user: 'alice',
    password: 'Builder-of-things-1',
    roles: ['operator'],
  })
}

/** What clients see, without what may differ: times of sessions, and numbers that are raised. */
async function seen(admin: Wire): Promise<unknown> {
  const { keys } = await admin.ok('list', { prefix: '/', recursive: true })
  const entries = []
  for (const key of keys) {
    const { versions, latest } = await admin.ok('history', { key })
    const values = []
    for (const { version } of versions) {
      values.push((await admin.ask('get', { key, version, decrypt: true })).body)
    }
    entries.push({ meta: await admin.ok('meta', { op: 'get', key }), versions, latest, values })
  }
  const { users } = await admin.ok('user', { op: 'list' })
  const { mounts } = await admin.ok('mount', { op: 'list' })
  return { entries, users, mounts }
}

test('a registry on another host is as it was, and its numbers go on above those that clients may hold', async () => {
  await using started = await startSite()
  const { admin, site } = started
  await fill(admin)
  const before = await seen(admin)
  const file = site.home.file('backup')
  const { id, revision } = await takeBackup(admin, file)
  await admin.ok('set', { key: '/app/later', value: 'not in the backup' })

  await using other = new Site()
  const done = await offline(['restore', file, '--config', other.config], PASSPHRASE)
  expect(done).toMatchObject({ code: 0, stderr: '' })
  expect(done.stdout).toContain(`backup ${id} of `)
  expect(readdirSync(other.home.path).sort()).toEqual(['config.toml', 'data'])
  expect(statSync(other.data).mode & 0o777).toBe(0o700)
  expect(findCanary(SECRET, other.data)).toEqual([])

  await other.start()
  using restored = await other.unlock()
  expect(await seen(restored)).toEqual(before)
  const { revision: head } = await restored.ok('status', {})
  expect(head).toBeGreaterThanOrEqual(1_000_000)
  const next = async (key: string): Promise<number> =>
    (await restored.ok('set', { key, value: '1' })).version
  expect(await next('/app/port')).toBe(1_000_002)
  expect(await next('/app/port')).toBe(1_000_003)
  expect(await next('/app/purged')).toBe(1_000_002)
  expect(await next('/app/later')).toBe(1_000_001)
  expect(await next('/app/never')).toBe(1_000_001)
  const watch = await restored.ask('watch', { prefix: '/', since_revision: revision })
  expect(watch.body).toMatchObject({ reason: 'REVISION_COMPACTED' })
  const { records } = await restored.ok('audit', { action: 'restore' })
  expect(records).toMatchObject([
    {
      outcome: 'ok',
      detail: `backup ${id} of revision ${revision}`,
      actor: { address: 'secregd restore', door: 'internal' },
    },
  ])
  expect((await restored.ok('security', { op: 'audit' })).ok).toBe(true)
})

test('over a registry that is there: only with --force, which keeps it aside; the log goes on', async () => {
  await using started = await startSite()
  const { admin, daemon, site } = started
  await fill(admin)
  const file = site.home.file('backup')
  const { id } = await takeBackup(admin, file)
  await admin.ok('set', { key: '/app/secret', value: 'after the backup' })
  const { revision: last } = await admin.ok('status', {})
  const restore = (...more: string[]) =>
    offline(['restore', file, '--config', site.config, ...more], PASSPHRASE)
  const running = await restore('--force')
  expect(running).toMatchObject({ code: 6, stdout: '' })
  expect(running.stderr).toMatch(/in use; stop secregd first/)
  admin.close()
  await daemon.kill('SIGTERM')
  const lines = site.records().length

  const refused = await restore()
  expect(refused).toMatchObject({ code: 5, stdout: '' })
  expect(refused.stderr).toMatch(/--force/)
  const done = await restore('--force')
  expect(done).toMatchObject({ code: 0, stderr: '' })
  const aside = readdirSync(site.home.path).filter((name) => name.startsWith('data.replaced-'))
  expect(aside).toHaveLength(1)

  await site.start()
  using restored = await site.unlock()
  const { value } = await restored.ok('get', { key: '/app/secret', decrypt: true })
  expect(value).toBe(SECRET)
  const { revision } = await restored.ok('status', {})
  expect(revision).toBeGreaterThan(last)
  expect(site.records()[lines]?.body).toMatchObject({ action: 'restore', outcome: 'ok' })
  expect((await restored.ok('security', { op: 'audit' })).ok).toBe(true)
  // What was restored once can be restored again, and its numbers go on above those of the first time.
  const first = (await restored.ok('set', { key: '/app/port', value: '1' })).version
  const again = site.home.file('again')
  await takeBackup(restored, again)
  restored.close()
  await site.children.at(-1)?.kill('SIGTERM')
  await offline(['restore', again, '--config', site.config, '--force'], PASSPHRASE)
  await site.start()
  using twice = await site.unlock()
  expect(await twice.ok('set', { key: '/app/port', value: '2' })).toMatchObject({
    version: first + 2_000_001,
  })
  expect((await twice.ok('audit', { action: 'restore' })).records).toHaveLength(2)
  expect(id).toMatch(/^[0-9a-f]{32}$/)
})

test('what cannot be restored: each its own reason, and nothing is made', async () => {
  await using started = await startSite()
  const { admin, site } = started
  await fill(admin)
  const file = site.home.file('backup')
  await takeBackup(admin, file)
  const bytes = readFileSync(file)
  const flipped = (at: number): Buffer => {
    const copy = Buffer.from(bytes)
    copy.writeUInt8(copy.readUInt8(at) ^ 4, at)
    return copy
  }
  const newer = Buffer.from(
    bytes.toString('latin1').replace('"version":1', '"version":2'),
    'latin1',
  )
  const cases: [string, Buffer, string, number, RegExp][] = [
    ['a wrong passphrase', bytes, 'not the passphrase', 4, /does not open the backup/],
    [
      'a flipped bit in the content',
      flipped(bytes.length - 100),
      PASSPHRASE,
      8,
      /content .*damaged/,
    ],
    ['a flipped bit in the header', flipped(200), PASSPHRASE, 8, /header .*damaged/],
    ['a part that is missing', bytes.subarray(0, -1000), PASSPHRASE, 8, /ends early|damaged/],
    ['a newer format', newer, PASSPHRASE, 8, /newer version|damaged/],
    ['something else', Buffer.from('hello\n'), PASSPHRASE, 1, /not a backup/],
  ]
  await using other = new Site()
  for (const [what, content, passphrase, code, message] of cases) {
    writeFileSync(file, content)
    for (const more of [[], ['--drill']]) {
      const args =
        more.length > 0 ? ['restore', file, ...more] : ['restore', file, '--config', other.config]
      const refused = await offline(args, passphrase)
      expect(refused.stderr, what).toMatch(message)
      expect(refused, what).toMatchObject({ code, stdout: '' })
      expect(refused.stderr).not.toContain(passphrase)
    }
    expect(existsSync(other.data)).toBe(false)
  }
})

test('a drill shows that a backup can be restored, and leaves nothing', async () => {
  await using started = await startSite()
  const { admin, site } = started
  await fill(admin)
  const file = site.home.file('backup')
  await takeBackup(admin, file)
  const scratch = site.home.file('scratch')
  mkdirSync(scratch)
  const done = await offline(['restore', file, '--drill', '--scratch', scratch], PASSPHRASE)
  expect(done).toMatchObject({ code: 0, stderr: '' })
  expect(done.stdout).toMatch(/it can be restored/)
  expect(readdirSync(scratch)).toEqual([])
})

test('a store that cannot be opened is not replaced without --force; --new-log leaves its log behind', async () => {
  await using site = new Site()
  const key = site.home.write('key', randomBytes(32))
  site.configure({ config: `[unlock]\nkey_file = ${JSON.stringify(key)}` })
  const daemon = await site.start()
  const admin = await site.initialize()
  await fill(admin)
  const file = site.home.file('backup')
  await takeBackup(admin, file)
  admin.close()
  await daemon.kill('SIGTERM')
  writeFileSync(`${site.data}/CURRENT`, 'nonsense\n', { mode: 0o600 })
  writeFileSync(`${site.audit}/00000001.jsonl`, 'nonsense\n', { mode: 0o600 })
  // What the configuration names opens it: nobody is asked.
  const restore = (...more: string[]) =>
    runNode(SECREGD, ['restore', file, '--config', site.config, ...more])
  expect(await restore()).toMatchObject({ code: 5 })
  const logged = await restore('--force')
  expect(logged.code).toBe(7)
  expect(logged.stderr).toMatch(/--new-log/)
  expect(await restore('--force', '--new-log')).toMatchObject({ code: 0, stderr: '' })
  await site.start()
  using restored = await site.admin()
  expect((await restored.ok('get', { key: '/app/secret', decrypt: true })).value).toBe(SECRET)
  expect(site.records()[0]?.body).toMatchObject({ action: 'restore' })
  const drill = await runNode(SECREGD, ['restore', file, '--drill', '--key-file', key])
  expect(drill).toMatchObject({ code: 0, stderr: '' })
})

test('shares open a backup as they open the registry: enough of them, and no other', async () => {
  await using started = await startSite()
  const { admin, site } = started
  const add = { op: 'add', kind: 'shares', shares: { count: 3, threshold: 2 }, recovery: true }
  const { shares } = await admin.ok('protector', { ...add, proof: { passphrase: PASSPHRASE } })
  const file = site.home.file('backup')
  await takeBackup(admin, file)
  const drill = (...given: string[]) => offline(['restore', file, '--drill', '--share'], ...given)
  expect(await drill(shares[2], shares[0])).toMatchObject({ code: 0, stderr: '' })
  const few = await drill(shares[1])
  expect(few).toMatchObject({ code: 6, stdout: '' })
  expect(few.stderr).toMatch(/2 shares are needed, and 1 /)
  const typo = await drill(shares[1], `${shares[2]}A`)
  expect(typo).toMatchObject({ code: 1, stdout: '' })
})

test(`kill -9 at any moment leaves the old registry or the new one, and a rerun finishes, ${ROUNDS} times`, {
  timeout: 60_000 + ROUNDS * 10_000,
}, async () => {
  await using site = new Site()
  const key = site.home.write('key', randomBytes(32))
  site.configure({ config: `[unlock]\nkey_file = ${JSON.stringify(key)}` })
  let daemon = await site.start()
  let admin = await site.initialize()
  const { import: job } = await admin.ok('import', { op: 'begin' })
  const entries = Array.from({ length: 2000 }, (_, i) => ({
    key: `/many/${i}`,
    value: `value ${i}`,
    encrypt: true,
  }))
  await admin.ok('import', { op: 'stage', import: job, entries })
  await admin.ok('import', { op: 'commit', import: job })
  const file = site.home.file('backup')
  await takeBackup(admin, file)
  const args = ['restore', file, '--config', site.config, '--force']
  const whole = async (): Promise<number> => {
    const start = performance.now()
    expect(await offline(args, PASSPHRASE)).toMatchObject({ code: 0 })
    return performance.now() - start
  }
  await admin.ok('set', { key: '/marker', value: 'written after the backup' })
  admin.close()
  await daemon.kill('SIGTERM')
  // How long it takes, as the last one tells: the machine has more and less to do.
  let length = await whole()
  let cut = 0
  for (let round = 0; round < ROUNDS; round++) {
    daemon = await site.start()
    admin = await site.admin()
    await admin.ok('set', { key: '/marker', value: 'written after the backup' })
    admin.close()
    await daemon.kill('SIGTERM')
    const child = startNode(SECREGD, [...args, '--password-stdin'], { input: `${PASSPHRASE}\n` })
    // A moment of its work, whatever the machine's speed is: never a wait for something.
    const timer = setTimeout(() => child.signal('SIGKILL'), randomInt(1, Math.ceil(length)))
    const { signal } = await child.exit
    clearTimeout(timer)
    if (signal === 'SIGKILL') cut++
    daemon = await site.start()
    admin = await site.admin()
    const marker = await admin.ask('get', { key: '/marker' })
    const isOld = marker.body.value === 'written after the backup'
    const isNew = marker.body.reason === 'STORAGE_KEY_NOT_FOUND'
    expect(isOld || isNew).toBe(true)
    expect((await admin.ok('get', { key: '/many/1999', decrypt: true })).value).toBe('value 1999')
    admin.close()
    await daemon.kill('SIGTERM')
    length = await whole()
    expect(readdirSync(site.home.path).filter((name) => /incoming|replacing/.test(name))).toEqual(
      [],
    )
  }
  daemon = await site.start()
  admin = await site.admin()
  expect((await admin.ask('get', { key: '/marker' })).body.reason).toBe('STORAGE_KEY_NOT_FOUND')
  expect((await admin.ok('security', { op: 'audit' })).ok).toBe(true)
  expect(cut).toBeGreaterThan(0)
  admin.close()
})

test('root restores for the owner of the store', async (context) => {
  if (process.getuid?.() !== 0) skipTest(context, 'needs root')
  await using started = await startSite()
  const { admin, site } = started
  await fill(admin)
  const file = site.home.file('backup')
  await takeBackup(admin, file)
  const NOBODY = 65_534
  using home = createTempHome()
  chmodSync(home.path, 0o711)
  const data = home.file('data')
  const audit = home.file('audit')
  for (const path of [data, audit]) {
    mkdirSync(path, { mode: 0o700 })
    chownSync(path, NOBODY, NOBODY)
  }
  const config = home.write(
    'config.toml',
    `[database]\npath = ${JSON.stringify(data)}\n[audit]\npath = ${JSON.stringify(audit)}\n`,
  )
  const done = await offline(['restore', file, '--config', config], PASSPHRASE)
  expect(done).toMatchObject({ code: 0, stderr: '' })
  for (const name of ['', ...readdirSync(data)]) {
    const facts = statSync(`${data}/${name}`)
    expect([facts.uid, facts.gid], name).toEqual([NOBODY, NOBODY])
  }
})
