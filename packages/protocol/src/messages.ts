/**
 * Every request of the registry protocol with its validator (SecReg-Linux docs/API.md "Message payloads"; ours from
 * 0x40). Unknown members are ignored, wrongly typed ones refused. Answers are typed in `api.ts`.
 */
import * as z from 'zod'
import { auditRequest, evidenceRequest } from './audit-messages.ts'
import { backupRequest, restoreRequest } from './backup-messages.ts'
import {
  deleteRequest,
  dialectRequest,
  getRequest,
  historyRequest,
  listRequest,
  metaRequest,
  mountRequest,
  searchRequest,
  setRequest,
  transferRequest,
  txnRequest,
  unwatchRequest,
  versionsRequest,
  watchRequest,
} from './entry-messages.ts'
import { SecregError } from './errors.ts'
import { jsonValue, keyText, text, typeName } from './fields.ts'
import {
  authRequest,
  groupRequest,
  mfaRequest,
  passwordRequest,
  tokenRequest,
  userRequest,
  zoneRequest,
} from './identity-messages.ts'
import { MESSAGE_TYPE, type MessageType } from './message-type.ts'
import { policyRequest } from './policy-messages.ts'
import { protectorRequest, sealRequest } from './seal-messages.ts'
import { secretsRequest } from './secrets-messages.ts'

export * from './audit-messages.ts'
export * from './backup-messages.ts'
export * from './entry-messages.ts'
export * from './identity-messages.ts'
export * from './policy-messages.ts'
export * from './seal-messages.ts'
export * from './secrets-messages.ts'

/** Offered protocol versions and features; optional for every client. */
export const helloRequest = z.object({
  versions: z.array(z.int()).max(16).optional(),
  features: z.array(text(64)).max(64).optional(),
})

export const logoutRequest = z.object({})
export const statusRequest = z.object({})
export const whoamiRequest = z.object({})

/** One export is one operation: the first request opens it, the following ones fetch its pages. */
export const exportRequest = z.object({
  prefix: keyText.optional(),
  with_secrets: z.boolean().optional(),
  /** From the answer before; only its own connection can use it. */
  cursor: text(64).optional(),
})

const importEntry = z.object({
  key: keyText,
  value: jsonValue,
  type: typeName.optional(),
  encrypt: z.boolean().optional(),
})

/** A staged import: nothing is visible before `commit`, and then everything at once. */
export const importRequest = z.discriminatedUnion('op', [
  z.object({ op: z.literal('begin'), force: z.boolean().optional() }),
  z.object({ op: z.literal('stage'), import: text(64), entries: z.array(importEntry).max(10_000) }),
  z.object({ op: z.literal('diff'), import: text(64), offset: z.int().min(0).optional() }),
  z.object({ op: z.literal('commit'), import: text(64) }),
  z.object({ op: z.literal('abort'), import: text(64) }),
])

/** Check permissions, keys and policy; or verify the audit chain. */
export const securityRequest = z.object({ op: z.enum(['check', 'audit']) })

/** Make a new data key and seal every value anew under it; or tell how far that is. */
export const rotateRequest = z.object({ op: z.enum(['start', 'status']) })

/**
 * What operators do and see: make the files of the store small, look for what is wrong, gather what a report of a fault
 * needs. A compaction is begun, or asked for again by its number.
 */
export const maintainRequest = z.discriminatedUnion('op', [
  z.object({ op: z.literal('compact'), job: z.int().min(1).optional() }),
  z.object({ op: z.literal('doctor') }),
  z.object({ op: z.literal('support') }),
  z.object({ op: z.literal('metrics') }),
])

interface RequestEntry<S extends z.ZodType> {
  readonly type: MessageType
  readonly response: MessageType
  readonly schema: S
  /** Whether a session is needed before it is looked at. */
  readonly session: boolean
}

function entry<S extends z.ZodType>(type: MessageType, schema: S, session = true): RequestEntry<S> {
  return Object.freeze({ type, response: (type + 1) as MessageType, schema, session })
}

/** Every request by name. */
export const REQUESTS = Object.freeze({
  auth: entry(MESSAGE_TYPE.AuthRequest, authRequest, false),
  get: entry(MESSAGE_TYPE.GetRequest, getRequest),
  set: entry(MESSAGE_TYPE.SetRequest, setRequest),
  delete: entry(MESSAGE_TYPE.DeleteRequest, deleteRequest),
  list: entry(MESSAGE_TYPE.ListRequest, listRequest),
  hello: entry(MESSAGE_TYPE.HelloRequest, helloRequest, false),
  logout: entry(MESSAGE_TYPE.LogoutRequest, logoutRequest),
  status: entry(MESSAGE_TYPE.StatusRequest, statusRequest, false),
  audit: entry(MESSAGE_TYPE.AuditRequest, auditRequest),
  export: entry(MESSAGE_TYPE.ExportRequest, exportRequest),
  import: entry(MESSAGE_TYPE.ImportRequest, importRequest),
  dialect: entry(MESSAGE_TYPE.DialectRequest, dialectRequest),
  txn: entry(MESSAGE_TYPE.TxnRequest, txnRequest),
  history: entry(MESSAGE_TYPE.HistoryRequest, historyRequest),
  seal: entry(MESSAGE_TYPE.SealRequest, sealRequest, false),
  watch: entry(MESSAGE_TYPE.WatchRequest, watchRequest),
  unwatch: entry(MESSAGE_TYPE.UnwatchRequest, unwatchRequest),
  search: entry(MESSAGE_TYPE.SearchRequest, searchRequest),
  user: entry(MESSAGE_TYPE.UserRequest, userRequest),
  whoami: entry(MESSAGE_TYPE.WhoamiRequest, whoamiRequest),
  password: entry(MESSAGE_TYPE.PasswordRequest, passwordRequest),
  security: entry(MESSAGE_TYPE.SecurityRequest, securityRequest),
  versions: entry(MESSAGE_TYPE.VersionsRequest, versionsRequest),
  meta: entry(MESSAGE_TYPE.MetaRequest, metaRequest),
  transfer: entry(MESSAGE_TYPE.TransferRequest, transferRequest),
  mount: entry(MESSAGE_TYPE.MountRequest, mountRequest),
  protector: entry(MESSAGE_TYPE.ProtectorRequest, protectorRequest),
  rotate: entry(MESSAGE_TYPE.RotateRequest, rotateRequest),
  backup: entry(MESSAGE_TYPE.BackupRequest, backupRequest),
  restore: entry(MESSAGE_TYPE.RestoreRequest, restoreRequest),
  maintain: entry(MESSAGE_TYPE.MaintainRequest, maintainRequest),
  policy: entry(MESSAGE_TYPE.PolicyRequest, policyRequest),
  group: entry(MESSAGE_TYPE.GroupRequest, groupRequest),
  token: entry(MESSAGE_TYPE.TokenRequest, tokenRequest),
  zone: entry(MESSAGE_TYPE.ZoneRequest, zoneRequest),
  mfa: entry(MESSAGE_TYPE.MfaRequest, mfaRequest),
  evidence: entry(MESSAGE_TYPE.EvidenceRequest, evidenceRequest),
  /** Whoever asks may be known to others than the registry. */
  secrets: entry(MESSAGE_TYPE.SecretsRequest, secretsRequest, false),
})

/** Name of a request. */
export type RequestName = keyof typeof REQUESTS

/** What a request holds once it is validated. */
export type RequestOf<N extends RequestName> = z.output<(typeof REQUESTS)[N]['schema']>

const NAMES: ReadonlyMap<number, RequestName> = new Map(
  (Object.keys(REQUESTS) as RequestName[]).map((name) => [REQUESTS[name].type, name]),
)

/** Name of the request with this type byte, or `undefined` when it is none. */
export function requestNameOf(type: number): RequestName | undefined {
  return NAMES.get(type)
}

/**
 * Validate the payload of a request.
 *
 * @param name - request
 * @param payload - decoded JSON object
 * @returns a fresh object with the known members only
 * @throws SecregError `ERR_PAYLOAD_INVALID`, naming the member and what is expected, never its value
 */
export function parseRequest<N extends RequestName>(
  name: N,
  payload: Record<string, unknown>,
): RequestOf<N> {
  const result = REQUESTS[name].schema.safeParse(payload)
  if (result.success) return result.data as RequestOf<N>
  const issue = result.error.issues[0]
  const member = issue?.path.join('.') ?? ''
  throw new SecregError(
    'PAYLOAD_INVALID',
    `${name}: ${member === '' ? 'the payload' : `member "${member}"`} is not as expected: ${expectationOf(issue)}`,
  )
}

/** What was expected, from the parts of an issue that cannot hold what was sent. */
function expectationOf(issue: z.core.$ZodIssue | undefined): string {
  if (issue === undefined) return 'invalid'
  switch (issue.code) {
    case 'invalid_type':
      return `${issue.expected} needed`
    case 'too_big':
      return `at most ${issue.maximum}`
    case 'too_small':
      return `at least ${issue.minimum}`
    case 'invalid_value':
      return `one of ${issue.values.join(', ')}`
    case 'invalid_union':
      return 'none of the accepted forms'
    case 'custom':
      return issue.message
    default:
      return 'invalid'
  }
}
