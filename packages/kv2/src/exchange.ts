/** One request and its answer, redirects included. */
import { Kv2Error, type Kv2ErrorCode, type Kv2Operation } from './errors.ts'
import { type JsonObject, parseObject } from './json.ts'
import type { Settings } from './options.ts'
import { followRedirect } from './server-address.ts'
import { type Kv2Answer, type Kv2Request, Kv2TransportError } from './transport.ts'

/** A request below `/v1/`. */
export interface Asked {
  readonly operation: Kv2Operation
  readonly method: Kv2Request['method']
  /** After `/v1/`, encoded; with its query. */
  readonly path: string
  /** JSON. */
  readonly body?: string
  /** It changes nothing: it may be sent twice, and its failure leaves nothing unknown. */
  readonly readOnly: boolean
}

/** An answer that came whole, or is no success. */
export interface Answer {
  readonly status: number
  /** Undefined where the body is no object of JSON. */
  readonly json: JsonObject | undefined
  readonly isEmpty: boolean
  readonly retryAfterSeconds: number | undefined
}

const MAX_REDIRECTS = 2
/** Others may change the method, or are for good. */
const REDIRECTS: ReadonlySet<number> = new Set([307, 308])

/** @throws Kv2Error; the reason of the signal when that is aborted */
export async function exchange(
  settings: Settings,
  asked: Asked,
  token: string | undefined,
  signal: AbortSignal,
): Promise<Answer> {
  const { base, allowedHosts } = settings
  const headers = headersOf(settings, asked, token)
  const { method, body } = asked
  let url = `${base.prefix}/v1/${asked.path}`
  for (let redirects = 0; ; redirects++) {
    const answer = await send(
      settings,
      asked,
      { method, url, headers, ...(body !== undefined && { body }) },
      signal,
    )
    if (answer.status < 300 || answer.status > 399) return read(settings, asked, answer)
    if (!REDIRECTS.has(answer.status) || redirects === MAX_REDIRECTS) {
      throw failure(asked, 'ERR_KV2_REDIRECT_REFUSED', { status: answer.status })
    }
    try {
      url = followRedirect(answer.headers['location'], url, base, allowedHosts)
    } catch (error) {
      if (!Kv2Error.is(error)) throw error
      throw failure(asked, error.code, { status: answer.status })
    }
  }
}

function headersOf(
  { namespace }: Settings,
  { body, method }: Asked,
  token: string | undefined,
): Record<string, string> {
  const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
  return {
    Accept: 'application/json',
    'X-Vault-Request': 'true',
    ...(token !== undefined && { 'X-Vault-Token': token }),
    ...(namespace !== undefined && { 'X-Vault-Namespace': namespace }),
    ...(body !== undefined && { 'Content-Type': type }),
  }
}

async function send(
  { transport, maxAnswerBytes }: Settings,
  asked: Asked,
  request: Kv2Request,
  signal: AbortSignal,
): Promise<Kv2Answer> {
  signal.throwIfAborted()
  try {
    return await transport.send(request, { signal, maxAnswerBytes })
  } catch (error) {
    // The transport's own error may quote the request or the answer, so nothing but its code goes on.
    const known = error instanceof Kv2TransportError ? error : undefined
    throw failure(asked, codeOf(known), {
      transportCode: known?.code,
      outcomeUnknown: !asked.readOnly && known?.unsent !== true,
    })
  }
}

function codeOf(known: Kv2TransportError | undefined): Kv2ErrorCode {
  if (known?.own === undefined) return 'ERR_KV2_UNAVAILABLE'
  return known.own === 'busy' && known.unsent ? 'ERR_KV2_BUSY' : 'ERR_KV2_TRANSPORT_FAILED'
}

function read(settings: Settings, asked: Asked, answer: Kv2Answer): Answer {
  const { status, headers, body } = answer
  const isTooLong = answer.truncated === true || body.length > settings.maxAnswerBytes
  if (isTooLong && (status < 300 || status === 404)) {
    throw failure(asked, 'ERR_KV2_ANSWER_TOO_LARGE', { status, outcomeUnknown: !asked.readOnly })
  }
  const retryAfter = headers['retry-after']
  return {
    status,
    json: isTooLong ? undefined : parseObject(body),
    isEmpty: body.length === 0,
    retryAfterSeconds: /^\d{1,6}$/.test(retryAfter ?? '') ? Number(retryAfter) : undefined,
  }
}

/** An error of a request. */
export function failure(
  { operation }: Pick<Asked, 'operation'>,
  code: ConstructorParameters<typeof Kv2Error>[0],
  options: ConstructorParameters<typeof Kv2Error>[1] = {},
): Kv2Error {
  return new Kv2Error(code, { operation, ...options })
}
