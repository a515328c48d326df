/** Answers about entries: values, versions, metadata, transactions, changes; type only. */
import type { ErrorPayload } from './error-payload.ts'
import type { ValueType } from './value.ts'

/** Answer to a get (documented as GetResponse). */
export interface GetResponse {
  /** Canonical text; null when it is encrypted and `decrypt` was not asked, or unchanged. */
  readonly value: string | null
  /** The active version is the one of `if_changed`. */
  readonly unchanged?: true
  readonly type: ValueType
  readonly encrypted: boolean
  readonly version: number
  readonly modify_revision: number
  /** Milliseconds since the epoch, of the entry; these four only when `detail` was asked. */
  readonly created_at?: number
  readonly created_by?: string
  /** Of its last write. */
  readonly modified_at?: number
  readonly modified_by?: string
  /** When the value can no longer be read; with `detail`. */
  readonly expires_at?: number
}

export interface SetResponse {
  readonly success: true
  readonly version: number
  readonly revision: number
}

export interface DeleteResponse {
  readonly success: true
  /** Number of entries deleted. */
  readonly deleted: number
  readonly revision: number
}

/** One entry of a detailed listing. */
export interface ListEntry {
  readonly key: string
  readonly type: ValueType
  readonly encrypted: boolean
  readonly version: number
  readonly modified_at: number
  readonly modified_by: string
  /** Numbers of the versions that can be read, ascending; where it was asked for. */
  readonly versions?: readonly number[]
  /** These and those below where they were asked for and may be told. */
  readonly private?: boolean
  readonly ephemeral?: boolean
  readonly description?: string
  readonly custom?: Readonly<Record<string, string>>
}

/** Answer to a list (documented as ListResponse), sorted by bytes. */
export interface ListResponse {
  /** Direct children with a trailing `/` are subtrees. */
  readonly keys: readonly string[]
  readonly entries?: readonly ListEntry[]
  /** Present when there is more: ask again with `after` set to it. */
  readonly next?: string
}

/** What became of a version. */
export type VersionState = 'kept' | 'deleted' | 'destroyed' | 'expired'

/** One version of an entry; never its value. */
export interface VersionInfo {
  readonly version: number
  readonly state: VersionState
  readonly type: ValueType
  readonly encrypted: boolean
  readonly created_at: number
  readonly created_by: string
  readonly deleted_at?: number
  readonly expires_at?: number
}

/** Answer to a history. */
export interface HistoryResponse {
  readonly key: string
  /** Active version; 0 = none. */
  readonly active: number
  /** Latest version ever used. */
  readonly latest: number
  /** When the entry was deleted; `undelete` brings it back. */
  readonly deleted_at?: number
  readonly deleted_by?: string
  /** Newest first. */
  readonly versions: readonly VersionInfo[]
  /** Who asked whether it changed and was told that it did not, latest first; only to who may read the audit log. */
  readonly polled?: readonly { readonly by: string; readonly at: number }[]
  /** Present when there are older ones: ask again with `before` set to it. */
  readonly next?: number
}

/** Answer to a change of versions. */
export interface VersionsResponse {
  readonly success: true
  readonly revision: number
  /** Version that is active now, where the entry still exists. */
  readonly version?: number
  /** Versions destroyed, or entries purged. */
  readonly count?: number
  /** Of destroy and purge: the old bytes are in no file any more; `false` while that goes on in the background. */
  readonly erased?: boolean
}

/** Metadata of an entry; of `meta set`, as it is afterwards; of `meta find`, of the one that was found. */
export interface MetaResponse {
  readonly key: string
  readonly type: ValueType
  readonly encrypted: boolean
  readonly private: boolean
  readonly ephemeral: boolean
  readonly active: number
  readonly latest: number
  readonly created_at: number
  readonly created_by: string
  readonly modified_at: number
  readonly modified_by: string
  readonly modify_revision: number
  readonly description?: string
  readonly tags: readonly string[]
  readonly custom: Readonly<Record<string, string>>
  /** Names of the custom members that policy conditions see. */
  readonly granted: readonly string[]
  readonly max_versions?: number
  readonly cas_required?: boolean
  readonly delete_after_s?: number
  readonly expires_at?: number
  readonly deleted_at?: number
  /** Write rules of its subtree. */
  readonly dialect: string
  /** Numbers of the versions that can be read, ascending; of `meta get` where it was asked for. */
  readonly versions?: readonly number[]
}

/** What one operation of a transaction answers; `null` where a `get` found nothing. */
export type TxnResult =
  | { readonly op: 'get'; readonly found: GetResponse | null }
  | { readonly op: 'set'; readonly version: number }
  | { readonly op: 'delete'; readonly deleted: number }

export interface TxnResponse {
  /** Whether every comparison held, so that `then` was done and not `else`. */
  readonly succeeded: boolean
  /** Revision of the commit; of the state that was read where nothing was written. */
  readonly revision: number
  readonly results: readonly TxnResult[]
}

/** One entry that a search found. */
export interface SearchEntry extends ListEntry {
  readonly description?: string
  readonly tags?: readonly string[]
}

export interface SearchResponse {
  readonly entries: readonly SearchEntry[]
  /** Present when there may be more: ask again with `after` set to it. */
  readonly next?: string
}

/** Answer to a write of a foreign door. */
export interface DialectResponse {
  /** As the dialect gives it: JSON. */
  readonly result: unknown
}

export interface TransferResponse {
  readonly success: true
  /** Entries copied or moved. */
  readonly count: number
  readonly revision: number
}

export interface WatchResponse {
  /** Number of the watch on its connection. */
  readonly watch_id: number
  /** Events come of every change after this revision. */
  readonly revision: number
  /** Life of the store; a revision means nothing in another. */
  readonly generation: string
}

/** What happened to an entry. */
export type ChangeOp =
  | 'set'
  | 'create-version'
  | 'activate'
  | 'delete'
  | 'undelete'
  | 'destroy'
  | 'purge'
  | 'expire'
  | 'metadata'

/** One change of one entry; never a value. */
export interface ChangeEvent {
  readonly op: ChangeOp
  readonly key: string
  /** Version that it is about: the active one where none is. */
  readonly version: number
  readonly type: ValueType
  readonly encrypted: boolean
}

/** Pushed to a watching connection, in the order of revisions. */
export interface WatchEventMessage {
  readonly watch_id: number
  /** Everything up to this revision has been told with this message. */
  readonly revision: number
  /** Empty: nothing of this watch happened up to the revision. */
  readonly events: readonly ChangeEvent[]
  /** The same revision goes on in the next message. */
  readonly more?: true
  /** The watch has ended because its reader was too slow: watch again since `revision`. */
  readonly overflow?: true
  /** The watch has ended for another reason. */
  readonly error?: ErrorPayload
}

/** One subtree with its write rules. */
export interface MountInfo {
  readonly path: string
  readonly dialect: string
  /** Whether this daemon knows the dialect; otherwise nothing is written there. */
  readonly available: boolean
  readonly max_versions?: number
  readonly cas_required?: boolean
  readonly delete_after_s?: number
  readonly encrypt?: boolean
  readonly max_entries?: number
  readonly max_bytes?: number
  /** What is in use, of a mount with a quota. */
  readonly entries?: number
  readonly bytes?: number
}

export interface MountResponse {
  readonly mounts: readonly MountInfo[]
}
