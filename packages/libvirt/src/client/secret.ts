/** The handle of a secret: virSecretPtr. */

import type { SecretDefinition, UsageType } from '../secret/types.ts'
import { uuidBytes } from '../secret/uuid.ts'
import type { SecretRegistry } from './secret-registry.ts'

/** What a secret is used with, as a server tells it. */
export interface ToldUsage {
  /** `unknown` for a number that this version has no name for. */
  readonly type: UsageType | 'unknown'
  /** A `SecretUsageType`, or a number of a newer server. */
  readonly number: number
  /** The path of a volume, else a name; empty for `none`. */
  readonly id: string
}

/** What a handle asks of its server. */
export interface SecretCalls {
  readonly registry: SecretRegistry
  toXML(secret: Secret): Promise<string>
  describe(secret: Secret): Promise<SecretDefinition>
  setValue(secret: Secret, value: Uint8Array): Promise<void>
  getValue(secret: Secret): Promise<Uint8Array>
  undefine(secret: Secret): Promise<void>
}

/**
 * A secret of one server: its UUID and usage at the time when it was looked up, which do not change. Each method throws
 * `NoSecretError` once there is no such secret, what the server refuses as a `LibvirtError`, and
 * `LibvirtConnectionError`.
 */
export class Secret {
  readonly #calls: SecretCalls
  /** In canonical form: 32 lower-case hexadecimal digits, with dashes. */
  readonly uuid: string
  readonly usage: ToldUsage

  /** Handles are made by a `SecretRegistry`. */
  constructor(calls: SecretCalls, uuid: string, usage: ToldUsage) {
    this.#calls = calls
    this.uuid = uuid
    this.usage = Object.freeze({ ...usage })
  }

  /** The 16 bytes of the UUID; a copy. */
  get uuidBytes(): Uint8Array {
    return uuidBytes(this.uuid)
  }

  /** Where the secret is. */
  get registry(): SecretRegistry {
    return this.#calls.registry
  }

  /** The definition as the server has it now, in libvirt's XML. */
  toXML(): Promise<string> {
    return this.#calls.toXML(this)
  }

  /** The definition as the server has it now. */
  describe(): Promise<SecretDefinition> {
    return this.#calls.describe(this)
  }

  /**
   * @param value - 1 to 65,536 bytes; copied
   * @throws TypeError, RangeError
   */
  setValue(value: Uint8Array): Promise<void> {
    return this.#calls.setValue(this, value)
  }

  /**
   * @returns a copy that belongs to the caller, who may wipe it
   * @throws NoValueError when none was set; PrivateSecretError when nobody outside of the server may read it
   */
  getValue(): Promise<Uint8Array> {
    return this.#calls.getValue(this)
  }

  /** Remove the secret and its value. The handle stays, and its methods throw `NoSecretError`. */
  undefine(): Promise<void> {
    return this.#calls.undefine(this)
  }

  /** Without effect: a handle holds nothing of the server. */
  [Symbol.dispose](): void {}
}
