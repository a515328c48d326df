import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { createScryptPool, type ScryptPoolOptions } from '@secreg/crypto/node'
import { build } from 'esbuild'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { codeOf, utf8 } from './support.ts'

const params = { N: 2 ** 14, r: 8, p: 1, length: 32 }
const salt = utf8('salt')
let started: Worker[] = []
const note = (worker: Worker): void => void started.push(worker)
beforeEach(() => {
  started = []
  process.on('worker', note)
})
afterEach(() => {
  process.off('worker', note)
  vi.restoreAllMocks()
})

const open = (options?: ScryptPoolOptions) => createScryptPool(options)

test('workers start with the first derivation, no more than needed, and are used again', async () => {
  await using pool = open()
  expect(started).toHaveLength(0)
  const first = await pool.scrypt(utf8('a'), salt, params)
  expect(started).toHaveLength(1)
  expect(await pool.scrypt(utf8('a'), salt, params)).toEqual(first)
  expect(await pool.scrypt(utf8('b'), salt, params)).not.toEqual(first)
  expect(started).toHaveLength(1)
})

test('at most two at once, the rest waits in order', async () => {
  await using pool = open()
  const done: number[] = []
  const jobs = [0, 1, 2, 3, 4].map((i) =>
    pool.scrypt(utf8(`p${i}`), salt, params).then((key) => {
      done.push(i)
      expect(pool.running).toBeLessThanOrEqual(2)
      return Buffer.from(key).toString('hex')
    }),
  )
  expect([pool.running, pool.waiting]).toEqual([2, 3])
  const keys = await Promise.all(jobs)
  expect(new Set(keys).size).toBe(5)
  expect([...done].sort()).toEqual([0, 1, 2, 3, 4])
  expect([pool.running, pool.waiting]).toEqual([0, 0])
  expect(started).toHaveLength(2)
})

test('a full queue refuses at once and takes work again later', async () => {
  await using pool = open({ workers: 1, queue: 2 })
  const derive = () => pool.scrypt(utf8('p'), salt, params)
  const accepted = [derive(), derive(), derive()]
  expect(await codeOf(derive)).toBe('ERR_CRYPTO_BUSY')
  expect(await codeOf(derive)).toBe('ERR_CRYPTO_BUSY')
  await Promise.all(accepted)
  expect(await derive()).toHaveLength(32)
})

test('without a queue only the workers take work', async () => {
  await using pool = open({ workers: 1, queue: 0 })
  const first = pool.scrypt(utf8('p'), salt, params)
  expect(await codeOf(() => pool.scrypt(utf8('p'), salt, params))).toBe('ERR_CRYPTO_BUSY')
  expect(await first).toHaveLength(32)
})

test('closing refuses what is running and waiting, and everything later', async () => {
  const pool = open({ workers: 1 })
  const jobs = [1, 2, 3].map(() => codeOf(() => pool.scrypt(utf8('p'), salt, params)))
  await pool.close()
  expect(await Promise.all(jobs)).toEqual(new Array(3).fill('ERR_CRYPTO_CLOSED'))
  expect(await codeOf(() => pool.scrypt(utf8('p'), salt, params))).toBe('ERR_CRYPTO_CLOSED')
  expect([pool.running, pool.waiting]).toEqual([0, 0])
  await pool.close()
})

test('a worker that dies fails its derivation only', async () => {
  await using pool = open({ workers: 1 })
  const lost = codeOf(() => pool.scrypt(utf8('p'), salt, { ...params, N: 2 ** 17 }))
  const waiting = pool.scrypt(utf8('p'), salt, params)
  // The event that reports a new worker comes in a later tick.
  const [first] = (await once(process, 'worker')) as [Worker]
  await first.terminate()
  expect(await lost).toBe('ERR_CRYPTO_KDF_FAILED')
  expect(await waiting).toHaveLength(32)
  expect(started).toHaveLength(2)
  await started[1]?.terminate()
  expect(await pool.scrypt(utf8('p'), salt, params)).toHaveLength(32)
})

test('32: the password is moved to the worker, not copied, and is nowhere in its environment', async () => {
  const post = vi.spyOn(Worker.prototype, 'postMessage')
  await using pool = open()
  await pool.scrypt(utf8('password'), salt, params)
  const [message, transfer] = post.mock.calls[0] as [{ password: Uint8Array }, ArrayBuffer[]]
  expect(transfer).toHaveLength(1)
  expect(message.password.buffer).toBe(transfer[0])
  expect(message.password.byteLength).toBe(0)
})

test("derivations do not stand in the way of libuv's pool", async () => {
  // As many as that pool has threads.
  await using pool = open({ workers: 4 })
  const derivations = [0, 1, 2, 3].map(() =>
    pool.scrypt(utf8('p'), salt, { ...params, N: 2 ** 15 }).then(() => 'derivation'),
  )
  const read = readFile(fileURLToPath(import.meta.url)).then(() => 'file')
  expect(await Promise.race([...derivations, read])).toBe('file')
  await Promise.all(derivations)
})

describe('bundled into one file', () => {
  test('it derives, and lets the process end while its workers are idle', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'secreg-crypto-'))
    try {
      const entry = join(directory, 'entry.ts')
      const outfile = join(directory, 'out.mjs')
      const source = fileURLToPath(new URL('../src/node/scrypt-pool.ts', import.meta.url))
      await writeFile(
        entry,
        `import { createScryptPool } from ${JSON.stringify(source)}
         const params = { N: 1024, r: 8, p: 16, length: 64 }
         const bytes = (text) => new TextEncoder().encode(text)
         const key = await createScryptPool().scrypt(bytes('password'), bytes('NaCl'), params)
         process.stdout.write(Buffer.from(key).toString('hex'))`,
      )
      const nodePaths = [fileURLToPath(new URL('../../../node_modules', import.meta.url))]
      await build({
        entryPoints: [entry],
        outfile,
        bundle: true,
        platform: 'node',
        format: 'esm',
        nodePaths,
      })
      const { stdout } = await promisify(execFile)(process.execPath, [outfile])
      expect(stdout).toMatch(/^fdbabe1c9d3472007856e7190d01e9fe[0-9a-f]{96}$/)
    } finally {
      await rm(directory, { recursive: true })
    }
  })
})

test('arguments', () => {
  for (const options of [{ workers: 0 }, { workers: 17 }, { queue: -1 }, { queue: 65_537 }]) {
    expect(() => open(options)).toThrow(RangeError)
  }
  expect(() => open({ workers: '2' as never })).toThrow(TypeError)
})
