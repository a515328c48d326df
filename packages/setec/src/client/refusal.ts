/** Errors of answers that are not 200. */
import type { SetecOperation } from '../api/operation.ts'
import { SetecError, type SetecErrorCode } from './errors.ts'

/** What was asked for, for messages. */
export interface Asked {
  readonly operation: SetecOperation
  readonly secret: string | undefined
}

const BY_STATUS: Readonly<Record<number, readonly [SetecErrorCode, string]>> = Object.freeze({
  401: ['ERR_SETEC_UNIDENTIFIED', 'the server does not know who asks'],
  403: ['ERR_SETEC_ACCESS_DENIED', 'access denied'],
  404: ['ERR_SETEC_NOT_FOUND', 'not found'],
  412: ['ERR_SETEC_VERSION_CLAIMED', 'the version is used, or was'],
  429: ['ERR_SETEC_TOO_MANY_REQUESTS', 'too many requests'],
  503: ['ERR_SETEC_UNAVAILABLE', 'the server is unavailable'],
} as const)

/** Characters of the server's text that a message quotes. */
const QUOTED = 200

/** Where in the text they are looked for: a secret that begins there ends in what was read. */
const QUOTED_FROM = 1024

/**
 * The error of a status.
 *
 * @param text - body of the answer, as far as it was read
 * @param secrets - texts which the message must not hold: proxies quote the request in their pages
 */
export function refusal(
  asked: Asked,
  status: number,
  text: string,
  retryAfter: string | null,
  secrets: readonly string[],
): SetecError {
  const known = BY_STATUS[status]
  const code = known?.[0] ?? 'ERR_SETEC_STATUS'
  const said = secrets.some((secret) => text.includes(secret)) ? '' : printable(text)
  const what = known?.[1] ?? `status ${status}${said === '' ? '' : `: ${said}`}`
  return new SetecError(code, `${describe(asked)}: ${what}`, {
    ...asked,
    status,
    retryAfterSeconds: secondsOf(retryAfter),
  })
}

/** An operation and its secret, as messages name them. */
export function describe({ operation, secret }: Asked): string {
  return secret === undefined
    ? operation
    : `${operation} ${JSON.stringify(secret.slice(0, QUOTED))}`
}

function printable(text: string): string {
  return text
    .slice(0, QUOTED_FROM)
    .replace(/[^!-~]+/g, ' ')
    .trim()
    .slice(0, QUOTED)
}

/** `Retry-After` in seconds (RFC 9110 §10.2.3); its form as a date is passed over, since clocks differ. */
function secondsOf(retryAfter: string | null): number | undefined {
  return retryAfter !== null && /^\d{1,9}$/.test(retryAfter) ? Number(retryAfter) : undefined
}
