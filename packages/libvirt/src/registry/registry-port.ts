/**
 * Secrets of libvirt that are in a registry (DESIGN §4), as one caller of the registry sees them. The registry decides,
 * records and does everything; here is only what the two call it. A secret is seen by those who may read its metadata:
 * everybody else is told that there is none, whatever he asks. That a caller may not do something is told, as libvirt
 * does, after that there is no such secret, and before that it is private or has no value.
 */
import { encodeBase64, LIMITS, type Reason, type RegistryApi, SecregError } from '@secreg/protocol'
import { LIBVIRT_DIALECT, type LibvirtWrite } from '../dialect/libvirt-dialect.ts'
import { LIBVIRT_MOUNT, secretPath } from '../dialect/path.ts'
import { defineRequest } from '../dialect/request.ts'
import { usageKey } from '../dialect/usage.ts'
import type { SecretDefinition, SecretDraft, SecretUsage } from '../secret/types.ts'
import type { SecretEvent, SecretsPort } from '../server/port.ts'
import { LIBVIRT_ERRORS } from '../wire/errors.ts'
import { isXmlText } from '../xml/xml-text.ts'
import { bytesOf, definitionOf, malformed } from './answer-shape.ts'
import { type WatchRegistry, watchSecrets } from './watch-secrets.ts'

/** What of the registry is needed. */
export type LibvirtRegistryApi = Pick<RegistryApi, 'get' | 'list' | 'meta' | 'dialect'>

export interface RegistryPortOptions {
  /** Begin a watch of the same caller. */
  readonly watch: WatchRegistry
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

/** Refusals that an administrator can do something about, in the words of this house; the rest is not told. */
const TOLD: Partial<Record<Reason, string>> = Object.freeze({
  SEALED: 'the registry is sealed',
  BUSY: 'the registry is busy; try again later',
  AUDIT_FAILED: 'the audit log cannot be written, so that nothing was done',
  QUOTA_EXCEEDED: 'the quota of the secrets is used up',
  LIMIT_EXCEEDED: 'the description or the name of the use is too long',
  VERSION_REQUIRED: 'the secret is changed through the registry only',
})

class RegistryPort implements SecretsPort {
  readonly #api: LibvirtRegistryApi
  readonly #watch: WatchRegistry
  readonly #newUuid: () => string

  constructor(api: LibvirtRegistryApi, { watch, newUuid }: RegistryPortOptions) {
    this.#api = api
    this.#watch = watch
    this.#newUuid = newUuid ?? (() => globalThis.crypto.randomUUID())
  }

  async list(): Promise<readonly SecretDefinition[]> {
    const found: SecretDefinition[] = []
    let after: string | undefined
    do {
      const page = await this.#page(after)
      if (page === undefined) return []
      for (const entry of page.entries) {
        const definition = definitionOf(entry)
        if (definition !== undefined) found.push(definition)
      }
      if (page.next !== undefined && page.next === after) throw malformed()
      after = page.next
    } while (after !== undefined)
    return found
  }

  async lookup(uuid: string): Promise<SecretDefinition> {
    const seen = await this.#see(uuid)
    if (typeof seen === 'string') throw LIBVIRT_ERRORS.noSecret(uuid)
    return seen
  }

  async lookupByUsage(usage: SecretUsage): Promise<SecretDefinition> {
    const found = await this.#find(usage)
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
          const holder = await this.#find(definition.usage)
          if (holder === undefined) {
            throw LIBVIRT_ERRORS.operationFailed('another secret is defined for this use')
          }
          throw LIBVIRT_ERRORS.duplicateUsage(holder.uuid, definition.usage.id)
        }
        case 'IN_USE': {
          const { usage } = await this.lookup(uuid)
          throw LIBVIRT_ERRORS.usageChanged(uuid, usage.id === '' ? undefined : usage.id)
        }
        case 'INVALID_ARGUMENT':
          await this.lookup(uuid)
          throw LIBVIRT_ERRORS.privateCleared()
        case 'ACCESS_DENIED':
          // Of one that is yet to be made it is known to nobody whether it can be seen; who might see it is told why.
          throw (await this.#see(uuid)) === 'hidden'
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
      const secret = await this.lookup(uuid)
      if (secret.private) throw LIBVIRT_ERRORS.isPrivate()
      throw isDenied ? LIBVIRT_ERRORS.accessDenied() : LIBVIRT_ERRORS.noValue(uuid)
    }
  }

  undefine(uuid: string): Promise<void> {
    return this.#change('undefine', uuid, {})
  }

  async watch(onEvent: (event: SecretEvent) => void, onEnd: () => void): Promise<() => void> {
    try {
      return await watchSecrets(this, this.#watch, onEvent, onEnd)
    } catch (error) {
      // As libvirt tells whoever may not search; that there are secrets it says to nobody.
      throw reasonOf(error) === 'ACCESS_DENIED' ? LIBVIRT_ERRORS.accessDenied() : told(error)
    }
  }

  /** What may be seen of a secret: itself, that there is none, or nothing at all. */
  async #see(uuid: string): Promise<SecretDefinition | 'none' | 'hidden'> {
    try {
      const definition = definitionOf(await this.#api.meta({ op: 'get', key: secretPath(uuid) }))
      if (definition === undefined) throw malformed()
      return definition
    } catch (error) {
      if (reasonOf(error) === 'ACCESS_DENIED') return 'hidden'
      if (isNotFound(error)) return 'none'
      throw told(error)
    }
  }

  async #find(usage: SecretUsage): Promise<SecretDefinition | undefined> {
    const unique = usageKey(usage)
    // What is longer, or cannot be said in XML, is no secret's.
    if (unique === undefined || unique.length > LIMITS.uniqueChars || !isXmlText(unique)) {
      return undefined
    }
    try {
      const dialect = LIBVIRT_DIALECT.name
      const found = definitionOf(await this.#api.meta({ op: 'find', dialect, unique }))
      if (found === undefined) throw malformed()
      return found
    } catch (error) {
      if (isNotFound(error)) return undefined
      throw told(error)
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
      await this.lookup(uuid)
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

  /** @returns `undefined` when the caller may list nothing at all */
  async #page(after: string | undefined) {
    try {
      const { entries, next } = await this.#api.list({
        prefix: LIBVIRT_MOUNT,
        detail: true,
        metadata: true,
        unset: true,
        // Each page leaves a record of its own, so that there are as few as can be.
        limit: LIMITS.listKeys,
        ...(after === undefined ? {} : { after }),
      })
      if (!Array.isArray(entries)) throw malformed()
      return { entries, next }
    } catch (error) {
      if (reasonOf(error) === 'ACCESS_DENIED') return undefined
      throw told(error)
    }
  }
}

function reasonOf(error: unknown): Reason | undefined {
  return SecregError.is(error) ? error.reason : undefined
}

function isNotFound(error: unknown): boolean {
  return SecregError.is(error) && error.statusName === 'NotFound'
}

/** What a client is told of a failure; what is no matter of his stays what it is, and its door says nothing of it. */
function told(error: unknown): unknown {
  const reason = reasonOf(error)
  const text = reason === undefined ? undefined : TOLD[reason]
  return text === undefined ? error : LIBVIRT_ERRORS.operationFailed(text, error)
}
