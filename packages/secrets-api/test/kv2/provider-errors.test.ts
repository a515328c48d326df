import { createKv2Client, KV2_ERROR_CODES, Kv2Error } from '@secreg/kv2'
import { createNodeTransport } from '@secreg/kv2/node'
import { ProviderError, SecretsApiError } from '@secreg/secrets-api'
import { kv2Provider } from '@secreg/secrets-api/kv2'
import { Kv2StandIn } from '@secreg/testkit/kv2'
import { describe, expect, test } from 'vitest'
import { providerErrorOf } from '../../src/kv2/provider-errors.ts'
import { laterReasonOf } from '../reason-of.ts'
import { held } from './held.ts'
import { kv2Site } from './kv2-site.ts'

const PLACE = { mount: 'secret', segments: ['app', 'api'] }
const TEXT = 'text-of-the-server'
const VALUE = 'value-of-a-secret'

async function failureOf(run: Promise<unknown>): Promise<SecretsApiError> {
  try {
    await run
  } catch (error) {
    if (SecretsApiError.is(error)) return error
    throw error
  }
  throw new Error('nothing failed')
}

test('every code of the client is one of the provider, and none a denial', () => {
  for (const code of KV2_ERROR_CODES) {
    const error = providerErrorOf(new Kv2Error(code), undefined)
    expect([409, 429, 502, 503], code).toContain(error.status)
    expect(error.status === 409, code).toBe(code === 'ERR_KV2_CAS_MISMATCH')
  }
})

test('what is no error of the client is a failure, or the end of the call', () => {
  const ended = new AbortController()
  ended.abort(new Error('enough'))
  expect(providerErrorOf(new TypeError('x'), undefined).reason).toBe('PROVIDER_ERROR')
  expect(providerErrorOf(new TypeError('x'), ended.signal).reason).toBe('PROVIDER_TIMEOUT')
  const own = new ProviderError('SECRET_NOT_FOUND')
  expect(providerErrorOf(own, ended.signal)).toBe(own)
})

describe('of a server that fails (R17)', () => {
  const status = (number: number, headers = {}) =>
    ({ kind: 'status', status: number, errors: [TEXT], headers }) as const
  test.each([
    ['500', status(500), 'PROVIDER_ERROR', 502],
    ['502', status(502), 'PROVIDER_ERROR', 502],
    ['504', status(504), 'PROVIDER_ERROR', 502],
    ['503', status(503), 'PROVIDER_UNAVAILABLE', 503],
    ['403', status(403), 'PROVIDER_ERROR', 502],
    ['400', status(400), 'PROVIDER_ERROR', 502],
    ['404 that is no absence', status(404), 'PROVIDER_ERROR', 502],
    ['429', status(429, { 'retry-after': '7' }), 'PROVIDER_BUSY', 429],
    ['a closed connection', { kind: 'reset' }, 'PROVIDER_ERROR', 502],
    ['half an answer', { kind: 'truncate' }, 'PROVIDER_ERROR', 502],
    ['no JSON', { kind: 'garbage', text: TEXT }, 'PROVIDER_ERROR', 502],
    ['a huge answer', { kind: 'huge', bytes: 4_000_000 }, 'PROVIDER_ERROR', 502],
    ['a redirect', { kind: 'redirect', to: 'http://192.0.2.1' }, 'PROVIDER_ERROR', 502],
  ] as const)('%s', async (_, fault, reason, wanted) => {
    await using site = await kv2Site()
    site.server.fail(fault, 100)
    const calls = [
      () => site.provider.read(PLACE),
      () => site.provider.write(PLACE, new Map([['k', VALUE]])),
      () => site.provider.list({ mount: 'secret', segments: [] }),
    ]
    for (const call of calls) {
      const error = await failureOf(call())
      expect(error).toMatchObject({ reason, status: wanted })
      if (wanted === 429) expect(error.retryAfterSeconds).toBe(7)
      const told = `${error.message}${error.stack}${JSON.stringify(error)}${String(error.cause)}`
      expect(told).not.toContain(TEXT)
      expect(told).not.toContain(VALUE)
      expect(told).not.toContain(site.server.rootToken)
    }
    const writes = site.server.requests.filter(({ method }) => method === 'POST')
    expect(writes).toHaveLength(1)
  })

  test('sealed', async () => {
    await using site = await kv2Site()
    site.server.seal()
    expect(await failureOf(site.provider.read(PLACE))).toMatchObject({ status: 503 })
  })

  test('no answer in time', async () => {
    await using site = await kv2Site({ timeoutMs: 50 })
    const { until, letGo } = held()
    site.server.fail({ kind: 'hold', until }, 100)
    expect(await laterReasonOf(site.provider.read(PLACE))).toBe('PROVIDER_TIMEOUT')
    letGo()
  })

  test('nobody there', async () => {
    const server = await Kv2StandIn.start()
    const { url } = server
    await server.close()
    await using client = createKv2Client({
      url,
      transport: createNodeTransport(),
      auth: { token: 'hvs.x' },
      circuit: { failures: 1, openMs: 60_000 },
    })
    const provider = kv2Provider({ client, name: 'hashicorp' })
    expect(await laterReasonOf(provider.read(PLACE))).toBe('PROVIDER_ERROR')
    // The circuit has opened: nothing is sent any more.
    expect(await laterReasonOf(provider.read(PLACE))).toBe('PROVIDER_UNAVAILABLE')
  })

  test('too many calls at once', async () => {
    await using site = await kv2Site({ maxConcurrent: 1 })
    const { until, letGo } = held()
    site.server.fail({ kind: 'hold', until })
    const first = site.provider.read(PLACE)
    expect(await laterReasonOf(site.provider.read(PLACE))).toBe('PROVIDER_BUSY')
    letGo()
    expect(await first).toMatchObject({ kind: 'absent' })
  })

  test('a client that is closed, and a call that is given up', async () => {
    const site = await kv2Site()
    const ended = AbortSignal.abort(new Error('enough'))
    const given = site.provider.read(PLACE, { signal: ended })
    expect(await laterReasonOf(given)).toBe('PROVIDER_TIMEOUT')
    const write = site.provider.write(PLACE, new Map(), { signal: ended })
    expect(await laterReasonOf(write)).toBe('PROVIDER_TIMEOUT')
    expect(site.server.requests).toEqual([])
    await site[Symbol.asyncDispose]()
    expect(await laterReasonOf(site.provider.read(PLACE))).toBe('PROVIDER_UNAVAILABLE')
  })

  test('a mount that is none, or the server’s own', async () => {
    await using site = await kv2Site()
    for (const mount of ['none', 'sys', 'auth']) {
      const read = site.provider.read({ mount, segments: ['a'] })
      expect(await laterReasonOf(read)).toBe('PROVIDER_ERROR')
    }
  })

  test('after a denial an AppRole logs in once more', async () => {
    const server = await Kv2StandIn.start()
    const { roleId, secretId } = server.addRole()
    await using client = createKv2Client({
      url: server.url,
      transport: createNodeTransport(),
      auth: { roleId, secretId },
    })
    const provider = kv2Provider({ client, name: 'openbao' })
    await provider.write(PLACE, new Map([['k', VALUE]]))
    server.revokeTokens()
    expect(await provider.read(PLACE)).toMatchObject({ kind: 'found' })
    server.fail({ kind: 'status', status: 403, errors: [TEXT] }, 100, ({ target }) =>
      target.includes('/data/'),
    )
    expect(await failureOf(provider.read(PLACE))).toMatchObject({ status: 502 })
    await server.close()
  })
})
