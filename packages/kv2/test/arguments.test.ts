/** Wrong arguments are told before anything is sent, and no message quotes a credential or a value. */
import { createKv2Client, type Kv2Client, type Kv2ClientOptions } from '@secreg/kv2'
import { createNodeTransport, type NodeTransportOptions } from '@secreg/kv2/node'
import { createCanary } from '@secreg/testkit'
import { describe, expect, test } from 'vitest'
import { answer, fakeClient } from './fake-transport.ts'

const canary = createCanary()
const transport = { send: async () => answer(204) }
const good: Kv2ClientOptions = { url: 'https://kv.example', transport, auth: { token: 'hvs.x' } }

test.each<[what: string, change: Record<string, unknown>, error: typeof TypeError]>([
  ['no address', { url: undefined }, TypeError],
  ['an address that is none', { url: canary }, RangeError],
  ['another scheme', { url: `ftp://${canary}` }, RangeError],
  ['a user in the address', { url: `https://u:${canary}@kv.example` }, RangeError],
  ['a query in the address', { url: `https://kv.example/?t=${canary}` }, RangeError],
  ['an empty query', { url: 'https://kv.example/?' }, RangeError],
  ['a fragment in the address', { url: 'https://kv.example/#' }, RangeError],
  ['no TLS', { url: 'http://kv.example' }, RangeError],
  [
    'no TLS to a name that begins like this machine',
    { url: 'http://127.0.0.1.evil.example' },
    RangeError,
  ],
  ['no transport', { transport: undefined }, TypeError],
  ['a transport that is none', { transport: {} }, TypeError],
  ['no credentials', { auth: undefined }, TypeError],
  ['empty credentials', { auth: {} }, TypeError],
  ['both kinds', { auth: { token: canary, roleId: 'r', secretId: 's' } }, TypeError],
  ['a token that is a number', { auth: { token: 7 } }, TypeError],
  ['an empty token', { auth: { token: '' } }, RangeError],
  ['a token with a line end', { auth: { token: `${canary}\r\nX: y` } }, RangeError],
  ['a token with a blank', { auth: { token: `${canary} x` } }, RangeError],
  ['no secret', { auth: { roleId: canary } }, TypeError],
  ['an empty role', { auth: { roleId: '', secretId: canary } }, TypeError],
  ['no mount of the login', { auth: { roleId: 'r', secretId: canary, authMount: '' } }, RangeError],
  ['a namespace with a line end', { namespace: 'a\nb' }, RangeError],
  ['a namespace that is a list', { namespace: ['a'] }, TypeError],
  ['no time', { timeoutMs: 0 }, RangeError],
  ['endless time', { timeoutMs: Number.POSITIVE_INFINITY }, RangeError],
  ['time as text', { timeoutMs: '5' }, TypeError],
  ['too small answers', { maxAnswerBytes: 1023 }, RangeError],
  ['no room', { maxConcurrent: 0 }, RangeError],
  ['a negative threshold', { renewBelowSeconds: -1 }, RangeError],
  ['no failures', { circuit: { failures: 0 } }, RangeError],
  ['no time to be open', { circuit: { openMs: 0.5 } }, RangeError],
])('a client with %s is refused', (_what, change, error) => {
  const make = () => createKv2Client({ ...good, ...change } as Kv2ClientOptions)
  expect(make).toThrow(error)
  expect(make).not.toThrow(canary)
})

test('without TLS only this machine is reached, unless told', () => {
  for (const host of ['127.0.0.1:8200', '127.1.2.3', 'localhost', '[::1]:8200']) {
    createKv2Client({ ...good, url: `http://${host}` })
  }
  createKv2Client({ ...good, url: 'http://kv.example', allowPlainHttp: true })
})

test('options must be an object', () => {
  for (const options of [undefined, null, 'x']) {
    expect(() => createKv2Client(options as never)).toThrow(TypeError)
  }
  expect(() => createNodeTransport(null as never)).toThrow(TypeError)
})

test.each<[what: string, options: Record<string, unknown>, error: typeof TypeError]>([
  ['no connections', { poolSize: 0 }, RangeError],
  ['too many connections', { poolSize: 1001 }, RangeError],
  ['no time to connect', { connectTimeoutMs: 0 }, RangeError],
  ['idle time as text', { idleTimeoutMs: '1' }, TypeError],
  ['verification as text', { verifyTls: 'false' }, TypeError],
])('a transport with %s is refused', (_what, options, error) => {
  expect(() => createNodeTransport(options as NodeTransportOptions)).toThrow(error)
})

describe('a call', () => {
  const cyclic: Record<string, unknown> = { [canary]: 1 }
  cyclic[canary] = cyclic

  test.each<[what: string, call: (client: Kv2Client) => Promise<unknown>, error: typeof TypeError]>(
    [
      ['a version of 0', (client) => client.read('a', { version: 0 }), RangeError],
      [
        'a version that is text',
        (client) => client.read('a', { version: '1' as never }),
        TypeError,
      ],
      ['a depth of 0', (client) => client.subkeys('a', { depth: 0 }), RangeError],
      ['data that is a list', (client) => client.write('a', [] as never), TypeError],
      ['data that is null', (client) => client.write('a', null as never), TypeError],
      ['data that is text', (client) => client.write('a', canary as never), TypeError],
      ['data that holds itself', (client) => client.write('a', cyclic as never), TypeError],
      ['data with a large integer', (client) => client.write('a', { k: 1n } as never), TypeError],
      [
        'data that becomes no object',
        (client) => client.write('a', { toJSON: () => canary } as never),
        TypeError,
      ],
      ['a negative version', (client) => client.write('a', {}, { cas: -1 }), RangeError],
      ['half a version', (client) => client.patch('a', {}, { cas: 0.5 }), RangeError],
      ['no versions', (client) => client.deleteVersions('a', []), RangeError],
      ['versions that are no list', (client) => client.undelete('a', 1 as never), TypeError],
      ['a version 0 among others', (client) => client.destroyVersions('a', [1, 0]), RangeError],
      ['no settings', (client) => client.writeMetadata('a', null as never), TypeError],
      ['a negative limit', (client) => client.writeMetadata('a', { maxVersions: -1 }), RangeError],
      [
        'a limit that is null',
        (client) => client.writeMetadata('a', { maxVersions: null as never }),
        TypeError,
      ],
      [
        'a flag that is text',
        (client) => client.patchMetadata('a', { casRequired: 'x' as never }),
        TypeError,
      ],
      [
        'a negative duration',
        (client) => client.writeMetadata('a', { deleteVersionAfter: '-1s' }),
        RangeError,
      ],
      [
        'a duration that is none',
        (client) => client.writeMetadata('a', { deleteVersionAfter: 'soon' }),
        RangeError,
      ],
      [
        'a duration that is a number',
        (client) => client.writeMetadata('a', { deleteVersionAfter: 5 as never }),
        TypeError,
      ],
      [
        'a map that is a list',
        (client) => client.writeMetadata('a', { customMetadata: [] as never }),
        TypeError,
      ],
      [
        'a value that is null',
        (client) => client.writeMetadata('a', { customMetadata: { a: null as never } }),
        TypeError,
      ],
      [
        'a value that is a number',
        (client) => client.patchMetadata('a', { customMetadata: { a: 1 as never } }),
        TypeError,
      ],
      [
        'a value that is empty',
        (client) => client.patchMetadata('a', { customMetadata: { a: '' } }),
        RangeError,
      ],
      [
        'a value that is too long',
        (client) =>
          client.patchMetadata('a', { customMetadata: { a: `${canary}${'é'.repeat(250)}` } }),
        RangeError,
      ],
      [
        'a value that does not print',
        (client) => client.patchMetadata('a', { customMetadata: { a: `${canary}\n` } }),
        RangeError,
      ],
      [
        'a key that is empty',
        (client) => client.patchMetadata('a', { customMetadata: { '': 'x' } }),
        RangeError,
      ],
      [
        'a key that is too long',
        (client) => client.patchMetadata('a', { customMetadata: { ['k'.repeat(129)]: 'x' } }),
        RangeError,
      ],
      [
        'too many keys',
        (client) =>
          client.patchMetadata('a', {
            customMetadata: Object.fromEntries(
              Array.from({ length: 65 }, (_, i) => [`k${i}`, 'x']),
            ),
          }),
        RangeError,
      ],
      [
        'a negative metadata version',
        (client) => client.writeMetadata('a', {}, { metadataCas: -1 }),
        RangeError,
      ],
      ['a limit of 0 names', (client) => client.list('', { limit: 0 }), RangeError],
      ['a name that is a number', (client) => client.list('', { after: 1 as never }), TypeError],
      [
        'a name that is half a character',
        (client) => client.list('', { after: '\ud800' }),
        RangeError,
      ],
      ['no path', (client) => client.read(undefined as never), TypeError],
    ],
  )('with %s is rejected', async (_what, call, error) => {
    const { client, transport } = fakeClient(() => answer(204))
    const failed = await call(client).catch((error: unknown) => error)
    expect(failed).toBeInstanceOf(error)
    expect(String(failed)).not.toContain(canary)
    expect((failed as Error).cause).toBeUndefined()
    expect(transport.requests).toEqual([])
  })
})

test('queries are encoded', async () => {
  const { client, transport } = fakeClient(() => answer(404, { errors: [] }))
  await client.list('a/b', { after: 'x&list=false#', limit: 2 })
  await client.subkeys('a', { version: 3, depth: 2 })
  expect(transport.calls).toEqual([
    'GET secret/metadata/a/b/?list=true&after=x%26list%3Dfalse%23&limit=2',
    'GET secret/subkeys/a?version=3&depth=2',
  ])
})
