/** Classes 22 and 28 of faults of others (specs: kv2 §5.2): what a client shows when it fails, and where its requests go. */
import { createAuthzenClient } from '@secreg/policy-engine/authzen'
import { createCanary, shownByFailure } from '@secreg/testkit'
import { describe, expect, it } from 'vitest'

type Fetch = typeof globalThis.fetch

const question = (id: string) => ({
  subject: { type: 'account', id: 'alice' },
  action: { name: 'execute' },
  resource: { type: 'secret', id },
})

describe('class 22: what fails shows no token', () => {
  const token = createCanary('token')

  it.each<[string, Fetch]>([
    ['a page that quotes it', async () => new Response(token, { status: 502 })],
    ['an answer that quotes it', async () => new Response(`{"decision":"${token}"`)],
    [
      'a fault of the network',
      async () => {
        throw new TypeError(token, { cause: { code: token } })
      },
    ],
  ])('%s', async (_what, fetch) => {
    const headers = { authorization: `Bearer ${token}` }
    const client = createAuthzenClient({
      baseUrl: 'https://pdp.example.com',
      fetch,
      headers,
      timeoutMs: 200,
    } as never)
    const shown = await shownByFailure(async () => {
      throw new Error(JSON.stringify(await client.evaluate(question('/kv/a'))))
    })
    expect(shown).toContain('unavailable')
    expect(shown).not.toContain(token)
  })

  it('an address with a user is refused without being quoted', async () => {
    for (const baseUrl of [
      `https://a:${token}@pdp.example.com`,
      `https://pdp.example.com/?${token}`,
    ]) {
      const shown = await shownByFailure(() => createAuthzenClient({ baseUrl, fetch }))
      expect(shown).toBeDefined()
      expect(shown).not.toContain(token)
    }
  })
})

describe('class 28: what is asked about is no part of an address', () => {
  it.each(['../../x', '/kv/%2e%2e/x', 'a?b', 'a#b', 'a\0b', 'a\r\nX: y'])('%j', async (id) => {
    const sent: [string, string][] = []
    const fetch: Fetch = async (url, init) => {
      sent.push([String(url), String(init?.body)])
      return new Response('{"decision":true}', { headers: init?.headers as Record<string, string> })
    }
    const client = createAuthzenClient({ baseUrl: 'https://pdp.example.com/t/', fetch })
    await client.evaluate(question(id))
    const [[url, body = ''] = []] = sent
    expect(url).toBe('https://pdp.example.com/t/access/v1/evaluation')
    expect(JSON.parse(body).resource.id).toBe(id)
  })

  it.each([
    'https://pdp.example.com/?x',
    'https://pdp.example.com/#x',
    'https://u:p@pdp.example.com',
    'http://pdp.example.com',
    'ftp://pdp.example.com',
    '//pdp.example.com',
  ])('no base URL: %s', (baseUrl) => {
    expect(() => createAuthzenClient({ baseUrl, fetch })).toThrow(RangeError)
  })
})
