/** `secregd migrate`: a store of an earlier version, made by that version, is brought to the format of this one. */
import { randomInt } from 'node:crypto'
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runNode, startNode } from '@secreg/testkit'
import { expect, test } from 'vitest'
import { offline } from '../lib/backup.ts'
import { SECREGD, Site } from '../lib/site.ts'
import { Wire } from '../lib/wire.ts'

const ROUNDS = Number(process.env['SECREG_SOAK_ROUNDS'] ?? 8)
const FIXTURE = fileURLToPath(
  new URL('../../packages/storage/test/fixtures/format-1', import.meta.url),
)
const OLD_PASSPHRASE = 'a passphrase of format one'
const OLD_PASSWORD = 'Correct-Horse-Battery-9'

/** A copy of a directory as the daemon must find it. */
function copyPrivately(from: string, to: string): void {
  rmSync(to, { recursive: true, force: true })
  cpSync(from, to, { recursive: true })
  chmodSync(to, 0o700)
  for (const name of readdirSync(to)) chmodSync(join(to, name), 0o600)
}

function oldSite(): Site {
  const site = new Site()
  copyPrivately(join(FIXTURE, 'data'), site.data)
  copyPrivately(join(FIXTURE, 'audit'), site.audit)
  return site
}

interface Expected {
  readonly value: string | { readonly repeat: string; readonly times: number }
  readonly type: string
  readonly version: number
  readonly versions: readonly number[]
}

const formatOf = (directory: string): number =>
  JSON.parse(readFileSync(join(directory, 'FORMAT'), 'utf8')).format

async function check(site: Site): Promise<void> {
  using admin = await Wire.open(site.socket)
  await admin.ok('seal', { op: 'unlock', passphrase: OLD_PASSPHRASE })
  await admin.login('root', OLD_PASSWORD)
  const { entries, deleted, accounts, mount } = JSON.parse(
    readFileSync(join(FIXTURE, 'expected.json'), 'utf8'),
  )
  for (const [key, expected] of Object.entries<Expected>(entries)) {
    const { body } = await admin.ask('get', { key, decrypt: true })
    const { value, type, version } = expected
    const text = typeof value === 'string' ? value : value.repeat.repeat(value.times)
    expect(body, key).toMatchObject({ value: text, type, version })
    const { versions } = await admin.ok('history', { key })
    expect(versions.map(({ version: number }: { version: number }) => number)).toEqual(
      expected.versions,
    )
  }
  for (const key of deleted) {
    expect((await admin.ask('get', { key })).body.reason).toBe('ENTRY_DELETED')
  }
  const { users } = await admin.ok('user', { op: 'list' })
  expect(users.map(({ user }: { user: string }) => user).sort()).toEqual(
    accounts.map(({ login }: { login: string }) => login).sort(),
  )
  expect((await admin.ok('mount', { op: 'list' })).mounts).toContainEqual(
    expect.objectContaining(mount),
  )
  await admin.ok('set', { key: '/app/after', value: 'the migration', encrypt: true })
  expect((await admin.ok('security', { op: 'audit' })).ok).toBe(true)
}

test('an older store is refused with what to do, tried, migrated and kept aside', async () => {
  await using site = oldSite()
  const refused = await runNode(SECREGD, ['--config', site.config])
  expect(refused.code).toBe(7)
  expect(refused.stderr).toMatch(/format 1, .* run secregd migrate/)

  const scratch = site.home.file('scratch')
  mkdirSync(scratch)
  const migrate = (passphrase: string, ...more: string[]) =>
    offline(['migrate', '--config', site.config, '--scratch', scratch, ...more], passphrase)
  const wrong = await migrate('not the passphrase')
  expect(wrong).toMatchObject({ code: 4, stdout: '' })
  const before = readdirSync(site.data).map((name) => [name, readFileSync(join(site.data, name))])
  const tried = await migrate(OLD_PASSPHRASE, '--dry-run')
  expect(tried).toMatchObject({ code: 0, stderr: '' })
  expect(tried.stdout).toMatch(/can be migrated from format 1 to 2: \d+ rows verified/)
  expect(readdirSync(scratch)).toEqual([])
  expect(readdirSync(site.data).map((name) => [name, readFileSync(join(site.data, name))])).toEqual(
    before,
  )

  const done = await migrate(OLD_PASSPHRASE)
  expect(done).toMatchObject({ code: 0, stderr: '' })
  const copies = readdirSync(site.home.path).filter((name) => name.startsWith('data.format-1-'))
  expect(copies.map((name) => formatOf(site.home.file(name)))).toContain(1)
  expect(formatOf(site.data)).toBe(2)
  await site.start()
  await check(site)
  const again = await runNode(SECREGD, ['migrate', '--config', site.config])
  expect(again).toMatchObject({ code: 0 })
  expect(again.stdout).toMatch(/nothing to do/)
})

test('a store of a newer version is refused by everything', async () => {
  await using site = oldSite()
  const file = join(site.data, 'FORMAT')
  writeFileSync(file, readFileSync(file, 'utf8').replace('"format":1', '"format":99'))
  const started = await runNode(SECREGD, ['--config', site.config])
  expect(started.code).toBe(7)
  expect(started.stderr).toMatch(/format 99/)
  const migrated = await offline(['migrate', '--config', site.config], OLD_PASSPHRASE)
  expect(migrated.code).toBe(7)
  expect(migrated.stderr).toMatch(/format 99; this version knows formats up to 2/)
})

test('a row that was changed on disk is not taken over', async () => {
  await using site = oldSite()
  const log = readdirSync(site.data).find((name) => name.endsWith('.log')) ?? ''
  const path = join(site.data, log)
  const bytes = readFileSync(path)
  bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1)
  writeFileSync(path, bytes)
  const refused = await offline(['migrate', '--config', site.config], OLD_PASSPHRASE)
  expect(refused).toMatchObject({ code: 7, stdout: '' })
  expect(formatOf(site.data)).toBe(1)
})

test(`kill -9 at any moment of a migration: a rerun finishes, ${ROUNDS} times`, {
  timeout: 60_000 + ROUNDS * 10_000,
}, async () => {
  await using site = oldSite()
  const args = ['migrate', '--config', site.config]
  const whole = async (): Promise<number> => {
    const start = performance.now()
    expect(await offline(args, OLD_PASSPHRASE)).toMatchObject({ code: 0 })
    return performance.now() - start
  }
  // How long it takes, as the last one tells: the machine has more and less to do.
  let length = await whole()
  let cut = 0
  for (let round = 0; round < ROUNDS; round++) {
    copyPrivately(join(FIXTURE, 'data'), site.data)
    const child = startNode(SECREGD, [...args, '--password-stdin'], {
      input: `${OLD_PASSPHRASE}\n`,
    })
    // A moment of its work, whatever the machine's speed is: never a wait for something.
    const timer = setTimeout(() => child.signal('SIGKILL'), randomInt(1, Math.ceil(length)))
    const { signal } = await child.exit
    clearTimeout(timer)
    if (signal === 'SIGKILL') cut++
    length = await whole()
    expect(formatOf(site.data)).toBe(2)
    expect(existsSync(`${site.data}.copying`)).toBe(false)
  }
  expect(cut).toBeGreaterThan(0)
  // The log of the fixture goes with its store.
  copyPrivately(join(FIXTURE, 'audit'), site.audit)
  await site.start()
  await check(site)
})
