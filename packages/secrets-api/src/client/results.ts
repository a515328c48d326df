/** What calls answer, in the words of TypeScript. Members that are not known are ignored, so that a server may add some. */
import type { JsonValue } from '../provider/json-value.ts'

/** A value. */
export interface SecretValueResult {
  /** Canonical, with the version that was asked for. */
  readonly uri: string
  /** Of a key; of a whole secret, an object. */
  readonly value: JsonValue
  /** Null where there are no versions. */
  readonly version: number | null
}

export interface SecretWriteResult {
  readonly uri: string
  readonly version: number | null
}

export interface SecretRotateResult {
  readonly uri: string
  /** Null where there was none, or it is not known. */
  readonly oldVersion: number | null
  readonly newVersion: number | null
}

export interface SecretDeleteResult {
  readonly uri: string
  readonly mode: 'version_deleted' | 'key_removed' | 'all_versions_destroyed' | 'node_removed'
  readonly version: number | null
}

export interface SecretKeysResult {
  readonly uri: string
  /** Ascending; a nested map has `/` behind. */
  readonly keys: readonly string[]
}

/** A part of a list. */
export interface SecretsPage<T> {
  readonly items: readonly T[]
  readonly total: number
  readonly offset: number
  readonly limit: number
}

/** Something that a search has found. */
export interface SecretFound {
  readonly uri: string
  readonly kind: 'key' | 'path' | 'folder'
}

export interface SecretVersionResult {
  readonly version: number
  /** RFC 3339. */
  readonly createdTime: string
  /** RFC 3339, also in the future; empty for none. */
  readonly deletionTime: string
  readonly destroyed: boolean
}

export interface SecretMetadataResult {
  readonly uri: string
  readonly currentVersion: number
  readonly oldestVersion: number
  readonly createdTime: string
  readonly updatedTime: string
  readonly maxVersions: number
  readonly casRequired: boolean
  /** A duration as of Go, such as `0s`. */
  readonly deleteVersionAfter: string
  readonly customMetadata: Readonly<Record<string, string>>
  /** Ascending. */
  readonly versions: readonly SecretVersionResult[]
}

export interface SecretVersionsResult {
  readonly uri: string
  readonly currentVersion: number
  /** Newest first. */
  readonly versions: readonly (SecretVersionResult & {
    readonly state: 'active' | 'deleted' | 'destroyed'
  })[]
}

export interface SecretOwnerResult {
  readonly uri: string
  readonly owner: string
}

export interface SecretVersionsChanged {
  readonly uri: string
  readonly versions: readonly number[]
}

export interface SecretTransferResult {
  readonly fromUri: string
  readonly toUri: string
  /** Of the destination. */
  readonly version: number | null
}

/** One operation of many. */
export type SecretBulkOperation =
  | { readonly op: 'set' | 'rotate'; readonly uri: string; readonly value: JsonValue }
  | { readonly op: 'delete'; readonly uri: string }
  /** Without versions, all of the secret. */
  | { readonly op: 'destroy'; readonly uri: string; readonly versions?: readonly number[] }
  | { readonly op: 'undelete'; readonly uri: string; readonly versions: readonly number[] }

/** What became of one. */
export interface SecretBulkItem {
  readonly index: number
  readonly ok: boolean
  /** That it would have been answered with alone; 424 where it was not attempted. */
  readonly status: number
  /** Where it was done and has one. */
  readonly version: number | null
  /** Code of its error. */
  readonly code: string | undefined
}

export interface SecretBulkResult {
  /** One for each operation, in their order. */
  readonly results: readonly SecretBulkItem[]
  readonly succeeded: number
  readonly failed: number
  /** Not attempted. */
  readonly skipped: number
}

/** An event of the audit log. */
export interface SecretEventResult {
  readonly id: number
  /** Such as `SECRET_READ`. */
  readonly event: string
  /** The envelope: references, never a URI or a value. */
  readonly data: { readonly [name: string]: JsonValue }
}
