/**
 * What a cache holds: the format of setec's client, so that the two can share one.
 *
 *   {"<name>":{"secret":{"Value":"<base64>","Version":<n>},"lastAccess":"<unix seconds as text>"}}
 */
import { decodeBase64, encodeBase64 } from '@secreg/protocol'
import { StoreError } from './errors.ts'
import type { SecretValue } from './source.ts'

/** One secret of a cache. */
export interface CachedSecret extends SecretValue {
  readonly lastAccessMs: number
}

/** Encode secrets; in the order given. */
export function encodeCache(secrets: Iterable<readonly [string, CachedSecret]>): Uint8Array {
  const members: [string, object][] = []
  for (const [name, { value, version, lastAccessMs }] of secrets) {
    const secret = { Value: encodeBase64(value), Version: version }
    members.push([name, { secret, lastAccess: String(Math.floor(lastAccessMs / 1000)) }])
  }
  return new TextEncoder().encode(JSON.stringify(Object.fromEntries(members)))
}

/**
 * Decode a cache. A member that has `versions` but no secret, or the secret `null` (so setec keeps explicit versions)
 * is passed over.
 *
 * @throws StoreError `ERR_STORE_FORMAT`; the message holds neither names nor values
 */
export function decodeCache(bytes: Uint8Array): Map<string, CachedSecret> {
  const out = new Map<string, CachedSecret>()
  for (const [name, member] of Object.entries(parseObject(bytes, 'the cache'))) {
    if (!isObject(member)) throw malformed('a member is not an object')
    if (name === '') throw malformed('a name is empty')
    const { secret, lastAccess = '0', versions } = member
    if ((secret ?? undefined) === undefined && versions !== undefined) continue
    if (!isObject(secret)) throw malformed('a member has no secret')
    const { Value: value, Version: version } = secret
    if (!Number.isSafeInteger(version) || (version as number) < 0) {
      throw malformed('a version is not a number')
    }
    const seconds = typeof lastAccess === 'string' && /^-?\d{1,15}$/.test(lastAccess)
    if (!seconds) throw malformed('a last access is not seconds as text')
    out.set(name, {
      value: readBase64(value) ?? malformedValue(),
      version: version as number,
      lastAccessMs: Number(lastAccess) * 1000,
    })
  }
  return out
}

/**
 * Decode base64 as Go does, where `null` and absent are no bytes.
 *
 * @returns `undefined` when it is none
 */
export function readBase64(value: unknown): Uint8Array | undefined {
  if (value === null || value === undefined) return new Uint8Array(0)
  if (typeof value !== 'string') return undefined
  try {
    return decodeBase64(value)
  } catch {
    return undefined
  }
}

/** Parse bytes as a JSON object; errors quote nothing of it, as those of the parser do. */
export function parseObject(bytes: Uint8Array, what: string): Record<string, unknown> {
  let parsed: unknown
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw new StoreError('ERR_STORE_FORMAT', `${what} is not JSON`)
  }
  if (!isObject(parsed)) throw new StoreError('ERR_STORE_FORMAT', `${what} is not a JSON object`)
  return parsed
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function malformed(what: string): StoreError {
  return new StoreError('ERR_STORE_FORMAT', `the cache is malformed: ${what}`)
}

function malformedValue(): never {
  throw malformed('a value is not base64')
}
