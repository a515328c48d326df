/** One secret of libvirt as it is in the registry (DESIGN §4), and the writes that bring it in. */
import { timingSafeEqual } from 'node:crypto'
import type { RegistryConnection } from '@secreg/client'
import type { SecretDefinition, SecretUsage } from '@secreg/libvirt'
import {
  type Definition,
  defineRequest,
  LIBVIRT_DIALECT,
  type LibvirtWrite,
  secretPath,
  usageKey,
  usageOf,
  uuidOfPath,
} from '@secreg/libvirt/dialect'
import {
  type DialectEntry,
  decodeBase64,
  encodeBase64,
  type MetaResponse,
  type Path,
  SecregError,
} from '@secreg/protocol'
import type { Problem } from './failures.ts'

/** What of it is there. */
export interface Kept {
  readonly definition: Definition
  readonly hasValue: boolean
}

export class SecretHere {
  readonly key: Path
  readonly #registry: RegistryConnection

  /** @param uuid - in canonical form */
  constructor(registry: RegistryConnection, uuid: string) {
    this.key = secretPath(uuid)
    this.#registry = registry
  }

  /**
   * What is there; `undefined` when there is no such entry.
   *
   * @throws SecregError `ERR_ENTRY_DELETED` for one whose history is kept, and what the registry refuses with
   */
  async kept(): Promise<Kept | undefined> {
    try {
      const answer = await this.#registry.meta({ op: 'get', key: this.key })
      return { definition: definitionOf(answer), hasValue: answer.active !== 0 }
    } catch (error) {
      if (SecregError.is(error) && error.reason === 'STORAGE_KEY_NOT_FOUND') return undefined
      throw error
    }
  }

  /** Whether it has this value. */
  async holds(value: Uint8Array): Promise<boolean> {
    const answer = await this.#registry.get({ key: this.key, decrypt: true })
    if (typeof answer.value !== 'string') throw unexpected()
    const bytes = answer.type === 'bytes' ? decodeBase64(answer.value) : Buffer.from(answer.value)
    try {
      return bytes.length === value.length && timingSafeEqual(bytes, value)
    } finally {
      bytes.fill(0)
    }
  }

  /** UUID of another secret that has a use; `undefined` when there is none that may be seen. */
  async holderOf(usage: SecretUsage): Promise<string | undefined> {
    const unique = usageKey(usage)
    if (unique === undefined) return undefined
    try {
      const dialect = LIBVIRT_DIALECT.name
      const { key } = await this.#registry.meta({ op: 'find', dialect, unique })
      const uuid = uuidOfPath(key)
      if (uuid === undefined) throw unexpected()
      return key === this.key ? undefined : uuid
    } catch (error) {
      if (SecregError.is(error) && error.statusName === 'NotFound') return undefined
      throw error
    }
  }

  /** Why the registry would not take a definition, wherever it were written; a dry run has no other way to know. */
  refusalOf(definition: SecretDefinition): Problem | undefined {
    try {
      LIBVIRT_DIALECT.operations.define.plan(nothingAt(this.key), defineRequest(definition))
      return undefined
    } catch (error) {
      if (!SecregError.is(error)) throw error
      return { reason: error.reason, message: error.message }
    }
  }

  async define(definition: SecretDefinition): Promise<void> {
    await this.#write('define', defineRequest(definition))
  }

  /** Give it a value, beside which those before it are kept as versions. */
  async setValue(value: Uint8Array): Promise<void> {
    await this.#write('set-value', { value: encodeBase64(value) })
  }

  async #write(operation: LibvirtWrite, request: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#registry.dialect({
      dialect: LIBVIRT_DIALECT.name,
      operation,
      key: this.key,
      request,
    })
  }
}

function definitionOf(answer: MetaResponse): Definition {
  const { private: isPrivate, ephemeral, description, custom } = answer
  if (typeof isPrivate !== 'boolean' || typeof ephemeral !== 'boolean') throw unexpected()
  return {
    ...(description === undefined || description === '' ? {} : { description }),
    usage: usageOf(custom),
    private: isPrivate,
    ephemeral,
  }
}

function nothingAt(path: Path): DialectEntry {
  return {
    path,
    exists: false,
    active: 0,
    latest: 0,
    next: 1,
    base: 0,
    isDeleted: false,
    isPrivate: false,
    isEphemeral: false,
    custom: {},
    isClaimed: () => false,
    stateOf: () => undefined,
    holds: () => false,
  }
}

function unexpected(): SecregError {
  return new SecregError('INTERNAL', 'the daemon answered something else than was asked for')
}
