/** Single versions of secrets, as far as they were asked for. */
import type { SecretValue } from '@secreg/store'
import type { SecretMetadata } from './answers.ts'
import type { CallOptions } from './options.ts'

/** What versions need of a client. */
export interface VersioningClient {
  info(name: string, options: Required<CallOptions>): Promise<SecretMetadata>
  getVersion(name: string, version: number, options: Required<CallOptions>): Promise<SecretValue>
  createVersion(
    name: string,
    version: number,
    value: Uint8Array,
    options: Required<CallOptions>,
  ): Promise<void>
}

/** Versions that are held at most; more are fetched each time. */
const MAX_HELD = 10_000

interface Held {
  readonly versions: Map<number, Uint8Array>
  lastAccessMs: number
}

export interface VersionedSecretsOptions {
  readonly client: Pick<VersioningClient, 'info' | 'getVersion'>
  /** Milliseconds after which versions that nobody read are given up, at a poll; 0 = never. */
  readonly expiryMs: number
  readonly nowMs: () => number
}

export class VersionedSecrets {
  readonly #options: VersionedSecretsOptions
  readonly #held = new Map<string, Held>()
  /** Requests under way, by name and number. */
  readonly #fetching = new Map<string, Promise<Uint8Array>>()
  /** Give up each request under way. */
  readonly #ends = new Set<(reason: unknown) => void>()
  #ended: { readonly reason: unknown } | undefined
  #polling: Promise<boolean> | undefined
  /** Shared by all who came after a poll was begun. */
  #nextPoll: Promise<boolean> | undefined
  #count = 0

  constructor(options: VersionedSecretsOptions) {
    this.#options = options
  }

  /** The bytes themselves, for reading only; `undefined` when they are not here. */
  peek(name: string, version: number): Uint8Array | undefined {
    const held = this.#held.get(name)
    const value = held?.versions.get(version)
    if (held !== undefined && value !== undefined) held.lastAccessMs = this.#options.nowMs()
    return value
  }

  /** Fetch a version, once for all who ask at a time. @returns bytes for reading only */
  fetch(name: string, version: number): Promise<Uint8Array> {
    const key = `${version} ${name}`
    let fetching = this.#fetching.get(key)
    if (fetching === undefined) {
      fetching = this.#fetch(name, version).finally(() => this.#fetching.delete(key))
      this.#fetching.set(key, fetching)
    }
    return fetching
  }

  /** Hold a version: a copy of it. */
  put(
    name: string,
    version: number,
    value: Uint8Array,
    lastAccessMs: number = this.#options.nowMs(),
  ): void {
    if (this.#ended !== undefined) return
    const held = this.#held.get(name) ?? { versions: new Map(), lastAccessMs }
    const before = held.versions.get(version)
    if (before === undefined && this.#count >= MAX_HELD) return
    this.#held.set(name, held)
    held.lastAccessMs = Math.max(held.lastAccessMs, lastAccessMs)
    held.versions.set(version, value.slice())
    if (before === undefined) this.#count++
    else before.fill(0)
  }

  /** Versions of a name, ascending, for reading only. */
  of(name: string): readonly (readonly [number, Uint8Array])[] {
    const versions = this.#held.get(name)?.versions ?? new Map<number, Uint8Array>()
    return [...versions].sort(([a], [b]) => a - b)
  }

  /**
   * Give up what is idle, and what the server does not have any more; of a name that cannot be asked for, everything
   * stays.
   *
   * @returns whether anything was given up
   * @throws AggregateError of what the client said
   */
  poll(options: Required<CallOptions>): Promise<boolean> {
    if (this.#polling === undefined) {
      this.#polling = this.#poll(options).finally(() => {
        this.#polling = undefined
      })
      return this.#polling
    }
    this.#nextPoll ??= this.#polling
      .catch(() => {})
      .then(() => {
        this.#nextPoll = undefined
        return this.poll(options)
      })
    return this.#nextPoll
  }

  /** Give up what is under way, and hold nothing more. */
  end(reason: unknown): void {
    this.#ended ??= { reason }
    for (const end of [...this.#ends]) end(reason)
  }

  /** Wipe everything. */
  clear(): void {
    for (const [name, { versions }] of [...this.#held]) this.#drop(name, [...versions.keys()])
  }

  async #poll(options: Required<CallOptions>): Promise<boolean> {
    const { expiryMs, nowMs, client } = this.#options
    const errors: unknown[] = []
    let changed = false
    for (const [name, held] of [...this.#held]) {
      if (expiryMs > 0 && nowMs() - held.lastAccessMs > expiryMs) {
        changed = this.#drop(name, [...held.versions.keys()]) || changed
        continue
      }
      // What comes while the server answers may be newer than its answer.
      const asked = [...held.versions.keys()]
      try {
        const { versions } = await client.info(name, options)
        const present = new Set(versions)
        const gone = asked.filter((version) => !present.has(version))
        changed = this.#drop(name, gone) || changed
      } catch (error) {
        errors.push(error)
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, 'versions were not refreshed')
    return changed
  }

  async #fetch(name: string, version: number): Promise<Uint8Array> {
    if (this.#ended !== undefined) throw this.#ended.reason
    // Of its own, because Node.js warns of a leak when more than ten listen to one signal.
    const own = new AbortController()
    let end = (_: unknown): void => {}
    const ended = new Promise<never>((_, reject) => {
      end = (reason) => {
        reject(reason)
        own.abort(reason)
      }
    })
    this.#ends.add(end)
    try {
      const { signal } = own
      const answer = this.#options.client.getVersion(name, version, { signal })
      const { value } = await Promise.race([answer, ended])
      this.put(name, version, value)
      return value
    } finally {
      this.#ends.delete(end)
    }
  }

  #drop(name: string, gone: readonly number[]): boolean {
    const held = this.#held.get(name)
    for (const version of gone) {
      const value = held?.versions.get(version)
      if (value === undefined) continue
      value.fill(0)
      held?.versions.delete(version)
      this.#count--
    }
    if (held?.versions.size === 0) this.#held.delete(name)
    return gone.length > 0
  }
}
