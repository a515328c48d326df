/**
 * The registry as its clients see it, type only: implemented over the socket by `@secreg/client`, and in the process
 * by `@secreg/registry` for one caller. Every method fails with a `SecregError`.
 */
import type { AuditResponse, EvidenceResponse } from './audit-api.ts'
import type { BackupInfo, BackupResponse, RestoreResponse } from './backup-api.ts'
import type {
  DeleteResponse,
  DialectResponse,
  GetResponse,
  HistoryResponse,
  ListResponse,
  MetaResponse,
  MountResponse,
  SearchResponse,
  SetResponse,
  TransferResponse,
  TxnResponse,
  VersionsResponse,
  WatchResponse,
} from './entry-api.ts'
import type {
  AuthResponse,
  GroupResponse,
  MfaResponse,
  TokenResponse,
  UserResponse,
  WhoamiResponse,
  ZoneResponse,
} from './identity-api.ts'
import type { MaintainResponse, SecurityFinding } from './maintain-api.ts'
import type { RequestOf } from './messages.ts'
import type { PolicyResponse } from './policy-api.ts'
import type { ProtectorResponse, SealResponse, SealState, ShareProgress } from './seal-api.ts'
import type { SecretsResponse } from './secrets-api.ts'
import type { ValueType } from './value.ts'

export type * from './backup-api.ts'
export type * from './entry-api.ts'
export type { ErrorPayload } from './error-payload.ts'
export type * from './identity-api.ts'
export type * from './maintain-api.ts'
export type * from './policy-api.ts'
export type * from './seal-api.ts'
export type * from './secrets-api.ts'

export interface HelloResponse {
  readonly version: number
  readonly server: string
  readonly features: readonly string[]
  readonly max_frame: number
}

/** What status tells; members after `share_progress` only to callers with a session. */
/** How far a place has got that records are sent to beside the log. */
export interface SinkStatus {
  /** Fixed word for the kind of place. */
  readonly name: string
  /** `idle` and `delivering`: it takes records; `retrying`: it does not at present; `stopped`: it gets none. */
  readonly state: string
  /** Sequence of the last record that it has taken. */
  readonly sequence: number
  /** Records of the log that it has not taken yet. */
  readonly lag: number
  /** Since when it is in this state, milliseconds since the epoch. */
  readonly since?: number
  readonly error?: string
}

export interface StatusResponse {
  readonly status: 'running'
  readonly state: SealState
  readonly initialized: boolean
  readonly version: string
  /** While it is sealed: what has been given of shares, of each set; told to everybody. */
  readonly share_progress?: readonly ShareProgress[]
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
  readonly rotation?: RotationInfo
  readonly last_backup?: BackupInfo
  /** Places that records are sent to beside the log. */
  readonly sinks?: readonly SinkStatus[]
  /** Size of the log at its last signed checkpoint, and when that was made, milliseconds since the epoch. */
  readonly last_checkpoint?: { readonly sequence: number; readonly at: number }
  readonly warnings?: readonly string[]
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

/** How far a rotation of the data keys is. */
export interface RotationInfo {
  /** Epoch of the key that everything is to be sealed under. */
  readonly epoch: number
  /**
   * `values`: sealing anew. `check`: looking for what was moved meanwhile. `erase`: the old bytes leave the files.
   * `blocked`: some values cannot be opened, so the keys that they need are kept.
   */
  readonly phase: 'values' | 'check' | 'erase' | 'blocked'
  /** Entries looked at, of how many. */
  readonly done: number
  readonly total: number
  /** Values that cannot be opened. */
  readonly unreadable?: number
  readonly started_at: number
}

export interface RotateResponse {
  /** Epoch of the key that new values are sealed under. */
  readonly epoch: number
  /** This request began it. */
  readonly started: boolean
  /** Absent when everything is done. */
  readonly rotation?: RotationInfo
}

export interface OkResponse {
  readonly success: true
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
  dialect: DialectResponse
  txn: TxnResponse
  history: HistoryResponse
  versions: VersionsResponse
  meta: MetaResponse
  search: SearchResponse
  transfer: TransferResponse
  watch: WatchResponse
  unwatch: OkResponse
  mount: MountResponse
  protector: ProtectorResponse
  rotate: RotateResponse
  backup: BackupResponse
  restore: RestoreResponse
  maintain: MaintainResponse
  policy: PolicyResponse
  group: GroupResponse
  token: TokenResponse
  zone: ZoneResponse
  mfa: MfaResponse
  evidence: EvidenceResponse
  secrets: SecretsResponse
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
  dialect(request: RequestOf<'dialect'>): Promise<DialectResponse>
  txn(request: RequestOf<'txn'>): Promise<TxnResponse>
  history(request: RequestOf<'history'>): Promise<HistoryResponse>
  versions(request: RequestOf<'versions'>): Promise<VersionsResponse>
  meta(request: RequestOf<'meta'>): Promise<MetaResponse>
  search(request: RequestOf<'search'>): Promise<SearchResponse>
  transfer(request: RequestOf<'transfer'>): Promise<TransferResponse>
  mount(request: RequestOf<'mount'>): Promise<MountResponse>
  protector(request: RequestOf<'protector'>): Promise<ProtectorResponse>
  rotate(request: RequestOf<'rotate'>): Promise<RotateResponse>
  backup(request: RequestOf<'backup'>): Promise<BackupResponse>
  restore(request: RequestOf<'restore'>): Promise<RestoreResponse>
  maintain(request: RequestOf<'maintain'>): Promise<MaintainResponse>
  policy(request: RequestOf<'policy'>): Promise<PolicyResponse>
  group(request: RequestOf<'group'>): Promise<GroupResponse>
  token(request: RequestOf<'token'>): Promise<TokenResponse>
  zone(request: RequestOf<'zone'>): Promise<ZoneResponse>
  mfa(request: RequestOf<'mfa'>): Promise<MfaResponse>
  evidence(request: RequestOf<'evidence'>): Promise<EvidenceResponse>
}
