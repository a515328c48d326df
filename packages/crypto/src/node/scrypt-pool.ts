/**
 * scrypt in worker threads of its own.
 *
 * Never on libuv's pool: four derivations there would stop every durable write (DESIGN §3). Derivations beyond the
 * number of workers wait in a bounded queue; beyond that they are refused at once.
 */
import { Worker } from 'node:worker_threads'
import { assertInteger } from '../assert.ts'
import { wipe } from '../bytes.ts'
import { CryptoError } from '../errors.ts'
import { assertScryptCall, type Scrypt, type ScryptParams } from '../scrypt.ts'

/** Options of {@link createScryptPool}. */
export interface ScryptPoolOptions {
  /** Most derivations at once, 1 to 16. Default 2. */
  readonly workers?: number
  /** Most derivations waiting, 0 to 65 536. Default 64. */
  readonly queue?: number
}

/** Default {@link ScryptPoolOptions}. */
export const SCRYPT_POOL_DEFAULTS: Readonly<Required<ScryptPoolOptions>> = Object.freeze({
  workers: 2,
  queue: 64,
})

/** A bounded pool of scrypt workers. */
export interface ScryptPool {
  /**
   * Derive a key. The caller keeps, and wipes, its password.
   *
   * @throws CryptoError `ERR_CRYPTO_BUSY` when the queue is full, `ERR_CRYPTO_CLOSED` once closed,
   *   `ERR_CRYPTO_KDF_ABOVE_CEILING`, `ERR_CRYPTO_KDF_FAILED` when a worker died
   */
  readonly scrypt: Scrypt
  /** Derivations being computed. */
  readonly running: number
  /** Derivations waiting. */
  readonly waiting: number
  /** Refuse everything that has no result yet and end the workers. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

interface Job {
  readonly password: Uint8Array
  readonly salt: Uint8Array
  readonly params: ScryptParams & { readonly length: number }
  readonly resolve: (key: Uint8Array) => void
  readonly reject: (error: CryptoError) => void
}

/**
 * The worker's whole program. Inline, because a daemon bundled into one file has no second file to load, and tests run
 * from TypeScript source.
 */
const PROGRAM = `'use strict'
const { parentPort } = require('node:worker_threads')
const { scryptSync } = require('node:crypto')
parentPort.on('message', ({ password, salt, N, r, p, length }) => {
  let key
  try {
    const result = scryptSync(password, salt, length, { N, r, p, maxmem: 128 * r * (N + p + 2) + 1024 })
    key = new Uint8Array(length)
    key.set(result)
    result.fill(0)
  } catch {}
  password.fill(0)
  parentPort.postMessage(key, key ? [key.buffer] : [])
})`

/** Make a pool. Workers start with the first derivations and do not keep the process alive while they are idle. */
export function createScryptPool(options: ScryptPoolOptions = {}): ScryptPool {
  const { workers, queue } = { ...SCRYPT_POOL_DEFAULTS, ...options }
  assertInteger(workers, 'workers', 1, 16)
  assertInteger(queue, 'queue', 0, 65_536)

  const idle: Worker[] = []
  const busy = new Map<Worker, Job>()
  const waiting: Job[] = []
  let closed = false

  const settle = (worker: Worker, key: Uint8Array | undefined): void => {
    const job = busy.get(worker)
    busy.delete(worker)
    if (key instanceof Uint8Array) job?.resolve(key)
    else job?.reject(new CryptoError(closed ? 'ERR_CRYPTO_CLOSED' : 'ERR_CRYPTO_KDF_FAILED'))
  }

  const start = (): Worker => {
    const worker = new Worker(PROGRAM, {
      eval: true,
      env: {},
      execArgv: [],
      stdin: false,
      name: 'scrypt',
      resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 4 },
    })
    worker.on('message', (key: Uint8Array | undefined) => {
      worker.unref()
      idle.push(worker)
      settle(worker, key)
      next()
    })
    // An error is followed by the exit, where the derivation is refused and the worker forgotten.
    worker.on('error', () => {})
    worker.on('exit', () => {
      const at = idle.indexOf(worker)
      if (at >= 0) idle.splice(at, 1)
      settle(worker, undefined)
      next()
    })
    return worker
  }

  const tryStart = (): Worker | undefined => {
    try {
      return start()
    } catch {
      // Node's permission model can forbid workers.
      return undefined
    }
  }

  const next = (): void => {
    while (!closed && busy.size < workers && waiting.length > 0) {
      const job = waiting.shift() as Job
      const worker = idle.pop() ?? tryStart()
      if (worker === undefined) {
        wipe(job.password)
        job.reject(new CryptoError('ERR_CRYPTO_KDF_FAILED'))
        continue
      }
      busy.set(worker, job)
      worker.ref()
      const { password, salt, params } = job
      // Transferred, so that the only copy is the worker's, which zeroes it.
      worker.postMessage({ password, salt, ...params }, [password.buffer as ArrayBuffer])
    }
  }

  const scrypt: Scrypt = (password, salt, params) =>
    new Promise<Uint8Array>((resolve, reject) => {
      assertScryptCall(password, salt, params)
      if (closed) throw new CryptoError('ERR_CRYPTO_CLOSED')
      if (busy.size >= workers && waiting.length >= queue) throw new CryptoError('ERR_CRYPTO_BUSY')
      const { N, r, p, length } = params
      waiting.push({
        password: Uint8Array.from(password),
        salt: Uint8Array.from(salt),
        params: { N, r, p, length },
        resolve,
        reject,
      })
      next()
    })

  const close = async (): Promise<void> => {
    closed = true
    for (const job of waiting.splice(0)) {
      wipe(job.password)
      job.reject(new CryptoError('ERR_CRYPTO_CLOSED'))
    }
    await Promise.all([...idle, ...busy.keys()].map((worker) => worker.terminate()))
  }

  return {
    scrypt,
    get running() {
      return busy.size
    },
    get waiting() {
      return waiting.length
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
