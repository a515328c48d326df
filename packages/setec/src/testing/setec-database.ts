/** What is on a test server, read and written without rights or requests. */
import { decodeBase64 } from '@secreg/protocol'
import type { SecretValue } from '@secreg/store'
import type { SecretMetadata } from '../client/answers.ts'
import { valueBytes } from '../client/arguments.ts'
import type { SetecPort } from '../server/port.ts'

/**
 * The secrets of a test server. What fails is rejected with a `SecregError`: `ERR_NOT_FOUND`, `ERR_VERSION_NOT_FOUND`,
 * `ERR_ALREADY_EXISTS`, `ERR_VERSION_ACTIVE`.
 */
export class SetecDatabase {
  readonly #port: SetecPort

  constructor(port: SetecPort) {
    this.#port = port
  }

  async list(): Promise<readonly SecretMetadata[]> {
    return (await this.#port.list()).map(metadata)
  }

  /** @param version - default 0, the active one */
  async get(name: string, version = 0): Promise<SecretValue> {
    const { base64, version: number } = await this.#port.get(name, version)
    return { value: decodeBase64(base64), version: number }
  }

  async info(name: string): Promise<SecretMetadata> {
    return metadata(await this.#port.info(name))
  }

  /** The first version of a secret is active at once, a later one is not. @returns its number */
  async put(name: string, value: Uint8Array | string): Promise<number> {
    return this.#port.put(name, valueBytes(value))
  }

  /** Put a value and make it the active one. @returns its number */
  async rotate(name: string, value: Uint8Array | string): Promise<number> {
    const version = await this.put(name, value)
    await this.#port.activate(name, version)
    return version
  }

  async createVersion(name: string, version: number, value: Uint8Array | string): Promise<void> {
    await this.#port.createVersion(name, version, valueBytes(value))
  }

  async activate(name: string, version: number): Promise<void> {
    await this.#port.activate(name, version)
  }

  async deleteVersion(name: string, version: number): Promise<void> {
    await this.#port.deleteVersion(name, version)
  }

  async delete(name: string): Promise<void> {
    await this.#port.delete(name)
  }
}

function metadata(info: Awaited<ReturnType<SetecPort['info']>>): SecretMetadata {
  return { name: info.Name, versions: info.Versions, activeVersion: info.ActiveVersion }
}
