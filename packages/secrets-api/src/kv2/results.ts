/** What a server answers, as the interface of providers says it. */
import type { Kv2KeyMetadata, Kv2ReadResult } from '@secreg/kv2'
import { secretMapOf } from '../provider/json-value.ts'
import type { ListedName, PinnedSecret, SecretMetadata } from '../provider/provider.ts'

export function pinnedSecret(read: Kv2ReadResult): PinnedSecret {
  if (read.state === 'absent') return { kind: 'absent' }
  const { version } = read.metadata
  if (read.state !== 'live') return { kind: read.state, version }
  return { kind: 'found', version, data: secretMapOf(read.data ?? {}) }
}

export function secretMetadata(key: Kv2KeyMetadata): SecretMetadata {
  const { currentVersion, oldestVersion, maxVersions, casRequired, deleteVersionAfter } = key
  return {
    currentVersion,
    oldestVersion,
    createdTime: key.createdTime,
    updatedTime: key.updatedTime,
    maxVersions,
    casRequired,
    deleteVersionAfter,
    customMetadata: new Map(Object.entries(key.customMetadata)),
    versions: key.versions.map(({ version, createdTime, deletionTime, destroyed }) => ({
      version,
      createdTime,
      deletionTime: deletionTime ?? '',
      destroyed,
    })),
  }
}

export function listedName(name: string): ListedName {
  return name.endsWith('/') ? { name: name.slice(0, -1), kind: 'folder' } : { name, kind: 'secret' }
}
