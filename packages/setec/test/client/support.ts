import type { Fetch, FetchAnswer, FetchInit } from '@secreg/setec'

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
export const text = (value: Uint8Array | undefined): string => new TextDecoder().decode(value)
export const base64 = (value: string): string => Buffer.from(value).toString('base64')

export const BASE = 'http://setec.test'

/** A request that was made. */
export interface Sent extends FetchInit {
  readonly url: string
  readonly json: Record<string, unknown>
}

/** An answer, as the platform gives it. */
export function answer(
  status: number,
  body: string | Uint8Array<ArrayBuffer> | null = null,
  headers: Record<string, string> = {},
): FetchAnswer {
  return new Response(body, { status, headers })
}

export const json = (value: unknown, status = 200): FetchAnswer =>
  answer(status, JSON.stringify(value))

/** A `fetch` that answers what it is told to, and keeps what was asked. */
export function stubFetch(respond: (sent: Sent) => FetchAnswer | Promise<FetchAnswer>): {
  readonly sent: Sent[]
  readonly fetch: Fetch
} {
  const sent: Sent[] = []
  return {
    sent,
    fetch: async (url, init) => {
      const request = { ...init, url, json: JSON.parse(init.body) as Record<string, unknown> }
      sent.push(request)
      return respond(request)
    },
  }
}

/** The platform's `fetch`, keeping what was asked. */
export const recordingFetch = () => {
  const { sent, fetch: record } = stubFetch(({ url, json: _, ...init }) => fetch(url, init))
  return { sent, fetch: record }
}

/** The bodies of requests to one operation, in order. */
export const asked = (sent: readonly Sent[], operation: string) =>
  sent.filter(({ url }) => url.endsWith(`/api/${operation}`)).map(({ json }) => json)
