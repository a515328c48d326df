/** The caching store over a real daemon: stopped, restarted, killed, frozen, denying, rotating every 10 ms. */
import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { connectRegistry, SecregError } from '@secreg/client'
import {
  openStore,
  type RegistrySource,
  registrySource,
  type Secret,
  StoreError,
  type StoreFault,
} from '@secreg/store'
import { fileCache } from '@secreg/store/node'
import { waitFor } from '@secreg/testkit'
import { describe, expect, test } from 'vitest'
import { ADMIN, PASSWORD, type Site, startSite } from '../lib/site.ts'
import type { Wire } from '../lib/wire.ts'

const KEY = '/app/secret'

/** Secrets of a site, as a program would have them. */
function sourceOf(site: Site, username = ADMIN, password = PASSWORD): RegistrySource {
  return registrySource(async ({ signal }) => {
    const registry = await connectRegistry({ socket: site.socket, signal })
    const { success, error } = await registry.auth({ username, password }, { signal })
    if (success) return registry
    await registry.close()
    throw new SecregError('AUTH_FAILED', error?.message ?? 'refused')
  })
}

const put = (wire: Wire, value: number, key = KEY) =>
  wire.ok('set', { key, value: String(value), encrypt: true })

/** Reads a secret without end, and sees to it that it never goes back and never is what was not written yet. */
class Reader {
  reads = 0
  latest = 0
  /** Largest that may have been written. */
  most: number
  failure: unknown
  readonly #ended: Promise<void>
  #stop = false

  constructor(secret: Secret, most: number) {
    this.most = most
    this.#ended = this.#run(secret)
  }

  async #run(secret: Secret): Promise<void> {
    try {
      while (!this.#stop) {
        const value = Number(secret.text())
        if (!(value >= this.latest && value <= this.most)) {
          throw new Error(`read ${value} after ${this.latest}, of at most ${this.most}`)
        }
        this.latest = value
        this.reads++
        await new Promise((resolve) => setImmediate(resolve))
      }
    } catch (error) {
      this.failure = error
    }
  }

  /** Wait until it reads a value. */
  async until(value: number, timeoutMs = 10_000): Promise<void> {
    await waitFor(() => this.failure !== undefined || this.latest === value, { timeoutMs })
    expect(this.failure).toBeUndefined()
  }

  async end(): Promise<void> {
    this.#stop = true
    await this.#ended
    expect(this.failure).toBeUndefined()
    expect(this.reads).toBeGreaterThan(0)
  }
}

describe('a value that rotates every 10 ms', () => {
  test.each([
    ['watched', {}],
    ['polled', { watch: false, pollIntervalMs: 50 }],
  ])('%s: reads never go back, and end with the last one', async (_, options) => {
    await using running = await startSite()
    const { site, admin } = running
    await put(admin, 1)
    await using source = sourceOf(site)
    const faults: StoreFault[] = []
    const onError = (fault: StoreFault) => faults.push(fault)
    await using store = await openStore({ source, secrets: [KEY], onError, ...options })
    const reader = new Reader(store.secret(KEY), 1)
    for (let value = 2; value <= 200; value++) {
      reader.most = value
      await put(admin, value)
      await pause(10)
    }
    await reader.until(200)
    await reader.end()
    expect(faults).toEqual([])
  })
})

test.each([
  ['stopped', 'SIGTERM'],
  ['killed', 'SIGKILL'],
] as const)(
  'a daemon that is %s: values stay, a program starts from its cache, both follow again',
  async (_, signal) => {
    await using running = await startSite()
    const { site, admin, daemon } = running
    await put(admin, 1)
    const path = site.home.file('cache/secrets')
    const options = { secrets: [KEY], requestTimeoutMs: 5000 } as const
    const key = new Uint8Array(32).fill(7)
    await using source = sourceOf(site)
    const faults: StoreFault[] = []
    const onError = (fault: StoreFault) => faults.push(fault)
    await using store = await openStore({
      ...options,
      source,
      cache: fileCache(path, { key }),
      onError,
    })
    await put(admin, 2)
    await waitFor(() => store.secret(KEY).text() === '2')
    const reader = new Reader(store.secret(KEY), 2)
    await daemon.kill(signal)

    // Another program comes up meanwhile, once the cache has been written, which happens once a second.
    const cache = fileCache(path, { key })
    await waitFor(async () => String(Buffer.from((await cache.read()) ?? [])).includes(btoa('2')))
    expect(readFileSync(path, 'latin1')).not.toContain(KEY)
    await using other = sourceOf(site)
    await using second = await openStore({ ...options, source: other, cache })
    expect(second.secret(KEY).text()).toBe('2')
    expect(second.secret(KEY).checkedAtMs).toBeUndefined()
    await expect(store.refresh()).rejects.toMatchObject({ code: 'ERR_STORE_REFRESH', names: [KEY] })
    await waitFor(() => faults.some(({ kind }) => kind === 'watch'))

    await site.start()
    using again = await site.unlock()
    reader.most = 3
    await put(again, 3)
    await reader.until(3, 30_000)
    await waitFor(() => second.secret(KEY).text() === '3', { timeoutMs: 30_000 })
    await reader.end()
  },
)

test('a daemon that does not answer: reads go on, requests end in time, and it goes on afterwards', async () => {
  await using running = await startSite()
  const { site, admin, daemon } = running
  await put(admin, 1)
  await using source = sourceOf(site)
  await using store = await openStore({ source, secrets: [KEY], requestTimeoutMs: 1000 })
  const reader = new Reader(store.secret(KEY), 1)
  daemon.signal('SIGSTOP')
  try {
    const error = await store.refresh().catch((error: unknown) => error)
    expect(StoreError.is(error, 'ERR_STORE_REFRESH')).toBe(true)
    expect((error as { cause: AggregateError }).cause.errors).toMatchObject([
      { code: 'ERR_STORE_TIMEOUT' },
    ])
    const { reads } = reader
    await waitFor(() => reader.reads > reads + 100)
  } finally {
    daemon.signal('SIGCONT')
  }
  reader.most = 2
  await put(admin, 2)
  await reader.until(2)
  await reader.end()
})

describe('a daemon that denies', () => {
  const BOB = 'bob'

  test('a start fails at once and names what is denied, never a value', async () => {
    await using running = await startSite()
    const { site, admin } = running
    await admin.ok('user', { op: 'add', user: BOB, password: PASSWORD, roles: ['user'] })
    for (const key of ['/user/bob/own', '/app/one', '/app/two']) {
      await admin.ok('set', { key, value: 'treasure' })
    }
    await using source = sourceOf(site, BOB)
    const secrets = ['/app/one', '/app/two', '/user/bob/own']
    const error = await openStore({ source, secrets }).catch((error: unknown) => error)
    expect(error).toMatchObject({ code: 'ERR_STORE_REFUSED', names: ['/app/one', '/app/two'] })
    expect(String(error)).not.toContain('treasure')
    await using own = await openStore({ source, secrets: ['/user/bob/own'] })
    expect(own.secret('/user/bob/own').text()).toBe('treasure')
  })

  test('a login that is refused ends the start, after one attempt', async () => {
    await using running = await startSite()
    const { site } = running
    await using source = sourceOf(site, ADMIN, 'Not-The-Password-1')
    await expect(openStore({ source, secrets: [KEY] })).rejects.toMatchObject({
      code: 'ERR_STORE_REFUSED',
    })
    const failed = site.records().filter(({ body }) => body.outcome !== 'ok')
    expect(failed).toHaveLength(1)
  })

  test('rights that are taken away leave the value, and given back bring the present one', async () => {
    await using running = await startSite()
    const { site, admin } = running
    await admin.ok('user', { op: 'add', user: BOB, password: PASSWORD, roles: ['operator'] })
    const set = (value: number) => admin.ok('set', { key: KEY, value: String(value) })
    await set(1)
    await using source = sourceOf(site, BOB)
    const faults: StoreFault[] = []
    const onError = (fault: StoreFault) => faults.push(fault)
    const options = { source, secrets: [KEY], pollIntervalMs: 100, onError } as const
    await using store = await openStore(options)
    const reader = new Reader(store.secret(KEY), 1)
    await admin.ok('user', { op: 'roles', user: BOB, roles: ['user'] })
    await set(2)
    await waitFor(() => faults.some(({ kind }) => kind === 'fetch'))
    expect(faults.find(({ kind }) => kind === 'fetch')).toMatchObject({
      secret: KEY,
      error: { reason: 'ACCESS_DENIED' },
    })
    expect(reader.latest).toBe(1)
    reader.most = 2
    await admin.ok('user', { op: 'roles', user: BOB, roles: ['operator'] })
    await reader.until(2)
    await reader.end()
  })
})

test('secrets that come and go', async () => {
  await using running = await startSite()
  const { site, admin } = running
  await using source = sourceOf(site)
  const faults: StoreFault[] = []
  const onError = (fault: StoreFault) => faults.push(fault)
  // Not there yet: the start waits for it.
  const opening = openStore({ source, secrets: [KEY], allowLookup: true, onError })
  await waitFor(() => faults.length > 3)
  await put(admin, 1)
  await using store = await opening
  const secret = store.secret(KEY)
  expect(secret.text()).toBe('1')

  // Deleted: the value stays. Made again: the number goes on, and so does the value.
  await admin.ok('delete', { key: KEY })
  await expect(store.refresh()).rejects.toMatchObject({ names: [KEY] })
  expect(secret.text()).toBe('1')
  await put(admin, 2)
  await waitFor(() => secret.text() === '2')

  // Rolled back to an older version: a change like another.
  const { version } = await admin.ok('versions', { op: 'activate', key: KEY, version: 1 })
  expect(version).toBe(1)
  await waitFor(() => secret.text() === '1' && secret.version === 1)

  // Looked up, then watched like the others; of every type.
  await admin.ok('set', { key: '/app/raw', value: 'AP8=', type: 'bytes', encrypt: true })
  await admin.ok('set', { key: '/app/json', value: '{"a": 1}', type: 'json' })
  const raw = await store.lookup('/app/raw')
  expect(raw.value()).toEqual(Uint8Array.of(0, 255))
  expect((await store.lookup('/app/json')).text()).toBe('{"a": 1}')
  await expect(store.lookup('/app/none')).rejects.toMatchObject({ status: 2 })
  await expect(store.lookup('no path')).rejects.toMatchObject({ status: 1 })
  await waitFor(() =>
    site.records().some(({ body }) => body.action === 'watch' && body.paths[0] === '/app/raw'),
  )
  await admin.ok('set', { key: '/app/raw', value: 'AQ==', type: 'bytes', encrypt: true })
  await waitFor(() => raw.value()[0] === 1)
})
