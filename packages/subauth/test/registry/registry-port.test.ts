import { REASONS, type Reason, type RequestOf, SecregError } from '@secreg/protocol'
import { type RefusalReason, SubauthError } from '@secreg/subauth'
import { registryPort } from '@secreg/subauth/registry'
import { answerPacket } from '@secreg/subauth/server'
import { createCanary } from '@secreg/testkit'
import { describe, expect, test } from 'vitest'
import { TOLD_AS } from '../../src/registry/told-as.ts'
import { userOf } from '../cases.ts'
import { FULL } from '../wire/requests.ts'
import { registrySite } from './site.ts'

type ZoneRequest = RequestOf<'zone'>

const account = { zone: 'mail', login: 'alice', authPasswd: 'x' }

/** A port over a registry that answers this, and what it was asked. */
function over(answer: unknown, systemUser: string | undefined = 'alice') {
  const asked: ZoneRequest[] = []
  const zone = async (request: ZoneRequest) => {
    asked.push(request)
    if (answer instanceof Error) throw answer
    return answer as never
  }
  return { asked, port: registryPort({ zone }, { systemUser }) }
}

const thrownBy = async (run: () => Promise<unknown>): Promise<unknown> => {
  try {
    await run()
  } catch (error) {
    return error
  }
  return undefined
}

describe('requests', () => {
  const made = { secret: 'abcd-1', ident: 'abcd', accounts: [], zones: [], matches: true }

  test('are those of the registry', async () => {
    const { asked, port } = over(made)
    const whole = { zone: 'mail', login: 'alice', auth_password: 'x' }
    await port.createAccount('mail', 'alice')
    await port.deleteAccount('*', 'alice')
    expect(await port.createToken({ ...account, comment: 'c' })).toEqual({
      token: 'abcd-1',
      ident: 'abcd',
    })
    await port.deleteToken({ ...account, ident: '*' })
    await port.changeToken({ ...account, ident: 'abcd', comment: '' })
    await port.setPasswd({ ...account, passwd: 'y' })
    await port.deletePasswd(account)
    expect(await port.createTemp({ ...account, validity: 60 })).toEqual({ token: 'abcd-1' })
    expect(await port.login({ zone: 'mail', login: 'alice', passwd: 'y' })).toBe(true)
    await port.allowPasswdAuth({ ...account, allow: false })
    expect(await port.accounts({ login: 'bob' })).toEqual({ login: 'bob', accounts: [] })
    expect(await port.zones()).toEqual([])
    expect(asked).toEqual([
      { op: 'create-account', zone: 'mail', login: 'alice' },
      { op: 'delete-account', zone: '*', login: 'alice' },
      { op: 'create-token', ...whole, comment: 'c' },
      { op: 'delete-token', ...whole, ident: '*' },
      { op: 'change-token', ...whole, ident: 'abcd', comment: '' },
      { op: 'set-password', ...whole, password: 'y' },
      { op: 'delete-password', ...whole },
      { op: 'create-temp', ...whole, validity_s: 60 },
      { op: 'check', zone: 'mail', login: 'alice', password: 'y' },
      { op: 'allow-password', ...whole, allow: false },
      { op: 'accounts', login: 'bob' },
      { op: 'list' },
    ])
  })

  test('name nobody when the caller named nobody', async () => {
    const { asked, port } = over(made)
    await port.createToken({ zone: 'mail' })
    await port.login({ zone: 'mail', passwd: 'y' })
    expect(await port.accounts({})).toEqual({ login: 'alice', accounts: [] })
    for (const request of asked) expect(Object.keys(request)).not.toContain('login')
    expect(asked[0]).toStrictEqual({ op: 'create-token', zone: 'mail' })
  })

  test('open nothing unless the registry says so', async () => {
    for (const matches of [false, undefined, 1, 'true', {}]) {
      expect(await over({ matches }).port.login({ zone: 'mail', passwd: 'y' })).toBe(false)
    }
  })
})

describe('listings', () => {
  const token = { ident: 'abcd', comment: 'c', modified_at: 1999 }
  const info = {
    zone: 'mail',
    login: 'alice',
    password: true,
    password_modified_at: 5000,
    allow_passwd_auth: true,
    tokens: [token],
    more: 'never shown',
  }

  test('begin with the password, where there is one, and count whole seconds', async () => {
    const accounts = [info, { ...info, zone: 'wiki', password: false, password_modified_at: 1 }]
    const entry = { type: 'token', ident: 'abcd', comment: 'c', modifiedAtS: 1 }
    expect(await over({ accounts }).port.accounts({})).toStrictEqual({
      login: 'alice',
      accounts: [
        {
          zone: 'mail',
          allowPasswdAuth: true,
          tokens: [{ type: 'passwd', modifiedAtS: 5 }, entry],
        },
        { zone: 'wiki', allowPasswdAuth: true, tokens: [entry] },
      ],
    })
  })

  test('show the zones without what is for administrators', async () => {
    const zone = {
      zone: 'mail',
      zone_id: 'id',
      description: 'Mail',
      allow_passwd: true,
      allow_tokens: false,
      allow_passwd_auth: true,
      auto_create: true,
      http: true,
      max_temp_validity_s: 60,
      trusted_uids: [8],
    }
    expect(await over({ zones: [zone] }).port.zones()).toStrictEqual([
      {
        zone: 'mail',
        description: 'Mail',
        allowPasswd: true,
        allowTokens: false,
        allowPasswdAuth: true,
        maxTempValidityS: 60,
      },
    ])
  })

  test.each([
    ['accounts of somebody else', { accounts: [{ ...info, login: 'bob' }] }],
    ['no accounts', {}],
    ['a password without a time', { accounts: [{ ...info, password_modified_at: undefined }] }],
  ])('are a fault of the registry: %s', async (_, answer) => {
    const error = await thrownBy(() => over(answer).port.accounts({}))
    expect(SecregError.is(error) && error.reason).toBe('INTERNAL')
  })

  test.each([
    ['createToken', {}],
    ['createToken', { secret: 'x' }],
    ['createToken', { secret: 'x', ident: 'zzzz' }],
    ['createTemp', { secret: '' }],
    ['zones', { zones: 'x' }],
  ] as const)('as is what %s is not answered with: %j', async (method, answer) => {
    const { port } = over(answer)
    const error = await thrownBy(() => port[method]({ zone: 'mail', validity: 1 }))
    expect(SecregError.is(error) && error.reason).toBe('INTERNAL')
  })
})

describe('refusals', () => {
  const toldOf = async (reason: Reason, run: keyof typeof RUNS, systemUser?: string) => {
    const secret = createCanary()
    const cause = new SecregError(reason, secret)
    const zone = () => Promise.reject(cause)
    const error = await thrownBy(() => RUNS[run](registryPort({ zone }, { systemUser })))
    if (!SubauthError.is(error)) throw error
    expect(error.cause).toBe(cause)
    expect(error.message).not.toContain(secret)
    return error.reason
  }
  const RUNS = {
    createAccount: (port: ReturnType<typeof registryPort>) => port.createAccount('m', 'a'),
    deleteAccount: (port: ReturnType<typeof registryPort>) => port.deleteAccount('m', 'a'),
    createToken: (port: ReturnType<typeof registryPort>) => port.createToken(account),
    deleteToken: (port: ReturnType<typeof registryPort>) =>
      port.deleteToken({ ...account, ident: 'abcd' }),
    deleteAll: (port: ReturnType<typeof registryPort>) =>
      port.deleteToken({ ...account, ident: '*' }),
    changeToken: (port: ReturnType<typeof registryPort>) =>
      port.changeToken({ ...account, ident: 'abcd' }),
    setPasswd: (port: ReturnType<typeof registryPort>) =>
      port.setPasswd({ ...account, passwd: 'y' }),
    deletePasswd: (port: ReturnType<typeof registryPort>) => port.deletePasswd(account),
    createTemp: (port: ReturnType<typeof registryPort>) =>
      port.createTemp({ ...account, validity: 1 }),
    login: (port: ReturnType<typeof registryPort>) => port.login({ ...account, passwd: 'y' }),
    allowPasswdAuth: (port: ReturnType<typeof registryPort>) =>
      port.allowPasswdAuth({ ...account, allow: true }),
    accounts: (port: ReturnType<typeof registryPort>) => port.accounts({ login: 'a' }),
    own: (port: ReturnType<typeof registryPort>) => port.createToken({ zone: 'm' }),
    ownAccounts: (port: ReturnType<typeof registryPort>) => port.accounts({}),
    zones: (port: ReturnType<typeof registryPort>) => port.zones(),
  }

  test('every reason is told as the table says, where nothing else is said below', async () => {
    for (const reason of Object.keys(REASONS) as Reason[]) {
      expect([reason, await toldOf(reason, 'zones', 'alice')]).toEqual([reason, TOLD_AS[reason]])
    }
  })

  test.each([
    ['createAccount', 'NOT_FOUND', 'ZONE_OR_USER_NOT_FOUND'],
    ['createAccount', 'INVALID_ARGUMENT', 'ZONE_OR_USER_NOT_FOUND'],
    ['createAccount', 'ALREADY_EXISTS', 'ACCOUNT_EXISTS'],
    ['createAccount', 'ACCESS_DENIED', 'NOT_PERMITTED'],
    ['deleteAccount', 'NOT_FOUND', 'ACCOUNT_NOT_FOUND'],
    ['createToken', 'LIMIT_EXCEEDED', 'LIMIT_EXCEEDED'],
    ['createToken', 'AUTH_FAILED', 'AUTH_FAILED'],
    ['createToken', 'AUTH_LOCKED_OUT', 'LOCKED_OUT'],
    ['createToken', 'ZONE_REFUSED', 'ZONE_REFUSED'],
    ['createToken', 'NOT_FOUND', 'ACCOUNT_NOT_FOUND'],
    ['deleteToken', 'NOT_FOUND', 'TOKEN_NOT_FOUND'],
    ['deleteAll', 'NOT_FOUND', 'ACCOUNT_NOT_FOUND'],
    ['changeToken', 'NOT_FOUND', 'TOKEN_NOT_FOUND'],
    ['setPasswd', 'BUSY', 'BUSY'],
    ['setPasswd', 'INVALID_ARGUMENT', 'NEW_PASSWD_INVALID'],
    ['deletePasswd', 'NOT_FOUND', 'PASSWD_NOT_FOUND'],
    ['createTemp', 'INVALID_ARGUMENT', 'VALIDITY_REFUSED'],
    ['login', 'AUTH_FAILED', 'LOGIN_FAILED'],
    ['login', 'NOT_FOUND', 'LOGIN_FAILED'],
    ['login', 'ACCESS_DENIED', 'NOT_PERMITTED'],
    ['login', 'AUTH_LOCKED_OUT', 'LOCKED_OUT'],
    ['login', 'SEALED', 'UNAVAILABLE'],
    ['accounts', 'ACCESS_DENIED', 'NOT_PERMITTED'],
  ] as const)('of %s: %s is %s', async (run, reason, told) => {
    expect(await toldOf(reason, run, 'alice')).toBe(told)
    expect(await toldOf(reason, run)).toBe(told)
  })

  test.each(['own', 'ownAccounts'] as const)('of a caller without a name: %s', async (run) => {
    for (const reason of ['ACCESS_DENIED', 'INVALID_ARGUMENT', 'NOT_FOUND'] as const) {
      expect(await toldOf(reason, run)).toBe('NO_LOGIN_NAME')
      expect(await toldOf(reason, run, 'alice')).not.toBe('NO_LOGIN_NAME')
    }
    expect(await toldOf('SEALED', run)).toBe('UNAVAILABLE')
  })

  test('what is no error of a registry is passed on', async () => {
    const fault = new Error('x')
    expect(await thrownBy(() => over(fault).port.zones())).toBe(fault)
    const foreign = new SecregError('INTERNAL', 'x')
    Object.defineProperty(foreign, 'reason', { value: 'toString' })
    expect(await thrownBy(() => over(foreign).port.zones())).toBe(foreign)
  })
})

describe('over a registry', () => {
  const ask = async (
    site: Awaited<ReturnType<typeof registrySite>>,
    uid: number,
    request: object,
  ): Promise<{ outcome: string; reason: RefusalReason | undefined }> => {
    const data = new TextEncoder().encode(JSON.stringify(request))
    const { outcome, reason } = await answerPacket({ data }, site.portOf(uid, userOf(uid)))
    return { outcome, reason }
  }

  test('somebody without rights is told the same of users, zones and accounts that there are not', async () => {
    const site = await registrySite()
    await ask(site, 0, { cmd: 'create-acct', login: 'alice', zone: 'mail' })
    for (const { cmd, ...full } of FULL.filter((request) => 'login' in request)) {
      const { 'auth-passwd': _, ...fields } = { 'auth-passwd': '', ...full }
      for (const login of ['alice', 'carol', 'nosuchuser', '..', 'a b', '*', '-rf']) {
        for (const zone of ['mail', 'wiki', 'nozone', '.', '..']) {
          const got = await ask(site, 1002, { cmd, ...fields, login, zone })
          expect([cmd, login, zone, got]).toEqual([
            cmd,
            login,
            zone,
            { outcome: 'denied', reason: 'NOT_PERMITTED' },
          ])
        }
      }
    }
    await site.close()
  })

  test('and to root, whatever it names, nothing is an internal error', async () => {
    const site = await registrySite()
    for (const full of FULL.filter((request) => 'login' in request)) {
      for (const login of ['alice', 'carol', 'nosuchuser', '..', 'a b', '*', '-rf', '\0']) {
        for (const zone of ['mail', 'wiki', 'nozone', '.', '..']) {
          const got = await ask(site, 0, { ...full, login, zone })
          expect([full.cmd, login, zone, got.reason]).not.toEqual([
            full.cmd,
            login,
            zone,
            'INTERNAL',
          ])
        }
      }
    }
    await site.close()
  })

  test('a password that is too long as it is hashed is told as such', async () => {
    const site = await registrySite()
    // 253 bytes, and 505 in the form that is hashed.
    const passwd = `x${'\u0958'.repeat(84)}`
    const request = { cmd: 'set-passwd', zone: 'wiki', passwd }
    expect((await ask(site, 1001, request)).reason).toBe('NEW_PASSWD_INVALID')
    await site.close()
  })

  test('guesses lock out, and are told so', async () => {
    const site = await registrySite({ locks: true })
    const guess = { cmd: 'login', zone: 'wiki', passwd: 'wrong' }
    await ask(site, 1001, { cmd: 'set-passwd', zone: 'wiki', passwd: 'right' })
    const reasons = new Set<unknown>()
    for (let n = 0; n < 20; n++) reasons.add((await ask(site, 1001, guess)).reason)
    expect([...reasons]).toEqual(['LOGIN_FAILED', 'LOCKED_OUT'])
    expect((await ask(site, 1001, { ...guess, passwd: 'right' })).reason).toBe('LOCKED_OUT')
    await site.close()
  })

  test('a sealed one serves nobody', async () => {
    const site = await registrySite()
    await site.seal()
    const login = { cmd: 'login', zone: 'wiki', passwd: 'x' }
    expect(await ask(site, 1001, login)).toEqual({ outcome: 'failed', reason: 'UNAVAILABLE' })
    expect((await ask(site, 1001, { cmd: 'nop' })).outcome).toBe('ok')
    await site.close()
  })
})
