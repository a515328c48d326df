/** What is used of the platform's `fetch`, so that any other of its shape can take its place. */

/** A request. */
export interface SecretsFetchInit {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly headers: Record<string, string>
  readonly body?: string
  readonly redirect: 'error'
  readonly cache: 'no-store'
  readonly credentials: 'omit'
  readonly signal: AbortSignal
}

/** A body that is read as it comes. */
export interface SecretsFetchBody {
  getReader(): {
    read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>
    cancel(reason?: unknown): Promise<void>
  }
}

/** An answer. */
export interface SecretsFetchAnswer {
  readonly status: number
  readonly headers: { get(name: string): string | null }
  readonly body: SecretsFetchBody | null
}

/**
 * Makes one request: the global `fetch`, or a function around another one that adds a client certificate, a proxy or
 * authorities. It must not follow redirects.
 */
export type SecretsFetch = (url: string, init: SecretsFetchInit) => Promise<SecretsFetchAnswer>
