/** Handles of secrets that never change: for tests, and for moving to a store. */
import { type Secret, SecretHandle } from './secret.ts'
import { isBytes } from './source.ts'

/** Options of {@link staticSecret}. */
export interface StaticSecretOptions {
  /** Default `static`. */
  readonly name?: string
  /** Default 1. */
  readonly version?: number
}

/**
 * The handle of a secret that is in no store and never changes.
 *
 * @param value - text, as UTF-8, or bytes, which are copied
 *
 * @example
 * ```ts
 * const password = staticSecret('correct horse')
 * ```
 */
export function staticSecret(
  value: string | Uint8Array,
  options: StaticSecretOptions = {},
): Secret {
  if (typeof value !== 'string' && !isBytes(value)) {
    throw new TypeError('value: expected text or a Uint8Array')
  }
  const held = typeof value === 'string' ? new TextEncoder().encode(value) : value.slice()
  const { name = 'static', version = 1 } = options
  return new SecretHandle({ name, version, checkedAtMs: undefined, read: () => held })
}
