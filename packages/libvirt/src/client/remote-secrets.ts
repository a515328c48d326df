/** What handles ask of their server. */
import { type SecretDefinition, USAGE_NUMBERS, type UsageType } from '../secret/types.ts'
import { LibvirtError } from '../wire/libvirt-error.ts'
import type { SecretHandle } from '../wire/secret-handle.ts'
import { parseSecretXml } from '../xml/parse-secret-xml.ts'
import { checkValue } from './check-arguments.ts'
import { LibvirtConnectionError } from './connection-error.ts'
import { asNoValue, missingOf, NoSecretError } from './refusal.ts'
import type { RemoteCalls } from './remote-calls.ts'
import type { Secret, SecretCalls, ToldUsage } from './secret.ts'
import type { SecretRegistry } from './secret-registry.ts'

const NAMES: ReadonlyMap<number, UsageType> = new Map(
  (Object.keys(USAGE_NUMBERS) as UsageType[]).map((type) => [USAGE_NUMBERS[type], type]),
)

/** The usage of a secret; of a newer server, perhaps one without a name here. */
export function toldUsage(number: number, id: string): ToldUsage {
  return { type: NAMES.get(number) ?? 'unknown', number, id }
}

export class RemoteSecrets implements SecretCalls {
  readonly registry: SecretRegistry
  readonly #calls: RemoteCalls

  constructor(registry: SecretRegistry, calls: RemoteCalls) {
    this.registry = registry
    this.#calls = calls
  }

  toXML(secret: Secret): Promise<string> {
    const args = { secret: handleOf(secret), flags: 0 }
    return this.#calls.call('secretGetXmlDesc', args, ({ xml }) => xml)
  }

  async describe(secret: Secret): Promise<SecretDefinition> {
    const xml = await this.toXML(secret)
    try {
      const { uuid, ...rest } = parseSecretXml(xml)
      if (uuid !== secret.uuid)
        throw new RangeError('uuid: expected the one asked for, got another')
      return { uuid, ...rest }
    } catch (cause) {
      throw new LibvirtConnectionError('ANSWER_INVALID', { cause })
    }
  }

  async setValue(secret: Secret, value: Uint8Array): Promise<void> {
    checkValue(value)
    // The slice of a Buffer would be the caller's own memory.
    const copy = new Uint8Array(value)
    const args = { secret: handleOf(secret), value: copy, flags: 0 }
    try {
      await this.#calls.call('secretSetValue', args, () => {}, copy)
    } finally {
      copy.fill(0)
    }
  }

  async getValue(secret: Secret): Promise<Uint8Array> {
    const args = { secret: handleOf(secret), flags: 0 }
    try {
      return await this.#calls.call('secretGetValue', args, ({ value }) => value.slice())
    } catch (error) {
      const missing = error instanceof NoSecretError ? await this.#missing(secret, error) : 'secret'
      throw missing === 'value' && LibvirtError.is(error) ? asNoValue(error) : error
    }
  }

  undefine(secret: Secret): Promise<void> {
    return this.#calls.call('secretUndefine', { secret: handleOf(secret) }, () => {})
  }

  /** Code 66 stands for both; a server of another language is asked. */
  async #missing(secret: Secret, error: NoSecretError): Promise<'secret' | 'value'> {
    const told = missingOf(error)
    if (told !== undefined) return told
    try {
      await this.#calls.call('secretLookupByUuid', { uuid: secret.uuid }, () => {})
      return 'value'
    } catch {
      return 'secret'
    }
  }
}

function handleOf(secret: Secret): SecretHandle {
  return { uuid: secret.uuid, usageType: secret.usage.number, usageId: secret.usage.id }
}
