import { inspect } from 'node:util'
import { SecregError } from '@secreg/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createIdentity, type Presented } from '../../src/identity/identify.ts'
import { basic, type FactParts, factsOf, rejectionOf } from './facts.ts'
import { httpAnswer, says, startTailscaled } from './tailscaled-stand-in.ts'

const OFF = { tailscaleWhois: undefined, tailscaleServe: false }
const SERVE = { tailscaleWhois: undefined, tailscaleServe: true }
const LOGIN = ['Tailscale-User-Login', 'alice@example.com']
const FORWARDED = ['X-Forwarded-For', '100.64.1.2']
const CERTIFICATE = Uint8Array.of(1, 2, 3)
const CERT = 'cert:sha256:039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81'

const presented = (config: typeof SERVE | typeof OFF, parts: FactParts): Promise<Presented> =>
  createIdentity(config).presentedBy(factsOf(parts))

describe('everything off', () => {
  it('presents nothing but the address', async () => {
    expect(await presented(OFF, {})).toEqual({ address: '192.0.2.7' })
    expect(await presented(OFF, { from: '::ffff:192.0.2.9' })).toEqual({ address: '192.0.2.9' })
    expect(await presented(OFF, { from: 'fe80::1%eth0' })).toEqual({ address: 'fe80::1' })
  })

  it.each(['127.0.0.1', '::1', '::ffff:127.0.0.1', '192.0.2.7'])(
    'headers of serve and of proxies say nothing, from %s',
    async (from) => {
      const spoofed = [
        ...LOGIN,
        ...FORWARDED,
        ...['Forwarded', 'for=100.64.1.2', 'X-Real-IP', '100.64.1.2', 'X-Forwarded-For', 'x'],
        ...['X-Client-Cert', 'x', 'Tailscale-App-Capabilities', '{}'],
      ]
      const { assertions, address } = await presented(OFF, { headers: spoofed, from })
      expect(assertions).toBeUndefined()
      expect(address).toBe(from.replace('::ffff:', ''))
    },
  )

  it('a caller that has gone presents nothing', async () => {
    expect(await rejectionOf(presented(OFF, { from: '' }))).toBe('AUTH_FAILED')
    expect(await rejectionOf(presented(OFF, { from: '/run/x' }))).toBe('AUTH_FAILED')
  })
})

describe('serve', () => {
  it.each(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'])(
    'is believed from %s',
    async (from) => {
      expect(await presented(SERVE, { headers: [...LOGIN, ...FORWARDED], from })).toEqual({
        assertions: ['tailnet:alice@example.com'],
        address: '100.64.1.2',
      })
      expect(await presented(SERVE, { headers: FORWARDED, from })).toEqual({
        address: '100.64.1.2',
      })
    },
  )

  it.each(['192.0.2.7', '10.0.0.1', '100.64.1.3', '::ffff:192.0.2.7', 'fe80::1', '::127.0.0.1'])(
    'is not believed from %s, where its headers are not even read',
    async (from) => {
      const headers = [...LOGIN, ...LOGIN, ...FORWARDED, 'X-Forwarded-For', 'x']
      const { assertions, address } = await presented(SERVE, { headers, from })
      expect(assertions).toBeUndefined()
      expect(address).not.toBe('100.64.1.2')
    },
  )

  it('a credential wins, and has the address of the caller', async () => {
    const headers = [...LOGIN, ...FORWARDED, 'Authorization', 'Bearer abc']
    const answer = await presented(SERVE, { headers, from: '127.0.0.1' })
    expect(answer.credential?.login).toEqual({ token: 'abc' })
    expect(answer.assertions).toBeUndefined()
    expect(answer.address).toBe('100.64.1.2')
  })

  it('headers that it would not set refuse the request', async () => {
    const headers = [...LOGIN, ...LOGIN]
    expect(await rejectionOf(presented(SERVE, { headers, from: '127.0.0.1' }))).toBe(
      'INVALID_ARGUMENT',
    )
  })
})

describe('whois', () => {
  const alice = says({ Node: {}, UserProfile: { LoginName: 'alice@example.com' } })

  it('is asked about the peer, in the form that tailscaled knows', async () => {
    await using tailscaled = await startTailscaled(alice)
    const identity = createIdentity({ ...OFF, tailscaleWhois: tailscaled.socket })
    const facts = factsOf({ from: '::ffff:100.64.1.2', port: 5, headers: FORWARDED })
    expect(await identity.presentedBy(facts)).toEqual({
      assertions: ['tailnet:alice@example.com'],
      address: '100.64.1.2',
    })
    expect(tailscaled.asked[0]).toContain('addr=100.64.1.2%3A5 ')
  })

  it('is not asked when a credential is presented, nor needed then', async () => {
    const identity = createIdentity({ ...OFF, tailscaleWhois: '/nonexistent/socket' })
    const headers = ['X-Vault-Token', 'abc']
    const { credential } = await identity.presentedBy(factsOf({ headers }))
    expect(credential?.login).toEqual({ token: 'abc' })
    expect(await rejectionOf(identity.presentedBy(factsOf()))).toBe('UNREACHABLE')
  })

  it('an unreadable credential never becomes an assertion', async () => {
    await using tailscaled = await startTailscaled(alice)
    const identity = createIdentity({ ...OFF, tailscaleWhois: tailscaled.socket })
    for (const headers of [
      ['Authorization', 'Digest x'],
      ['Authorization', ''],
      ['X-Vault-Token', ''],
    ]) {
      expect(await rejectionOf(identity.presentedBy(factsOf({ headers })))).toBe('AUTH_FAILED')
    }
    expect(tailscaled.asked).toEqual([])
  })

  it('beside serve it is asked about other peers only', async () => {
    await using tailscaled = await startTailscaled(alice)
    const identity = createIdentity({ tailscaleWhois: tailscaled.socket, tailscaleServe: true })
    expect(await identity.presentedBy(factsOf({ headers: FORWARDED, from: '127.0.0.1' }))).toEqual({
      address: '100.64.1.2',
    })
    expect(tailscaled.asked).toEqual([])
    const { assertions } = await identity.presentedBy(factsOf({ from: '100.64.1.2' }))
    expect(assertions).toEqual(['tailnet:alice@example.com'])
  })
})

describe('client certificate', () => {
  it('is asserted, also beside what the tailnet says', async () => {
    await using tailscaled = await startTailscaled(says({ Node: { Tags: ['tag:web'] } }))
    const identity = createIdentity({ ...OFF, tailscaleWhois: tailscaled.socket })
    const facts = factsOf({ certificate: CERTIFICATE })
    expect(await createIdentity(OFF).presentedBy(facts)).toEqual({
      assertions: [CERT],
      address: '192.0.2.7',
    })
    expect((await identity.presentedBy(facts)).assertions).toEqual([CERT, 'tailnet:tag:web'])
  })

  it('gives way to a credential', async () => {
    const headers = ['Authorization', basic('alice:pass')]
    const { assertions, credential } = await presented(OFF, { headers, certificate: CERTIFICATE })
    expect(assertions).toBeUndefined()
    expect(credential?.kind).toBe('password')
  })
})

it('whatever comes, only errors of the registry come out, and no credential is in one', async () => {
  await using tailscaled = await startTailscaled(
    (_, socket) => void socket.end(httpAnswer(404, '')),
  )
  const identity = createIdentity({ tailscaleWhois: tailscaled.socket, tailscaleServe: true })
  const secret = 'credential-to-look-for'
  const name = fc.constantFrom(
    ...['Authorization', 'authorization', 'Proxy-Authorization', 'X-Vault-Token'],
    ...['Tailscale-User-Login', 'X-Forwarded-For', 'Tailscale-Funnel-Request', '', 'x'],
  )
  const value = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      secret,
      `Bearer ${secret}`,
      basic(secret),
      basic(`a:${secret}\n`),
      `a ${secret}`,
    ),
    fc.constantFrom(basic(`${secret}:`), 'alice@example.com', '=?utf-8?q?=C5=BE?=', '1.2.3.4, ::1'),
  )
  const facts = fc.record({
    headers: fc.array(fc.tuple(name, value), { maxLength: 3 }).map((fields) => fields.flat()),
    target: fc.constantFrom('/api/get', `/t/${secret}/api/get`, 'http://h/'),
    from: fc.constantFrom('127.0.0.1', '::1', '::ffff:127.0.0.1', '192.0.2.1', '', 'x'),
  })
  await fc.assert(
    fc.asyncProperty(facts, async (parts) => {
      try {
        const { credential, assertions, address } = await identity.presentedBy(factsOf(parts))
        expect(address).toMatch(/^[0-9a-f.:]+$/)
        expect(credential !== undefined && assertions !== undefined).toBe(false)
      } catch (error) {
        expect(SecregError.is(error), inspect(error)).toBe(true)
        expect(inspect(error)).not.toContain(secret)
        expect(inspect(error)).not.toContain(Buffer.from(secret).toString('base64').slice(0, 20))
      }
    }),
    { numRuns: 500 },
  )
})
