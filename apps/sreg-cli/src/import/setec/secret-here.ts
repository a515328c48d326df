/** One secret of setec as it is in the registry (DESIGN §4), and the writes that bring it in. */
import { timingSafeEqual } from 'node:crypto'
import type { RegistryConnection } from '@secreg/client'
import { decodeBase64, encodeBase64, type Path, SecregError } from '@secreg/protocol'
import { SETEC_DIALECT } from '@secreg/setec/dialect'

/** What of it is there. */
export interface Kept {
  /** Versions that can be read. */
  readonly numbers: ReadonlySet<number>
  /** 0: none. */
  readonly active: number
}

const NOTHING: Kept = Object.freeze({ numbers: new Set<number>(), active: 0 })

export class SecretHere {
  readonly #registry: RegistryConnection
  readonly #key: Path

  constructor(registry: RegistryConnection, key: Path) {
    this.#registry = registry
    this.#key = key
  }

  /**
   * What is there; nothing when there is no such entry.
   *
   * @throws SecregError `ERR_ENTRY_DELETED` for one whose history is kept, and what the registry refuses with
   */
  async kept(): Promise<Kept> {
    try {
      const answer = await this.#registry.meta({ op: 'get', key: this.#key, versions: true })
      if (!Array.isArray(answer.versions)) throw unexpected()
      return { numbers: new Set(answer.versions), active: answer.active }
    } catch (error) {
      if (SecregError.is(error) && error.reason === 'STORAGE_KEY_NOT_FOUND') return NOTHING
      throw error
    }
  }

  /** Whether a version has this value. */
  async holds(version: number, value: Uint8Array): Promise<boolean> {
    const answer = await this.#registry.get({ key: this.#key, version, decrypt: true })
    if (typeof answer.value !== 'string') throw unexpected()
    const bytes = answer.type === 'bytes' ? decodeBase64(answer.value) : Buffer.from(answer.value)
    return bytes.length === value.length && timingSafeEqual(bytes, value)
  }

  /**
   * Make a version, which becomes the active one.
   *
   * @throws SecregError `ERR_ALREADY_EXISTS` when its number was ever used
   */
  async create(version: number, value: Uint8Array): Promise<void> {
    await this.#write('create-version', { version, value: encodeBase64(value) })
  }

  async activate(version: number): Promise<void> {
    await this.#write('activate', { version })
  }

  async #write(
    operation: 'create-version' | 'activate',
    request: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    const dialect = SETEC_DIALECT.name
    await this.#registry.dialect({ dialect, operation, key: this.#key, request })
  }
}

function unexpected(): SecregError {
  return new SecregError('INTERNAL', 'the daemon answered something else than was asked for')
}
