/** A client of a setec server: one request for each call (setec docs/api.md). */
import type { SecretValue } from '@secreg/store'
import {
  Malformed,
  metadataOf,
  nothingOf,
  type SecretMetadata,
  secretsOf,
  secretValueOf,
  versionOf,
} from './answers.ts'
import { checkName, checkVersion, encodeValue } from './arguments.ts'
import { Keyring } from './keyring.ts'
import { type CallOptions, type ClientOptions, clientSettings } from './options.ts'
import { Transport } from './transport.ts'

/**
 * A client. It repeats no request, follows no redirect, and keeps nothing: programs that read secrets use a store.
 *
 * Every method is rejected with a `SetecError`, or with the reason of its signal; wrong arguments are a TypeError or
 * RangeError. Names are any text, and travel in bodies only.
 *
 * @example
 * ```ts
 * const client = new Client('https://setec.example.com')
 * const { value, version } = await client.get('web/db-password')
 * ```
 */
export class Client {
  readonly #transport: Transport

  /**
   * @param server - http or https URL; `user:password@` are Basic credentials, and its path is put before that of each
   *   operation
   * @throws TypeError, RangeError which quote no credential
   */
  constructor(server: string, options: ClientOptions = {}) {
    this.#transport = new Transport(clientSettings(server, options))
  }

  /** Secrets that the caller has `info` on, sorted by name; none when he has it on none. */
  async list(options: CallOptions = {}): Promise<readonly SecretMetadata[]> {
    return this.#transport.send({ operation: 'list', body: {}, parse: secretsOf }, options)
  }

  /** The active value. Needs `get`. */
  async get(name: string, options: CallOptions = {}): Promise<SecretValue> {
    return this.#get(checkName(name), 0, options)
  }

  /**
   * The active value, unless its version is the one given. Needs `get`.
   *
   * @param version - 0 to 4,294,967,295; it need not exist, and with 0 this is {@link Client.get}
   * @returns `undefined`: that is the active version
   */
  async getIfChanged(
    name: string,
    version: number,
    options: CallOptions = {},
  ): Promise<SecretValue | undefined> {
    if (checkVersion(version, 0) === 0) return this.get(name, options)
    return this.#transport.send<SecretValue | undefined>(
      {
        operation: 'get',
        body: { Name: checkName(name), Version: version, UpdateIfChanged: true },
        parse: secretValueOf,
        unchanged: () => undefined,
      },
      options,
    )
  }

  /**
   * The value of one version. Needs `get`.
   *
   * @param version - 0 to 4,294,967,295; 0 is the active one
   */
  async getVersion(name: string, version: number, options: CallOptions = {}): Promise<SecretValue> {
    return this.#get(checkName(name), checkVersion(version, 0), options)
  }

  /** Versions of a secret. Needs `info`. */
  async info(name: string, options: CallOptions = {}): Promise<SecretMetadata> {
    const body = { Name: checkName(name) }
    return this.#transport.send({ operation: 'info', body, parse: metadataOf }, options)
  }

  /**
   * Write a value: the first version of a secret is active at once, a later one is not. When the latest version has
   * the same value, nothing is written. Needs `put`.
   *
   * @param value - bytes, or text as UTF-8
   * @returns the number of the version that has the value
   */
  async put(name: string, value: Uint8Array | string, options: CallOptions = {}): Promise<number> {
    const body = { Name: checkName(name), Value: encodeValue(value) }
    return this.#transport.send({ operation: 'put', body, parse: versionOf }, options)
  }

  /**
   * Write a value under a number that was never used, and make it active at once, whatever its order. Needs
   * `create-version`.
   *
   * @param version - 1 to 4,294,967,295
   * @throws SetecError `ERR_SETEC_VERSION_CLAIMED` when the number is used, or was
   */
  async createVersion(
    name: string,
    version: number,
    value: Uint8Array | string,
    options: CallOptions = {},
  ): Promise<void> {
    const body = {
      Name: checkName(name),
      Version: checkVersion(version, 1),
      Value: encodeValue(value),
    }
    return this.#transport.send({ operation: 'create-version', body, parse: nothingOf }, options)
  }

  /** Make a version the active one. Needs `activate`. */
  async activate(name: string, version: number, options: CallOptions = {}): Promise<void> {
    const body = { Name: checkName(name), Version: checkVersion(version, 1) }
    return this.#transport.send({ operation: 'activate', body, parse: nothingOf }, options)
  }

  /** Erase a version that is not the active one; its number stays used. Needs `delete`. */
  async deleteVersion(name: string, version: number, options: CallOptions = {}): Promise<void> {
    const body = { Name: checkName(name), Version: checkVersion(version, 1) }
    return this.#transport.send({ operation: 'delete-version', body, parse: nothingOf }, options)
  }

  /** Erase a secret with all its versions, the active one too; also when there is none. Needs `delete`. */
  async delete(name: string, options: CallOptions = {}): Promise<void> {
    const body = { Name: checkName(name) }
    return this.#transport.send({ operation: 'delete', body, parse: nothingOf }, options)
  }

  /** All versions of a secret. Needs `info` and `get`. */
  async getKeyring(name: string, options: CallOptions = {}): Promise<Keyring> {
    const keyring = new Keyring(this, checkName(name))
    await keyring.update(options)
    return keyring
  }

  #get(name: string, version: number, options: CallOptions): Promise<SecretValue> {
    return this.#transport.send(
      {
        operation: 'get',
        body: { Name: name, Version: version, UpdateIfChanged: false },
        parse: (answer) => {
          const value = secretValueOf(answer)
          if (version !== 0 && value.version !== version) {
            throw new Malformed('it is another version')
          }
          return value
        },
      },
      options,
    )
  }
}
