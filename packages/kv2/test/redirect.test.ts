/** Redirects: to allowed hosts, with the same request, and never with the token to another. */

import { createKv2Client, type Kv2ClientOptions } from '@secreg/kv2'
import { createNodeTransport } from '@secreg/kv2/node'
import { Kv2StandIn } from '@secreg/testkit/kv2'
import { describe, expect, test } from 'vitest'
import { answer, failureOf, fakeClient, liveAnswer, versionFacts } from './fake-transport.ts'

const OWN = 'https://kv.example:8200'

const REFUSED = 'ERR_KV2_REDIRECT_REFUSED'

describe.each(['read', 'write'] as const)('a %s', (kind) => {
  async function call(
    locations: readonly string[],
    options: Partial<Kv2ClientOptions> = {},
    status = 307,
  ) {
    const urls: string[] = []
    const tokens: (string | undefined)[] = []
    const { client } = fakeClient((request) => {
      const location = locations[urls.length]
      urls.push(`${request.method} ${request.url}`)
      tokens.push(request.headers['X-Vault-Token'])
      if (location !== undefined) return answer(status, '', { location })
      return kind === 'read' ? liveAnswer() : answer(200, { data: versionFacts() })
    }, options)
    const calling: Promise<unknown> =
      kind === 'read' ? client.read('a b!', { version: 1 }) : client.write('a b!', { k: 1 })
    const error = await calling.then(
      () => undefined,
      (error) => error,
    )
    return { urls, tokens, error }
  }
  const method = kind === 'read' ? 'GET' : 'POST'
  const target = kind === 'read' ? '/v1/secret/data/a%20b!?version=1' : '/v1/secret/data/a%20b!'

  test('follows two, to its own host', async () => {
    const { urls, error } = await call([`${OWN}${target}`, target])
    expect(error).toBeUndefined()
    expect(urls).toEqual(Array.from({ length: 3 }, () => `${method} ${OWN}${target}`))
    expect(await call([target, target, target])).toMatchObject({ error: { code: REFUSED } })
  })

  test('follows to hosts that are allowed, with the token and to no other', async () => {
    const allowedRedirectHosts = ['other.example', 'third.example:9200', '[::1]:8200']
    for (const host of [
      'other.example:8200',
      'third.example:9200',
      '[::1]:8200',
      'OTHER.example:8200',
    ]) {
      const { urls, tokens, error } = await call([`https://${host}${target}`], {
        allowedRedirectHosts,
      })
      expect(error).toBeUndefined()
      expect(urls[1]).toBe(`${method} https://${host.toLowerCase()}${target}`)
      expect(tokens).toEqual(['hvs.token', 'hvs.token'])
    }
    for (const host of [
      'kv.example:8200',
      'other.example',
      'other.example:9200',
      'third.example',
    ]) {
      const { urls, error } = await call([`https://${host}${target}`], { allowedRedirectHosts })
      expect(error).toMatchObject({ code: REFUSED, status: 307, outcomeUnknown: false })
      expect(urls).toHaveLength(1)
    }
  })

  test.each([
    ['another host', `https://evil.example:8200${target}`],
    ['another port', `https://kv.example:8201${target}`],
    ['another scheme', `http://kv.example:8200${target}`],
    ['a scheme that is none of HTTP', 'file:///etc/passwd'],
    ['a user', `https://u@kv.example:8200${target}`],
    ['a password', `https://:p@kv.example:8200${target}`],
    ['a host that begins like it', `https://kv.example:8200.evil.example${target}`],
    ['a host behind an at sign', `https://kv.example:8200@evil.example${target}`],
    ['a fragment', `${OWN}${target}#x`],
    ['another path', `${OWN}/v1/secret/data/other${kind === 'read' ? '?version=1' : ''}`],
    ['another query', `${OWN}${target.split('?')[0]}?version=2`],
    ['a path above', `${OWN}/v1/secret/data/x/..${target.slice(15)}/../z`],
    ['no address', 'https://'],
    ['nothing', ''],
  ])('does not follow to %s', async (_what, location) => {
    const { urls, error } = await call([location])
    expect(error).toMatchObject({ code: REFUSED })
    expect(urls).toHaveLength(1)
  })

  test('takes a path that is encoded otherwise for the same, and sends its own', async () => {
    const { urls, error } = await call([`${OWN}${target.replace('!', '%21')}`])
    expect(error).toBeUndefined()
    expect(urls[1]).toBe(`${method} ${OWN}${target}`)
  })

  test.each([300, 301, 302, 303, 304, 305, 399])('does not follow status %s', async (status) => {
    const { urls, error } = await call([target], {}, status)
    expect(error).toMatchObject({ code: REFUSED, status })
    expect(urls).toHaveLength(1)
  })

  test('follows status 308', async () => {
    expect((await call([target], {}, 308)).error).toBeUndefined()
  })
})

test('over real HTTP the token goes to the allowed server and to no other', async () => {
  await using standby = await Kv2StandIn.start()
  await using active = await Kv2StandIn.start({ rootToken: standby.rootToken })
  const clientOf = (allowed: readonly string[]) =>
    createKv2Client({
      url: standby.url,
      transport: createNodeTransport(),
      auth: { token: standby.rootToken },
      renewBelowSeconds: 0,
      allowedRedirectHosts: allowed,
    })
  standby.fail({ kind: 'redirect', to: active.url }, Number.POSITIVE_INFINITY)

  await using strict = clientOf([`127.0.0.1:${standby.port}`])
  expect(await failureOf(strict.write('a', { k: 1 }))).toMatchObject({ code: REFUSED })
  expect(active.requests).toEqual([])

  await using client = clientOf([`127.0.0.1:${active.port}`])
  await client.write('a', { k: 1 })
  expect(await client.read('a')).toMatchObject({ data: { k: 1 } })
  expect(active.requests.map(({ method }) => method)).toEqual(['POST', 'GET'])
})

test('names of hosts are checked', () => {
  for (const host of ['', 'a b', 'https://a', 'a/b', 'a:b', 'a:99999', 'u@a', 'a#b', 7]) {
    expect(
      () => fakeClient(() => liveAnswer(), { allowedRedirectHosts: [host as string] }),
      String(host),
    ).toThrow(RangeError)
  }
  expect(() => fakeClient(() => liveAnswer(), { allowedRedirectHosts: 'a' as never })).toThrow(
    TypeError,
  )
})
