/** Errors of answers that are no success: of their bodies, what is known is taken, and nothing else. */
import { readStrictJson } from '@secreg/protocol'
import { isJsonObject, type JsonValue } from '../provider/json-value.ts'
import { SecretsClientError, type SecretsErrorDetails } from './client-error.ts'

/** What was answered. */
export interface FailedAnswer {
  readonly status: number
  readonly retryAfter: string | null
  readonly correlation: string | null
  readonly bytes: Uint8Array
  /** It was asked for a change. */
  readonly changes: boolean
  /** Credentials of the request, which a proxy may quote. */
  readonly secrets: readonly string[]
}

/** The error of an answer. */
export function answerError(answer: FailedAnswer): SecretsClientError {
  const { status, secrets } = answer
  const clean = (text: string): boolean => !secrets.some((secret) => text.includes(secret))
  const read = readStrictJson(answer.bytes, MAX_DEPTH)
  const body = read.ok && isJsonObject(read.value) ? read.value : {}
  const code = wordOf(body['code'], /^[A-Z][A-Z0-9_]{0,63}$/, clean)
  const correlation =
    wordOf(body['correlation_id'], CORRELATION, clean) ??
    wordOf(answer.correlation, CORRELATION, clean)
  const details = code === undefined ? undefined : detailsOf(body['details'])
  return new SecretsClientError(code ?? 'STATUS', {
    status,
    details: details !== undefined && clean(JSON.stringify(details)) ? details : undefined,
    correlationId: correlation,
    retryAfterSeconds: secondsOf(answer.retryAfter),
    // What is no refusal of the API may have gone through; a 501 has not.
    outcomeUnknown: answer.changes && (status < 400 || (status >= 500 && status !== 501)),
  })
}

const MAX_DEPTH = 16
const CORRELATION = /^[A-Za-z0-9._-]{1,128}$/

function wordOf(
  value: unknown,
  pattern: RegExp,
  clean: (text: string) => boolean,
): string | undefined {
  return typeof value === 'string' && pattern.test(value) && clean(value) ? value : undefined
}

/** Members of details that hold text (specs: secrets-api §2.2). */
const TEXTS: ReadonlySet<string> = new Set([
  'purpose',
  'effect',
  'decision_id',
  'policy_version',
  'uri',
  'code',
  'reason',
])
const MAX_TEXT = 2048
const MAX_ITEMS = 100

/** Numbers and flags by any name; texts, lists of texts and lists of objects by known ones. */
function detailsOf(value: unknown): SecretsErrorDetails | undefined {
  if (!isJsonObject(value)) return undefined
  const details: Record<string, JsonValue> = {}
  for (const [name, member] of Object.entries(value).slice(0, MAX_ITEMS)) {
    if (!/^[a-z_]{1,64}$/.test(name)) continue
    const known = memberOf(name, member)
    if (known !== undefined) details[name] = known
  }
  return details
}

function memberOf(name: string, member: JsonValue): JsonValue | undefined {
  if (typeof member === 'number' || typeof member === 'boolean') return member
  if (typeof member === 'string') {
    return TEXTS.has(name) && member.length <= MAX_TEXT ? member : undefined
  }
  if (!Array.isArray(member) || member.length > MAX_ITEMS) return undefined
  if (name === 'acr_values') {
    return member.filter((one) => typeof one === 'string' && one.length <= MAX_TEXT)
  }
  if (name !== 'failures') return undefined
  return member.map((one) => detailsOf(one)).filter((one) => one !== undefined)
}

/** `Retry-After` in seconds (RFC 9110 §10.2.3); its form as a date is passed over, since clocks differ. */
function secondsOf(retryAfter: string | null): number | undefined {
  return retryAfter !== null && /^\d{1,9}$/.test(retryAfter) ? Number(retryAfter) : undefined
}
