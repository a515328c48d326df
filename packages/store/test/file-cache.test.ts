import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isCryptoError } from '@secreg/crypto'
import { memoryCache, openStore, sealedCache, staticSource } from '@secreg/store'
import { fileCache, readCacheKey } from '@secreg/store/node'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bytes, FakeClock, FakeSource, faultLog, unreachable } from './support.ts'

const key = new Uint8Array(32).fill(7)
const other = new Uint8Array(32).fill(8)
const unsafe = { code: 'ERR_STORE_FILE_UNSAFE' }
let home: string
let path: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'secreg-store-'))
  path = join(home, 'deep/down/cache')
})
afterEach(() => rmSync(home, { recursive: true }))

const modeOf = (file: string): number => statSync(file).mode & 0o777

describe.each([
  ['encrypted', { key }],
  ['plaintext', { plaintext: true }],
] as const)('%s', (_, options) => {
  test('nothing, then what was written last', async () => {
    const cache = fileCache(path, options)
    expect(await cache.read()).toBeUndefined()
    await cache.write(bytes('one'))
    expect(await cache.read()).toEqual(bytes('one'))
    await cache.write(bytes('two'))
    expect(await fileCache(path, options).read()).toEqual(bytes('two'))
    expect(readdirSync(join(home, 'deep/down'))).toEqual(['cache'])
  })

  test('mode 0600 in directories of 0700, whatever the umask', async () => {
    const before = process.umask(0)
    try {
      await fileCache(path, options).write(bytes('one'))
    } finally {
      process.umask(before)
    }
    expect(modeOf(path)).toBe(0o600)
    expect([modeOf(join(home, 'deep')), modeOf(join(home, 'deep/down'))]).toEqual([0o700, 0o700])
  })

  test('a directory that is there stays as it is', async () => {
    mkdirSync(join(home, 'deep/down'), { recursive: true })
    chmodSync(join(home, 'deep/down'), 0o755)
    await fileCache(path, options).write(bytes('one'))
    expect(modeOf(join(home, 'deep/down'))).toBe(0o755)
  })

  const refused: [string, (path: string) => void][] = [
    ['a symbolic link', (path) => symlinkSync(join(home, 'target'), path)],
    ['a directory', (path) => mkdirSync(path)],
    ['a file that the group may read', (path) => writeFileSync(path, 'x', { mode: 0o640 })],
    ['a file that anybody may read', (path) => writeFileSync(path, 'x', { mode: 0o604 })],
    ['a file that others may write', (path) => writeFileSync(path, 'x', { mode: 0o602 })],
  ]
  test.each(refused)('%s is neither read nor replaced', async (_, make) => {
    const before = process.umask(0)
    mkdirSync(join(home, 'deep/down'), { recursive: true })
    writeFileSync(join(home, 'target'), 'target', { mode: 0o600 })
    make(path)
    process.umask(before)
    const { ino } = lstatSync(path)
    const cache = fileCache(path, options)
    await expect(cache.read()).rejects.toMatchObject(unsafe)
    await expect(cache.write(bytes('one'))).rejects.toMatchObject(unsafe)
    expect(lstatSync(path).ino).toBe(ino)
    expect(readFileSync(join(home, 'target'), 'utf8')).toBe('target')
    expect(readdirSync(join(home, 'deep/down'))).toEqual(['cache'])
  })

  test("somebody else's file is refused", async () => {
    // Of the system's, not of this user: as root, of somebody who is not.
    const uid = process.geteuid as () => number
    mkdirSync(join(home, 'deep/down'), { recursive: true })
    writeFileSync(path, 'x', { mode: 0o600 })
    process.geteuid = () => uid() + 1
    try {
      const cache = fileCache(path, options)
      await expect(cache.read()).rejects.toMatchObject(unsafe)
      await expect(cache.write(bytes('one'))).rejects.toMatchObject(unsafe)
    } finally {
      process.geteuid = uid
    }
  })

  test('what an interrupted write left is removed, and nothing else', async () => {
    const folder = join(home, 'deep/down')
    mkdirSync(folder, { recursive: true })
    const kept = ['cache.bak', 'cache.0123456789abcdef', 'other.0123456789abcdef.tmp']
    for (const name of [...kept, 'cache.0123456789abcdef.tmp'])
      writeFileSync(join(folder, name), '')
    await fileCache(path, options).write(bytes('one'))
    expect(readdirSync(folder).sort()).toEqual(['cache', ...kept].sort())
  })

  test('a write that fails leaves the old content and no rest', async () => {
    const cache = fileCache(path, options)
    await cache.write(bytes('one'))
    rmSync(path)
    mkdirSync(path)
    await expect(cache.write(bytes('two'))).rejects.toMatchObject(unsafe)
    expect(readdirSync(join(home, 'deep/down'))).toEqual(['cache'])
    const blocked = fileCache(join(home, 'file/cache'), options)
    writeFileSync(join(home, 'file'), '')
    await expect(blocked.write(bytes('x'))).rejects.toThrow()
  })
})

describe('encryption', () => {
  test('the file shows nothing of its content, and differs each time', async () => {
    const cache = fileCache(path, { key })
    const content = bytes('{"treasure":"treasure"}')
    await cache.write(content)
    const first = readFileSync(path)
    await cache.write(content)
    const second = readFileSync(path)
    expect(first.toString('latin1')).not.toContain('treasure')
    expect(first.subarray(0, 16).toString()).toBe('secreg-cache v1\n')
    expect(first).toHaveLength(16 + 24 + content.length + 16)
    expect(first.equals(second)).toBe(false)
  })

  test('another key does not open it', async () => {
    await fileCache(path, { key }).write(bytes('one'))
    const error = await fileCache(path, { key: other })
      .read()
      .catch((error: unknown) => error)
    expect(isCryptoError(error, 'ERR_CRYPTO_OPEN')).toBe(true)
  })

  test('a changed bit anywhere, or a missing end, is refused', async () => {
    const inner = memoryCache()
    const cache = sealedCache(inner, { key })
    await cache.write(bytes('content'))
    const sealed = (await inner.read()) as Uint8Array
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const changed = sealed.slice()
      changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7))
      await inner.write(changed)
      await expect(cache.read()).rejects.toThrow()
    }
    for (let length = 0; length < sealed.length; length++) {
      await inner.write(sealed.subarray(0, length))
      await expect(cache.read()).rejects.toThrow()
    }
  })

  test('any content comes back', async () => {
    const cache = sealedCache(memoryCache(), { key })
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (content) => {
        await cache.write(content)
        expect(await cache.read()).toEqual(content)
      }),
    )
  })

  test('the key is copied', async () => {
    const mine = key.slice()
    const cache = fileCache(path, { key: mine })
    await cache.write(bytes('one'))
    mine.fill(0)
    expect(await cache.read()).toEqual(bytes('one'))
  })

  const wrong: [string, unknown, typeof TypeError | typeof RangeError][] = [
    ['nothing', undefined, TypeError],
    ['neither', {}, TypeError],
    ['plaintext: false', { plaintext: false }, TypeError],
    ['both', { key, plaintext: true }, TypeError],
    ['a key that is text', { key: 'k'.repeat(32) }, TypeError],
    ['a short key', { key: new Uint8Array(31) }, RangeError],
  ]
  test.each(wrong)('wrong options: %s', (_, options, type) => {
    expect(() => fileCache(path, options as never)).toThrow(type)
  })

  test.each([
    [1, TypeError],
    ['', RangeError],
    ['a\0b', RangeError],
  ])('wrong path %j', (wrongPath, type) => {
    expect(() => fileCache(wrongPath as string, { key })).toThrow(type)
  })

  test('a key of a key file is of this purpose and always the same', async () => {
    const file = join(home, 'key')
    writeFileSync(file, new Uint8Array(32).fill(1), { mode: 0o600 })
    const made = await readCacheKey(file)
    expect(made).toHaveLength(32)
    expect(made).toEqual(await readCacheKey(file))
    expect(made).not.toEqual(new Uint8Array(32).fill(1))
    chmodSync(file, 0o644)
    await expect(readCacheKey(file)).rejects.toMatchObject({ code: 'ERR_CRYPTO_KEY_FILE_UNSAFE' })
  })
})

describe('a store on it', () => {
  test('comes up while the source is away; the first use says nothing', async () => {
    const { faults, onError } = faultLog()
    const clock = new FakeClock()
    const source = new FakeSource(clock, { a: 'treasure' })
    const options = { source, secrets: ['a'], clock, onError } as const
    await (await openStore({ ...options, cache: fileCache(path, { key }) })).close()
    expect(faults).toEqual([])
    source.failures.set('*', unreachable())
    await using store = await openStore({ ...options, cache: fileCache(path, { key }) })
    expect(store.secret('a').text()).toBe('treasure')
    expect(readFileSync(path, 'latin1')).not.toContain(btoa('treasure'))
  })

  test.each([
    ['a cut-off file', () => truncateSync(path, 20)],
    ['an empty file', () => truncateSync(path, 0)],
    ['the plaintext of before', () => writeFileSync(path, '{"a":{}}')],
    ['a file that others may read', () => chmodSync(path, 0o644)],
  ])('%s counts as empty, and is said', async (_, damage) => {
    const { faults, onError } = faultLog()
    const source = staticSource({ a: 'A' })
    const cache = fileCache(path, { key })
    await (await openStore({ source, secrets: ['a'], cache })).close()
    expect(existsSync(path)).toBe(true)
    damage()
    const store = await openStore({ source, secrets: ['a'], cache, onError })
    expect(store.secret('a').text()).toBe('A')
    expect(faults).toMatchObject([{ kind: 'cache-read' }])
    await store.close()
  })
})
