/** `metadata/` and `config` of a mount. */
import { parseCustomMetadata, patchCustomMetadata } from './custom-metadata.ts'
import type { Fields } from './fields.ts'
import { formatSeconds } from './go-duration.ts'
import {
  type KeyRecord,
  keyFacts,
  type MountConfig,
  type Nanoseconds,
  newKeyRecord,
} from './key-record.ts'
import type { Mount } from './mount.ts'
import { ABSENT, ABSENT_EMPTY, DONE, Refusal, type Reply } from './refusal.ts'

const SETTINGS = [
  'max_versions',
  'cas_required',
  'metadata_cas_required',
  'delete_version_after',
] as const
const MANDATED = 'is mandated by backend config. This value will be ignored.'

export function readMetadata(mount: Mount, path: string): Reply {
  const key = mount.keys.get(path)
  return key === undefined ? ABSENT : { status: 200, data: keyFacts(key) }
}

export function writeMetadata(mount: Mount, path: string, fields: Fields, now: Nanoseconds): Reply {
  if (!['custom_metadata', ...SETTINGS].some((name) => fields.has(name))) return DONE
  const settings = settingsOf(fields)
  if ((settings.deleteVersionAfterSeconds ?? 0) < 0) {
    throw new Refusal(400, 'Field validation failed: a negative duration')
  }
  const custom = fields.map('custom_metadata')
  const customMetadata = custom ? parseCustomMetadata(custom) : undefined
  const before = mount.keys.get(path)
  checkMetadataVersion(mount, before, fields)
  const key = before ?? newKeyRecord(now)
  mount.keys.set(path, key)
  if (before !== undefined) touch(key, now)
  Object.assign(key, settings)
  if (customMetadata !== undefined) key.customMetadata = customMetadata
  return withWarnings(mount, fields)
}

export function patchMetadata(mount: Mount, path: string, fields: Fields, now: Nanoseconds): Reply {
  if (!['custom_metadata', ...SETTINGS].some((name) => fields.has(name))) return DONE
  const settings = settingsOf(fields)
  const key = mount.keys.get(path)
  if (key === undefined) return ABSENT_EMPTY
  checkMetadataVersion(mount, key, fields)
  const custom = fields.map('custom_metadata')
  const unset: Partial<MountConfig> = {
    ...(fields.raw('max_versions') === null && { maxVersions: 0 }),
    ...(fields.raw('cas_required') === null && { casRequired: false }),
    ...(fields.raw('metadata_cas_required') === null && { metadataCasRequired: false }),
    ...(fields.raw('delete_version_after') === null && { deleteVersionAfterSeconds: 0 }),
  }
  const customMetadata =
    custom === null ? undefined : custom && patchCustomMetadata(key.customMetadata, custom)
  touch(key, now)
  Object.assign(key, settings, unset)
  if (custom !== undefined) key.customMetadata = customMetadata
  return withWarnings(mount, fields)
}

export function deleteMetadata(mount: Mount, path: string): Reply {
  mount.keys.delete(path)
  return DONE
}

export function readConfig({ config }: Mount): Reply {
  return {
    status: 200,
    data: {
      cas_required: config.casRequired,
      delete_version_after: formatSeconds(config.deleteVersionAfterSeconds),
      max_versions: config.maxVersions,
      metadata_cas_required: config.metadataCasRequired,
    },
  }
}

export function writeConfig({ config }: Mount, fields: Fields): Reply {
  const settings = settingsOf(fields)
  const after = settings.deleteVersionAfterSeconds
  Object.assign(
    config,
    settings,
    after !== undefined && after < 0 && { deleteVersionAfterSeconds: -1 },
  )
  return DONE
}

function settingsOf(fields: Fields): Partial<MountConfig> {
  const maxVersions = fields.integer('max_versions')
  if (maxVersions !== undefined && maxVersions < 0) {
    throw new Refusal(400, 'Field validation failed: a negative number of versions')
  }
  const casRequired = fields.boolean('cas_required')
  const metadataCasRequired = fields.boolean('metadata_cas_required')
  const deleteVersionAfterSeconds = fields.seconds('delete_version_after')
  return {
    ...(maxVersions !== undefined && { maxVersions }),
    ...(casRequired !== undefined && { casRequired }),
    ...(metadataCasRequired !== undefined && { metadataCasRequired }),
    ...(deleteVersionAfterSeconds !== undefined && { deleteVersionAfterSeconds }),
  }
}

function checkMetadataVersion(mount: Mount, key: KeyRecord | undefined, fields: Fields): void {
  const wanted = fields.integer('metadata_cas')
  if (wanted === undefined) {
    if (!mount.config.metadataCasRequired && key?.metadataCasRequired !== true) return
    throw new Refusal(400, 'metadata check-and-set parameter required for this call')
  }
  if (key === undefined && wanted !== 0) {
    throw new Refusal(400, 'metadata_cas must be 0 when creating new metadata')
  }
  if (key !== undefined && wanted !== key.metadataVersion) {
    throw new Refusal(400, 'metadata check-and-set parameter does not match the current version')
  }
}

function touch(key: KeyRecord, now: Nanoseconds): void {
  key.metadataVersion++
  key.updatedAt = now
}

function withWarnings({ config }: Mount, fields: Fields): Reply {
  const warnings = [
    config.casRequired && fields.boolean('cas_required') === false && 'cas_required',
    config.metadataCasRequired &&
      fields.boolean('metadata_cas_required') === false &&
      'metadata_cas_required',
  ].filter((name) => name !== false)
  if (warnings.length === 0) return DONE
  return {
    status: 200,
    data: null,
    warnings: warnings.map((name) => `"${name}" set to false, but ${MANDATED}`),
  }
}
