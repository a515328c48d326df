/** What of a request of HTTP goes to the daemon, untouched (specs: secrets-api §1.1, §3). */
import { createHash } from 'node:crypto'
import type { RequestOf } from '@secreg/protocol'
import { GatewayError } from '../errors.ts'
import type { CertificateOf } from '../identity/forwarded-certificate.ts'
import { soleHeader } from '../identity/header.ts'
import type { SecretsCaller } from '../secrets-caller.ts'
import { correlationIdOf, wordOf } from './correlation-id.ts'
import { isOwnOrigin, originOf } from './origin.ts'
import type { Exchange } from './route.ts'

/** Members that every request of it has. */
export type SecretsPayload = Pick<
  RequestOf<'secrets'>,
  'query' | 'presented' | 'said' | 'correlation'
>

const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** They are in no JSON (RFC 8259 §7), and would take six times their room on the way to the daemon. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROLS = /[\0-\x08\x0b\x0c\x0e-\x1f]/

/** The header `DPoP`. @throws SecregError INVALID_ARGUMENT when it comes more than once (RFC 9449 §4.3) */
export function proofOf({ facts }: Exchange): string | undefined {
  return soleHeader(facts.headers, 'dpop')
}

/** How it is known where a client thinks that he is, and what he has shown there. */
export interface PayloadSources {
  /** Origin that clients use; undefined: the one that a request was sent to. */
  readonly publicUrl: string | undefined
  /** Names of this server, in lower case. */
  readonly hostNames: ReadonlySet<string>
  readonly certificateOf: CertificateOf
}

/**
 * All of a request but its body.
 *
 * @throws SecregError INVALID_ARGUMENT, GatewayError ERR_GATEWAY_TARGET_INVALID
 */
export function secretsPayload(
  exchange: Exchange,
  caller: SecretsCaller,
  { publicUrl, hostNames, certificateOf }: PayloadSources,
): SecretsPayload {
  const { method, facts } = exchange
  const { target } = facts
  const proof = proofOf(exchange)
  const certificate = certificateOf(facts)
  const origin = publicUrl ?? originOf(exchange)
  if (proof !== undefined && publicUrl === undefined && !isOwnOrigin(origin, exchange, hostNames)) {
    // A proof that was shown to another server would be good here: he would only have to say that he is that.
    throw new GatewayError(
      'ERR_GATEWAY_TARGET_INVALID',
      'a proof is for a place that is known to be this: http.public_url',
    )
  }
  return {
    ...(target.query === undefined ? {} : { query: target.query }),
    presented: {
      address: caller.address,
      ...(caller.token === undefined ? {} : { token: caller.token.presented }),
      ...(proof === undefined ? {} : { proof }),
      method,
      // The path is one of those that are served: it holds no token, and nothing to be escaped.
      url: `${origin}${target.path}`,
      ...(certificate === undefined ? {} : { certificate: thumbprintOf(certificate) }),
    },
    ...saidOf(exchange),
    correlation: correlationIdOf(exchange),
  }
}

/**
 * A body as text.
 *
 * @throws GatewayError ERR_GATEWAY_BODY_INVALID
 */
export function textOf(body: Uint8Array): string {
  let text: string
  try {
    text = UTF8.decode(body)
  } catch {
    throw new GatewayError('ERR_GATEWAY_BODY_INVALID', 'body: expected UTF-8')
  }
  if (CONTROLS.test(text)) {
    throw new GatewayError('ERR_GATEWAY_BODY_INVALID', 'body: expected no control characters')
  }
  return text
}

/** `x5t#S256` (RFC 8705 §3.1). @param der - certificate that was verified */
function thumbprintOf(der: Uint8Array): string {
  return createHash('sha256').update(der).digest('base64url')
}

function saidOf(exchange: Exchange): Pick<SecretsPayload, 'said'> {
  const run = wordOf(exchange, 'x-workflow-run-id')
  const node = wordOf(exchange, 'x-node-id')
  const system = wordOf(exchange, 'x-system-id')
  if (run === undefined && node === undefined && system === undefined) return {}
  return {
    said: {
      ...(run === undefined ? {} : { workflow_run: run }),
      ...(node === undefined ? {} : { node }),
      ...(system === undefined ? {} : { system }),
    },
  }
}
