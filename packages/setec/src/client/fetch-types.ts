/** What is used of the platform's `fetch`, so that any other of its shape can take its place. */

/** A request. */
export interface FetchInit {
  readonly method: 'POST'
  readonly headers: Record<string, string>
  readonly body: string
  readonly redirect: 'manual'
  readonly signal: AbortSignal
}

/** A body that is read as it comes. */
export interface FetchBody {
  getReader(): {
    read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>
    cancel(reason?: unknown): Promise<void>
  }
}

/** An answer. */
export interface FetchAnswer {
  readonly status: number
  readonly headers: { get(name: string): string | null }
  readonly body: FetchBody | null
}

/**
 * Makes one request: the global `fetch`, or a function around another one that adds a client certificate, a Unix
 * socket or a proxy. It must not follow redirects.
 */
export type Fetch = (url: string, init: FetchInit) => Promise<FetchAnswer>
