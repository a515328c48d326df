/** Handles of secrets. */
import { StoreError } from './errors.ts'

/** A secret that can be read at any time, without waiting. */
export interface Secret {
  readonly name: string
  /** Version of the value that a read gives now. */
  readonly version: number
  /**
   * When the source last answered for it, milliseconds since 1970; `undefined` while the value is from the cache.
   */
  readonly checkedAtMs: number | undefined
  /**
   * The value: a fresh copy, which the caller may wipe.
   *
   * @throws StoreError `ERR_STORE_CLOSED`
   */
  value(): Uint8Array
  /**
   * The value as text.
   *
   * @throws StoreError `ERR_STORE_NOT_TEXT` when it is not UTF-8, `ERR_STORE_CLOSED`
   */
  text(): string
}

/** What a handle reads from. */
export interface SecretState {
  readonly name: string
  readonly version: number
  readonly checkedAtMs: number | undefined
  /** @throws StoreError `ERR_STORE_CLOSED` */
  read(): Uint8Array
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Decode a value as UTF-8; the error does not quote it. */
export function decodeText(value: Uint8Array, name: string): string {
  try {
    return decoder.decode(value)
  } catch {
    throw new StoreError(
      'ERR_STORE_NOT_TEXT',
      `the value of ${JSON.stringify(name)} is not UTF-8`,
      {
        names: [name],
      },
    )
  }
}

/** A handle. Nothing that prints it shows a value. */
export class SecretHandle implements Secret {
  readonly #state: SecretState

  constructor(state: SecretState) {
    this.#state = state
  }

  get name(): string {
    return this.#state.name
  }

  get version(): number {
    return this.#state.version
  }

  get checkedAtMs(): number | undefined {
    return this.#state.checkedAtMs
  }

  value(): Uint8Array {
    return this.#state.read().slice()
  }

  text(): string {
    return decodeText(this.#state.read(), this.name)
  }

  toString(): string {
    return `Secret(${JSON.stringify(this.name)})`
  }

  toJSON(): string {
    return this.toString()
  }
}
