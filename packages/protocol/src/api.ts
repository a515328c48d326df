/**
 * The registry as its clients see it, type only: implemented over the socket by `@secreg/client`, and in the process
 * by `@secreg/registry` for one caller. Every method fails with a `SecregError`.
 */
import type { AuditBody, Role } from './action.ts'
import type { RequestOf } from './messages.ts'
import type { ValueType } from './value.ts'

/** Seal state of the registry (DESIGN §6). */
export type SealState = 'uninitialized' | 'sealed' | 'unsealed'

/** Answer to a login (documented as AuthResponse). */
export interface AuthResponse {
  readonly success: boolean
  /** UUIDv4 to send with the following requests. */
  readonly session_id?: string
  readonly roles?: readonly string[]
  /** Seconds of inactivity after which the session ends. */
  readonly expires_in?: number
  readonly mfa_required?: boolean
  readonly error?: ErrorPayload
}

/** Payload of an ErrorResponse. */
export interface ErrorPayload {
  /** Documented code, 0 to 8. */
  readonly code: number
  readonly name: string
  readonly message: string
  readonly reason: string
  readonly errno: number
  readonly request_type?: number
  readonly id?: string | number
  /** Seconds. */
  readonly retry_after?: number
  /** Oldest revision from which the changes are still known. */
  readonly min_revision?: number
}

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

/** Metadata of an entry; of `meta set`, as it is afterwards. */
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
}

export interface MountResponse {
  readonly mounts: readonly MountInfo[]
}

/** One entry of a detailed listing. */
export interface ListEntry {
  readonly key: string
  readonly type: ValueType
  readonly encrypted: boolean
  readonly version: number
  readonly modified_at: number
  readonly modified_by: string
}

/** Answer to a list (documented as ListResponse), sorted by bytes. */
export interface ListResponse {
  /** Direct children with a trailing `/` are subtrees. */
  readonly keys: readonly string[]
  readonly entries?: readonly ListEntry[]
  /** Present when there is more: ask again with `after` set to it. */
  readonly next?: string
}

export interface HelloResponse {
  readonly version: number
  readonly server: string
  readonly features: readonly string[]
  readonly max_frame: number
}

/** What status tells; members after `version` only to callers with a session. */
export interface StatusResponse {
  readonly status: 'running'
  readonly state: SealState
  readonly initialized: boolean
  readonly version: string
  readonly uptime_s?: number
  readonly socket?: string
  readonly database?: string
  readonly audit?: string
  readonly entries?: number
  readonly size_bytes?: number
  readonly revision?: number
  readonly sessions?: number
  readonly connections?: number
  readonly store?: 'open' | 'failed' | 'closed'
  readonly log?: 'healthy' | 'failing' | 'closed'
  readonly log_sequence?: number
  readonly log_synced?: number
  readonly buffer_bytes?: number
  readonly warnings?: readonly string[]
}

/** One record of the audit log, with its envelope. */
export interface AuditRecord extends AuditBody {
  readonly sequence: number
  /** RFC 3339, UTC, milliseconds. */
  readonly time: string
  readonly revision?: number
}

export interface AuditResponse {
  /** Newest first. */
  readonly records: readonly AuditRecord[]
  /** Present when there may be more: ask again with `before` set to it. */
  readonly next?: number
}

/** One exported entry (export format, version 1). */
export interface ExportEntry {
  readonly key: string
  readonly type: ValueType
  readonly value: string
  readonly encrypted: boolean
  readonly version: number
  readonly created_at: number
  readonly modified_at: number
  readonly created_by: string
  readonly modified_by: string
}

export interface ExportResponse {
  readonly entries: readonly ExportEntry[]
  /** Entries of the whole export. */
  readonly total: number
  /** Encrypted entries that were left out because `with_secrets` was not asked. */
  readonly omitted: number
  /** Store revision that the whole export shows. */
  readonly revision: number
  /** Present when there is more. */
  readonly cursor?: string
}

/** What one staged entry would change. */
export interface ImportChange {
  readonly key: string
  readonly change: 'create' | 'update' | 'same'
  readonly type: ValueType
  readonly encrypted: boolean
  /** Type and version now, where the key exists. */
  readonly old_type?: ValueType
  readonly old_version?: number
}

export interface ImportResponse {
  readonly import?: string
  readonly staged?: number
  readonly changes?: readonly ImportChange[]
  readonly next_offset?: number
  readonly imported?: number
  readonly unchanged?: number
  readonly revision?: number
}

export interface SealResponse {
  readonly state: SealState
}

/** One account, as administrators see it. */
export interface UserInfo {
  readonly user: string
  readonly account: string
  readonly roles: readonly Role[]
  readonly disabled: boolean
  readonly created_at: number
}

export interface UserResponse {
  readonly users?: readonly UserInfo[]
}

export interface WhoamiResponse {
  readonly user: string
  readonly account: string
  readonly roles: readonly string[]
  readonly mfa: boolean
  readonly proof: string
  readonly door: string
}

export interface OkResponse {
  readonly success: true
}

/** One finding of a check. */
export interface SecurityFinding {
  readonly check: string
  readonly level: 'ok' | 'warning' | 'fault'
  readonly message: string
}

export interface SecurityResponse {
  readonly ok: boolean
  readonly findings: readonly SecurityFinding[]
}

/** Every request with its answer. */
export interface ResponseOf {
  auth: AuthResponse
  get: GetResponse
  set: SetResponse
  delete: DeleteResponse
  list: ListResponse
  hello: HelloResponse
  logout: OkResponse
  status: StatusResponse
  audit: AuditResponse
  export: ExportResponse
  import: ImportResponse
  seal: SealResponse
  user: UserResponse
  whoami: WhoamiResponse
  password: OkResponse
  security: SecurityResponse
  txn: TxnResponse
  history: HistoryResponse
  versions: VersionsResponse
  meta: MetaResponse
  search: SearchResponse
  transfer: TransferResponse
  watch: WatchResponse
  unwatch: OkResponse
  mount: MountResponse
}

/** The operations on entries and administration, for one identity. */
export interface RegistryApi {
  get(request: RequestOf<'get'>): Promise<GetResponse>
  set(request: RequestOf<'set'>): Promise<SetResponse>
  delete(request: RequestOf<'delete'>): Promise<DeleteResponse>
  list(request: RequestOf<'list'>): Promise<ListResponse>
  status(): Promise<StatusResponse>
  audit(request: RequestOf<'audit'>): Promise<AuditResponse>
  export(request: RequestOf<'export'>): Promise<ExportResponse>
  import(request: RequestOf<'import'>): Promise<ImportResponse>
  user(request: RequestOf<'user'>): Promise<UserResponse>
  whoami(): Promise<WhoamiResponse>
  password(request: RequestOf<'password'>): Promise<OkResponse>
  security(request: RequestOf<'security'>): Promise<SecurityResponse>
  txn(request: RequestOf<'txn'>): Promise<TxnResponse>
  history(request: RequestOf<'history'>): Promise<HistoryResponse>
  versions(request: RequestOf<'versions'>): Promise<VersionsResponse>
  meta(request: RequestOf<'meta'>): Promise<MetaResponse>
  search(request: RequestOf<'search'>): Promise<SearchResponse>
  transfer(request: RequestOf<'transfer'>): Promise<TransferResponse>
  mount(request: RequestOf<'mount'>): Promise<MountResponse>
}
