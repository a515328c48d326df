/** Who is a user of the machine, and who is not any more: accounts are of logins, callers have uids. */
import { requireProgram, runChild, skipTest } from '@secreg/testkit'
import { expect, test } from 'vitest'
import { requireForeignCallers, STRANGER, startSubauthSite, USERS } from '../lib/subauth-site.ts'

const ALICE = { zone: 'wiki', login: 'alice' }

test('who is gone from the machine is served no more, but what he had is kept until root deletes it', async (context) => {
  requireForeignCallers(context)
  await using running = await startSubauthSite()
  const { site } = running
  const root = await site.caller(context, USERS.root)
  const alice = await site.caller(context, USERS.alice)
  const bob = await site.caller(context, USERS.bob)
  await alice.ok('set-passwd', { ...ALICE, passwd: 'alices' })
  await alice.ok('allow-passwd-auth', { ...ALICE, allow: 1 })
  const { token } = await alice.ok('create-token', ALICE)
  const { alice: _, ...others } = USERS
  const byPassword = { ...ALICE, 'auth-passwd': 'alices', validity: 60 }
  await bob.ok('create-temp', byPassword)

  site.setUsers(others)
  await alice.refused('create-token', { zone: 'wiki' })
  await alice.refused('create-token', ALICE)
  await alice.refused('list-accts')
  await bob.refused('create-temp', byPassword)
  await root.refused('create-token', ALICE)
  await root.refused('create-acct', { ...ALICE, login: 'nosuchuser' })
  for (const secret of ['alices', token])
    expect(await root.opens('wiki', 'alice', secret)).toBe(false)
  // Whoever gets the number is somebody else.
  site.setUsers({ ...others, mallory: USERS.alice })
  expect(await alice.ask('list-accts')).toEqual({ error: '', login: 'mallory', accounts: [] })
  await alice.refused('create-token', ALICE)
  await alice.refused('list-accts', { login: 'alice' })

  // The same person again.
  site.setUsers(USERS)
  for (const secret of ['alices', token])
    expect(await root.opens('wiki', 'alice', secret)).toBe(true)
  site.setUsers(others)
  await root.ok('delete-acct', ALICE)
  site.setUsers(USERS)
  expect(await alice.ask('list-accts')).toEqual({ error: '', login: 'alice', accounts: [] })
})

test('of two users with one number the first is meant, and a number is no name', async (context) => {
  requireForeignCallers(context)
  const users = { root: 0, toor: 0, first: 1001, second: 1001, '1002': 1003, bob: 1002 }
  await using running = await startSubauthSite({ users })
  const { site } = running
  const first = await site.caller(context, 1001)
  const named = await site.caller(context, 1003)
  const root = await site.caller(context, 0)
  expect((await root.ok('list-accts')).login).toBe('root')
  expect((await first.ok('list-accts')).login).toBe('first')
  await first.refused('create-token', { zone: 'wiki', login: 'second' })
  expect((await root.ok('list-accts', { login: 'second' })).accounts).toEqual([])
  // Whose name is a number has it as his name, and is not the one whose number it is.
  expect((await named.ok('list-accts')).login).toBe('1002')
  await named.ok('create-token', { zone: 'wiki' })
  expect((await root.ok('list-accts', { login: 'bob' })).accounts).toEqual([])
  await root.refused('create-acct', { zone: 'wiki', login: '1001' })
})

test('users of this machine, as getent tells them', async (context) => {
  requireForeignCallers(context)
  const getent = requireProgram(context, 'getent')
  const { stdout } = await runChild(getent, ['passwd'])
  const system = stdout
    .trim()
    .split('\n')
    .map((line) => line.split(':') as [name: string, password: string, uid: string])
    .map(([name, , uid]) => ({ name, uid: Number(uid) }))
  const other = system.find(({ uid }) => uid !== 0 && uid < 60_000)
  if (other === undefined) skipTest(context, 'this machine has no user but root')
  if (system.some(({ uid }) => uid === STRANGER)) skipTest(context, `uid ${STRANGER} is somebody's`)
  await using running = await startSubauthSite({ users: 'system' })
  const { site } = running
  const root = await site.caller(context, 0)
  const caller = await site.caller(context, other.uid)
  const stranger = await site.caller(context, STRANGER)
  expect((await root.ok('list-accts')).login).toBe('root')
  const { token } = await caller.ok('create-token', { zone: 'wiki' })
  expect(await root.opens('wiki', other.name, token)).toBe(true)
  await caller.refused('create-token', { zone: 'wiki', login: 'root' })
  await stranger.refused('create-token', { zone: 'wiki' })
  // What getent would take for a number or an option is nobody.
  for (const login of [String(other.uid), '0', '--help', '-s', `${other.name} `, 'no/such', '']) {
    await root.refused('create-acct', { zone: 'wiki', login })
  }
})
