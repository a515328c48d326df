/** What the operations answer. */
import type { JsonObject } from './json.ts'

/** One version, without its data. Times are RFC 3339, UTC, with up to nine digits of a second. */
export interface Kv2Version {
  /** 1 or more. */
  readonly version: number
  readonly createdTime: string
  /** When it was deleted, or will be; undefined: never. */
  readonly deletionTime: string | undefined
  readonly destroyed: boolean
}

/** One version as reads and writes show it. */
export interface Kv2VersionMetadata extends Kv2Version {
  /** Of the whole key; empty when there is none. */
  readonly customMetadata: Readonly<Record<string, string>>
}

/** A version that cannot be read. `deleted` can be undone, `destroyed` cannot. */
export interface Kv2Gone {
  readonly state: 'deleted' | 'destroyed'
  readonly metadata: Kv2VersionMetadata
}

/** There is no such key, or no such version of it. */
export interface Kv2Absent {
  readonly state: 'absent'
}

/** A version that can be read, also one that will be deleted. */
export interface Kv2Live {
  readonly state: 'live'
  /** As parsed; the server decodes numbers to 64-bit floats itself. `null` where that was written. */
  readonly data: JsonObject | null
  readonly metadata: Kv2VersionMetadata
}

export type Kv2ReadResult = Kv2Live | Kv2Gone | Kv2Absent

/** The structure of data: every value `null`, but objects that are not empty. */
export interface Kv2LiveSubkeys {
  readonly state: 'live'
  readonly subkeys: JsonObject | null
  readonly metadata: Kv2VersionMetadata
}

export type Kv2SubkeysResult = Kv2LiveSubkeys | Kv2Gone | Kv2Absent

/** A patch that was written as a new version. */
export interface Kv2Patched {
  readonly state: 'written'
  readonly metadata: Kv2VersionMetadata
}

export type Kv2PatchResult = Kv2Patched | Kv2Gone | Kv2Absent

/** Everything about a key but its data. */
export interface Kv2KeyMetadata {
  /** 0: no version was ever written. */
  readonly currentVersion: number
  /** 0: none was dropped so far. */
  readonly oldestVersion: number
  /** 0: as the mount has it. */
  readonly maxVersions: number
  readonly casRequired: boolean
  /** As Go prints durations, such as `1h0m0s`; `0s`: as the mount has it. */
  readonly deleteVersionAfter: string
  readonly createdTime: string
  readonly updatedTime: string
  readonly customMetadata: Readonly<Record<string, string>>
  /** Ascending; those that were dropped are not among them. */
  readonly versions: readonly Kv2Version[]
  /** Version of the metadata itself, for check-and-set; undefined on Vault, which has none. */
  readonly metadataVersion: number | undefined
  /** False on Vault. */
  readonly metadataCasRequired: boolean
}

/** Settings of a mount. */
export interface Kv2Config {
  /** 0: ten. */
  readonly maxVersions: number
  readonly casRequired: boolean
  /** As Go prints durations; `0s`: never; negative: never, whatever a key says. */
  readonly deleteVersionAfter: string
  /** False on Vault. */
  readonly metadataCasRequired: boolean
}
