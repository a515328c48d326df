/** What opens what: passwords manage accounts, tokens never do; refusals of one kind are told alike. */
import type { SkippableContext } from '@secreg/testkit'
import { afterAll, expect, test } from 'vitest'
import type { StartedSite } from '../lib/site.ts'
import type { SubauthCaller } from '../lib/subauth-caller.ts'
import {
  OPEN_ZONE,
  requireForeignCallers,
  type SubauthSite,
  startSubauthSite,
  USERS,
} from '../lib/subauth-site.ts'

const ZONES = {
  mail: OPEN_ZONE,
  wiki: OPEN_ZONE,
  closed: { ...OPEN_ZONE, auto_create: false },
  services: { ...OPEN_ZONE, trusted_uids: [USERS.carol] },
}

let running: Promise<StartedSite<SubauthSite>> | undefined
afterAll(async () => (await running)?.[Symbol.asyncDispose]())

async function everybody(context: SkippableContext) {
  requireForeignCallers(context)
  running ??= startSubauthSite({ zones: ZONES })
  const { site } = await running
  const of = (uid: number) => site.caller(context, uid)
  const [root, alice, bob, carol] = await Promise.all([
    of(USERS.root),
    of(USERS.alice),
    of(USERS.bob),
    of(USERS.carol),
  ])
  // Whatever an earlier test has left.
  for (const login of ['alice', 'bob', 'carol']) {
    await root.ok('delete-acct', { login, zone: '*' })
  }
  return { root, alice, bob, carol }
}

/** Every command that a password of the account lets others ask, with what makes it succeed. */
const MANAGED = (ident: string): readonly (readonly [cmd: string, fields: object])[] => [
  ['create-token', { comment: 'by another' }],
  ['change-token', { ident, comment: 'changed' }],
  ['delete-token', { ident }],
  ['create-temp', { validity: 60 }],
  ['set-passwd', { passwd: 'another one' }],
  ['allow-passwd-auth', { allow: 1 }],
  ['delete-token', { ident: '*' }],
  ['delete-passwd', {}],
]

test('no token manages an account: not regular, temporary, of another zone or of another user', async (context) => {
  const { root, alice, bob } = await everybody(context)
  for (const zone of ['mail', 'wiki']) {
    await alice.ok('set-passwd', { zone, passwd: `alice of ${zone}` })
    await alice.ok('allow-passwd-auth', { zone, allow: 1 })
  }
  const account = { zone: 'mail', login: 'alice' }
  const { ident, token } = await alice.ok('create-token', { zone: 'mail' })
  const { token: temporary } = await alice.ok('create-temp', { zone: 'mail', validity: 600 })
  const tokens: Readonly<Record<string, string>> = {
    regular: token,
    'its secret alone': token.slice(token.indexOf('-') + 1),
    'its ident alone': ident,
    temporary,
    'regular of another zone': (await alice.ok('create-token', { zone: 'wiki' })).token,
    'temporary of another zone': (await alice.ok('create-temp', { zone: 'wiki', validity: 60 }))
      .token,
    'regular of who asks': (await bob.ok('create-token', { zone: 'mail' })).token,
    'temporary of who asks': (await bob.ok('create-temp', { zone: 'mail', validity: 60 })).token,
    'password of another zone': 'alice of wiki',
    'wrong password': 'wrong',
  }
  expect(await root.ask('login', { ...account, passwd: token })).toEqual({ error: '' })
  const told = new Set<string>()
  const refuse = async (by: SubauthCaller, cmd: string, fields: object, secret: string) => {
    told.add(await by.refused(cmd, { ...account, ...fields, 'auth-passwd': secret }))
  }
  // Each attempt costs as much as a password: every secret at one command, and some at all of them.
  for (const secret of Object.values(tokens)) {
    await refuse(bob, 'create-token', {}, secret)
  }
  for (const [cmd, fields] of MANAGED(ident)) {
    await refuse(bob, cmd, fields, token)
    await refuse(bob, cmd, fields, temporary)
  }
  for (const caller of [alice, root]) {
    await refuse(caller, 'create-token', {}, token)
    await refuse(caller, 'delete-token', { ident: '*' }, temporary)
  }
  expect([...told], 'they are all told alike').toHaveLength(1)
  // Nothing was done, and the password itself does all of it.
  expect(await root.opens('mail', 'alice', token)).toBe(true)
  expect(await root.opens('mail', 'alice', 'alice of mail')).toBe(true)
  let password = 'alice of mail'
  for (const [cmd, fields] of MANAGED(ident)) {
    await bob.ok(cmd, { ...account, ...fields, 'auth-passwd': password })
    if (cmd === 'set-passwd') password = 'another one'
  }
  const { accounts } = await root.ok('list-accts', { login: 'alice' })
  expect(accounts).toContainEqual({ zone: 'mail', 'allow-passwd-auth': 1, tokens: [] })
})

test('what somebody without rights is refused tells nothing of users, zones and accounts', async (context) => {
  const { alice, bob } = await everybody(context)
  await alice.ok('set-passwd', { zone: 'mail', passwd: 'alice of mail' })
  await alice.ok('allow-passwd-auth', { zone: 'mail', allow: 1 })
  const { ident } = await alice.ok('create-token', { zone: 'mail' })
  const accounts: readonly object[] = [
    { zone: 'mail', login: 'alice' },
    { zone: 'wiki', login: 'alice' },
    { zone: 'closed', login: 'alice' },
    { zone: 'nozone', login: 'alice' },
    { zone: 'mail', login: 'carol' },
    { zone: 'mail', login: 'nosuchuser' },
    { zone: 'nozone', login: 'nosuchuser' },
    { zone: 'mail', login: String(USERS.alice) },
  ]
  const told = { right: new Set<string>(), secret: new Set<string>() }
  for (const account of accounts) {
    for (const [cmd, fields] of [...MANAGED(ident), ['login', { passwd: 'x' }] as const]) {
      told.right.add(await bob.refused(cmd, { ...account, ...fields }))
    }
    const asked = { ...account, ident: 'ffff', 'auth-passwd': 'wrong' }
    told.secret.add(await bob.refused('delete-token', asked))
    told.right.add(await bob.refused('list-accts', { login: (account as { login: string }).login }))
    told.right.add(await bob.refused('create-acct', account))
    told.right.add(await bob.refused('delete-acct', account))
  }
  expect([...told.right]).toHaveLength(1)
  expect([...told.secret]).toHaveLength(1)
})

test('a refused login is told alike, whatever is wrong', async (context) => {
  const { alice, root } = await everybody(context)
  await alice.ok('set-passwd', { zone: 'mail', passwd: 'alice of mail' })
  const { ident, token } = await alice.ok('create-token', { zone: 'mail' })
  const { token: temp } = await alice.ok('create-temp', { zone: 'mail', validity: 600 })
  const told = new Set<string>()
  for (const login of ['alice', 'carol', 'nosuchuser']) {
    for (const zone of ['mail', 'wiki', 'nozone']) {
      for (const passwd of ['wrong', `${ident}-wrong`, 'ffff-wrong', `${temp}x`, `${token}x`]) {
        told.add(await root.refused('login', { login, zone, passwd }))
      }
    }
  }
  expect([...told]).toHaveLength(1)
})

test('who may check secrets of others: root, and uids that the zone trusts', async (context) => {
  const { alice, bob, carol, root } = await everybody(context)
  for (const zone of ['services', 'mail']) {
    await alice.ok('set-passwd', { zone, passwd: 'alices' })
  }
  expect(await root.opens('services', 'alice', 'alices')).toBe(true)
  expect(await alice.opens('services', 'alice', 'alices')).toBe(true)
  expect(await carol.opens('services', 'alice', 'alices')).toBe(true)
  expect(await carol.opens('services', 'alice', 'wrong')).toBe(false)
  expect(await carol.opens('mail', 'alice', 'alices')).toBe(false)
  expect(await bob.opens('services', 'alice', 'alices')).toBe(false)
  // Trust is for looking, not for changing.
  await carol.refused('set-passwd', { zone: 'services', login: 'alice', passwd: 'other' })
  await carol.refused('list-accts', { login: 'alice' })
  await carol.refused('create-acct', { zone: 'services', login: 'bob' })
})

test('a secret opens its own account alone, by the whole of it', async (context) => {
  const { alice, bob, root } = await everybody(context)
  const { token } = await alice.ok('create-token', { zone: 'mail' })
  const { token: temp } = await alice.ok('create-temp', { zone: 'mail', validity: 600 })
  await bob.ok('create-token', { zone: 'mail' })
  await alice.ok('create-token', { zone: 'wiki' })
  for (const secret of [token, temp] as string[]) {
    expect(await root.opens('mail', 'alice', secret)).toBe(true)
    expect(await root.opens('wiki', 'alice', secret)).toBe(false)
    expect(await root.opens('mail', 'bob', secret)).toBe(false)
    for (const other of mistyped(secret)) {
      expect(await root.opens('mail', 'alice', other), 'a mistyped secret').toBe(false)
    }
  }
  // An ident is read without regard to case.
  const [ident = '', secret = ''] = token.split('-') as [string, string]
  expect(await root.opens('mail', 'alice', `${ident.toUpperCase()}-${secret}`)).toBe(true)
})

/** Every text with one character other, missing or more. */
function* mistyped(text: string): Generator<string> {
  // The parts before the first minus of a regular token may be typed in either case.
  for (let at = 0; at < text.length; at++) {
    yield text.slice(0, at) + text.slice(at + 1)
    yield `${text.slice(0, at)}${text[at] === '2' ? '3' : '2'}${text.slice(at + 1)}`
  }
  yield `${text}2`
  yield ` ${text}`
  yield `${text}\0`
}
