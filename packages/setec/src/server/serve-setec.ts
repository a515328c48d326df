/**
 * The server half of setec's HTTP API (setec docs/api.md; specs/setec.md §1.1): from a request to an answer, over a
 * port. It does no I/O of its own and knows no HTTP library.
 */
import { GUARD_VALUE, JSON_TYPE, operationAt } from '../api/operation.ts'
import { refuse, type SetecAnswer } from './answer.ts'
import { decodeRequest, type SetecRequest } from './decode-request.ts'
import { JsonSyntaxError } from './json-scan.ts'
import { perform } from './perform.ts'
import type { SetecPort } from './port.ts'
import {
  BAD_REQUEST,
  DENIED,
  isPassing,
  NO_SUCH_METHOD,
  NOT_FOUND,
  ONLY_JSON,
  ONLY_POST,
  type Refusal,
  refusalOf,
  UNIDENTIFIED,
} from './refusal.ts'

/** What is looked at before who asks, and before the body is read. */
export interface SetecHead {
  readonly method: string
  /** As sent, neither decoded nor resolved; without query and without the prefix of the server's address. */
  readonly path: string
  readonly contentType: string | undefined
  /** `Sec-X-Tailscale-No-Browsers`. */
  readonly guard: string | undefined
}

/** What the server half asks for when it comes to it, each at most once and in this order. */
export interface SetecExchange {
  /**
   * Secrets as the caller sees them.
   *
   * A `SecregError` of a passing kind (`ERR_UNREACHABLE`, `ERR_SEALED`, `ERR_BUSY`, …, `ERR_AUTH_LOCKED_OUT`) is told as
   * that (503, 429), so that nobody takes it for a wrong credential; any other failure as 401.
   */
  identify(): Promise<SetecPort>
  /** The whole body, which stays the server's. A `SecregError` of it is told by its reason, as `ERR_FRAME_TOO_LARGE`. */
  readBody(): Promise<Uint8Array>
}

/**
 * Answer a request. Never fails: a failure is an answer, with its cause for the log.
 *
 * @example
 * ```ts
 * const answer = await serveSetec(
 *   { method: 'POST', path: '/api/get', contentType: 'application/json', guard: 'setec' },
 *   { identify: async () => port, readBody: async () => body },
 * )
 * ```
 */
export async function serveSetec(head: SetecHead, exchange: SetecExchange): Promise<SetecAnswer> {
  const operation = operationAt(head.path)
  if (operation === undefined) return refuse(head.method === 'POST' ? NO_SUCH_METHOD : NOT_FOUND)
  const refusal = refusalOfHead(head)
  if (refusal !== undefined) return refuse(refusal)
  let port: SetecPort
  try {
    port = await exchange.identify()
  } catch (error) {
    const told = refusalOf(error)
    return refuse(isPassing(told) ? told : UNIDENTIFIED, error)
  }
  let request: SetecRequest
  try {
    request = decodeRequest(operation, await exchange.readBody())
  } catch (error) {
    return refuse(error instanceof JsonSyntaxError ? BAD_REQUEST : refusalOf(error), error)
  }
  return await perform(port, operation, request)
}

/** In setec's order: the first that is wrong is told. */
function refusalOfHead({ method, contentType, guard }: SetecHead): Refusal | undefined {
  if (method !== 'POST') return ONLY_POST
  if (contentType !== JSON_TYPE) return ONLY_JSON
  return guard === GUARD_VALUE ? undefined : DENIED
}
