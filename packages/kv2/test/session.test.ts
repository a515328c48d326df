/** Tokens: login on first use, one for all, renewal, and one more try after a denial. */
import type { Kv2Answer, Kv2CallEvent, Kv2ClientOptions, Kv2Request } from '@secreg/kv2'
import { createKv2Client } from '@secreg/kv2'
import { describe, expect, test } from 'vitest'
import { answer, FakeTransport, failureOf, liveAnswer } from './fake-transport.ts'
import { ManualClock, turn } from './manual-clock.ts'

const ROLE = { roleId: 'the-role', secretId: 'the-secret-id' }
const DENIED = answer(403, { errors: ['permission denied'] })

/** A server of tokens with a clock of its own making. */
class TokenServer {
  readonly clock = new ManualClock()
  readonly events: Kv2CallEvent[] = []
  readonly transport: FakeTransport
  logins = 0
  renewals = 0
  lookups = 0
  ttl = 3600
  renewable = true
  good = new Set<string>()
  /** Answers in the place of a login, renewal or read. */
  override: (request: Kv2Request) => Kv2Answer | Promise<Kv2Answer> | undefined = () => undefined

  constructor() {
    this.transport = new FakeTransport(async (request) => {
      await turn()
      return (await this.override(request)) ?? this.#answer(request)
    })
  }

  client(options: Partial<Kv2ClientOptions> = {}) {
    return createKv2Client({
      url: 'https://kv.example',
      transport: this.transport,
      auth: ROLE,
      clock: this.clock,
      random: () => 0,
      observer: { onCall: (event) => this.events.push(event) },
      ...options,
    })
  }

  ops(): string[] {
    return this.events.map(({ op, outcome }) => `${op} ${outcome}`)
  }

  #answer({ url, headers, body }: Kv2Request): Kv2Answer {
    const token = headers['X-Vault-Token'] ?? ''
    const auth = (client_token: string) =>
      answer(200, { auth: { client_token, lease_duration: this.ttl, renewable: this.renewable } })
    if (url.endsWith('/auth/approle/login')) {
      expect(headers).not.toHaveProperty('X-Vault-Token')
      expect(JSON.parse(body ?? '')).toEqual({ role_id: ROLE.roleId, secret_id: ROLE.secretId })
      const made = `token-${++this.logins}`
      this.good.add(made)
      return auth(made)
    }
    if (!this.good.has(token)) return DENIED
    if (url.endsWith('/renew-self')) {
      this.renewals++
      return auth(token)
    }
    if (url.endsWith('/lookup-self')) {
      this.lookups++
      return answer(200, { data: { ttl: this.ttl, renewable: this.renewable } })
    }
    return liveAnswer({ token })
  }
}

async function tokenOf(reading: Promise<unknown>): Promise<unknown> {
  return ((await reading) as { data: { token: string } }).data.token
}

describe('an AppRole', () => {
  test('logs in when first needed, once for all who wait, and not before', async () => {
    const server = new TokenServer()
    const client = server.client()
    await turn()
    expect(server.transport.requests).toEqual([])
    const reads = Array.from({ length: 20 }, () => tokenOf(client.read('a')))
    expect(new Set(await Promise.all(reads))).toEqual(new Set(['token-1']))
    expect(server.logins).toBe(1)
    expect(server.ops().filter((op) => op.startsWith('login'))).toEqual(['login ok'])
  })

  test('is renewed below the threshold, in the background and once', async () => {
    const server = new TokenServer()
    const client = server.client()
    await client.read('a')
    server.clock.advance(2_999_000)
    await client.read('a')
    expect(server.renewals).toBe(0)
    server.clock.advance(2000)
    await Promise.all([client.read('a'), client.read('a'), client.read('a')])
    await turn()
    expect(server.renewals).toBe(1)
    await client.read('a')
    await turn()
    expect([server.renewals, server.logins]).toEqual([1, 1])
    // It counts from the renewal.
    server.clock.advance(2_999_000)
    expect(await tokenOf(client.read('a'))).toBe('token-1')
    await turn()
    expect(server.renewals).toBe(1)
  })

  test('of a short time is renewed at half of it, and not with every call', async () => {
    const server = new TokenServer()
    server.ttl = 100
    const client = server.client()
    await client.read('a')
    server.clock.advance(49_000)
    await client.read('a')
    expect(server.renewals).toBe(0)
    server.clock.advance(2000)
    await client.read('a')
    await turn()
    await client.read('a')
    await turn()
    expect(server.renewals).toBe(1)
  })

  test('logs in again when it cannot be renewed, or not for long', async () => {
    for (const spoil of [
      (server: TokenServer) => {
        server.renewable = false
      },
      (server: TokenServer) => {
        server.override = ({ url }) =>
          url.endsWith('/renew-self') ? answer(400, { errors: ['no'] }) : undefined
      },
      (server: TokenServer) => {
        server.override = ({ url, headers }) =>
          url.endsWith('/renew-self')
            ? answer(200, {
                auth: {
                  client_token: headers['X-Vault-Token'],
                  lease_duration: 30,
                  renewable: true,
                },
              })
            : undefined
      },
    ]) {
      const server = new TokenServer()
      spoil(server)
      const client = server.client()
      await client.read('a')
      server.clock.advance(3_100_000)
      await client.read('a')
      for (let turns = 0; turns < 10; turns++) await turn()
      expect(server.logins).toBe(2)
      expect(await tokenOf(client.read('a'))).toBe('token-2')
    }
  })

  test('whose renewal fails goes on with its token, and tries again later', async () => {
    const server = new TokenServer()
    let failures = 0
    server.override = ({ url }) => {
      if (!url.endsWith('/renew-self') || failures >= 2) return undefined
      failures++
      return answer(500, {})
    }
    const client = server.client()
    await client.read('a')
    server.clock.advance(3_100_000)
    for (let reads = 0; reads < 5; reads++) expect(await tokenOf(client.read('a'))).toBe('token-1')
    await turn()
    expect(failures).toBe(1)
    server.clock.advance(10_000)
    await client.read('a')
    await turn()
    server.clock.advance(10_000)
    await client.read('a')
    for (let turns = 0; turns < 5; turns++) await turn()
    expect([failures, server.renewals, server.logins]).toEqual([2, 1, 1])
    expect(server.ops()).toContain('renew ERR_KV2_UNAVAILABLE')
  })

  test('whose token has ended logs in before the call', async () => {
    const server = new TokenServer()
    const client = server.client()
    await client.read('a')
    server.clock.advance(3_600_001)
    server.good.clear()
    expect(await tokenOf(client.read('a'))).toBe('token-2')
    // Nothing was sent with the token that had ended.
    expect(server.transport.requests.map(({ headers }) => headers['X-Vault-Token'])).toEqual([
      undefined,
      'token-1',
      undefined,
      'token-2',
    ])
  })

  test('that is denied logs in once and tries once more', async () => {
    const server = new TokenServer()
    const client = server.client()
    await client.read('a')
    server.good.clear()
    const reads = Array.from({ length: 10 }, () => tokenOf(client.read('a')))
    expect(new Set(await Promise.all(reads))).toEqual(new Set(['token-2']))
    expect(server.logins).toBe(2)
  })

  test('that is denied all the same fails, and does not log in for every denial', async () => {
    const server = new TokenServer()
    server.override = ({ url }) => (url.includes('/data/') ? DENIED : undefined)
    const client = server.client()
    for (let calls = 0; calls < 5; calls++) {
      expect(await failureOf(client.read('a'))).toMatchObject({
        code: 'ERR_KV2_DENIED',
        status: 403,
      })
    }
    expect(server.logins).toBe(2)
    server.clock.advance(60_000)
    await failureOf(client.read('a'))
    expect(server.logins).toBe(3)
  })

  test('that is not known is told so, and not at every call', async () => {
    const server = new TokenServer()
    let logins = 0
    server.override = ({ url }) => {
      if (!url.endsWith('/login')) return undefined
      logins++
      return answer(400, { errors: ['invalid role or secret ID'] })
    }
    const client = server.client()
    for (let calls = 0; calls < 3; calls++) {
      const error = await failureOf(client.read('a'))
      expect(error).toMatchObject({ code: 'ERR_KV2_NOT_AUTHENTICATED', status: 400 })
    }
    expect(logins).toBe(1)
    server.clock.advance(1000)
    await failureOf(client.read('a'))
    expect(logins).toBe(2)
    server.override = () => undefined
    server.clock.advance(1000)
    expect(await tokenOf(client.read('a'))).toBe('token-1')
  })

  test.each([
    ['no token', {}],
    ['an empty token', { client_token: '', lease_duration: 1 }],
    ['a token with a line end', { client_token: 'a\r\nX-Evil: 1', lease_duration: 1 }],
    ['a token with more than ASCII', { client_token: 'tøken', lease_duration: 1 }],
    ['no duration', { client_token: 'token' }],
    ['a negative duration', { client_token: 'token', lease_duration: -1 }],
    ['a duration that is text', { client_token: 'token', lease_duration: '60' }],
  ])('whose login answers %s has none', async (_what, auth) => {
    const server = new TokenServer()
    server.override = ({ url }) => (url.endsWith('/login') ? answer(200, { auth }) : undefined)
    const error = await failureOf(server.client().read('a'))
    expect(error).toMatchObject({ code: 'ERR_KV2_ANSWER_INVALID', operation: 'login' })
  })

  test('is denied with a token of before, and tries with the one that others have got', async () => {
    const server = new TokenServer()
    const client = server.client()
    await client.read('a')
    // One answer of the old token is held until the others have a new one.
    let release: (value: undefined) => void = () => {}
    const held = new Promise<undefined>((resolve) => {
      release = resolve
    })
    server.override = ({ url }) => (url.endsWith('/slow') ? held.then(() => DENIED) : undefined)
    const slow = tokenOf(client.read('slow'))
    await turn()
    server.good.clear()
    expect(await tokenOf(client.read('a'))).toBe('token-2')
    server.override = () => undefined
    release(undefined)
    expect(await slow).toBe('token-2')
    expect(server.logins).toBe(2)
  })

  test('is denied with the one that others have got too, and the next call logs in', async () => {
    const server = new TokenServer()
    const client = server.client()
    await client.read('a')
    let release: (value: undefined) => void = () => {}
    const held = new Promise<undefined>((resolve) => {
      release = resolve
    })
    server.override = ({ url }) => (url.endsWith('/slow') ? held.then(() => DENIED) : undefined)
    const slow = failureOf(client.read('slow'))
    await turn()
    server.good.clear()
    expect(await tokenOf(client.read('a'))).toBe('token-2')
    server.good.clear()
    release(undefined)
    expect(await slow).toMatchObject({ code: 'ERR_KV2_DENIED' })
    expect(await tokenOf(client.read('a'))).toBe('token-3')
  })

  test('whose token was renewed meanwhile is not taken for another', async () => {
    const server = new TokenServer()
    const client = server.client()
    await client.read('a')
    server.clock.advance(3_100_000)
    let release: (value: undefined) => void = () => {}
    const held = new Promise<undefined>((resolve) => {
      release = resolve
    })
    server.override = ({ url }) => (url.endsWith('/slow') ? held.then(() => DENIED) : undefined)
    const slow = tokenOf(client.read('slow'))
    for (let turns = 0; turns < 5; turns++) await turn()
    expect(server.renewals).toBe(1)
    server.good.clear()
    server.override = () => undefined
    release(undefined)
    expect(await slow).toBe('token-2')
  })

  test('that cannot log in has not written anything', async () => {
    const server = new TokenServer()
    server.override = ({ url }) => (url.endsWith('/login') ? answer(502, '<html>') : undefined)
    expect(await failureOf(server.client().write('a', {}))).toMatchObject({
      code: 'ERR_KV2_UNAVAILABLE',
      operation: 'login',
      outcomeUnknown: false,
    })
  })

  test('one who gives up does not take the login from the others', async () => {
    const server = new TokenServer()
    const client = server.client()
    const controller = new AbortController()
    const first = client.read('a', { signal: controller.signal })
    const second = tokenOf(client.read('a'))
    controller.abort(new Error('enough'))
    await expect(first).rejects.toThrow('enough')
    expect(await second).toBe('token-1')
    expect(server.logins).toBe(1)
  })

  test('is logged in where its method is mounted, in its namespace', async () => {
    const server = new TokenServer()
    const client = server.client({ auth: { ...ROLE, authMount: 'team/role' }, namespace: 'ns1/' })
    await failureOf(client.read('a'))
    expect(server.transport.requests[0]).toMatchObject({
      url: 'https://kv.example/v1/auth/team/role/login',
      headers: { 'X-Vault-Namespace': 'ns1/', 'X-Vault-Request': 'true' },
    })
  })
})

describe('a token', () => {
  const auth = { token: 'given' }

  test('is looked up once, in the background, and renewed below the threshold', async () => {
    const server = new TokenServer()
    server.good.add('given')
    const client = server.client({ auth })
    await client.read('a')
    await turn()
    await client.read('a')
    await turn()
    expect([server.lookups, server.renewals]).toEqual([1, 0])
    server.clock.advance(3_100_000)
    await client.read('a')
    await turn()
    expect([server.lookups, server.renewals]).toEqual([1, 1])
  })

  test('that may not look at itself is used as it is', async () => {
    const server = new TokenServer()
    server.override = ({ url }) =>
      url.endsWith('/lookup-self') ? DENIED : url.includes('/data/') ? liveAnswer() : undefined
    const client = server.client({ auth })
    for (let reads = 0; reads < 3; reads++) {
      expect(await client.read('a')).toMatchObject({ state: 'live' })
      await turn()
      server.clock.advance(20_000)
    }
    expect(server.ops().filter((op) => op.startsWith('lookup'))).toEqual(['lookup ERR_KV2_DENIED'])
  })

  test('whose look-up fails is looked up again later', async () => {
    const server = new TokenServer()
    server.good.add('given')
    let failures = 0
    server.override = ({ url }) =>
      url.endsWith('/lookup-self') && failures++ === 0 ? answer(503, {}) : undefined
    const client = server.client({ auth })
    await client.read('a')
    await turn()
    await client.read('a')
    await turn()
    expect(server.lookups).toBe(0)
    server.clock.advance(10_000)
    await client.read('a')
    await turn()
    expect(server.lookups).toBe(1)
  })

  test('that is denied is denied: there is no login', async () => {
    const server = new TokenServer()
    const client = server.client({ auth })
    expect(await failureOf(client.read('a'))).toMatchObject({ code: 'ERR_KV2_DENIED' })
    expect(server.transport.calls).toEqual(['GET secret/data/a'])
  })

  test('that never ends is never renewed; nor any with a threshold of 0', async () => {
    const forever = new TokenServer()
    forever.good.add('given')
    forever.ttl = 0
    const client = forever.client({ auth })
    await client.read('a')
    await turn()
    forever.clock.advance(1e12)
    await client.read('a')
    await turn()
    expect([forever.lookups, forever.renewals]).toEqual([1, 0])

    const never = new TokenServer()
    never.good.add('given')
    const other = never.client({ auth, renewBelowSeconds: 0 })
    await other.read('a')
    await turn()
    expect(never.lookups).toBe(0)
  })
})
