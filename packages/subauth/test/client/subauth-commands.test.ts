import { REFUSALS, SubauthCommands, SubauthError } from '@secreg/subauth'
import { createCanary } from '@secreg/testkit'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { modelSite } from '../model-port.ts'
import { GENEROUS } from '../server/ports.ts'
import { exchangeWith, scripted } from './exchanges.ts'

const account = { zone: 'mail', login: 'alice', authPasswd: 'old' }
const OK = { error: '' }

async function failureOf(run: () => unknown): Promise<SubauthError> {
  try {
    await run()
  } catch (error) {
    if (SubauthError.is(error)) return error
    throw error
  }
  throw new Error('it did not fail')
}

describe('commands', () => {
  test('are those of the protocol', async () => {
    const { asked, closed, exchange } = scripted(() => ({ ...OK, token: 'abcd-1', ident: 'abcd' }))
    const client = new SubauthCommands(exchange)
    await client.nop()
    await client.createAccount('mail', 'alice')
    await client.deleteAccount('*', 'alice')
    expect(await client.createToken({ ...account, comment: 'c' })).toStrictEqual({
      token: 'abcd-1',
      ident: 'abcd',
    })
    await client.deleteToken({ ...account, ident: '*' })
    await client.changeToken({ zone: 'mail', ident: 'abcd' })
    await client.setPasswd({ ...account, passwd: 'new' })
    await client.deletePasswd(account)
    expect(await client.createTemp({ ...account, validity: 60 })).toStrictEqual({ token: 'abcd-1' })
    expect(await client.login({ zone: 'mail', passwd: 'new' })).toBe(undefined)
    await client.allowPasswdAuth({ ...account, allow: true })
    const managed = { login: 'alice', zone: 'mail', 'auth-passwd': 'old' }
    expect(asked).toStrictEqual([
      { cmd: 'nop' },
      { cmd: 'create-acct', login: 'alice', zone: 'mail' },
      { cmd: 'delete-acct', login: 'alice', zone: '*' },
      { cmd: 'create-token', ...managed, comment: 'c' },
      { cmd: 'delete-token', ...managed, ident: '*' },
      { cmd: 'change-token', zone: 'mail', ident: 'abcd' },
      { cmd: 'set-passwd', ...managed, passwd: 'new' },
      { cmd: 'delete-passwd', ...managed },
      { cmd: 'create-temp', ...managed, validity: 60 },
      { cmd: 'login', zone: 'mail', passwd: 'new' },
      { cmd: 'allow-passwd-auth', ...managed, allow: 1 },
    ])
    await client.close()
    expect(closed()).toBe(1)
  })

  test('do with a server half what they say', async () => {
    const site = modelSite()
    const root = new SubauthCommands(exchangeWith(site.portOf(0, 'root')))
    const alice = new SubauthCommands(exchangeWith(site.portOf(1001, 'alice')))
    await root.createAccount('mail', 'alice')
    await alice.setPasswd({ zone: 'mail', passwd: 'secret1' })
    const { ident, token } = await alice.createToken({ zone: 'mail', comment: 'laptop' })
    await root.login({ zone: 'mail', login: 'alice', passwd: token })
    expect(await alice.accounts()).toStrictEqual({
      login: 'alice',
      accounts: [
        {
          zone: 'mail',
          allowPasswdAuth: false,
          tokens: [
            { type: 'passwd', modifiedAtS: 1_800_000_000 },
            { type: 'token', ident, comment: 'laptop', modifiedAtS: 1_800_000_000 },
          ],
        },
      ],
    })
    expect(await root.accounts({ login: 'bob' })).toEqual({ login: 'bob', accounts: [] })
    expect((await alice.zones())[0]).toStrictEqual({
      zone: 'mail',
      description: 'Mail',
      allowPasswd: true,
      allowTokens: true,
      allowPasswdAuth: true,
      maxTempValidityS: 3600,
    })
  })

  test('fail with the text of the server', async () => {
    const port = modelSite().portOf(1001, 'alice')
    const client = new SubauthCommands(exchangeWith(port))
    const error = await failureOf(() => client.createAccount('mail', 'alice'))
    expect(error).toMatchObject({
      name: 'SubauthError',
      code: 'ERR_SUBAUTH_REFUSED',
      reason: 'REFUSED',
      message: REFUSALS.NOT_PERMITTED.text,
    })
    const login = () => client.login({ zone: 'mail', passwd: 'wrong' })
    expect((await failureOf(login)).message).toBe(REFUSALS.LOGIN_FAILED.text)
  })
})

describe('names of listings', () => {
  const server = (names: readonly string[]) =>
    scripted(({ cmd }) =>
      names.includes(cmd as string)
        ? { ...OK, login: 'alice', accounts: [], zones: [] }
        : { error: `no ${String(cmd)}` },
    )
  const asks = (asked: readonly Record<string, unknown>[]) => asked.map(({ cmd }) => cmd)

  test('the canonical one comes first', async () => {
    const { asked, exchange } = server(['list-accts', 'list-zones', 'list', 'zones'])
    const client = new SubauthCommands(exchange)
    await client.accounts()
    await client.zones()
    expect(asks(asked)).toEqual(['list-accts', 'list-zones'])
  })

  test('the one that works is remembered, for each listing', async () => {
    const { asked, exchange } = server(['accounts', 'zones'])
    const client = new SubauthCommands(exchange)
    await client.accounts({ login: 'alice' })
    await client.accounts()
    await client.zones()
    await client.zones()
    expect(asks(asked)).toEqual([
      ...['list-accts', 'list', 'accounts', 'accounts'],
      ...['list-zones', 'zones', 'zones'],
    ])
    expect(asked[2]).toEqual({ cmd: 'accounts', login: 'alice' })
  })

  test('a refusal of the one that works is what it is', async () => {
    let refuses = false
    const { asked, exchange } = scripted(() =>
      refuses ? { error: 'no' } : { ...OK, login: 'alice', accounts: [] },
    )
    const client = new SubauthCommands(exchange)
    await client.accounts()
    refuses = true
    expect((await failureOf(() => client.accounts({ login: 'bob' }))).message).toBe('no')
    expect(asked.length).toBe(2)
  })

  test('when none works, the first refusal is told', async () => {
    const { asked, exchange } = server([])
    const error = await failureOf(() => new SubauthCommands(exchange).accounts())
    expect(error.message).toBe('no list-accts')
    expect(asks(asked)).toEqual(['list-accts', 'list', 'accounts'])
  })

  test('nothing but a refusal lets another be tried', async () => {
    const { asked, exchange } = scripted(() => '[]')
    await failureOf(() => new SubauthCommands(exchange).zones())
    expect(asked.length).toBe(1)
  })
})

describe('replies of other servers', () => {
  const accountsOf = async (reply: object) =>
    await new SubauthCommands(scripted(() => ({ ...OK, ...reply })).exchange).accounts()
  const zonesOf = async (reply: object) =>
    await new SubauthCommands(scripted(() => ({ ...OK, ...reply })).exchange).zones()
  const entries = [
    { type: 'passwd', lastmod: 1 },
    { type: 'token', ident: 'ABCD', lastmod: 2 },
    { type: 'temp', lastmod: 3 },
  ]
  const zone = { 'allow-passwd': 1, 'allow-tokens': 0, 'allow-passwd-auth': 0 }

  test.each([['accounts'], ['accts']])('the array of accounts may be %s', async (key) => {
    const one = { zone: 'mail', 'allow-passwd-auth': true, tokens: entries, more: 1 }
    expect(await accountsOf({ login: 'alice', [key]: [one] })).toStrictEqual({
      login: 'alice',
      accounts: [
        {
          zone: 'mail',
          allowPasswdAuth: true,
          tokens: [
            { type: 'passwd', modifiedAtS: 1 },
            { type: 'token', ident: 'ABCD', comment: '', modifiedAtS: 2 },
          ],
        },
      ],
    })
  })

  test.each([
    ['name', 1],
    ['zone', true],
  ])('the name of a zone may be %s, a flag %j', async (key, on) => {
    const one = { ...zone, [key]: 'mail', 'allow-passwd': on, 'max-temp-validity': 0 }
    expect(await zonesOf({ zones: [one] })).toMatchObject([
      { zone: 'mail', description: '', allowPasswd: true, allowTokens: false, maxTempValidityS: 0 },
    ])
  })

  test.each([
    [{}],
    [{ login: 'alice' }],
    [{ login: 'alice', accounts: {} }],
    [{ login: 7, accounts: [] }],
    [{ login: 'alice', accounts: [{ zone: 'mail', tokens: [] }] }],
    [{ login: 'alice', accounts: [{ zone: 'mail', 'allow-passwd-auth': 2, tokens: [] }] }],
    [
      {
        login: 'a',
        accounts: [{ zone: 'm', 'allow-passwd-auth': 1, tokens: [{ type: 'token' }] }],
      },
    ],
  ])('%j lists no accounts', async (reply) => {
    expect((await failureOf(() => accountsOf(reply))).reason).toBe('ANSWER_INVALID')
  })

  test.each([
    [{}],
    [{ zones: [{ ...zone, 'max-temp-validity': 1 }] }],
    [{ zones: [{ ...zone, name: 'm' }] }],
    [{ zones: [{ ...zone, name: 'm', 'max-temp-validity': '60' }] }],
    [{ zones: [{ ...zone, name: 'm', 'max-temp-validity': -1 }] }],
  ])('%j lists no zones', async (reply) => {
    expect((await failureOf(() => zonesOf(reply))).reason).toBe('ANSWER_INVALID')
  })

  test.each([
    '',
    '{',
    '[]',
    'null',
    '{}',
    '{"error":null}',
    '{"error":0}',
    '{"error":false}',
    '{"Error":""}',
    '{"error":"","error":""}',
    '{"error":["x"]}',
  ])('%j is no success, of no command', async (reply) => {
    const client = new SubauthCommands(scripted(() => reply).exchange)
    for (const run of [
      () => client.nop(),
      () => client.login({ zone: 'm', passwd: 'x' }),
      () => client.createTemp({ zone: 'm', validity: 1 }),
      () => client.zones(),
    ]) {
      expect((await failureOf(run)).reason).toBe('ANSWER_INVALID')
    }
  })

  test('a token is there, or the reply is none', async () => {
    const client = (reply: object) =>
      new SubauthCommands(scripted(() => ({ ...OK, ...reply })).exchange)
    for (const reply of [{}, { token: '' }, { token: 7 }]) {
      const run = () => client(reply).createTemp({ zone: 'm', validity: 1 })
      expect((await failureOf(run)).reason).toBe('ANSWER_INVALID')
    }
    for (const reply of [{ token: 'x' }, { ident: 'abcd' }, { token: 'x', ident: 5 }]) {
      expect((await failureOf(() => client(reply).createToken({ zone: 'm' }))).reason).toBe(
        'ANSWER_INVALID',
      )
    }
  })

  test('any bytes are a reply or a failure, and only an empty error is success', async () => {
    const piece = fc.constantFrom(...'{}[],:"x0', '"error"', '"error":""', '"error":"x"', 'null')
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 8 }), async (pieces) => {
        const reply = pieces.join('')
        const client = new SubauthCommands(scripted(() => reply).exchange)
        const failed = await client.nop().catch((error: unknown) => error)
        if (failed === undefined) expect(JSON.parse(reply)).toHaveProperty('error', '')
        else expect(SubauthError.is(failed)).toBe(true)
      }),
      { numRuns: 1000 },
    )
  })
})

describe('texts of servers', () => {
  const told = async (text: string, passwd = 'a-b-c-d') => {
    const client = new SubauthCommands(scripted(() => ({ error: text })).exchange)
    return (await failureOf(() => client.login({ zone: 'm', passwd }))).message
  }

  test.each([
    ['no such user', 'no such user'],
    ['one\ntwo\u001b[31mred\u0000\u009b', 'one two [31mred'],
    ['\u202eevil\u2028line', 'evil line'],
    ['\n\n', 'the server refused the request'],
    ['x'.repeat(1000), `${'x'.repeat(200)}…`],
  ])('%j', async (text, shown) => {
    expect(await told(text)).toBe(shown)
  })

  test('with a secret that was sent are not shown', async () => {
    const secret = createCanary()
    const text = `wrong password ${secret} for alice`
    expect(await told(text, secret)).toBe('the server refused the request')
    const client = new SubauthCommands(scripted(() => ({ error: text })).exchange)
    const managed = { zone: 'm', authPasswd: secret }
    const error = await failureOf(() => client.setPasswd({ ...managed, passwd: 'other' }))
    expect(JSON.stringify([error, error.message, error.stack, error.cause])).not.toContain(secret)
  })
})

describe('wrong arguments', () => {
  const client = new SubauthCommands(exchangeWith(GENEROUS)) as unknown as Record<
    string,
    (...given: unknown[]) => Promise<unknown>
  >
  const secret = createCanary()

  test.each([
    ['createAccount', [], 'zone'],
    ['createAccount', ['m'], 'login'],
    ['createAccount', ['m', 7], 'login'],
    ['deleteAccount', [null, 'a'], 'zone'],
    ['createToken', [], 'account'],
    ['createToken', ['m'], 'account'],
    ['createToken', [{}], 'zone'],
    ['createToken', [{ zone: 'm', login: 1 }], 'login'],
    ['createToken', [{ zone: 'm', authPasswd: [secret] }], 'auth-passwd'],
    ['createToken', [{ zone: 'm', comment: {} }], 'comment'],
    ['deleteToken', [{ zone: 'm' }], 'ident'],
    ['changeToken', [{ zone: 'm', ident: 1234 }], 'ident'],
    ['setPasswd', [{ zone: 'm' }], 'passwd'],
    ['setPasswd', [{ zone: 'm', passwd: { secret } }], 'passwd'],
    ['deletePasswd', [null], 'account'],
    ['createTemp', [{ zone: 'm' }], 'validity'],
    ['createTemp', [{ zone: 'm', validity: '60' }], 'validity'],
    ['login', [{ zone: 'm' }], 'passwd'],
    ['login', [{ passwd: secret }], 'zone'],
    ['allowPasswdAuth', [{ zone: 'm' }], 'allow'],
    ['allowPasswdAuth', [{ zone: 'm', allow: 1 }], 'allow'],
    ['accounts', [null], 'of'],
    ['accounts', [{ login: 7 }], 'login'],
  ])('%s(%j)', async (method, given, name) => {
    const error = await client[method]?.(...given).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(TypeError)
    expect((error as Error).message).toContain(`${name}: expected`)
    expect((error as Error).message).not.toContain(secret)
  })

  test.each([[0.5], [Number.NaN], [Number.POSITIVE_INFINITY]])('validity %d', async (validity) => {
    const error = await client['createTemp']?.({ zone: 'm', validity }).catch((it: unknown) => it)
    expect(error).toBeInstanceOf(RangeError)
  })
})
