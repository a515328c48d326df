import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  Client,
  memoryCache,
  openSetecStore,
  type SecretCache,
  type StoreFault,
} from '@secreg/setec'
import { fileCache, fileSource, readCacheKey, staticFile, staticTextFile } from '@secreg/setec/node'
import { manualClock } from '@secreg/setec/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { base64, bytes, text } from './support.ts'

let home: string
let path: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'secreg-setec-'))
  path = join(home, 'cache', 'secrets.json')
})
afterEach(() => rmSync(home, { recursive: true }))

/** As setec's own store writes one (client/setec/store.go, cachedSecret), with an entry of versions alone too. */
const GO_CACHE = `{"only":{"secret":null,"versions":{"5":"${base64('only 5')}"},"lastAccess":"1700000000"},"web/key":{"secret":{"Value":"${base64('key 7')}","Version":7},"versions":{"5":"${base64('key 5')}","7":"${base64('key 7')}"},"lastAccess":"1700000000"},"web/url":{"secret":{"Value":"${base64('https://db')}","Version":2},"lastAccess":"0"}}`

/** A store whose server cannot be reached. */
async function offline(cache: SecretCache, more = {}) {
  const faults: StoreFault[] = []
  const client = new Client('http://setec.test', {
    fetch: () => Promise.reject(new Error('no route')),
  })
  const store = await openSetecStore({
    client,
    secrets: ['web/key', 'web/url'],
    cache,
    clock: manualClock(),
    onError: (fault) => void faults.push(fault),
    ...more,
  })
  return { store, faults }
}

describe('a cache of setec’s own store', () => {
  test('is read, with its versions', async () => {
    const { store, faults } = await offline(memoryCache(bytes(GO_CACHE)), { allowLookup: true })
    expect(store.secret('web/key')?.text()).toBe('key 7')
    expect(store.secret('web/url')?.version).toBe(2)
    expect(text(await store.versionedSecret('web/key').getVersion(5))).toBe('key 5')
    expect(text(await store.versionedSecret('only').getVersion(5))).toBe('only 5')
    expect(faults.filter(({ kind }) => kind.startsWith('cache'))).toEqual([])
    await store.close()
  })

  test('is written so that setec’s own store takes it', async () => {
    const cache = memoryCache(bytes(GO_CACHE))
    const { store } = await offline(cache, { allowLookup: true })
    await store.close()
    const written = text(await cache.read())
    // That store throws a cache away which has an entry without a secret.
    expect(Object.keys(JSON.parse(written))).toEqual(['web/key', 'web/url'])
    expect(written).toContain(`"versions":{"5":"${base64('key 5')}","7":"${base64('key 7')}"}`)
    expect(written).toMatch(/"lastAccess":"\d+"/)
  })

  test.each([
    [
      'versions that are none',
      '"versions":{"x":"eA==","0":"eA==","4294967296":"eA==","5":7,"6":"!"}',
    ],
    ['versions that are no object', '"versions":[1]'],
    ['a last access that is none', '"versions":{"5":"eA=="},"lastAccess":"soon"'],
  ])('with %s does no harm', async (_, members) => {
    const cache = memoryCache(bytes(`{"only":{${members}}}`))
    const faults: StoreFault[] = []
    const client = new Client('http://setec.test', {
      fetch: () => Promise.reject(new Error('no route')),
    })
    const store = await openSetecStore({
      client,
      allowLookup: true,
      cache,
      clock: manualClock(),
      onError: (fault) => void faults.push(fault),
    })
    const only = store.versionedSecret('only')
    const got = await only.getVersion(5).then(text, (error: { code: string }) => error.code)
    expect(got).toBe(members.includes('"5":"eA=="') ? 'x' : 'ERR_SETEC_TRANSPORT')
    expect(faults).toEqual([])
    await store.close()
  })

  test('is written without what is no version', async () => {
    const secret = `"secret":{"Value":"${base64('v')}","Version":1}`
    const versions =
      '"versions":{"x":"eA==","0":"eA==","1.5":"eA==","4294967296":"eA==","7":"eA=="}'
    const cache = memoryCache(bytes(`{"web/key":{${secret},${versions}},"web/url":{${secret}}}`))
    const { store } = await offline(cache, { allowLookup: true })
    await store.close()
    expect(JSON.parse(text(await cache.read()))).toMatchObject({
      'web/key': { versions: { 7: 'eA==' } },
    })
    expect(text(await cache.read())).toContain('"versions":{"7":"eA=="}')
  })

  test.each(['', 'null', '[]', '{', '{"a":7}', '7'])('%j counts as empty', async (content) => {
    const cache = memoryCache(bytes(content))
    const client = new Client('http://setec.test', {
      fetch: async () => new Response(`{"Value":"${base64('v')}","Version":1}`),
    })
    await using store = await openSetecStore({ client, secrets: ['a'], allowLookup: true, cache })
    expect(store.secret('a')?.text()).toBe('v')
  })
})

describe('files', () => {
  test('a plaintext cache is private, and a source of its own', async () => {
    const cache = fileCache(path, { plaintext: true })
    const client = new Client('http://setec.test', {
      fetch: async (_, { body }) => {
        const { Name, Version } = JSON.parse(body) as { Name: string; Version: number }
        const version = Version === 0 ? 9 : Version
        return new Response(
          JSON.stringify({ Value: base64(`${Name} ${version}`), Version: version }),
        )
      },
    })
    const faults: StoreFault[] = []
    const store = await openSetecStore({
      client,
      secrets: ['a'],
      allowLookup: true,
      cache,
      onError: (fault) => void faults.push(fault),
    })
    await store.versionedSecret('a').getVersion(3)
    await store.close()
    // A file that is not there yet is no fault.
    expect(faults).toEqual([])
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(statSync(join(home, 'cache')).mode & 0o777).toBe(0o700)
    expect(readFileSync(path, 'utf8')).toContain(`"versions":{"3":"${base64('a 3')}"}`)
    await using fromFile = await openSetecStore({ client: await fileSource(path), secrets: ['a'] })
    expect([fromFile.secret('a').text(), fromFile.secret('a').version]).toEqual(['a 9', 9])
  })

  test('an encrypted one shows neither secrets nor versions', async () => {
    const keyFile = join(home, 'key')
    writeFileSync(keyFile, bytes('k'.repeat(64)), { mode: 0o600 })
    const key = await readCacheKey(keyFile)
    const { store } = await offline(memoryCache(bytes(GO_CACHE)))
    await store.close()
    const cache = fileCache(path, { key })
    await cache.write(bytes(GO_CACHE))
    const { store: again } = await offline(cache, { allowLookup: true })
    expect(text(await again.versionedSecret('web/key').getVersion(5))).toBe('key 5')
    await again.close()
    // Longer than what random bytes have in them by chance.
    expect(readFileSync(path, 'latin1')).not.toMatch(/web\/key|versions|a2V5IDU/)
  })

  test('a file of secrets takes the place of a server', async () => {
    const file = join(home, 'secrets.json')
    writeFileSync(
      file,
      `{"a":{"secret":{"Value":"${base64('bytes')}","Version":1}},"b":{"secret":{"TextValue":"text","Version":5}},"c":{"secret":{"Value":"eA==","Version":0}},"d":{}}`,
    )
    const client = await fileSource(file)
    await using store = await openSetecStore({ client, secrets: ['a', 'b'] })
    expect([store.secret('a').text(), store.secret('b').text()]).toEqual(['bytes', 'text'])
    expect(store.secret('b').version).toBe(5)
    await expect(openSetecStore({ client, secrets: ['a', 'c', 'd'] })).rejects.toMatchObject({
      names: ['c', 'd'],
    })
  })

  test('single secrets are files too', async () => {
    const file = join(home, 'token')
    writeFileSync(file, ' token \n')
    expect((await staticFile(file)).text()).toBe(' token \n')
    expect((await staticTextFile(file)).text()).toBe('token')
  })
})
