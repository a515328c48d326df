/** Requests of an ordinary client. */
import { TOKEN } from './fake-relay.ts'
import type { TestGateway } from './test-gateway.ts'

export interface Asked {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

export interface AskOptions {
  readonly method?: string
  readonly body?: string | Buffer
  readonly headers?: Readonly<Record<string, string>>
  /** Default: a good one; null: none. */
  readonly token?: string | null
}

/** Ask a gateway; JSON with a good token unless told otherwise. */
export async function ask(
  { port }: Pick<TestGateway, 'port'>,
  path: string,
  { method = 'POST', body, headers = {}, token = TOKEN }: AskOptions = {},
): Promise<Asked> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    redirect: 'manual',
    ...(body === undefined ? {} : { body }),
    headers: {
      ...(method === 'POST' ? { 'Content-Type': 'application/json' } : {}),
      ...(token === null ? {} : { Authorization: `Bearer ${token}` }),
      ...headers,
    },
  })
  return { status: response.status, headers: response.headers, text: await response.text() }
}
