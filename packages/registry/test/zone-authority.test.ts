/** Nobody gives in a zone what he does not have: who has a token of a zone for HTTP is the zone to policy. */
import type { RequestOf } from '@secreg/protocol'
import { describe, expect, test } from 'vitest'
import { addUser, linesOf, outcomeOf, reason, start } from './fixture.ts'

type ZoneRequest = RequestOf<'zone'>

const ACCOUNT = { zone: 'mail', login: 'alice' } as const

const GIVING: readonly ZoneRequest[] = [
  { op: 'create-account', zone: 'mail', login: 'bob' },
  { op: 'create-token', ...ACCOUNT },
  { op: 'create-temp', ...ACCOUNT, validity_s: 60 },
  { op: 'set-password', ...ACCOUNT, password: 'simple' },
  { op: 'allow-password', ...ACCOUNT, allow: true },
  { op: 'set', zone: 'mail', http: true },
  { op: 'set', zone: 'mail', auto_create: true },
  { op: 'set', zone: 'mail', max_temp_validity_s: 3601 },
]

const TAKING: readonly ZoneRequest[] = [
  { op: 'list' },
  { op: 'accounts', zone: 'mail' },
  { op: 'set', zone: 'mail', description: 'post', allow_tokens: true, max_temp_validity_s: 60 },
  { op: 'allow-password', ...ACCOUNT, allow: false },
  { op: 'delete-token', ...ACCOUNT, ident: '*' },
  { op: 'delete-account', ...ACCOUNT },
  { op: 'set', zone: 'mail', allow_tokens: false },
]

/** A zone that policy gives secrets to, and an administrator who reads none. */
async function site() {
  const home = await start()
  await home.api.zone({
    op: 'add',
    zone: 'mail',
    allow_passwd: true,
    allow_tokens: true,
    allow_passwd_auth: true,
    max_temp_validity_s: 3600,
  })
  await home.api.zone({ op: 'create-account', ...ACCOUNT })
  const administrator = await addUser(home, 'helper', ['admin'])
  const give = async () => {
    const rule = {
      id: 'read',
      effect: 'allow',
      principals: ['zone:mail'],
      actions: ['read', 'decrypt'],
      resources: ['/mail/**'],
    }
    await home.api.policy({ op: 'set', document: { id: 'mail', rules: [rule] } })
  }
  return { home, give, helper: administrator.api }
}

describe('an administrator who reads no secrets', () => {
  test.each(GIVING)('may $op where the zone has nothing that he lacks', async (request) => {
    const { helper } = await site()
    expect(await outcomeOf(() => helper.zone(request))).toHaveProperty('answer')
  })

  test.each(GIVING)('may not $op where policy gives it secrets', async (request) => {
    const { give, helper, home } = await site()
    await give()
    await expect(helper.zone(request)).rejects.toEqual(reason('GRANT_EXCEEDED'))
    expect(linesOf(home.files).at(-1)?.body).toMatchObject({
      action: 'admin',
      outcome: 'denied',
      reason: 'GRANT_EXCEEDED',
      actor: { user: 'helper' },
    })
    expect(await outcomeOf(() => home.api.zone(request))).toHaveProperty('answer')
  })

  test('may take away, and look', async () => {
    const { give, helper } = await site()
    await give()
    for (const request of TAKING) {
      expect(await outcomeOf(() => helper.zone(request)), request.op).toHaveProperty('answer')
    }
  })
})

test.each(['http', 'auto_create', 'allow_passwd', 'allow_tokens', 'allow_passwd_auth'])(
  '%s is not switched on by who lacks what the zone has',
  async (name) => {
    const { give, helper, home } = await site()
    await give()
    const off = { http: false, auto_create: false, allow_passwd: false }
    const rest = { allow_tokens: false, allow_passwd_auth: false, max_temp_validity_s: 0 }
    await home.api.zone({ op: 'set', zone: 'mail', ...off, ...rest })
    const request: ZoneRequest = { op: 'set', zone: 'mail', [name]: true }
    await expect(helper.zone(request)).rejects.toEqual(reason('GRANT_EXCEEDED'))
  },
)

test('who owns the account, and root, are not asked for more at the door of the zones', async () => {
  const { give, home } = await site()
  await give()
  for (const [uid, name] of [
    [1001, 'alice'],
    [0, 'root'],
  ] as const) {
    const peer = { door: 'subauth', address: 'subauth', uid, gid: uid, pid: 1 } as const
    const api = home.registry.as(home.registry.zoneCaller(peer, name))
    const login = uid === 0 ? {} : { login: 'alice' }
    const asked = () => api.zone({ op: 'create-token', zone: 'mail', ...login })
    // The own account of root is not there: that is all that is in the way.
    expect(await outcomeOf(asked)).toMatchObject(
      uid === 0 ? { reason: 'NOT_FOUND' } : { answer: {} },
    )
  }
})
