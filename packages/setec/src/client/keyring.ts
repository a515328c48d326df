/** All versions of one secret, such as keys that encrypt with the active one and decrypt with any. */
import type { SecretValue } from '@secreg/store'
import type { SecretMetadata } from './answers.ts'
import type { CallOptions } from './options.ts'

/** What a keyring needs of a client. */
export interface KeyringClient {
  info(name: string, options?: CallOptions): Promise<SecretMetadata>
  getVersion(name: string, version: number, options?: CallOptions): Promise<SecretValue>
}

/**
 * A keyring, empty until its first update. {@link Client.getKeyring} makes one that is filled.
 */
export class Keyring {
  readonly #client: KeyringClient
  readonly name: string
  readonly #values = new Map<number, Uint8Array>()
  #active = 0
  /** The update that was begun last. */
  #updating: Promise<void> = Promise.resolve()

  constructor(client: KeyringClient, name: string) {
    this.#client = client
    this.name = name
  }

  /** Numbers of the versions that it holds, ascending. */
  get versions(): readonly number[] {
    return [...this.#values.keys()].sort((a, b) => a - b)
  }

  /**
   * The active version: a copy.
   *
   * @throws RangeError before the first update
   */
  active(): SecretValue {
    const value = this.#values.get(this.#active)
    if (value === undefined) throw new RangeError('the keyring was never filled')
    return { value: value.slice(), version: this.#active }
  }

  /** The value of a version, a copy; `undefined` when it is not here. */
  get(version: number): Uint8Array | undefined {
    return this.#values.get(version)?.slice()
  }

  /**
   * Fetch the versions that it does not have, and which one is active. Versions that the server has deleted stay: what
   * was encrypted with them may still be about. When anything fails, the keyring stays as it was.
   *
   * Updates at the same time run one after another, so that an older answer never replaces a newer one.
   */
  update(options: CallOptions = {}): Promise<void> {
    const update = this.#updating.then(() => this.#update(options))
    this.#updating = update.catch(() => {})
    return update
  }

  async #update(options: CallOptions): Promise<void> {
    const { versions, activeVersion } = await this.#client.info(this.name, options)
    const added: [number, Uint8Array][] = []
    for (const version of new Set([...versions, activeVersion])) {
      if (this.#values.has(version)) continue
      const { value } = await this.#client.getVersion(this.name, version, options)
      added.push([version, value])
    }
    for (const [version, value] of added) this.#values.set(version, value)
    this.#active = activeVersion
  }

  toJSON(): string {
    return `Keyring(${JSON.stringify(this.name)})`
  }
}
