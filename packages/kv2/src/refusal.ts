/** Errors of answers that are no success. What the server says is only looked at to tell a few cases apart. */
import type { Kv2Error, Kv2ErrorCode } from './errors.ts'
import { type Answer, type Asked, failure } from './exchange.ts'

/** Texts of OpenBao and Vault (KV v2 `path_data.go`, `path_metadata.go`; `vault/core.go`). */
const CAS_MISMATCH =
  /check-and-set parameter (?:did not|does not) match|metadata_cas must be 0 when creating/
const CAS_REQUIRED = /check-and-set parameter required/
const SEALED = /\bis sealed\b/

const BY_STATUS: Readonly<Record<number, Kv2ErrorCode>> = Object.freeze({
  403: 'ERR_KV2_DENIED',
  405: 'ERR_KV2_UNSUPPORTED',
  412: 'ERR_KV2_UNAVAILABLE',
  413: 'ERR_KV2_REFUSED',
  415: 'ERR_KV2_UNSUPPORTED',
  429: 'ERR_KV2_THROTTLED',
  472: 'ERR_KV2_UNAVAILABLE',
  473: 'ERR_KV2_UNAVAILABLE',
} as const)

/** The error of an answer. */
export function refusalOf(asked: Asked, answer: Answer): Kv2Error {
  const { status, retryAfterSeconds } = answer
  const code = codeOf(answer)
  return failure(asked, code, {
    status,
    retryAfterSeconds,
    outcomeUnknown: !asked.readOnly && (status >= 500 || code === 'ERR_KV2_ANSWER_INVALID'),
  })
}

function codeOf(answer: Answer): Kv2ErrorCode {
  const { status } = answer
  switch (status) {
    case 400:
      if (says(answer, CAS_MISMATCH)) return 'ERR_KV2_CAS_MISMATCH'
      return says(answer, CAS_REQUIRED) ? 'ERR_KV2_CAS_REQUIRED' : 'ERR_KV2_REFUSED'
    case 404:
      return Array.isArray(answer.json?.['errors']) || isHint(answer)
        ? 'ERR_KV2_NO_ROUTE'
        : 'ERR_KV2_ANSWER_INVALID'
    case 503:
      return says(answer, SEALED) ? 'ERR_KV2_SEALED' : 'ERR_KV2_UNAVAILABLE'
    default: {
      if (status >= 500) return 'ERR_KV2_UNAVAILABLE'
      return BY_STATUS[status] ?? 'ERR_KV2_ANSWER_INVALID'
    }
  }
}

/** A plain "not there", by which a server means a key or version and no route: an empty list of errors, and no data. */
export function isAbsent({ status, json }: Answer): boolean {
  const errors = json?.['errors']
  return (
    status === 404 &&
    Array.isArray(errors) &&
    errors.length === 0 &&
    (json?.['data'] ?? null) === null
  )
}

/** A mount that is not of version 2 answers with a warning, and no errors. */
function isHint({ json }: Answer): boolean {
  const warnings = json?.['warnings']
  return Array.isArray(warnings) && warnings.length > 0
}

function says(answer: Answer, pattern: RegExp): boolean {
  return errorsOf(answer).some((text) => pattern.test(text))
}

function errorsOf({ json }: Answer): readonly string[] {
  const errors = json?.['errors']
  return Array.isArray(errors) ? errors.filter((text) => typeof text === 'string') : []
}
