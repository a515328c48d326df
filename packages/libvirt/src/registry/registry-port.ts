/**
 * Secrets of libvirt that are in a registry (DESIGN §4), as one caller of the registry sees them. The registry decides,
 * records and does everything; here is only what the two call it. A secret is seen by those who may read its metadata:
 * everybody else is told that there is none, whatever he asks. That a caller may not do something is told, as libvirt
 * does, after that there is no such secret, and before that it is private or has no value.
 */
import { encodeBase64, type RegistryApi } from '@secreg/protocol'
import { LIBVIRT_DIALECT, type LibvirtWrite } from '../dialect/libvirt-dialect.ts'
import { secretPath } from '../dialect/path.ts'
import { defineRequest } from '../dialect/request.ts'
import type { SecretDefinition, SecretDraft, SecretUsage } from '../secret/types.ts'
import type { SecretEvent, SecretsPort } from '../server/port.ts'
import { LIBVIRT_ERRORS } from '../wire/errors.ts'
import { bytesOf } from './answer-shape.ts'
import { isNotFound, reasonOf, told } from './refusals.ts'
import { type LibvirtReads, Sight } from './sight.ts'
import { type WatchRegistry, watchSecrets } from './watch-secrets.ts'

/** What of the registry is needed. */
export type LibvirtRegistryApi = Pick<RegistryApi, 'get' | 'list' | 'meta' | 'dialect'>

export interface RegistryPortOptions {
  /** Begin a watch of the same caller. */
  readonly watch: WatchRegistry
  /**
   * The same caller's sight for what is part of another operation: why it was refused, what an event is about. A registry
   * that records each read need not record these. Default `api`.
   */
  readonly parts?: LibvirtReads
  /** A random UUID (version 4) in canonical form; default that of the platform. */
  readonly newUuid?: () => string
}

/**
 * See the secrets in a registry.
 *
 * @param api - of one caller
 * @returns a port for `serveLibvirt`; it keeps nothing but the watches that it began
 */
export function registryPort(api: LibvirtRegistryApi, options: RegistryPortOptions): SecretsPort {
  return new RegistryPort(api, options)
}

class RegistryPort implements SecretsPort {
  readonly #api: LibvirtRegistryApi
  readonly #sight: Sight
  /** For what is part of another operation. */
  readonly #parts: Sight
  readonly #watch: WatchRegistry
  readonly #newUuid: () => string

  constructor(api: LibvirtRegistryApi, { parts, watch, newUuid }: RegistryPortOptions) {
    this.#api = api
    this.#sight = new Sight(api, parts)
    this.#parts = new Sight(parts ?? api)
    this.#watch = watch
    this.#newUuid = newUuid ?? (() => globalThis.crypto.randomUUID())
  }

  list(): Promise<readonly SecretDefinition[]> {
    return this.#sight.list()
  }

  lookup(uuid: string): Promise<SecretDefinition> {
    return this.#sight.lookup(uuid)
  }

  async lookupByUsage(usage: SecretUsage): Promise<SecretDefinition> {
    const found = await this.#sight.find(usage)
    if (found === undefined) throw LIBVIRT_ERRORS.noSecretUsage(usage.id)
    return found
  }

  describe(uuid: string): Promise<SecretDefinition> {
    return this.lookup(uuid)
  }

  async define({ uuid = this.#newUuid(), ...definition }: SecretDraft): Promise<SecretDefinition> {
    try {
      await this.#write('define', uuid, defineRequest(definition))
      return { uuid, ...definition }
    } catch (error) {
      switch (reasonOf(error)) {
        case 'ALREADY_EXISTS': {
          const holder = await this.#parts.find(definition.usage)
          if (holder === undefined) {
            throw LIBVIRT_ERRORS.operationFailed('another secret is defined for this use')
          }
          throw LIBVIRT_ERRORS.duplicateUsage(holder.uuid, definition.usage.id)
        }
        case 'IN_USE': {
          const { usage } = await this.#parts.lookup(uuid)
          throw LIBVIRT_ERRORS.usageChanged(uuid, usage.id === '' ? undefined : usage.id)
        }
        case 'INVALID_ARGUMENT':
          await this.#parts.lookup(uuid)
          throw LIBVIRT_ERRORS.privateCleared()
        case 'ACCESS_DENIED':
          // Of one that is yet to be made it is known to nobody whether it can be seen; who might see it is told why.
          throw (await this.#parts.see(uuid)) === 'hidden'
            ? LIBVIRT_ERRORS.noSecret(uuid)
            : LIBVIRT_ERRORS.accessDenied()
        default:
          throw told(error)
      }
    }
  }

  async setValue(uuid: string, value: Uint8Array): Promise<void> {
    if (value.length === 0) throw LIBVIRT_ERRORS.emptyValue()
    await this.#change('set-value', uuid, { value: encodeBase64(value) })
  }

  async getValue(uuid: string): Promise<Uint8Array> {
    try {
      return bytesOf(await this.#api.get({ key: secretPath(uuid), decrypt: true }))
    } catch (error) {
      const isDenied = reasonOf(error) === 'ACCESS_DENIED'
      if (!isDenied && !isNotFound(error)) throw told(error)
      const secret = await this.#parts.lookup(uuid)
      if (secret.private) throw LIBVIRT_ERRORS.isPrivate()
      throw isDenied ? LIBVIRT_ERRORS.accessDenied() : LIBVIRT_ERRORS.noValue(uuid)
    }
  }

  undefine(uuid: string): Promise<void> {
    return this.#change('undefine', uuid, {})
  }

  async watch(onEvent: (event: SecretEvent) => void, onEnd: () => void): Promise<() => void> {
    try {
      return await watchSecrets(this.#parts, this.#watch, onEvent, onEnd)
    } catch (error) {
      // As libvirt tells whoever may not search; that there are secrets it says to nobody.
      throw reasonOf(error) === 'ACCESS_DENIED' ? LIBVIRT_ERRORS.accessDenied() : told(error)
    }
  }

  /** Change a secret that there must be. */
  async #change(
    operation: LibvirtWrite,
    uuid: string,
    request: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    try {
      await this.#write(operation, uuid, request)
    } catch (error) {
      if (isNotFound(error)) throw LIBVIRT_ERRORS.noSecret(uuid)
      if (reasonOf(error) !== 'ACCESS_DENIED') throw told(error)
      await this.#parts.lookup(uuid)
      throw LIBVIRT_ERRORS.accessDenied()
    }
  }

  async #write(
    operation: LibvirtWrite,
    uuid: string,
    request: Readonly<Record<string, unknown>>,
  ): Promise<void> {
    const key = secretPath(uuid)
    await this.#api.dialect({ dialect: LIBVIRT_DIALECT.name, operation, key, request })
  }
}
