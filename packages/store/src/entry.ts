/** One secret that the store holds. */
import { wipe } from '@secreg/crypto'
import type { Secret } from './secret.ts'
import type { SecretValue } from './source.ts'

export class Entry {
  readonly name: string
  /** Named when the store was opened: kept whether or not it is used. */
  readonly declared: boolean
  /** When it was last read through a handle, milliseconds. */
  lastAccessMs: number
  /** When the source last answered for it, milliseconds; `undefined` while only the cache has. */
  checkedAtMs: number | undefined
  /** Given up: what comes for it is dropped. */
  dropped = false
  /** Failures since the source last answered for it. */
  failures = 0
  /** Takes back the waiting attempt after a failure. */
  cancelRetry: (() => void) | undefined
  /** The handle that is in use, so that one that nobody holds any more keeps nothing alive. */
  handle: WeakRef<Secret> | undefined
  #value: Uint8Array | undefined
  #version = 0

  constructor(name: string, declared: boolean, nowMs: number) {
    this.name = name
    this.declared = declared
    this.lastAccessMs = nowMs
  }

  /** Whether it has a value. */
  get loaded(): boolean {
    return this.#value !== undefined
  }

  get version(): number {
    return this.#version
  }

  /** The bytes themselves, for reading only; without a value: none. */
  peek(): Uint8Array | undefined {
    return this.#value
  }

  /**
   * Take a copy of an answer.
   *
   * @returns whether it differs from what was held. Bytes are compared too: a source that forgets its numbers may use
   *   one twice.
   */
  put(answer: SecretValue): boolean {
    const held = this.#value
    if (held !== undefined && answer.version === this.#version && same(held, answer.value)) {
      return false
    }
    this.#value = answer.value.slice()
    this.#version = answer.version
    if (held !== undefined) wipe(held)
    return true
  }

  /** Give it up, and its bytes with it. */
  drop(): void {
    this.dropped = true
    this.cancelRetry?.()
    this.cancelRetry = undefined
    if (this.#value !== undefined) wipe(this.#value)
    this.#value = undefined
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index])
}
