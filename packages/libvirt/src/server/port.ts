/** What the server half stands on. */
import type { SecretDefinition, SecretDraft, SecretUsage } from '../secret/types.ts'

/** Something that happened to a secret. */
export type SecretEvent =
  | {
      readonly type: 'lifecycle'
      readonly event: 'defined' | 'undefined'
      readonly secret: SecretDefinition
    }
  | { readonly type: 'value-changed'; readonly secret: SecretDefinition }

/**
 * The secrets as one caller may see and change them. It decides everything: who may do what, which definitions are
 * allowed, and it returns once what it has changed is durable. A UUID is always in canonical form. Any method may throw
 * a `LibvirtError`; whatever else it throws is told as an internal error without a word of it.
 */
export interface SecretsPort {
  /** Those that the caller may see, by UUID. */
  list(): Promise<readonly SecretDefinition[]>
  /** @throws LibvirtError 66 when there is none that the caller may see */
  lookup(uuid: string): Promise<SecretDefinition>
  /** @throws LibvirtError 66 when there is none that the caller may see */
  lookupByUsage(usage: SecretUsage): Promise<SecretDefinition>
  /** @param draft - without a UUID, a random one (version 4) is made */
  define(draft: SecretDraft): Promise<SecretDefinition>
  /** What `lookup` tells, to those who may also read it. */
  describe(uuid: string): Promise<SecretDefinition>
  /** @param value - 1 to 65536 bytes; wiped after the call settled, so whoever keeps it copies it */
  setValue(uuid: string, value: Uint8Array): Promise<void>
  /**
   * @returns a copy that belongs to the caller, who wipes it
   * @throws LibvirtError 65 when the secret is private, 66 when it has no value
   */
  getValue(uuid: string): Promise<Uint8Array>
  undefine(uuid: string): Promise<void>
  /**
   * Events that the caller may see, until the returned function is called.
   *
   * @param onEnd - called once when no more will be told, though nobody has called that function
   */
  watch(onEvent: (event: SecretEvent) => void, onEnd: () => void): Promise<() => void>
}
