/** Zones of the configuration file: what an unsealing or a reload makes of them, and what it leaves in the log. */
import { type ConfiguredZone, DEFAULT_ZONE_SWITCHES } from '@secreg/zones'
import { expect, test } from 'vitest'
import { type Home, linesOf, outcomeOf, PASSPHRASE, PEER, reason, start } from './fixture.ts'

const OFF: ConfiguredZone = { description: '', ...DEFAULT_ZONE_SWITCHES }
const MAIL: ConfiguredZone = {
  ...OFF,
  description: 'Post',
  allowTokens: true,
  maxTempValidityS: 3600,
  trustedUids: [110],
}

const fileOf = (zones: Record<string, ConfiguredZone>) => new Map(Object.entries(zones))

const zoneNamed = async (home: Home, name: string) =>
  (await home.api.zone({ op: 'list' })).zones?.find(({ zone }) => zone === name)

const recordsOf = (home: Home) =>
  linesOf(home.files).flatMap(({ body }) =>
    body.actor.address === 'configuration' ? [[body.detail, body.outcome, body.reason]] : [],
  )

test('missing zones are made, each by one recorded operation; a second time changes nothing', async () => {
  const home = await start()
  const file = fileOf({ mail: MAIL, 'a.b': OFF })
  expect(await home.registry.applyZones(file)).toEqual({ changed: ['mail', 'a.b'], failed: [] })
  expect(await zoneNamed(home, 'mail')).toEqual({
    zone: 'mail',
    zone_id: expect.stringMatching(/^[0-9a-f]{32}$/),
    description: 'Post',
    allow_passwd: false,
    allow_tokens: true,
    allow_passwd_auth: false,
    auto_create: false,
    http: false,
    max_temp_validity_s: 3600,
    trusted_uids: [110],
    configured: true,
  })
  const made = [
    ['zone-configure mail', 'ok', undefined],
    ['zone-configure a.b', 'ok', undefined],
  ]
  expect(recordsOf(home)).toEqual(made)
  const { length } = linesOf(home.files)
  expect(await home.registry.applyZones(file)).toEqual({ changed: [], failed: [] })
  expect(linesOf(home.files)).toHaveLength(length)
  const line = linesOf(home.files).find(({ body }) => body.detail === 'zone-configure mail')
  expect(line?.body).toMatchObject({
    action: 'admin',
    actor: { user: 'secregd', door: 'internal', proof: 'kernel' },
  })
})

test('a zone of the same name is adopted with its id, its accounts and the policies that name it', async () => {
  const home = await start()
  await home.api.zone({ op: 'add', zone: 'mail', allow_passwd: true, http: true })
  await home.api.zone({ op: 'create-account', zone: 'mail', login: 'alice' })
  const before = await zoneNamed(home, 'mail')
  expect(before).not.toHaveProperty('configured')
  await home.registry.applyZones(fileOf({ mail: MAIL }))
  const after = await zoneNamed(home, 'mail')
  expect(after).toMatchObject({ zone_id: before?.zone_id, configured: true, http: false })
  expect(after).toMatchObject({ allow_passwd: false, allow_tokens: true })
  const { accounts } = await home.api.zone({ op: 'accounts', zone: 'mail' })
  expect(accounts?.map(({ login }) => login)).toEqual(['alice'])
})

test('switches are as the file says, and are set and removed by nothing else', async () => {
  const home = await start()
  await home.registry.applyZones(fileOf({ mail: MAIL }))
  expect(
    await outcomeOf(() => home.api.zone({ op: 'set', zone: 'mail', http: true })),
  ).toMatchObject({
    reason: 'ZONE_REFUSED',
    message: 'zone mail is set in the configuration file',
  })
  await expect(home.api.zone({ op: 'remove', zone: 'mail' })).rejects.toEqual(
    reason('ZONE_REFUSED'),
  )
  const refused = linesOf(home.files).filter(({ body }) => body.reason === 'ZONE_REFUSED')
  expect(refused.map(({ body }) => body.detail)).toEqual(['zone-set mail', 'zone-remove mail'])
  await home.registry.applyZones(fileOf({ mail: { ...MAIL, allowTokens: false, http: true } }))
  expect(await zoneNamed(home, 'mail')).toMatchObject({ allow_tokens: false, http: true })
})

test('what is off in the file is off with the next request, and what was issued rests', async () => {
  const home = await start()
  await home.registry.applyZones(fileOf({ mail: MAIL }))
  await home.api.zone({ op: 'create-account', zone: 'mail', login: 'alice' })
  const account = { zone: 'mail', login: 'alice' } as const
  const { secret: password = '' } = await home.api.zone({ op: 'create-token', ...account })
  const matches = async () => (await home.api.zone({ op: 'check', ...account, password })).matches
  expect(await matches()).toBe(true)
  await home.registry.applyZones(fileOf({ mail: { ...MAIL, allowTokens: false } }))
  expect(await matches()).toBe(false)
  await expect(home.api.zone({ op: 'create-token', ...account })).rejects.toEqual(
    reason('ZONE_REFUSED'),
  )
  await home.registry.applyZones(fileOf({ mail: MAIL }))
  expect(await matches()).toBe(true)
})

test('a zone that the file has no more is off, keeps its accounts, and can be removed', async () => {
  const home = await start()
  await home.api.zone({ op: 'add', zone: 'own', allow_tokens: true })
  await home.registry.applyZones(fileOf({ mail: MAIL }))
  await home.api.zone({ op: 'create-account', zone: 'mail', login: 'alice' })
  expect(await home.registry.applyZones(fileOf({}))).toEqual({ changed: ['mail'], failed: [] })
  const released = await zoneNamed(home, 'mail')
  expect(released).toMatchObject({ allow_tokens: false, max_temp_validity_s: 0, trusted_uids: [] })
  expect(released).not.toHaveProperty('configured')
  expect((await home.api.zone({ op: 'accounts', zone: 'mail' })).accounts).toHaveLength(1)
  expect(await zoneNamed(home, 'own')).toMatchObject({ allow_tokens: true })
  expect(recordsOf(home).at(-1)).toEqual(['zone-release mail', 'ok', undefined])
  expect(await home.registry.applyZones(fileOf({}))).toEqual({ changed: [], failed: [] })
  await home.api.zone({ op: 'remove', zone: 'mail' })
  expect(await zoneNamed(home, 'mail')).toBeUndefined()
})

test('nothing is done while sealed', async () => {
  const home = await start()
  await home.registry.lock(home.admin)
  const file = fileOf({ mail: MAIL })
  await expect(home.registry.applyZones(file)).rejects.toEqual(reason('SEALED'))
  await home.registry.unlock(PEER, PASSPHRASE)
  expect((await home.registry.applyZones(file)).changed).toEqual(['mail'])
})

test('of two that are applied at once, the later one holds', async () => {
  const home = await start()
  const zones = (allowTokens: boolean) =>
    fileOf(Object.fromEntries(['a', 'b', 'c'].map((name) => [name, { ...OFF, allowTokens }])))
  await Promise.all([home.registry.applyZones(zones(true)), home.registry.applyZones(zones(false))])
  const { zones: found } = await home.api.zone({ op: 'list' })
  expect(found?.map(({ allow_tokens }) => allow_tokens)).toEqual([false, false, false])
})

test('one that cannot be made is told and recorded, and does not stop the others', async () => {
  const home = await start()
  const file = fileOf({ 'a/b': MAIL, mail: MAIL, big: { ...MAIL, maxTempValidityS: 1e12 } })
  const { changed, failed } = await home.registry.applyZones(file)
  expect(changed).toEqual(['mail'])
  expect(failed.map(({ zone, error }) => [zone, error.reason])).toEqual([
    ['a/b', 'INVALID_ARGUMENT'],
    ['big', 'INVALID_ARGUMENT'],
  ])
  expect(recordsOf(home)).toEqual([
    ['zone-configure', 'failed', 'INVALID_ARGUMENT'],
    ['zone-configure mail', 'ok', undefined],
    ['zone-configure big', 'failed', 'INVALID_ARGUMENT'],
  ])
})
