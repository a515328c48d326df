/** What of a registry's answers is relied on, checked. */
import { encodeBase64, type GetResponse, SecregError } from '@secreg/protocol'
import { isVersion } from '../api/secret.ts'

const encoder = new TextEncoder()

/** Value of an answer in base64, whatever its type; `undefined` when there is none, or it is none. */
export function base64Of({ value, type }: GetResponse): string | undefined {
  if (typeof value !== 'string') return undefined
  if (type !== 'bytes') return encodeBase64(encoder.encode(value))
  return value.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(value) ? value : undefined
}

/** Numbers of versions, ascending; `undefined` when they are none. */
export function versionsOf(versions: unknown): readonly number[] | undefined {
  if (!Array.isArray(versions)) return undefined
  let last = 0
  for (const version of versions as unknown[]) {
    if (!isVersion(version) || version <= last) return undefined
    last = version
  }
  return versions as number[]
}

export function malformed(): SecregError {
  return new SecregError('INTERNAL', 'the registry answered something else than was asked for')
}
