/**
 * Every request with its type byte and the shape that its answer must have, without the schema library: loading it
 * would cost a command more time than its whole work. A missing request or answer does not compile.
 */
import { MESSAGE_TYPE, type MessageType, type RequestName } from '@secreg/protocol'
import { auditAnswer, evidenceAnswer } from './audit-answers.ts'
import {
  groupAnswer,
  mfaAnswer,
  tokenAnswer,
  userAnswer,
  whoamiAnswer,
  zoneAnswer,
} from './identity-answers.ts'
import { policyAnswer } from './policy-answer.ts'
import {
  anObject,
  anything,
  array,
  boolean,
  count,
  literalTrue,
  nullable,
  nullableText,
  number,
  optional,
  record,
  type Shape,
  tagged,
  text,
} from './shape.ts'

interface RequestRow {
  readonly type: MessageType
  readonly answer: Shape
}

function row(type: MessageType, members: Readonly<Record<string, Shape>>): RequestRow {
  return Object.freeze({ type, answer: anObject(members) })
}

const texts = array(text)
const errorPayload = anObject({
  code: number,
  name: optional(text),
  message: text,
  reason: optional(text),
  errno: optional(number),
  retry_after: optional(number),
  min_revision: optional(count),
  pointer: optional(text),
})
const getMembers = {
  value: nullableText,
  unchanged: optional(literalTrue),
  type: text,
  encrypted: boolean,
  version: number,
  modify_revision: count,
  created_at: optional(number),
  created_by: optional(text),
  modified_at: optional(number),
  modified_by: optional(text),
  expires_at: optional(number),
}
const listMembers = {
  key: text,
  type: text,
  encrypted: boolean,
  version: number,
  modified_at: number,
  modified_by: text,
}
const listEntry = anObject({ ...listMembers, versions: optional(array(count)) })
const searchEntry = anObject({
  ...listMembers,
  description: optional(text),
  tags: optional(texts),
})
const versionInfo = anObject({
  version: count,
  state: text,
  type: text,
  encrypted: boolean,
  created_at: number,
  created_by: text,
  deleted_at: optional(number),
  expires_at: optional(number),
})
const txnResult = tagged('op', {
  get: anObject({ found: nullable(anObject(getMembers)) }),
  set: anObject({ version: count }),
  delete: anObject({ deleted: count }),
})
const sinkStatus = anObject({
  name: text,
  state: text,
  sequence: count,
  lag: count,
  since: optional(number),
  error: optional(text),
})
const shareProgress = anObject({ have: count, need: count, recovery: optional(literalTrue) })
const protectorInfo = anObject({
  id: text,
  kind: text,
  label: optional(text),
  recovery: boolean,
  portable: boolean,
  threshold: optional(count),
  count: optional(count),
  credential: optional(text),
  kdf: anObject({ name: text, N: optional(count), r: optional(count), p: optional(count) }),
})
const mountInfo = anObject({
  path: text,
  dialect: text,
  available: boolean,
  max_versions: optional(number),
  cas_required: optional(boolean),
  delete_after_s: optional(number),
  encrypt: optional(boolean),
  max_entries: optional(count),
  max_bytes: optional(count),
  entries: optional(count),
  bytes: optional(count),
})
const rotation = anObject({
  epoch: count,
  phase: text,
  done: count,
  total: count,
  unreadable: optional(count),
  started_at: number,
})
const exportEntry = anObject({
  key: text,
  type: text,
  value: text,
  encrypted: boolean,
  version: number,
  created_at: number,
  modified_at: number,
  created_by: text,
  modified_by: text,
})
const finding = anObject({ check: text, level: text, message: text, advice: optional(text) })
const compaction = anObject({
  job: count,
  done: boolean,
  started_at: number,
  bytes_before: optional(count),
  bytes_after: optional(count),
})
const backupInfo = anObject({
  at: number,
  id: text,
  revision: count,
  bytes: count,
  where: text,
})
const importChange = anObject({
  key: text,
  change: text,
  type: text,
  encrypted: boolean,
  old_type: optional(text),
  old_version: optional(number),
})

/** Shape of the payload of an ErrorResponse. */
export const ERROR_ANSWER: Shape = errorPayload

/** Shape of what the daemon pushes for a watch. */
export const WATCH_EVENT: Shape = anObject({
  watch_id: count,
  revision: count,
  events: array(anObject({ op: text, key: text, version: count, type: text, encrypted: boolean })),
  more: optional(literalTrue),
  overflow: optional(literalTrue),
  error: optional(errorPayload),
})

/** Request rows by name. */
export const REQUEST_TABLE: Readonly<Record<RequestName, RequestRow>> = Object.freeze({
  auth: row(MESSAGE_TYPE.AuthRequest, {
    success: boolean,
    session_id: optional(text),
    roles: optional(texts),
    expires_in: optional(number),
    mfa_required: optional(boolean),
    mfa_enrollment_required: optional(boolean),
    error: optional(errorPayload),
  }),
  get: row(MESSAGE_TYPE.GetRequest, getMembers),
  set: row(MESSAGE_TYPE.SetRequest, { success: literalTrue, version: number, revision: count }),
  delete: row(MESSAGE_TYPE.DeleteRequest, {
    success: literalTrue,
    deleted: number,
    revision: count,
  }),
  list: row(MESSAGE_TYPE.ListRequest, {
    keys: texts,
    entries: optional(array(listEntry)),
    next: optional(text),
  }),
  hello: row(MESSAGE_TYPE.HelloRequest, {
    version: number,
    server: text,
    features: texts,
    max_frame: number,
  }),
  logout: row(MESSAGE_TYPE.LogoutRequest, { success: literalTrue }),
  status: row(MESSAGE_TYPE.StatusRequest, {
    status: text,
    state: text,
    initialized: boolean,
    version: text,
    share_progress: optional(array(shareProgress)),
    uptime_s: optional(number),
    socket: optional(text),
    database: optional(text),
    audit: optional(text),
    entries: optional(number),
    size_bytes: optional(number),
    revision: optional(number),
    sessions: optional(number),
    connections: optional(number),
    store: optional(text),
    log: optional(text),
    log_sequence: optional(number),
    log_synced: optional(number),
    buffer_bytes: optional(number),
    rotation: optional(rotation),
    last_backup: optional(backupInfo),
    sinks: optional(array(sinkStatus)),
    last_checkpoint: optional(anObject({ sequence: count, at: number })),
    warnings: optional(texts),
  }),
  audit: row(MESSAGE_TYPE.AuditRequest, auditAnswer),
  export: row(MESSAGE_TYPE.ExportRequest, {
    entries: array(exportEntry),
    total: number,
    omitted: number,
    revision: number,
    cursor: optional(text),
  }),
  import: row(MESSAGE_TYPE.ImportRequest, {
    import: optional(text),
    staged: optional(number),
    changes: optional(array(importChange)),
    next_offset: optional(number),
    imported: optional(number),
    unchanged: optional(number),
    revision: optional(number),
  }),
  seal: row(MESSAGE_TYPE.SealRequest, {
    state: text,
    shares: optional(texts),
    share_progress: optional(shareProgress),
  }),
  protector: row(MESSAGE_TYPE.ProtectorRequest, {
    protectors: optional(array(protectorInfo)),
    protector: optional(protectorInfo),
    shares: optional(texts),
    erased: optional(boolean),
  }),
  user: row(MESSAGE_TYPE.UserRequest, userAnswer),
  whoami: row(MESSAGE_TYPE.WhoamiRequest, whoamiAnswer),
  password: row(MESSAGE_TYPE.PasswordRequest, { success: literalTrue }),
  security: row(MESSAGE_TYPE.SecurityRequest, {
    ok: boolean,
    findings: array(finding),
  }),
  dialect: row(MESSAGE_TYPE.DialectRequest, { result: anything }),
  txn: row(MESSAGE_TYPE.TxnRequest, {
    succeeded: boolean,
    revision: count,
    results: array(txnResult),
  }),
  history: row(MESSAGE_TYPE.HistoryRequest, {
    key: text,
    active: count,
    latest: count,
    deleted_at: optional(number),
    deleted_by: optional(text),
    versions: array(versionInfo),
    polled: optional(array(anObject({ by: text, at: number }))),
    next: optional(count),
  }),
  versions: row(MESSAGE_TYPE.VersionsRequest, {
    success: literalTrue,
    revision: count,
    version: optional(count),
    count: optional(count),
    erased: optional(boolean),
  }),
  meta: row(MESSAGE_TYPE.MetaRequest, {
    key: text,
    type: text,
    encrypted: boolean,
    private: boolean,
    ephemeral: boolean,
    active: count,
    latest: count,
    created_at: number,
    created_by: text,
    modified_at: number,
    modified_by: text,
    modify_revision: count,
    description: optional(text),
    tags: texts,
    custom: record(text),
    granted: texts,
    max_versions: optional(number),
    cas_required: optional(boolean),
    delete_after_s: optional(number),
    expires_at: optional(number),
    deleted_at: optional(number),
    dialect: text,
    versions: optional(array(count)),
  }),
  search: row(MESSAGE_TYPE.SearchRequest, {
    entries: array(searchEntry),
    next: optional(text),
  }),
  transfer: row(MESSAGE_TYPE.TransferRequest, {
    success: literalTrue,
    count,
    revision: count,
  }),
  watch: row(MESSAGE_TYPE.WatchRequest, {
    watch_id: count,
    revision: count,
    generation: text,
  }),
  unwatch: row(MESSAGE_TYPE.UnwatchRequest, { success: literalTrue }),
  mount: row(MESSAGE_TYPE.MountRequest, { mounts: array(mountInfo) }),
  rotate: row(MESSAGE_TYPE.RotateRequest, {
    epoch: count,
    started: boolean,
    rotation: optional(rotation),
  }),
  backup: row(MESSAGE_TYPE.BackupRequest, {
    backup: optional(text),
    id: optional(text),
    revision: optional(count),
    generation: optional(text),
    created_at: optional(number),
    data: optional(text),
    last: optional(boolean),
    last_backup: optional(backupInfo),
    last_scheduled: optional(backupInfo),
    schedule: optional(
      anObject({
        directory: text,
        interval_s: count,
        files: count,
        next_at: number,
        failing: optional(text),
      }),
    ),
  }),
  restore: row(MESSAGE_TYPE.RestoreRequest, {
    restore: optional(text),
    staged: optional(count),
    backup: optional(anObject({ id: text, revision: count, created_at: number })),
    created: optional(count),
    updated: optional(count),
    unchanged: optional(count),
    revision: optional(count),
    changes: optional(array(importChange)),
    next_offset: optional(count),
  }),
  maintain: row(MESSAGE_TYPE.MaintainRequest, {
    compaction: optional(compaction),
    ok: optional(boolean),
    findings: optional(array(finding)),
    support: optional(anObject({ version: text })),
    metrics: optional(text),
  }),
  policy: row(MESSAGE_TYPE.PolicyRequest, policyAnswer),
  group: row(MESSAGE_TYPE.GroupRequest, groupAnswer),
  token: row(MESSAGE_TYPE.TokenRequest, tokenAnswer),
  zone: row(MESSAGE_TYPE.ZoneRequest, zoneAnswer),
  mfa: row(MESSAGE_TYPE.MfaRequest, mfaAnswer),
  evidence: row(MESSAGE_TYPE.EvidenceRequest, evidenceAnswer),
  secrets: row(MESSAGE_TYPE.SecretsRequest, {
    status: count,
    headers: record(text),
    body: text,
    events: optional(array(anObject({ id: count, event: text, data: text }))),
    after: optional(count),
  }),
})
