/** Answers of the Secrets API that are refusals, as errors of the command (specs: secrets-api §2.2, §2.3). */
import type { Reason } from '@secreg/protocol'
import { CliError } from '../errors.ts'

/** What was answered, beside its status. */
export interface RefusedAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Members of the body; none where it is no object. */
  readonly body: Readonly<Record<string, unknown>>
}

type Row = readonly [Reason, hint: string]

const URI: Row = [
  'INVALID_ARGUMENT',
  'a secret is scheme://mount/path#key?version=N, such as openbao+kv2://secret/app/api#token',
]
const PROVIDER = 'see the log of secregd, and that of the provider'

/** Reasons and hints by code. */
const CODES: Readonly<Record<string, Row>> = Object.freeze({
  INVALID_WILDCARD: URI,
  ILLEGAL_SEGMENT: URI,
  AMBIGUOUS_MOUNT: URI,
  AMBIGUOUS_QUERY: URI,
  DOUBLE_MOUNT_SOURCE: URI,
  PROVIDER_TRAILING_SLASH_MISMATCH: URI,
  UNSUPPORTED_ENGINE: [
    'INVALID_ARGUMENT',
    'the schemes are openbao+kv2, hashicorp+kv2, yaml and secreg',
  ],
  TENANT_MOUNT_MISMATCH: [
    'INVALID_ARGUMENT',
    'the configuration of secregd names the mounts that there are',
  ],
  INVALID_REQUEST: ['INVALID_ARGUMENT', 'run: sreg help secret'],
  VERSION_NOT_ALLOWED: ['INVALID_ARGUMENT', 'leave the version out'],
  FRAGMENT_NOT_ALLOWED: ['INVALID_ARGUMENT', 'leave the #key out'],
  FRAGMENT_MISMATCH: ['INVALID_ARGUMENT', 'give both a #key, or neither'],
  SAME_RESOURCE: ['INVALID_ARGUMENT', 'name another destination'],
  INCOMPATIBLE_PAYLOAD: [
    'INVALID_ARGUMENT',
    'a #key takes a text, a number or a boolean; a whole secret is an object of JSON',
  ],
  BODY_TOO_LARGE: ['VALUE_TOO_LARGE', 'keep it elsewhere, and a key to it here'],
  UNAUTHENTICATED: ['AUTH_REQUIRED', 'run: sreg login NAME'],
  SENDER_BINDING_MISMATCH: ['AUTH_REQUIRED', 'run: sreg login NAME'],
  INSUFFICIENT_SCOPE: ['ACCESS_DENIED', 'use a token that has the scope for this'],
  SECRET_AUTHZ_FAILED: ['ACCESS_DENIED', 'ask an administrator for the right to it'],
  YAML_WRITE_FORBIDDEN: ['ACCESS_DENIED', 'write to another provider'],
  NOT_FOUND: ['NOT_FOUND', 'run: sreg help secret'],
  SECRET_NOT_FOUND: ['NOT_FOUND', 'run: sreg secret search TEXT --prefix URI'],
  FRAGMENT_NOT_FOUND: ['NOT_FOUND', 'without #key, all keys are read'],
  SECRET_VERSION_DELETED: ['VERSION_DELETED', 'name another version, or none for the current one'],
  SECRET_VERSION_DESTROYED: [
    'VERSION_DESTROYED',
    'its value is gone for ever; name another version, or none for the current one',
  ],
  DESTINATION_EXISTS: ['ALREADY_EXISTS', '--overwrite replaces it'],
  CAS_MISMATCH: ['VERSION_CONFLICT', 'read it again, then repeat'],
  RATE_LIMITED: ['BUSY', 'try again'],
  PROVIDER_BUSY: ['BUSY', 'try again'],
  PROVIDER_NOT_CONFIGURED: ['DIALECT_REFUSED', 'have the provider set up for secregd'],
  OPERATION_NOT_SUPPORTED: ['DIALECT_REFUSED', 'another provider may do it'],
  PROVIDER_ERROR: ['UNREACHABLE', PROVIDER],
  PROVIDER_UNAVAILABLE: ['UNREACHABLE', PROVIDER],
  PROVIDER_TIMEOUT: ['TIMEOUT', 'a change may still be carried out; look before you try again'],
  MOVE_SOURCE_DELETE_FAILED: ['UNREACHABLE', 'the copy is there; look at both, then delete one'],
  PDP_UNAVAILABLE: ['UNREACHABLE', 'try again; the log of secregd says who did not decide'],
  AUDIT_UNAVAILABLE: [
    'AUDIT_FAILED',
    'see the log of secregd; it works again once the audit log can be written',
  ],
})

/** Those of other codes, by status. */
const STATUSES: Readonly<Record<number, Row>> = Object.freeze({
  401: ['AUTH_REQUIRED', 'run: sreg login NAME'],
  403: ['ACCESS_DENIED', 'ask an administrator for the right to it'],
  404: ['NOT_FOUND', 'run: sreg help secret'],
  409: ['VERSION_CONFLICT', 'look at it again, then repeat'],
  413: ['VALUE_TOO_LARGE', 'keep it elsewhere, and a key to it here'],
  429: ['BUSY', 'try again'],
  501: ['DIALECT_REFUSED', 'another provider may do it'],
  502: ['UNREACHABLE', PROVIDER],
  503: ['UNREACHABLE', 'try again; the log of secregd says what is away'],
})

/**
 * The error that a refusal is.
 *
 * @param about - what it is about, for the message: the name of a variable
 */
export function refusalOf({ status, headers, body }: RefusedAnswer, about?: string): CliError {
  const { code, message } = body
  const named = typeof code === 'string' && /^[A-Z][A-Z0-9_]{0,63}$/.test(code) ? code : undefined
  const [reason, hint] = rowOf(named, status)
  const said =
    typeof message === 'string' && message !== ''
      ? message.slice(0, 200)
      : `the Secrets API has answered ${status}`
  const seconds = secondsOf(headers)
  return new CliError(
    reason,
    about === undefined ? said : `${about}: ${said}`,
    seconds === undefined ? hintFor(named, hint, headers, body) : `try again in ${seconds} s`,
    {
      ...(named === undefined ? {} : { apiCode: named }),
      ...(seconds === undefined ? {} : { retryAfterSeconds: seconds }),
    },
  )
}

function rowOf(code: string | undefined, status: number): Row {
  const known = code !== undefined && Object.hasOwn(CODES, code) ? CODES[code] : undefined
  const general: Row =
    status < 500
      ? ['INVALID_ARGUMENT', 'run: sreg help secret']
      : ['INTERNAL', 'see the log of secregd']
  return known ?? STATUSES[status] ?? general
}

/** The scope that is missing, or the purpose, where the answer tells it. */
function hintFor(
  code: string | undefined,
  hint: string,
  headers: RefusedAnswer['headers'],
  { details }: RefusedAnswer['body'],
): string {
  if (code === 'INSUFFICIENT_SCOPE') {
    const scope = /\bscope="([a-z_. ]{1,200})"/.exec(header(headers, 'www-authenticate') ?? '')?.[1]
    return scope === undefined ? hint : `use a token that has the scope ${scope}`
  }
  if (code === 'SECRET_AUTHZ_FAILED') {
    const { purpose } = (details ?? {}) as { readonly purpose?: unknown }
    return typeof purpose === 'string' && /^[a-z_]{1,32}$/.test(purpose)
      ? `ask an administrator for the right to it, for the purpose ${purpose}`
      : hint
  }
  return hint
}

function secondsOf(headers: RefusedAnswer['headers']): number | undefined {
  const text = header(headers, 'retry-after')
  return text !== undefined && /^\d{1,6}$/.test(text) ? Number(text) : undefined
}

function header(headers: RefusedAnswer['headers'], name: string): string | undefined {
  return Object.entries(headers).find(([given]) => given.toLowerCase() === name)?.[1]
}
