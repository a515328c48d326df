/** The secrets that the cases of the Secrets API begin with: in a stand-in of KV version 2, and in a file of YAML. */
import { createCanary } from '@secreg/testkit'
import type { Kv2StandIn, SeenRequest } from '@secreg/testkit/kv2'
import { ask } from './http-ask.ts'

/** Values that must be nowhere but in the answer that tells them. */
export interface Canaries {
  readonly yaml: string
  readonly kv: string
}

export function createCanaries(): Canaries {
  return { yaml: createCanary('yaml'), kv: createCanary('kv') }
}

/** The file, as the cases have it. */
export function yamlSeed({ yaml }: Canaries): string {
  return `# Secrets of development.
secret:
  env:
    MY_API_KEY: abc123
    FROM: src-val
  crud:
    DB_USER: app
    DB_PASS: s3cr3t
  canary:
    VALUE: ${yaml}
`
}

export const PLATFORM = 'auth:account:idp:platform'

/** Of `app/api`. */
export const API_METADATA = {
  owner: PLATFORM,
  created_by: 'auth:account:idp:alice',
  created_at: '2025-01-25T12:34:56Z',
  team: 'x',
} as const

/** Talks to the stand-in as its root. */
export class Kv2Desk {
  readonly standIn: Kv2StandIn
  readonly #ca: string | undefined
  /** Requests of this desk are not told among those that came. */
  readonly #own = new Set<string>()
  #count = 0

  /** @param ca - PEM, where it has TLS */
  constructor(standIn: Kv2StandIn, ca?: string) {
    this.standIn = standIn
    this.#ca = ca
  }

  /** Requests that came of others, from one on. */
  requests(from = 0): readonly SeenRequest[] {
    return this.standIn.requests
      .slice(from)
      .filter(({ headers }) => !this.#own.has(String(headers['x-request-id'])))
  }

  /** Where requests are counted from. */
  get mark(): number {
    return this.standIn.requests.length
  }

  /** Requests of others for values, from one on. */
  reads(from = 0): readonly SeenRequest[] {
    return this.requests(from).filter(
      ({ method, target }) => method === 'GET' && /^\/v1\/[^/]+\/data\//.test(target),
    )
  }

  // biome-ignore lint/suspicious/noExplicitAny: an answer is whatever the server sent
  async call(method: string, path: string, body?: unknown): Promise<any> {
    const id = `desk-${++this.#count}`
    this.#own.add(id)
    const { status, text } = await ask(`${this.standIn.url}/v1/${path}`, {
      method,
      headers: { 'X-Vault-Token': this.standIn.rootToken, 'X-Request-ID': id },
      ...(body === undefined ? {} : { body: body as object }),
      ...(this.#ca === undefined ? {} : { ca: this.#ca }),
    })
    if (status >= 300 && status !== 404) throw new Error(`${method} ${path}: ${status} ${text}`)
    return text === '' ? {} : JSON.parse(text)
  }

  write(path: string, data: object): Promise<void> {
    return this.call('POST', `secret/data/${path}`, { data })
  }

  /** The current version's data and number; undefined where there is none. */
  async read(
    path: string,
  ): Promise<{ data: Record<string, unknown>; version: number } | undefined> {
    const { data } = await this.call('GET', `secret/data/${path}`)
    if (data?.data === undefined || data.data === null) return undefined
    return { data: data.data, version: data.metadata.version }
  }

  // biome-ignore lint/suspicious/noExplicitAny: an answer is whatever the server sent
  async metadata(path: string): Promise<any> {
    return (await this.call('GET', `secret/metadata/${path}`)).data
  }

  /** Everything as the cases begin with it. */
  async seed({ kv }: Canaries): Promise<void> {
    await this.call('DELETE', 'sys/mounts/secret')
    await this.call('POST', 'sys/mounts/secret', { type: 'kv', options: { version: '2' } })
    await Promise.all([
      this.#versions('app/test', { value: 'one' }, { value: 'two' }),
      this.#versions('app/api', { token: 't1', user: 'u' }).then(() =>
        this.call('POST', 'secret/metadata/app/api', { custom_metadata: API_METADATA }),
      ),
      this.#versions('app/lc', { value: 'v1' }, { value: 'v2' }, { value: 'three' }).then(
        async () => {
          await this.call('POST', 'secret/destroy/app/lc', { versions: [1] })
          await this.call('POST', 'secret/delete/app/lc', { versions: [2] })
        },
      ),
      this.#versions('app/gone', { value: 'was' }).then(() =>
        this.call('DELETE', 'secret/data/app/gone'),
      ),
      this.#versions('payments/stripe', { api_key: 'sk' }),
      this.#versions('canary/one', { value: kv }),
    ])
  }

  async #versions(path: string, ...versions: readonly object[]): Promise<void> {
    for (const data of versions) await this.write(path, data)
  }
}
