import { SecregError } from '@secreg/protocol'
import {
  pathOf,
  REFUSALS,
  SETEC_OPERATIONS,
  type SetecHead,
  serveSetec,
} from '@secreg/setec/server'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { memorySetec } from '../../src/server/memory-port.ts'
import { bytesOf, failing, HEAD, serve, told } from './serve.ts'

describe('order of the checks', () => {
  test('nothing is asked for before what comes first is in order', async () => {
    const asked: string[] = []
    const run = (head: Partial<SetecHead>, body = 'no json') =>
      serveSetec(
        { ...HEAD, ...head },
        {
          identify: async () => {
            asked.push('identify')
            return memorySetec().portFor(() => false)
          },
          readBody: async () => {
            asked.push('body')
            return bytesOf(body)
          },
        },
      )
    const wrong = { method: 'GET', contentType: 'text/plain', guard: undefined }
    expect(told(await run(wrong))).toBe('400 only POST requests allowed')
    expect(told(await run({ ...wrong, method: 'POST' }))).toBe('400 request body must be json')
    expect(told(await run({ guard: 'Setec' }))).toBe('403 access denied')
    expect(asked).toEqual([])
    expect(told(await run({}))).toBe('400 bad request')
    expect(asked).toEqual(['identify', 'body'])
    expect(told(await run({}, '{"Name":"a"}'))).toBe('403 access denied')
  })

  test.each(['application/json;', 'application/json ', 'Application/json', '', undefined])(
    'content type %s',
    async (contentType) => {
      expect(told(await serve({ head: { contentType } }))).toBe('400 request body must be json')
    },
  )

  test.each([
    '/api/',
    '/api',
    '/api/get/',
    '/api/GET',
    '//api/get',
    '/api/x/../get',
    '/%61pi/get',
    '/api/get%00',
    '/api/__proto__',
    '/api/constructor',
    '',
  ])('no endpoint: %s', async (path) => {
    expect(told(await serve({ head: { path } }))).toBe('400 invalid method')
    expect(told(await serve({ head: { path, method: 'GET' } }))).toBe('404 not found')
  })

  test('a request without its body is told to the log as it is', async () => {
    const lost = new Error('connection lost')
    const exchange = { identify: async () => failing(lost), readBody: () => Promise.reject(lost) }
    expect(await serveSetec(HEAD, exchange)).toMatchObject({ status: 500, cause: lost })
    const large = new SecregError('FRAME_TOO_LARGE', 'the body is too large')
    const refused = await serveSetec(HEAD, { ...exchange, readBody: () => Promise.reject(large) })
    expect(told(refused)).toBe('413 request too large')
  })
})

describe('who cannot be identified', () => {
  const identify = (error: unknown) =>
    serveSetec(HEAD, {
      identify: () => Promise.reject(error),
      readBody: () => Promise.reject(new Error('must not be read')),
    })

  test.each([
    'AUTH_FAILED',
    'SESSION_INVALID',
    'ACCESS_DENIED',
    'INTERNAL',
    'CRYPTO_FAILED',
  ] as const)('%s is 401', async (word) => {
    const answer = await identify(new SecregError(word, 'no'))
    expect(told(answer)).toBe('401 unable to identify caller')
  })

  test('so is any other failure', async () => {
    expect(told(await identify(new TypeError('x')))).toBe('401 unable to identify caller')
    expect(told(await identify(undefined))).toBe('401 unable to identify caller')
  })

  test.each([
    'UNREACHABLE',
    'SEALED',
    'BUSY',
    'TIMEOUT',
    'UNINITIALIZED',
    'SHUTTING_DOWN',
  ] as const)('%s is 503, so that nobody takes it for a wrong credential', async (word) => {
    const answer = await identify(new SecregError(word, 'no', { retryAfterSeconds: 2.5 }))
    expect(answer).toMatchObject({ status: 503, retryAfterSeconds: 3 })
  })

  test('locked out is 429, with when to come again', async () => {
    const locked = new SecregError('AUTH_LOCKED_OUT', 'no', { retryAfterSeconds: 0 })
    expect(await identify(locked)).toMatchObject({ status: 429, retryAfterSeconds: 1 })
  })
})

describe('mistakes of callers', () => {
  const RESERVED = '400 the name is reserved'
  const NO_NAME = '400 invalid name, please specify a name'
  const NO_VERSION = '400 invalid version, please specify a version > 0'
  const all = memorySetec().portFor(() => true)
  const none = memorySetec().portFor(() => false)

  test.each([
    ['put', {}, NO_NAME, NO_NAME],
    ['create-version', {}, NO_NAME, NO_NAME],
    ['create-version', { Name: 'a' }, NO_VERSION, NO_VERSION],
    ['activate', { Version: 1 }, NO_NAME, NO_NAME],
    ['activate', { Name: 'a' }, NO_VERSION, '403 access denied'],
    ['delete-version', { Name: 'a' }, NO_VERSION, '403 access denied'],
    ['delete-version', {}, NO_VERSION, '403 access denied'],
    ['delete-version', { Version: 1 }, '404 not found', '403 access denied'],
    ['get', {}, '404 not found', '403 access denied'],
    ['get', { Version: 1, UpdateIfChanged: true }, '404 not found', '403 access denied'],
    ['info', {}, '404 not found', '403 access denied'],
    ['delete', {}, '200 {}', '403 access denied'],
    ['get', { Name: '_internal/x' }, RESERVED, '403 access denied'],
    ['info', { Name: '_internal/' }, RESERVED, '403 access denied'],
    ['put', { Name: '_internal/x' }, RESERVED, '403 access denied'],
    ['create-version', { Name: '_internal/x', Version: 1 }, RESERVED, '403 access denied'],
    ['activate', { Name: '_internal/x' }, RESERVED, '403 access denied'],
    ['delete-version', { Name: '_internal/x' }, RESERVED, '403 access denied'],
    ['delete', { Name: '_internal/x' }, RESERVED, '403 access denied'],
    ['get', { Name: '_internal' }, '404 not found', '403 access denied'],
    ['put', { Name: 'n'.repeat(506) }, '400 bad request', '400 bad request'],
    ['get', { Name: '/'.repeat(169) }, '400 bad request', '400 bad request'],
  ] as const)('%s %j', async (operation, body, wanted, denied) => {
    const head = { path: pathOf(operation) }
    expect(told(await serve({ head, body, port: all }))).toBe(wanted)
    expect(told(await serve({ head, body, port: none }))).toBe(denied)
  })

  test('a value of more than 1 MiB is refused before it is looked at', async () => {
    const value = (length: number) => Buffer.alloc(length).toString('base64')
    const head = { path: '/api/put' }
    const large = { Name: 'a', Value: value(1_048_577) }
    expect(told(await serve({ head, body: large, port: none }))).toBe('413 request too large')
    const fits = { Name: 'a', Value: value(1_048_576) }
    expect(told(await serve({ head, body: fits }))).toBe('200 1')
  })
})

test('which version is asked for, of what a request says', async () => {
  const asked: string[] = []
  const found = { base64: 'aGk=', version: 5 }
  const port = {
    ...failing(new Error('not of this test')),
    get: async (name: string, version: number) => {
      asked.push(`get ${name} ${version}`)
      return found
    },
    getIfChanged: async (name: string, version: number) => {
      asked.push(`changed ${name} ${version}`)
      return version === 5 ? undefined : found
    },
  }
  const bodies = [
    {},
    { Version: 3 },
    { UpdateIfChanged: true },
    { Version: 0, UpdateIfChanged: true },
    { Version: 3, UpdateIfChanged: true },
    { Version: 5, UpdateIfChanged: true },
    { Version: 5, UpdateIfChanged: false },
  ]
  const statuses: number[] = []
  for (const body of bodies) {
    statuses.push((await serve({ body: { Name: 'a', ...body }, port })).status)
  }
  expect(statuses).toEqual([200, 200, 200, 200, 200, 304, 200])
  expect(asked).toEqual([
    'get a 0',
    'get a 3',
    'get a 0',
    'get a 0',
    'changed a 3',
    'changed a 5',
    'get a 5',
  ])
})

test('names are told as Go writes them', async () => {
  const port = memorySetec().portFor(() => true)
  for (const name of ['<&>', '\u2028\u2029', '\u0001\b\f\u007f', '"\\/', 'é\u{1f600}']) {
    await serve({ head: { path: '/api/put' }, body: { Name: name }, port })
  }
  const { body } = await serve({ head: { path: '/api/list' }, port })
  expect(body.match(/"Name":"(?:[^"\\]|\\.)*"/g)).toEqual([
    '"Name":"\\u0001\\b\\f\u007f"',
    '"Name":"\\"\\\\/"',
    '"Name":"\\u003c\\u0026\\u003e"',
    '"Name":"é\u{1f600}"',
    '"Name":"\\u2028\\u2029"',
  ])
  expect(JSON.parse(body)).toHaveLength(5)
})

test('any bytes to any operation end in an answer that is in the table', async () => {
  const operation = fc.constantFrom(...SETEC_OPERATIONS)
  const body = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.json().map(bytesOf),
    fc
      .record(
        {
          Name: fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('a', '', '_internal/x')),
          Version: fc.oneof(fc.nat(3), fc.maxSafeInteger(), fc.double()),
          Value: fc.oneof(fc.base64String(), fc.array(fc.nat(300))),
          UpdateIfChanged: fc.anything(),
        },
        { requiredKeys: [] },
      )
      .map((value) => bytesOf(JSON.stringify(value))),
  )
  const refusals = new Set([
    ...Object.values(REFUSALS).map(({ status, text }) => `${status} ${text}`),
    '400 invalid name, please specify a name',
    '400 invalid version, please specify a version > 0',
    '400 the name is reserved',
  ])
  const port = memorySetec().portFor((_, name) => !name.startsWith('b'))
  await fc.assert(
    fc.asyncProperty(operation, body, async (op, bytes) => {
      const head = { ...HEAD, path: pathOf(op) }
      const answer = await serveSetec(head, {
        identify: async () => port,
        readBody: async () => bytes,
      })
      if (answer.status === 200) expect(() => JSON.parse(answer.body)).not.toThrow()
      else if (answer.status === 304) expect(answer.body).toBe('')
      else {
        expect(refusals).toContain(told(answer))
        expect(answer.status).not.toBe(500)
      }
    }),
    { numRuns: 2000 },
  )
})
