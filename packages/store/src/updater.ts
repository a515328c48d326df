/** Objects that are made from a secret, and made again when it changes. */
import { StoreError } from './errors.ts'
import type { Secret } from './secret.ts'

/** Options of {@link createUpdater}. */
export interface UpdaterOptions<T> {
  /**
   * Ends an object that was replaced. Default: its `Symbol.asyncDispose`, `Symbol.dispose` or `close`, whichever it
   * has first.
   */
  readonly dispose?: (object: T) => void | Promise<void>
  /** Is told when building or disposing failed; must not throw. Default nobody. */
  readonly onError?: (error: unknown) => void
}

/** An object that follows a secret. */
export interface Updater<T> extends AsyncDisposable {
  /** Version of the secret that the present object was made from. */
  readonly version: number
  /** Why the latest version gave no object; `undefined` when it did. It is not tried again before the next version. */
  readonly error: unknown
  /**
   * The object, made anew first if the secret has changed. When that fails it is the old one, and `error` says why.
   * Nobody counts who uses it: it is disposed of once another has replaced it. To be safe from that, `use` it.
   *
   * @throws StoreError `ERR_STORE_CLOSED`
   */
  get(): T
  /**
   * Run something with the object, which is not disposed of before that has ended.
   *
   * @returns what it returns
   */
  use<R>(task: (object: T) => R | Promise<R>): Promise<R>
  /** Dispose of the object as soon as nothing uses it any more, and wait for that. Calling it again is harmless. */
  close(): Promise<void>
}

/**
 * Make an object from a secret, now and whenever it has changed and the object is asked for.
 *
 * @param build - makes the object, without waiting, from a copy of the value that it may keep
 * @throws what `build` throws the first time
 *
 * @example
 * ```ts
 * const pool = createUpdater(store.secret('db/url'), (value) => new Pool(new TextDecoder().decode(value)))
 * await pool.use((pool) => pool.query('select 1'))
 * ```
 */
export function createUpdater<T>(
  secret: Secret,
  build: (value: Uint8Array, version: number) => T,
  options: UpdaterOptions<T> = {},
): Updater<T> {
  if (typeof secret?.value !== 'function') throw new TypeError('secret: expected a secret')
  if (typeof build !== 'function') throw new TypeError('build: expected a function')
  return new FollowingUpdater(secret, build, options)
}

/** An object with the count of who uses it. */
interface Held<T> {
  readonly object: T
  readonly version: number
  uses: number
  retired: boolean
}

class FollowingUpdater<T> implements Updater<T> {
  readonly #secret: Secret
  readonly #build: (value: Uint8Array, version: number) => T
  readonly #options: UpdaterOptions<T>
  #held: Held<T>
  /** Version that was tried last. */
  #tried: number
  #error: unknown
  #closed = false
  /** Objects that are in use or being disposed of, after they were replaced. */
  #ending = 0
  #ended: (() => void) | undefined

  constructor(
    secret: Secret,
    build: (value: Uint8Array, version: number) => T,
    options: UpdaterOptions<T>,
  ) {
    this.#secret = secret
    this.#build = build
    this.#options = options
    const { version } = secret
    this.#tried = version
    this.#held = { object: build(secret.value(), version), version, uses: 0, retired: false }
  }

  get version(): number {
    return this.#held.version
  }

  get error(): unknown {
    return this.#error
  }

  get(): T {
    return this.#current().object
  }

  async use<R>(task: (object: T) => R | Promise<R>): Promise<R> {
    const held = this.#current()
    held.uses++
    try {
      return await task(held.object)
    } finally {
      held.uses--
      if (held.retired && held.uses === 0) void this.#dispose(held)
    }
  }

  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true
      this.#retire(this.#held)
    }
    if (this.#ending > 0) {
      await new Promise<void>((resolve) => {
        const before = this.#ended
        this.#ended = () => {
          before?.()
          resolve()
        }
      })
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #current(): Held<T> {
    if (this.#closed) throw new StoreError('ERR_STORE_CLOSED', 'the updater is closed')
    const { version } = this.#secret
    if (version !== this.#tried) this.#rebuild(version)
    return this.#held
  }

  #rebuild(version: number): void {
    // First, so that one that asks for the object while it builds gets the old one.
    this.#tried = version
    const old = this.#held
    try {
      const object = this.#build(this.#secret.value(), version)
      this.#error = undefined
      this.#held = { object, version, uses: 0, retired: false }
      // What was only changed in place goes on, with those who use it.
      if (Object.is(object, old.object)) this.#held = Object.assign(old, { version })
      else this.#retire(old)
    } catch (error) {
      this.#error = error
      this.#report(error)
    }
  }

  #retire(held: Held<T>): void {
    held.retired = true
    this.#ending++
    if (held.uses === 0) void this.#dispose(held)
  }

  async #dispose({ object }: Held<T>): Promise<void> {
    try {
      await (this.#options.dispose ?? disposeOf)(object)
    } catch (error) {
      this.#report(error)
    } finally {
      this.#ending--
      if (this.#ending === 0) {
        this.#ended?.()
        this.#ended = undefined
      }
    }
  }

  #report(error: unknown): void {
    try {
      this.#options.onError?.(error)
    } catch {}
  }
}

async function disposeOf(object: unknown): Promise<void> {
  if ((typeof object !== 'object' && typeof object !== 'function') || object === null) return
  const closable = object as Record<PropertyKey, unknown>
  for (const method of [Symbol.asyncDispose, Symbol.dispose, 'close']) {
    const end = closable[method]
    if (typeof end !== 'function') continue
    await end.call(object)
    return
  }
}
