/** Classes 22 and 28 of faults of others (specs: kv2 §5.2): what a client shows when it fails, and where its requests go. */
import { createSecretsClient } from '@secreg/secrets-api/client'
import { createCanary, shownByFailure } from '@secreg/testkit'
import { describe, expect, test } from 'vitest'
import { allOf, serve } from './server.ts'

const API = 'openbao+kv2://secret/app/api'

describe('class 22: what fails shows neither credential nor value', () => {
  const token = createCanary('token')
  const proof = createCanary('proof')
  const value = createCanary('value')
  const text = `${token} ${proof} ${value}`
  const error = { error: text, code: text, message: text, correlation_id: text, details: { text } }

  test.each([
    ['a refusal that quotes all', 403, { ...error, code: 'SECRET_AUTHZ_FAILED' }],
    ['a refusal that is none', 403, error],
    ['an answer that is none', 200, text],
    ['another answer', 200, { uri: text, value: [text], version: text, status: text }],
    ['a redirect', 302, ''],
  ])('%s', async (_what, status, body) => {
    const headers = status === 302 ? { Location: `https://${token}.example/` } : {}
    const { url } = await serve(() => [status, body, headers])
    const client = createSecretsClient({ url, token, proof: async () => proof })
    for (const call of [
      () => client.write(`${API}#key`, value),
      () => client.rotate(API, { key: value }),
      () => client.bulk([{ op: 'set', uri: API, value: { key: value } }]),
      () => client.metadata(API),
      () => allOf(client.search('x')),
    ]) {
      const shown = await shownByFailure(call)
      expect(shown).toBeDefined()
      for (const secret of [token, proof, value]) expect(shown).not.toContain(secret)
    }
  })

  test('a server that is not there', async () => {
    const client = createSecretsClient({ url: 'http://127.0.0.1:1', token })
    const shown = await shownByFailure(() => client.write(`${API}#key`, value))
    expect(shown).toBeDefined()
    for (const secret of [token, value]) expect(shown).not.toContain(secret)
  })
})

describe('class 28: no name leads anywhere else', () => {
  const HOSTILE = [
    '..',
    '../..',
    '%2e%2e',
    'a%2fb',
    'a?version=1&x',
    'a#b#c',
    'a\0b',
    'a\nb',
    'a\r\nHost: x',
    'a&destroy=true',
    'a b',
    '*',
  ]

  test.each(HOSTILE)('as part of a URI, %j is refused before anything is sent', async (name) => {
    const { url, came } = await serve(() => [200, {}])
    const client = createSecretsClient({ url })
    for (const uri of [`openbao+kv2://secret/${name}`, `openbao+kv2://${name}/app/api`]) {
      const calls = [
        () => client.value(uri),
        () => client.delete(uri),
        () => client.write(uri, 'x'),
        () => client.copy(API, uri),
        () => client.list(uri),
        () => allOf(client.search('x', { prefix: uri })),
        () => client.bulk([{ op: 'delete', uri }]),
      ]
      for (const call of calls) expect(await shownByFailure(call)).toBeDefined()
    }
    expect(came).toEqual([])
  })

  test.each(HOSTILE)('as what is looked for, %j is one parameter', async (text) => {
    const { url, came } = await serve(() => [200, { items: [], total: 0, offset: 0, limit: 100 }])
    await allOf(createSecretsClient({ url }).search(text))
    expect(came.map(({ path }) => path)).toEqual(['/api/secrets/search'])
    expect(came[0]?.query).toBe(`q=${encodeURIComponent(text)}&offset=0`)
  })
})
