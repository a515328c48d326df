/** Metadata and versions of an entry, as the interface of providers says them. */
import {
  type HistoryResponse,
  LIMITS,
  type MetaResponse,
  SecregError,
  type VersionInfo,
} from '@secreg/protocol'
import type { SecretMetadata, VersionMetadata } from '../provider/provider.ts'
import type { RegistryProviderApi } from './provider-api.ts'

const timeOf = (ms: number): string => new Date(ms).toISOString()

/** The history of an entry with all its versions, newest first; each page leaves a record in the registry's log. */
export async function wholeHistory(
  api: Pick<RegistryProviderApi, 'history'>,
  key: string,
): Promise<HistoryResponse> {
  const limit = LIMITS.historyVersions
  const first = await api.history({ key, limit })
  const versions = [...first.versions]
  for (let { next } = first; next !== undefined; ) {
    const page = await api.history({ key, limit, before: next })
    versions.push(...page.versions)
    if (page.next !== undefined && page.next >= next) {
      throw new SecregError('INTERNAL', 'the registry answered something else than was asked for')
    }
    next = page.next
  }
  return { ...first, versions }
}

/**
 * @param meta - undefined of an entry that is deleted: then neither custom metadata nor limits are told
 */
export function secretMetadata(
  meta: MetaResponse | undefined,
  { active, versions, deleted_at: deletedAt }: HistoryResponse,
): SecretMetadata {
  const ascending = versions.map((each) => versionMetadata(each, deletedAt)).reverse()
  const createdAt = meta?.created_at ?? versions.at(-1)?.created_at ?? deletedAt ?? 0
  return {
    currentVersion: active,
    oldestVersion: ascending[0]?.version ?? 0,
    createdTime: timeOf(createdAt),
    updatedTime: timeOf(meta?.modified_at ?? deletedAt ?? createdAt),
    maxVersions: meta?.max_versions ?? 0,
    casRequired: meta?.cas_required ?? false,
    deleteVersionAfter: `${meta?.delete_after_s ?? 0}s`,
    customMetadata: new Map(Object.entries(meta?.custom ?? {})),
    versions: ascending,
  }
}

/** @param entryDeletedAt - with the entry, every version is deleted */
function versionMetadata(
  { version, state, created_at, deleted_at, expires_at }: VersionInfo,
  entryDeletedAt: number | undefined,
): VersionMetadata {
  const deletedAt = state === 'expired' ? expires_at : (deleted_at ?? entryDeletedAt ?? expires_at)
  return {
    version,
    createdTime: timeOf(created_at),
    deletionTime: deletedAt === undefined ? '' : timeOf(deletedAt),
    destroyed: state === 'destroyed',
  }
}
