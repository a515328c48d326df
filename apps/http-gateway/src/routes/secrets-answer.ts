/** What the Secrets API answers, as an answer of HTTP. */
import type { SecretsResponse } from '@secreg/protocol'
import type { Answer } from '../server/answer.ts'
import { correlationIdOf } from './correlation-id.ts'
import type { Exchange } from './route.ts'

/** Headers that it may set; all others are ours. */
const HEADERS: ReadonlySet<string> = new Set(['www-authenticate', 'retry-after'])

export function secretsAnswer(response: SecretsResponse, exchange: Exchange): Answer {
  const headers = Object.entries(response.headers)
    .filter(([name]) => HEADERS.has(name.toLowerCase()))
    .flat()
  return {
    status: response.status,
    contentType: 'application/json',
    body: response.body,
    headers: ['X-Correlation-Id', correlationIdOf(exchange), ...headers],
  }
}
