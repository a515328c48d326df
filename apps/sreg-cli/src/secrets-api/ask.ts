/** Requests of the Secrets API over the registry socket: what HTTP would carry, by the session of the caller. */
import type { RegistryConnection } from '@secreg/client'
import type { SecretsRoute } from '@secreg/protocol'
import { LIMITS } from '@secreg/protocol'
import { CliError } from '../errors.ts'
import { withHints } from '../hints.ts'
import { refusalOf } from './refusal.ts'

/** Longest work behind one request, milliseconds: a few calls of a provider, which may take half a minute each. */
const TIMEOUT_MS = 120_000

const HINTS = { NOT_FOUND: 'it is switched on in the configuration of secregd: [secrets] enabled' }

/** A request. */
export interface SecretsQuestion {
  readonly route: SecretsRoute
  /** Parameters; those that are undefined are left out. */
  readonly query?: Readonly<Record<string, string | number | undefined>>
  /** JSON. */
  readonly body?: string
}

/** Options of a request. */
export interface AskOptions {
  readonly signal?: AbortSignal
  /** What it is about, for messages. */
  readonly about?: string
}

/**
 * Ask, and read the answer.
 *
 * @returns members of the body
 * @throws CliError for a refusal, with the code of the API; SecregError where there was no answer
 */
export async function ask(
  registry: RegistryConnection,
  question: SecretsQuestion,
  { signal, about }: AskOptions = {},
): Promise<Readonly<Record<string, unknown>>> {
  const { route, query, body } = question
  if (body !== undefined && Buffer.byteLength(body) > LIMITS.secretsBodyBytes) {
    throw new CliError(
      'VALUE_TOO_LARGE',
      `the request exceeds ${LIMITS.secretsBodyBytes} bytes`,
      'keep it elsewhere, and a key to it here',
    )
  }
  const answer = await withHints(HINTS, () =>
    registry.request(
      'secrets',
      {
        op: 'ask',
        route,
        ...(query === undefined ? {} : { query: queryText(query) }),
        ...(body === undefined ? {} : { body }),
      },
      { timeoutMs: TIMEOUT_MS, ...(signal === undefined ? {} : { signal }) },
    ),
  )
  const members = membersOf(answer.body)
  if (answer.status === 200 && members !== undefined) return members
  if (answer.status < 400) {
    throw new CliError('INTERNAL', `the Secrets API has answered ${answer.status}, and no JSON`)
  }
  const { status, headers } = answer
  throw refusalOf({ status, headers, body: members ?? {} }, about)
}

/** A query as it is sent: every character of its own meaning escaped, `#` and `+` too (specs: secrets-api §1.1). */
function queryText(query: NonNullable<SecretsQuestion['query']>): string {
  return Object.entries(query)
    .filter((pair): pair is [string, string | number] => pair[1] !== undefined)
    .map(([name, value]) => `${name}=${percentEncoded(String(value))}`)
    .join('&')
}

function percentEncoded(text: string): string {
  // Half of a pair has no UTF-8.
  if (/\p{Surrogate}/u.test(text)) {
    throw new CliError('INVALID_ARGUMENT', 'an argument is not UTF-8 text')
  }
  return encodeURIComponent(text)
}

function membersOf(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
