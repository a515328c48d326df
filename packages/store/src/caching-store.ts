/** The store behind {@link openStore}. */
import { wipe } from '@secreg/crypto'
import { abortable, bounded } from './bounded.ts'
import { decodeCache, encodeCache } from './cache-format.ts'
import { CacheWriter } from './cache-writer.ts'
import { Ending } from './ending.ts'
import { Entry } from './entry.ts'
import { closedError, StoreError } from './errors.ts'
import { fetchMissing } from './fetch-missing.ts'
import { type Change, Fetcher, type Outcome } from './fetcher.ts'
import { checkName, func, type StoreSettings } from './options.ts'
import { Polls } from './polls.ts'
import { type Secret, SecretHandle } from './secret.ts'
import type { SecretStore, StoreStats, WaitOptions } from './store.ts'
import { Watcher } from './watcher.ts'

/** Longest that a lookup waits, also for its turn. */
const LOOKUP_TIMEOUT_MS = 300_000

/** Wait before a secret that failed is asked for again, doubled each time up to the interval of polling. */
const RETRY_MS = 1000
const MAX_RETRY_MS = 3_600_000

export class CachingStore implements SecretStore {
  readonly #settings: StoreSettings
  readonly #entries = new Map<string, Entry>()
  /** Names that are looked up and have no value yet. */
  readonly #lookups = new Map<string, Promise<Entry>>()
  readonly #ending = new Ending()
  readonly #fetcher: Fetcher
  readonly #polls: Polls
  readonly #writer: CacheWriter | undefined
  #watcher: Watcher | undefined
  #undeclared = 0
  #reads = 0
  #started = false
  #cancelPoll: (() => void) | undefined
  #closing: Promise<void> | undefined

  constructor(settings: StoreSettings) {
    this.#settings = settings
    const { source, clock, cache, onError, onPoll, requestTimeoutMs, concurrency } = settings
    this.#fetcher = new Fetcher({
      source,
      clock,
      timeoutMs: requestTimeoutMs,
      concurrency,
      ending: this.#ending,
      onDone: (entry, changed, outcome) => this.#done(entry, changed, outcome),
    })
    this.#polls = new Polls({
      demand: (entry) => this.#fetcher.demand(entry),
      clock,
      ending: this.#ending,
      onPoll,
      onError: (error) => onError({ kind: 'poll', error }),
    })
    if (cache !== undefined) {
      this.#writer = new CacheWriter({
        cache,
        clock,
        snapshot: () => this.#snapshot(),
        onError: (error) => onError({ kind: 'cache-write', error }),
      })
    }
  }

  /** Fill it, then keep it fresh. */
  async start(signal: AbortSignal | undefined): Promise<void> {
    const { names, source, isPermanent, clock } = this.#settings
    const now = clock.nowMs()
    for (const name of names) this.#entries.set(name, new Entry(name, true, now))
    await this.#readCache()
    const missing = names.filter((name) => !this.#entry(name).loaded)
    const cached = [...this.#entries.values()].filter(({ loaded }) => loaded)
    for (const entry of cached) void this.#fetcher.demand(entry)
    await fetchMissing({
      names: missing,
      attempt: (name) => this.#fetcher.demand(this.#entry(name)),
      isFinal: (error) => source.fixed === true || isPermanent(error),
      clock,
      signal,
    })
    this.#started = true
    if (missing.length > 0) this.#writer?.mark()
    if (source.fixed !== true) this.#keepFresh()
  }

  /** Give up a start. */
  async abandon(): Promise<void> {
    this.#ending.end(closedError())
    await this.#fetcher.idle()
    for (const entry of this.#entries.values()) entry.drop()
  }

  get names(): readonly string[] {
    return [...this.#entries.keys()].sort()
  }

  secret(name: string): Secret {
    this.#checkOpen()
    checkName(name, 'name')
    const entry = this.#entries.get(name)
    if (entry !== undefined) return this.#handle(entry)
    this.#checkLookups(name)
    return undefined as never
  }

  async lookup(name: string, options: WaitOptions = {}): Promise<Secret> {
    this.#checkOpen()
    const entry = this.#entries.get(checkName(name, 'name'))
    if (entry !== undefined) return this.#handle(entry)
    this.#checkLookups(name)
    options.signal?.throwIfAborted()
    const found = await abortable(this.#lookUp(name), options.signal)
    this.#checkOpen()
    return this.#handle(found)
  }

  async refresh(options: WaitOptions = {}): Promise<void> {
    this.#checkOpen()
    options.signal?.throwIfAborted()
    await abortable(this.#refresh(), options.signal)
  }

  async change(name: string, change: Change, options: WaitOptions = {}): Promise<Secret> {
    this.#checkOpen()
    if (!this.#entries.has(checkName(name, 'name'))) this.#checkLookups(name)
    if (func(change, 'change') === undefined) throw new TypeError('change: expected a function')
    options.signal?.throwIfAborted()
    const entry = await abortable(this.#change(name, change), options.signal)
    this.#checkOpen()
    return this.#handle(entry)
  }

  saveCache(): void {
    this.#checkOpen()
    this.#writer?.mark()
  }

  stats(): StoreStats {
    const { count, errors, latestMs } = this.#polls
    return { polls: count, pollErrors: errors, reads: this.#reads, latestPollMs: latestMs }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    this.#cancelPoll?.()
    this.#ending.end(closedError())
    await this.#fetcher.idle()
    if (this.#writer !== undefined) {
      // Also for the times of the last access, which alone are not worth a write.
      this.#writer.mark()
      await this.#writer.flush()
    }
    for (const entry of this.#entries.values()) entry.drop()
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw closedError()
  }

  #checkLookups(name: string): void {
    if (this.#settings.allowLookup) return
    throw new TypeError(`name: ${JSON.stringify(name)} is not declared, and lookups are off`)
  }

  #entry(name: string): Entry {
    return this.#entries.get(name) as Entry
  }

  #handle(entry: Entry): Secret {
    let handle = entry.handle?.deref()
    if (handle === undefined) {
      handle = new SecretHandle({
        name: entry.name,
        get version() {
          return entry.version
        },
        get checkedAtMs() {
          return entry.checkedAtMs
        },
        read: () => this.#read(entry),
      })
      entry.handle = new WeakRef(handle)
    }
    return handle
  }

  #read(entry: Entry): Uint8Array {
    this.#checkOpen()
    entry.lastAccessMs = this.#settings.clock.nowMs()
    this.#reads++
    return entry.peek() as Uint8Array
  }

  async #refresh(): Promise<void> {
    const error = await this.#polls.run([...this.#entries.values()])
    if (error !== undefined) throw error
  }

  async #change(name: string, change: Change): Promise<Entry> {
    const entry = this.#entries.get(name) ?? this.#newEntry(name)
    const { failed, error } = await this.#fetcher.change(entry, change)
    const held = this.#entries.get(name)
    if (failed) {
      if (held === undefined) entry.drop()
      else void this.#fetcher.demand(held)
      throw error
    }
    if (held === entry) return entry
    if (held === undefined && !entry.dropped && !this.#lookups.has(name)) return this.#add(entry)
    // It was looked up, or given up, meanwhile: what others hold may be from before the change.
    entry.drop()
    const other = held ?? (await this.#lookUp(name))
    await this.#fetcher.demand(other)
    return other
  }

  #newEntry(name: string): Entry {
    const { clock, maxUndeclared } = this.#settings
    if (this.#undeclared + this.#lookups.size >= maxUndeclared) {
      throw new StoreError('ERR_STORE_FULL', `${maxUndeclared} undeclared secrets are held`)
    }
    return new Entry(name, false, clock.nowMs())
  }

  /** Share one request among all who look a name up. */
  #lookUp(name: string): Promise<Entry> {
    let lookup = this.#lookups.get(name)
    if (lookup === undefined) {
      const { clock } = this.#settings
      const entry = this.#newEntry(name)
      lookup = bounded(clock, LOOKUP_TIMEOUT_MS, this.#ending, async () => {
        const outcome = await this.#fetcher.demand(entry)
        if (outcome.failed) throw outcome.error
        return entry
      }).then(
        () => this.#add(entry),
        (error: unknown) => {
          this.#lookups.delete(name)
          entry.drop()
          throw error
        },
      )
      this.#lookups.set(name, lookup)
    }
    return lookup
  }

  #add(entry: Entry): Entry {
    this.#lookups.delete(entry.name)
    if (this.#closing !== undefined) {
      entry.drop()
      throw closedError()
    }
    this.#entries.set(entry.name, entry)
    this.#undeclared++
    this.#writer?.mark()
    this.#watcher?.namesChanged()
    return entry
  }

  /** After each request of the fetcher. */
  #done(entry: Entry, changed: boolean, { failed, error }: Outcome): void {
    entry.cancelRetry?.()
    entry.cancelRetry = undefined
    // Of what is being looked up, who looks it up is told.
    if (this.#entries.get(entry.name) !== entry) return
    const { onError, onUpdate, isPermanent } = this.#settings
    if (failed) {
      onError({ kind: 'fetch', secret: entry.name, error })
      if (entry.loaded && !isPermanent(error)) this.#retryLater(entry)
      return
    }
    entry.failures = 0
    if (!changed) return
    if (this.#started) this.#writer?.mark()
    onUpdate({ secret: entry.name, version: entry.version })
  }

  #retryLater(entry: Entry): void {
    const { pollIntervalMs, source, clock } = this.#settings
    if (source.fixed === true || (pollIntervalMs === 0 && !this.#mayWatch())) return
    const delayMs = RETRY_MS * 2 ** entry.failures++
    // From there on polling does it.
    if (delayMs >= (pollIntervalMs || MAX_RETRY_MS)) return
    entry.cancelRetry = clock.after(delayMs, () => void this.#fetcher.demand(entry), true)
  }

  #mayWatch(): boolean {
    const { watch, source } = this.#settings
    return watch && source.watch !== undefined
  }

  #keepFresh(): void {
    const { source, pollIntervalMs, clock, random, onError } = this.#settings
    if (pollIntervalMs > 0) this.#schedulePoll()
    if (!this.#mayWatch()) return
    this.#watcher = new Watcher({
      watch: (names, onChange, options) =>
        (source as Required<typeof source>).watch(names, onChange, options),
      clock,
      random,
      names: () => this.names,
      onChange: (names) => this.#changed(names),
      onError: (error) => onError({ kind: 'watch', error }),
      ending: this.#ending,
    })
  }

  #schedulePoll(): void {
    const { clock, pollIntervalMs } = this.#settings
    const poll = (): void => {
      this.#schedulePoll()
      this.#dropExpired()
      void this.#polls.run([...this.#entries.values()])
    }
    this.#cancelPoll = clock.after(pollIntervalMs, poll, true)
  }

  #changed(names: readonly string[] | undefined): void {
    for (const name of names ?? this.#entries.keys()) {
      const entry = this.#entries.get(name)
      if (entry !== undefined) void this.#fetcher.demand(entry)
    }
  }

  #dropExpired(): void {
    const { expiryMs, clock } = this.#settings
    if (expiryMs === 0) return
    const before = clock.nowMs() - expiryMs
    for (const entry of this.#entries.values()) {
      if (entry.declared || entry.lastAccessMs > before || entry.handle?.deref() !== undefined) {
        continue
      }
      this.#entries.delete(entry.name)
      this.#undeclared--
      entry.drop()
      this.#writer?.mark()
    }
  }

  async #readCache(): Promise<void> {
    const { cache, allowLookup, maxUndeclared, onError } = this.#settings
    let bytes: Uint8Array | undefined
    try {
      bytes = await cache?.read()
      if (bytes === undefined || bytes.length === 0) return
      for (const [name, cached] of decodeCache(bytes)) {
        let entry = this.#entries.get(name)
        if (entry === undefined) {
          if (!allowLookup || this.#undeclared >= maxUndeclared) continue
          entry = new Entry(name, false, cached.lastAccessMs)
          this.#entries.set(name, entry)
          this.#undeclared++
        }
        entry.put(cached)
        wipe(cached.value)
      }
    } catch (error) {
      onError({ kind: 'cache-read', error })
    } finally {
      if (bytes !== undefined) wipe(bytes)
    }
  }

  #snapshot(): Uint8Array {
    const secrets = [...this.#entries.values()].flatMap((entry) => {
      const value = entry.peek()
      if (value === undefined) return []
      const { name, version, lastAccessMs } = entry
      return [[name, { value, version, lastAccessMs }] as const]
    })
    return encodeCache(secrets)
  }
}
