/** A transport that a test answers for. */
import {
  createKv2Client,
  type Kv2Answer,
  type Kv2Client,
  type Kv2ClientOptions,
  type Kv2Error,
  type Kv2Limits,
  type Kv2Request,
  type Kv2Transport,
} from '@secreg/kv2'
import { ManualClock } from './manual-clock.ts'

type Handler = (request: Kv2Request, limits: Kv2Limits) => Kv2Answer | Promise<Kv2Answer>

export class FakeTransport implements Kv2Transport {
  readonly requests: Kv2Request[] = []
  closed = 0
  handler: Handler

  constructor(handler: Handler) {
    this.handler = handler
  }

  async send(request: Kv2Request, limits: Kv2Limits): Promise<Kv2Answer> {
    this.requests.push(request)
    return this.handler(request, limits)
  }

  close(): void {
    this.closed++
  }

  /** Method and path below `/v1/` of every request but those that look up or renew a token. */
  get calls(): string[] {
    return this.requests
      .map(({ method, url }) => `${method} ${url.replace(/^https:\/\/[^/]+\/v1\//, '')}`)
      .filter((call) => !call.includes('-self'))
  }
}

export function answer(
  status: number,
  body?: unknown,
  headers: Readonly<Record<string, string>> = {},
): Kv2Answer {
  const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body)
  return { status, headers, body: new TextEncoder().encode(text) }
}

export const CREATED = '2026-01-02T03:04:05.123456789Z'

export function versionFacts(version = 1): Record<string, unknown> {
  return {
    created_time: CREATED,
    custom_metadata: null,
    deletion_time: '',
    destroyed: false,
    version,
  }
}

/** An answer to a read. */
export function liveAnswer(data: unknown = { k: 'v' }, version = 1): Kv2Answer {
  return answer(200, { data: { data, metadata: versionFacts(version) } })
}

export interface Fake {
  readonly client: Kv2Client
  readonly transport: FakeTransport
  readonly clock: ManualClock
}

/** A client with a token, over a transport and a clock of the test; look-ups of the token are denied. */
export function fakeClient(handler: Handler, options: Partial<Kv2ClientOptions> = {}): Fake {
  const transport = new FakeTransport((request, limits) =>
    request.url.endsWith('/lookup-self')
      ? answer(403, { errors: ['permission denied'] })
      : handler(request, limits),
  )
  const clock = new ManualClock()
  const client = createKv2Client({
    url: 'https://kv.example:8200',
    transport,
    auth: { token: 'hvs.token' },
    clock,
    random: () => 0.5,
    ...options,
  })
  return { client, transport, clock }
}

/** The error of a call that must fail with one of this package. */
export async function failureOf(promise: Promise<unknown>): Promise<Kv2Error> {
  return promise.then(
    () => {
      throw new Error('it did not fail')
    },
    (error) => error as Kv2Error,
  )
}
