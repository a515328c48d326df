import { Client, SetecError } from '@secreg/setec'
import { startSetecServer } from '@secreg/setec/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { asked, base64, bytes, recordingFetch, text } from './support.ts'

async function started(options: Parameters<typeof startSetecServer>[0] = {}) {
  const server = await startSetecServer(options)
  onTestFinished(() => server.close())
  const { sent, fetch } = recordingFetch()
  return { server, sent, client: new Client(server.url, { fetch }) }
}

const failsWith = (code: string, more: object = {}) => ({ name: 'SetecError', code, ...more })

describe('every operation', () => {
  test('goes the way of a secret', async () => {
    const { client } = await started()
    expect(await client.list()).toEqual([])
    expect(await client.put('db/password', 'one')).toBe(1)
    expect(await client.put('db/password', 'one')).toBe(1)
    expect(await client.put('db/password', bytes('two'))).toBe(2)
    expect(await client.get('db/password')).toEqual({ value: bytes('one'), version: 1 })
    await client.activate('db/password', 2)
    expect(text((await client.get('db/password')).value)).toBe('two')
    expect(text((await client.getVersion('db/password', 1)).value)).toBe('one')
    expect((await client.getVersion('db/password', 0)).version).toBe(2)
    await client.createVersion('db/password', 7, Uint8Array.of(0, 255))
    expect(await client.info('db/password')).toEqual({
      name: 'db/password',
      versions: [1, 2, 7],
      activeVersion: 7,
    })
    await client.deleteVersion('db/password', 1)
    await client.createVersion('api-key', 3, '')
    expect(await client.get('api-key')).toEqual({ value: new Uint8Array(0), version: 3 })
    expect(await client.list()).toEqual([
      { name: 'api-key', versions: [3], activeVersion: 3 },
      { name: 'db/password', versions: [2, 7], activeVersion: 7 },
    ])
    await client.delete('db/password')
    await client.delete('never-there')
    expect((await client.list()).map(({ name }) => name)).toEqual(['api-key'])
  })

  test('sends the members of setec’s own client, in its order', async () => {
    const { client, sent } = await started()
    await client.list()
    await client.put('n', 'v')
    await client.get('n')
    await client.getVersion('n', 1)
    await client.getIfChanged('n', 1)
    await client.info('n')
    await client.createVersion('n', 9, 'w')
    await client.activate('n', 1)
    await client.deleteVersion('n', 9)
    await client.delete('n')
    expect(sent.map(({ url, body }) => [new URL(url).pathname, body])).toEqual([
      ['/api/list', '{}'],
      ['/api/put', '{"Name":"n","Value":"dg=="}'],
      ['/api/get', '{"Name":"n","Version":0,"UpdateIfChanged":false}'],
      ['/api/get', '{"Name":"n","Version":1,"UpdateIfChanged":false}'],
      ['/api/get', '{"Name":"n","Version":1,"UpdateIfChanged":true}'],
      ['/api/info', '{"Name":"n"}'],
      ['/api/create-version', '{"Name":"n","Version":9,"Value":"dw=="}'],
      ['/api/activate', '{"Name":"n","Version":1}'],
      ['/api/delete-version', '{"Name":"n","Version":9}'],
      ['/api/delete', '{"Name":"n"}'],
    ])
    expect(new Set(sent.map(({ method, redirect }) => `${method} ${redirect}`))).toEqual(
      new Set(['POST manual']),
    )
  })

  test('gives a value only if it changed', async () => {
    const { client, server, sent } = await started()
    await server.db.put('n', 'one')
    expect(await client.getIfChanged('n', 1)).toBeUndefined()
    await server.db.rotate('n', 'two')
    expect(await client.getIfChanged('n', 1)).toEqual({ value: bytes('two'), version: 2 })
    expect(await client.getIfChanged('n', 4_294_967_295)).toMatchObject({ version: 2 })
    expect(await client.getIfChanged('n', 0)).toMatchObject({ version: 2 })
    expect(asked(sent, 'get').at(-1)).toEqual({ Name: 'n', Version: 0, UpdateIfChanged: false })
  })

  test('takes a value of 1 MiB there and back', async () => {
    const { client } = await started()
    const value = new Uint8Array(1024 * 1024).map((_, index) => index * 7)
    await client.put('big', value)
    expect(Buffer.compare((await client.get('big')).value, value)).toBe(0)
    await expect(client.put('big', new Uint8Array(1024 * 1024 + 1))).rejects.toMatchObject(
      failsWith('ERR_SETEC_STATUS', { status: 413 }),
    )
  })

  test('reaches a server below a path', async () => {
    const { client, server } = await started({ prefix: '/t/tok3n' })
    await client.put('n', 'v')
    expect(text((await server.db.get('n')).value)).toBe('v')
    await expect(new Client(new URL(server.url).origin).get('n')).rejects.toMatchObject({
      status: 400,
    })
  })
})

describe('names', () => {
  test.each([
    'a/../b',
    '..',
    '/',
    '//api/delete',
    'a b\u0000\n\t',
    'ſpäß ☃ 😀',
    '?q#f%2f',
    'a'.repeat(150),
    '__proto__',
    '<&>\u2028',
  ])('%j is opaque, and in no address', async (name) => {
    const { client, server, sent } = await started()
    await client.put(name, 'v')
    expect((await client.list()).map(({ name }) => name)).toEqual([name])
    expect((await client.info(name)).name).toBe(name)
    expect(await client.getIfChanged(name, 1)).toBeUndefined()
    await client.delete(name)
    expect(await server.db.list()).toEqual([])
    expect([...new Set(sent.map(({ url }) => url.replace(server.url, '')))].sort()).toEqual([
      '/api/delete',
      '/api/get',
      '/api/info',
      '/api/list',
      '/api/put',
    ])
  })

  test('must survive the wire', async () => {
    const { client, sent } = await started()
    await expect(client.get('a\ud800')).rejects.toThrow(RangeError)
    await expect(client.put('a', '\udc00')).rejects.toThrow(RangeError)
    expect(sent).toEqual([])
  })
})

describe('failures', () => {
  const reader = [{ action: ['get', 'info'], secret: ['web/*'] }] as const

  test('say what they are by their code', async () => {
    const { server } = await started({ callers: { web: reader } })
    await server.db.put('web/a', 'v')
    const client = new Client(server.urlFor('web'))
    await expect(client.get('web/none')).rejects.toMatchObject(
      failsWith('ERR_SETEC_NOT_FOUND', { operation: 'get', secret: 'web/none', status: 404 }),
    )
    await expect(client.getVersion('web/a', 9)).rejects.toMatchObject(
      failsWith('ERR_SETEC_NOT_FOUND'),
    )
    await expect(client.get('mail/a')).rejects.toMatchObject(
      failsWith('ERR_SETEC_ACCESS_DENIED', { status: 403 }),
    )
    await expect(client.getIfChanged('mail/a', 1)).rejects.toMatchObject(
      failsWith('ERR_SETEC_ACCESS_DENIED'),
    )
    await expect(client.put('web/a', 'v')).rejects.toMatchObject(
      failsWith('ERR_SETEC_ACCESS_DENIED', { operation: 'put' }),
    )
    expect(await client.list()).toHaveLength(1)
    await expect(new Client(server.urlFor('nobody')).list()).rejects.toMatchObject(
      failsWith('ERR_SETEC_UNIDENTIFIED', { status: 401, secret: undefined }),
    )
    await expect(new Client(server.url, { token: 'web' }).list()).resolves.toHaveLength(1)
  })

  test('of versions', async () => {
    const { client } = await started()
    await client.put('n', 'v')
    await expect(client.createVersion('n', 1, 'w')).rejects.toMatchObject(
      failsWith('ERR_SETEC_VERSION_CLAIMED', { status: 412 }),
    )
    await expect(client.deleteVersion('n', 1)).rejects.toMatchObject(
      failsWith('ERR_SETEC_STATUS', { status: 409, message: expect.stringContaining('active') }),
    )
    await expect(client.activate('n', 2)).rejects.toMatchObject(failsWith('ERR_SETEC_NOT_FOUND'))
    await expect(client.put('', 'v')).rejects.toMatchObject({ status: 400 })
  })

  test('of a server that is not there', async () => {
    const { server, client } = await started()
    await server.close()
    const failed = client.get('n')
    await expect(failed).rejects.toMatchObject(
      failsWith('ERR_SETEC_TRANSPORT', { status: undefined, cause: expect.any(Error) }),
    )
    const error: unknown = await failed.catch((error: unknown) => error)
    expect(SetecError.is(error, 'ERR_SETEC_TRANSPORT')).toBe(true)
    expect(SetecError.is(error, 'ERR_SETEC_TIMEOUT')).toBe(false)
    expect(SetecError.is(new Error('other'))).toBe(false)
  })
})

describe('wrong arguments', () => {
  test.each([
    ['get', [7], TypeError],
    ['get', [undefined], TypeError],
    ['getIfChanged', ['n', -1], RangeError],
    ['getIfChanged', ['n', 1.5], RangeError],
    ['getVersion', ['n', 2 ** 32], RangeError],
    ['getVersion', ['n', '1'], TypeError],
    ['info', [null], TypeError],
    ['put', ['n', 7], TypeError],
    ['put', ['n', undefined], TypeError],
    ['put', ['n', [1, 2]], TypeError],
    ['createVersion', ['n', 0, 'v'], RangeError],
    ['createVersion', ['n', Number.NaN, 'v'], RangeError],
    ['createVersion', ['n', 1, { secret: 1 }], TypeError],
    ['activate', ['n', 0], RangeError],
    ['deleteVersion', ['n', 0], RangeError],
    ['delete', [{}], TypeError],
    ['getKeyring', [undefined], TypeError],
  ] as const)('%s(%j) asks nobody', async (method, values, error) => {
    const { client, sent } = await started()
    const call = client[method].bind(client) as (...values: unknown[]) => Promise<unknown>
    await expect(call(...values)).rejects.toThrow(error)
    expect(sent).toEqual([])
  })
})

test('a value leaves by the body only', async () => {
  const { client, sent } = await started()
  await client.put('n', 'canary')
  const [{ url, headers, body } = { url: '', headers: {}, body: '' }] = sent
  expect(url + JSON.stringify(headers)).not.toContain(base64('canary'))
  expect(body).toContain(base64('canary'))
})
