/**
 * From what a transport has, a content type and a text, to what it sends. Paths, methods, size limits, TLS and the
 * authentication of the asking service are the transport's.
 */

import { AuthzenError, evaluate, evaluateAll } from './evaluate.ts'
import type { AuthzenMetadata } from './metadata.ts'
import { parseStrictJson } from './strict-json.ts'
import type { AuthzenPdp } from './types.ts'

/** A request as a transport has it. */
export interface AuthzenHttpRequest {
  /** `Content-Type`, if there is one. */
  readonly contentType?: string | undefined
  /** The body, decoded from UTF-8 by a strict decoder. */
  readonly text: string
  /** `X-Request-ID`, if there is one. */
  readonly requestId?: string | undefined
}

/** A response to be sent as it is. A denial is a 200. */
export interface AuthzenHttpResponse {
  readonly status: 200 | 400 | 500
  readonly headers: Readonly<Record<string, string>>
  /** JSON; of a 400 or 500 a string that says what is wrong. */
  readonly text: string
}

const JSON_TYPE = /^application\/json[ \t]*(?:;|$)/i
/** What is put into a header: visible ASCII and blanks within. */
const REQUEST_ID = /^[\x21-\x7e](?:[\x20-\x7e]{0,254}[\x21-\x7e])?$/

/** Answer `POST /access/v1/evaluation`. Never throws. */
export function answerEvaluation(
  pdp: AuthzenPdp,
  request: AuthzenHttpRequest,
): AuthzenHttpResponse {
  return answer(request, (body) => evaluate(pdp, body))
}

/** Answer `POST /access/v1/evaluations`. Never throws. */
export function answerEvaluations(
  pdp: AuthzenPdp,
  request: AuthzenHttpRequest,
): AuthzenHttpResponse {
  return answer(request, (body) => evaluateAll(pdp, body))
}

/** Answer `GET /.well-known/authzen-configuration`. */
export function answerMetadata(
  metadata: AuthzenMetadata,
  request: Pick<AuthzenHttpRequest, 'requestId'> = {},
): AuthzenHttpResponse {
  return respond(200, metadata, request)
}

function answer(
  request: AuthzenHttpRequest,
  handle: (body: unknown) => unknown,
): AuthzenHttpResponse {
  try {
    return respond(200, handle(bodyOf(request)), request)
  } catch (error) {
    if (error instanceof AuthzenError) return respond(400, error.message, request)
    // What failed is for the log of whoever runs the decision point, not for who asks.
    return respond(500, 'the decision failed', request)
  }
}

function bodyOf({ contentType, text }: AuthzenHttpRequest): unknown {
  if (!JSON_TYPE.test(contentType ?? '')) {
    throw new AuthzenError('content type: expected application/json')
  }
  try {
    return parseStrictJson(text)
  } catch (error) {
    throw new AuthzenError(`body: ${(error as Error).message}`)
  }
}

function respond(
  status: AuthzenHttpResponse['status'],
  body: unknown,
  { requestId }: Pick<AuthzenHttpRequest, 'requestId'>,
): AuthzenHttpResponse {
  const echoed = requestId !== undefined && REQUEST_ID.test(requestId)
  return {
    status,
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      ...(echoed ? { 'x-request-id': requestId } : {}),
    },
    text: JSON.stringify(body),
  }
}
