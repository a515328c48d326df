/** What a mount remembers of one key. */
import { formatSeconds } from './go-duration.ts'
import type { JsonObject } from './refusal.ts'

/** Nanoseconds since 1970. */
export type Nanoseconds = bigint

export interface VersionRecord {
  readonly createdAt: Nanoseconds
  deletedAt: Nanoseconds | undefined
  destroyed: boolean
  /** JSON of the data; undefined once destroyed. */
  data: string | undefined
}

export interface KeyRecord {
  readonly versions: Map<number, VersionRecord>
  createdAt: Nanoseconds
  updatedAt: Nanoseconds
  currentVersion: number
  oldestVersion: number
  metadataVersion: number
  maxVersions: number
  casRequired: boolean
  metadataCasRequired: boolean
  deleteVersionAfterSeconds: number
  customMetadata: ReadonlyMap<string, string> | undefined
}

export interface MountConfig {
  maxVersions: number
  casRequired: boolean
  metadataCasRequired: boolean
  /** Less than 0: none, whatever a key says. */
  deleteVersionAfterSeconds: number
}

export function newKeyRecord(now: Nanoseconds): KeyRecord {
  return {
    versions: new Map(),
    createdAt: now,
    updatedAt: now,
    currentVersion: 0,
    oldestVersion: 0,
    metadataVersion: 1,
    maxVersions: 0,
    casRequired: false,
    metadataCasRequired: false,
    deleteVersionAfterSeconds: 0,
    customMetadata: undefined,
  }
}

const DEFAULT_MAX_VERSIONS = 10

/** Add a version, and drop those that the limit has no room for. */
export function addVersion(
  key: KeyRecord,
  config: MountConfig,
  data: string,
  now: Nanoseconds,
): void {
  const version: VersionRecord = {
    createdAt: now,
    deletedAt: expiryOf(key, config, now),
    destroyed: false,
    data,
  }
  key.currentVersion++
  key.versions.set(key.currentVersion, version)
  key.updatedAt = now
  const most = Math.max(key.maxVersions, config.maxVersions) || DEFAULT_MAX_VERSIONS
  if (key.currentVersion - key.oldestVersion < most) return
  const last = key.currentVersion - most
  for (let number = key.oldestVersion; number <= last; number++) key.versions.delete(number)
  key.oldestVersion = last + 1
}

/** When a version that is written or restored now is deleted by itself. */
export function expiryOf(
  key: KeyRecord,
  config: MountConfig,
  now: Nanoseconds,
): Nanoseconds | undefined {
  if (config.deleteVersionAfterSeconds < 0) return undefined
  const set = [key.deleteVersionAfterSeconds, config.deleteVersionAfterSeconds].filter((s) => s > 0)
  return set.length === 0 ? undefined : now + BigInt(Math.min(...set)) * 1_000_000_000n
}

export function isReadable(version: VersionRecord, now: Nanoseconds): boolean {
  return !version.destroyed && !isDeleted(version, now)
}

export function isDeleted({ deletedAt }: VersionRecord, now: Nanoseconds): boolean {
  return deletedAt !== undefined && deletedAt < now
}

/** As Go's `RFC3339Nano`, UTC; empty when unset. */
export function formatTime(time: Nanoseconds | undefined): string {
  if (time === undefined) return ''
  const whole = new Date(Number(time / 1_000_000n)).toISOString().slice(0, 19)
  const fraction = String(time % 1_000_000_000n)
    .padStart(9, '0')
    .replace(/0+$/, '')
  return fraction === '' ? `${whole}Z` : `${whole}.${fraction}Z`
}

/** Metadata of one version, as reads and writes show it. */
export function versionFacts(key: KeyRecord, number: number): JsonObject {
  const { createdAt, deletedAt, destroyed } = key.versions.get(number) as VersionRecord
  return {
    created_time: formatTime(createdAt),
    custom_metadata: customFacts(key),
    deletion_time: formatTime(deletedAt),
    destroyed,
    version: number,
  }
}

/** Metadata of a key, as its endpoint shows it. */
export function keyFacts(key: KeyRecord): JsonObject {
  const versions = [...key.versions].map(([number, { createdAt, deletedAt, destroyed }]) => [
    number,
    { created_time: formatTime(createdAt), deletion_time: formatTime(deletedAt), destroyed },
  ])
  return {
    cas_required: key.casRequired,
    created_time: formatTime(key.createdAt),
    current_metadata_version: key.metadataVersion,
    current_version: key.currentVersion,
    custom_metadata: customFacts(key),
    delete_version_after: formatSeconds(key.deleteVersionAfterSeconds),
    max_versions: key.maxVersions,
    metadata_cas_required: key.metadataCasRequired,
    oldest_version: key.oldestVersion,
    updated_time: formatTime(key.updatedAt),
    versions: Object.fromEntries(versions),
  }
}

function customFacts({ customMetadata }: KeyRecord): JsonObject | null {
  return customMetadata === undefined ? null : Object.fromEntries(customMetadata)
}
