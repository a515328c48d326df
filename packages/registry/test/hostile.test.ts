import { CryptoError } from '@secreg/crypto'
import { SecregError } from '@secreg/protocol'
import { parseRequest, REQUESTS, type RequestName } from '@secreg/protocol/messages'
import { asSecregError } from '@secreg/registry'
import { StorageError } from '@secreg/storage'
import { ZonesError } from '@secreg/zones'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { errorPayload } from '../src/error-payload.ts'
import { PEER, reason, start } from './fixture.ts'

const names = Object.keys(REQUESTS).filter((name) => !['hello', 'logout'].includes(name))
const word = fc.oneof(
  fc.constantFrom('/', '/a', '/a/b', '/app/', '__proto__', '/__proto__', 'begin', 'stage', 'diff'),
  fc.constantFrom(
    'commit',
    'abort',
    'add',
    'remove',
    'roles',
    'root',
    'init',
    'lock',
    'audit',
    'json',
  ),
  fc.string({ maxLength: 20, unit: 'binary' }),
)
const scalar = fc.oneof(word, fc.double(), fc.integer(), fc.boolean(), fc.constant(null))
const member = fc.oneof(scalar, fc.array(scalar, { maxLength: 4 }), fc.jsonValue({ maxDepth: 3 }))
const MEMBERS = [
  'key',
  'value',
  'type',
  'encrypt',
  'if_version',
  'if_type',
  'recursive',
  'prefix',
  'limit',
  'after',
  'detail',
  'user',
  'action',
  'op',
  'import',
  'entries',
  'cursor',
  'with_secrets',
  'username',
  'password',
  'old_password',
  'new_password',
  'passphrase',
  'decrypt',
  '__proto__',
  'constructor',
]
const payload = fc.dictionary(fc.constantFrom(...MEMBERS), member, { maxKeys: 6 })

test('any payload is answered, or refused with our own error, and the registry lives on', async () => {
  const home = await start({
    attemptLimits: { pair: { failures: 1e6, windowMs: 1, lockMs: 1, maxKeys: 10 } },
  })
  const { registry, admin, api } = home
  await api.set({ key: '/keep', value: 'x' })
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...names), payload, async (name, body) => {
      try {
        const request = parseRequest(name as RequestName, JSON.parse(JSON.stringify(body)))
        if (name === 'auth') await registry.login(PEER, request as never)
        else if (name === 'seal') {
          if ((request as { op: string }).op === 'lock') return
          await registry.initialize(PEER, request as never)
        } else {
          const handler = api[name as 'get'] as (typeof api)['get'] | undefined
          if (handler === undefined) return
          await handler(request as never)
        }
      } catch (error) {
        expect(SecregError.is(error)).toBe(true)
        const { code, name: status, reason: word } = errorPayload(error as SecregError)
        expect([code, status, word]).not.toContain(undefined)
        expect(word).not.toBe('INTERNAL')
      }
    }),
    { numRuns: 3000 },
  )
  expect(await registry.as(admin).list({ prefix: '/' })).toBeDefined()
  expect(({} as Record<string, unknown>)['key']).toBeUndefined()
})

test('a native value that JSON parsing changed is refused, and the old one stays', async () => {
  const { api } = await start()
  await api.set({ key: '/a', value: 'old' })
  for (const text of ['9007199254740993', '1e400', '[1e400]', '{"a":9007199254740993}', '-0']) {
    const request = JSON.parse(`{"key":"/a","value":${text}}`)
    await expect((async () => api.set(parseRequest('set', request)))()).rejects.toEqual(
      reason('VALUE_INVALID'),
    )
  }
  expect(await api.get({ key: '/a' })).toMatchObject({ value: 'old', version: 1 })
})

test('members named __proto__ are stored as they came', async () => {
  const { api } = await start()
  const text = '{"key":"/a","value":{"__proto__":{"x":1},"constructor":{"prototype":{"y":1}}}}'
  await api.set(parseRequest('set', JSON.parse(text)))
  expect(await api.get({ key: '/a' })).toMatchObject({
    type: 'json',
    value: '{"__proto__":{"x":1},"constructor":{"prototype":{"y":1}}}',
  })
  await api.set({ key: '/__proto__/constructor', value: 'x' })
  expect(await api.get({ key: '/__proto__/constructor' })).toMatchObject({ value: 'x' })
  expect(({} as Record<string, unknown>)['x']).toBeUndefined()
})

test('an error tells a peer its reason and never what caused it', () => {
  const error = new SecregError('INTERNAL', 'an internal fault', {
    cause: new Error('secret value'),
    retryAfterSeconds: 3,
  })
  expect(errorPayload(error, { type: 3, id: 'x' })).toEqual({
    code: 7,
    name: 'DatabaseError',
    message: 'an internal fault',
    reason: 'INTERNAL',
    errno: 999,
    request_type: 3,
    id: 'x',
    retry_after: 3,
  })
})

test('what store, keys and accounts throw becomes an error of ours, with its documented status', () => {
  const cases = [
    [new StorageError('ERR_STORAGE_FULL', 'x'), 'STORAGE_FULL', 7],
    [new StorageError('ERR_STORAGE_OUTCOME_UNKNOWN', 'x'), 'OUTCOME_UNKNOWN', 7],
    [new StorageError('ERR_STORAGE_CORRUPT', 'x'), 'STORAGE_CORRUPT', 7],
    [new StorageError('ERR_STORAGE_CLOSED', 'x'), 'STORAGE_FAILED', 7],
    [new CryptoError('ERR_CRYPTO_OPEN'), 'CRYPTO_FAILED', 8],
    [new CryptoError('ERR_CRYPTO_BUSY'), 'BUSY', 6],
    [new ZonesError('ERR_ZONES_ACCOUNT_CORRUPT', 'x'), 'STORAGE_CORRUPT', 7],
    [new TypeError('x'), 'INTERNAL', 7],
    [undefined, 'INTERNAL', 7],
  ] as const
  for (const [cause, word, status] of cases) {
    expect(asSecregError(cause)).toMatchObject({ reason: word, status, cause })
  }
  const own = new SecregError('BUSY', 'x')
  expect(asSecregError(own)).toBe(own)
})
