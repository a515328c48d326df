import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, renameSync, rmSync, symlinkSync, truncateSync } from 'node:fs'
import { createTempHome, skipTest, type TempHome } from '@secreg/testkit'
import { expect, test } from 'vitest'
import {
  ALICE,
  freshKey,
  INVALID,
  issuerOf,
  keysOf,
  publicJwk,
  type Site,
  siteOf,
  tokenOf,
  told,
} from './support.ts'

const UNAVAILABLE = '503 ISSUER_UNAVAILABLE'
const KEYS = JSON.stringify(keysOf('ES256'))

/** A site whose issuer has its keys in a file, which need not be there yet. */
function siteWith(home: TempHome): Site & { readonly path: string } {
  const path = home.file('keys.json')
  return { ...siteOf({ issuers: [issuerOf({ keys: { file: path } })] }), path }
}

let ids = 0
const fresh = () => tokenOf({ jti: `fresh-${++ids}` })

test('keys of a file are used, nobody is asked for them, and a change is seen at once', async () => {
  using home = createTempHome()
  const site = siteWith(home)
  home.write('keys.json', KEYS)
  expect(told(await site.bear(fresh()))).toBe(ALICE)
  const next = freshKey('ES256')
  home.write('next.json', JSON.stringify({ keys: [publicJwk(next, { kid: 'k2' })] }))
  renameSync(home.file('next.json'), site.path)
  expect(told(await site.bear(fresh()))).toBe(INVALID)
  expect(told(await site.bear(tokenOf({}, { kid: 'k2' }, next)))).toBe(ALICE)
  expect(site.fetched).toEqual([])
  expect(site.faults).toEqual([])
})

test('without its file an issuer has no keys, until there is one again', async () => {
  using home = createTempHome()
  const site = siteWith(home)
  for (let tries = 0; tries < 12; tries++) expect(told(await site.bear(fresh()))).toBe(UNAVAILABLE)
  expect(site.faults).toEqual([['idp', 'unreadable']])
  home.write('keys.json', KEYS)
  expect(told(await site.bear(fresh()))).toBe(ALICE)
  rmSync(site.path)
  expect(told(await site.bear(fresh()))).toBe(UNAVAILABLE)
  expect(site.faults).toEqual([
    ['idp', 'unreadable'],
    ['idp', undefined],
    ['idp', 'unreadable'],
  ])
})

test.each<[string, string]>([
  ['nothing', ''],
  ['half of it', KEYS.slice(0, 40)],
  ['no keys', '{}'],
  ['its members twice', KEYS.replace('{', '{"keys":[],')],
  ['more than 256 KiB', `${KEYS}${' '.repeat(262_144)}`],
])('a file with %s has no keys, whatever it had before', async (_, content) => {
  using home = createTempHome()
  const site = siteWith(home)
  home.write('keys.json', KEYS)
  await site.bear(fresh())
  home.write('keys.json', content)
  expect(told(await site.bear(fresh()))).toBe(UNAVAILABLE)
  expect(site.faults).toEqual([['idp', 'malformed']])
})

test.each([0o620, 0o602])('a file of mode %o is not believed', async (mode) => {
  using home = createTempHome()
  const site = siteWith(home)
  home.write('keys.json', KEYS)
  await site.bear(fresh())
  chmodSync(site.path, mode)
  expect(told(await site.bear(fresh()))).toBe(UNAVAILABLE)
  expect(site.faults).toEqual([['idp', 'unsafe']])
  chmodSync(site.path, 0o644)
  expect(told(await site.bear(fresh()))).toBe(ALICE)
})

test('a file of another user is not believed', async (context) => {
  if (process.geteuid?.() !== 0) skipTest(context, 'only root can give a file away')
  using home = createTempHome()
  const site = siteWith(home)
  home.write('keys.json', KEYS)
  chownSync(site.path, 12_345, 12_345)
  expect(told(await site.bear(fresh()))).toBe(UNAVAILABLE)
  expect(site.faults).toEqual([['idp', 'unsafe']])
})

test('a link to a file is that file, and follows it', async () => {
  using home = createTempHome()
  const site = siteWith(home)
  home.write('real.json', KEYS)
  symlinkSync(home.file('real.json'), site.path)
  expect(told(await site.bear(fresh()))).toBe(ALICE)
  truncateSync(home.file('real.json'))
  expect(told(await site.bear(fresh()))).toBe(UNAVAILABLE)
})

test.each(['directory', 'pipe'])('a %s is no file', async (kind) => {
  using home = createTempHome()
  const site = siteWith(home)
  execFileSync(kind === 'pipe' ? 'mkfifo' : 'mkdir', [site.path])
  chmodSync(site.path, 0o700)
  expect(told(await site.bear(fresh()))).toBe(UNAVAILABLE)
  expect(site.faults).toEqual([['idp', 'unsafe']])
})
