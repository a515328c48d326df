/**
 * The cache of a store with the single versions beside its secrets, as setec's own store keeps them.
 *
 *   {"<name>":{"secret":{…},"versions":{"5":"<base64>"},"lastAccess":"<unix seconds as text>"}}
 */
import { decodeBase64, encodeBase64 } from '@secreg/protocol'
import type { SecretCache } from '@secreg/store'
import { isVersion } from '../api/secret.ts'
import type { VersionedSecrets } from './versioned-secrets.ts'

/**
 * A cache around another one.
 *
 * Versions of a name whose active value is not held are not written: setec's store throws a cache away that has an
 * entry without one.
 */
export function versionedCache(cache: SecretCache, secrets: VersionedSecrets): SecretCache {
  return {
    read: async () => {
      const bytes = await cache.read()
      for (const [name, member] of membersOf(bytes)) restore(name, member, secrets)
      return bytes
    },
    write: async (bytes) => {
      const members = [...membersOf(bytes)].map(
        ([name, member]) => [name, withVersions(name, member, secrets)] as const,
      )
      const written = new TextEncoder().encode(JSON.stringify(Object.fromEntries(members)))
      try {
        await cache.write(written)
      } finally {
        written.fill(0)
      }
    },
  }
}

/** Members that may have versions; of what is no cache, none: the store tells of that. */
function membersOf(bytes: Uint8Array | undefined): readonly (readonly [string, object])[] {
  let parsed: unknown
  try {
    parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return []
  }
  if (typeof parsed !== 'object' || parsed === null) return []
  return Object.entries(parsed).filter(([, member]) => typeof member === 'object' && member)
}

function withVersions(name: string, member: object, secrets: VersionedSecrets): object {
  const versions = secrets.of(name).map(([version, value]) => [version, encodeBase64(value)])
  if (versions.length === 0) return member
  const { lastAccess, ...rest } = member as { lastAccess?: unknown }
  return { ...rest, versions: Object.fromEntries(versions), lastAccess }
}

function restore(name: string, member: object, secrets: VersionedSecrets): void {
  const { versions, lastAccess } = member as { versions?: unknown; lastAccess?: unknown }
  if (name === '' || typeof versions !== 'object' || versions === null) return
  const seconds = typeof lastAccess === 'string' ? Number(lastAccess) : 0
  const lastAccessMs = Number.isFinite(seconds) ? seconds * 1000 : 0
  for (const [digits, encoded] of Object.entries(versions)) {
    const version = Number(digits)
    if (!isVersion(version) || typeof encoded !== 'string') continue
    try {
      const value = decodeBase64(encoded)
      secrets.put(name, version, value, lastAccessMs)
      value.fill(0)
    } catch {
      // Not base64: it is fetched when it is asked for.
    }
  }
}
