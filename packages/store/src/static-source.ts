/** Secrets that never change: for tests, and for moving to a real source. */
import { SecregError } from '@secreg/protocol'
import { checkAnswer, isBytes, type SecretSource, type SecretValue } from './source.ts'

/** A secret of a static source: bytes, text, or bytes with a version; without one it is 1. */
export type StaticSecret = Uint8Array | string | SecretValue

/**
 * A source that answers from a record. A name that it does not have is `ERR_NOT_FOUND`, at the start at once.
 *
 * @param secrets - copied
 *
 * @example
 * ```ts
 * const source = staticSource({ 'db/password': 'correct horse' })
 * ```
 */
export function staticSource(secrets: Readonly<Record<string, StaticSecret>>): SecretSource {
  if (typeof secrets !== 'object' || secrets === null) {
    throw new TypeError('secrets: expected an object')
  }
  const held = new Map(
    Object.entries(secrets).map(([name, secret]) => [name, copyOf(secret, name)] as const),
  )
  const find = (name: string): SecretValue => {
    const secret = held.get(name)
    if (secret === undefined) {
      throw new SecregError('NOT_FOUND', `the static source has no secret ${JSON.stringify(name)}`)
    }
    return { value: secret.value.slice(), version: secret.version }
  }
  return {
    fixed: true,
    get: async (name) => find(name),
    getIfChanged: async (name, version) => {
      const secret = find(name)
      return secret.version === version ? undefined : secret
    },
  }
}

function copyOf(secret: StaticSecret, name: string): SecretValue {
  if (typeof secret === 'string') return { value: new TextEncoder().encode(secret), version: 1 }
  if (isBytes(secret)) return { value: secret.slice(), version: 1 }
  const { value, version } = checkAnswer(secret, name)
  return { value: value.slice(), version }
}
