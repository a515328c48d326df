/** The whole service over providers in memory, as environments A and B of the conformance cases have it. */
import { openSecretReferences, parseSecretUri, type SecretProvider } from '@secreg/secrets-api'
import type {
  AuditEnvelope,
  AuditedOperation,
  AuthenticatedCaller,
  Decision,
  DecisionQuestion,
  EnforcementOptions,
} from '@secreg/secrets-api/enforcement'
import {
  createSecretsService,
  type SecretsAnswer,
  type SecretsAuditPort,
  type SecretsRoute,
  type SecretsService,
  type SecretsServiceOptions,
} from '@secreg/secrets-api/service'
import { expect } from 'vitest'
import {
  type Bench,
  BOB,
  bench,
  casesPolicy,
  DENY,
  PERMIT,
  Recorder,
} from '../enforcement/support.ts'
import { seeded } from '../operations/secrets.ts'
import { type PlainMemory, VersionedMemory } from '../provider/memory-provider.ts'

export const CAROL = 'auth:account:idp:carol'
const SALT = 'test-tenant-salt-0123456789abcdef'

/** Of the conformance cases, whole. */
export function policy(question: DecisionQuestion): Decision {
  if (question.subject.id !== CAROL) return casesPolicy(question)
  return ['read', 'write', 'execute'].includes(question.purpose) ? PERMIT : DENY
}

/** One operation as it was recorded. */
export interface Recorded {
  readonly operation: AuditedOperation
  readonly canonicals: readonly string[]
  readonly events: readonly AuditEnvelope[]
}

/** A log in memory, which may be out of order. */
export class MemoryLog implements SecretsAuditPort {
  readonly records: Recorded[] = []
  ready = true
  writable = true

  assertReady(): void {
    if (!this.ready) throw new Error('the disk of the log is full')
  }

  async record(
    operation: AuditedOperation,
    canonicals: readonly string[],
    events: readonly AuditEnvelope[],
  ): Promise<void> {
    if (!this.writable) throw new Error('the disk of the log is full')
    this.records.push({ operation, canonicals, events })
  }

  /** Types of all events, in order. */
  get types(): readonly string[] {
    return this.records.flatMap(({ events }) => events.map(({ event_type }) => event_type))
  }
}

/** What is sent with a request. */
export interface Sent {
  /** Parameters, escaped here; or a query as it is. */
  readonly query?: Readonly<Record<string, string>> | string
  /** JSON, or bytes as they are. */
  readonly body?: unknown
}

export interface ServiceBench {
  readonly service: SecretsService
  readonly bench: Bench
  readonly log: MemoryLog
  readonly policy: Recorder
  readonly openbao: VersionedMemory
  readonly hashicorp: VersionedMemory
  readonly yaml: PlainMemory
  readonly faults: unknown[]
  /** Ask as Bob, unless it is said who. */
  ask(route: SecretsRoute, sent?: Sent, who?: Partial<AuthenticatedCaller>): Promise<SecretsAnswer>
  /** Status with the code of the error, if it is one. */
  told(route: SecretsRoute, sent?: Sent, who?: Partial<AuthenticatedCaller>): Promise<string>
}

export interface ServiceBenchOptions {
  readonly enforcement?: Partial<EnforcementOptions>
  readonly service?: Partial<SecretsServiceOptions>
  readonly providers?: Partial<Record<string, SecretProvider>>
}

export const queryOf = (parameters: Readonly<Record<string, string>>): string =>
  Object.entries(parameters)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join('&')

export async function serviceBench(options: ServiceBenchOptions = {}): Promise<ServiceBench> {
  const recorder = new Recorder(policy)
  const openbao = await seeded()
  const hashicorp = await seeded()
  const log = new MemoryLog()
  const faults: unknown[] = []
  const providerOf = (name: string): SecretProvider | undefined => {
    const given = options.providers ?? {}
    if (name in given) return given[name]
    return { openbao, hashicorp, yaml: inner.yaml }[name]
  }
  let ids = 0
  const inner: Bench = bench({ providerOf, ...options.enforcement }, recorder)
  await seedYaml(inner.yaml)
  const timeMs = (): number => Date.parse('2026-11-21T23:00:00Z')
  const service = createSecretsService({
    enforcement: inner.enforcement,
    providersOf: () => providerOf,
    audit: log,
    references: await openSecretReferences(SALT),
    ephemeralReferences: false,
    legacy: false,
    searchMounts: (tenant) => new Set(tenant === 'dev' ? ['secret'] : []),
    devEndpoints: true,
    ringSize: 100,
    sampleCacheHits: 1,
    service: 'secrets-api',
    observer: {
      record(name, labels, value) {
        const key = [name, ...Object.values(labels)].join(' ')
        inner.counts.set(key, (inner.counts.get(key) ?? 0) + value)
      },
    },
    onFault: (error) => void faults.push(error),
    nowMs: () => 0,
    timeMs,
    newId: () => `event-${++ids}`,
    ...options.service,
  })
  const ask: ServiceBench['ask'] = (route, { query = '', body } = {}, who = {}) => {
    const text = typeof query === 'string' ? query : queryOf(query)
    return service.answer(inner.caller({ subject: BOB, ...who }), {
      route,
      query: text,
      body: bytesOf(body),
    })
  }
  return {
    service,
    bench: inner,
    log,
    policy: recorder,
    openbao,
    hashicorp,
    yaml: inner.yaml,
    faults,
    ask,
    async told(...args) {
      const { status, body } = await ask(...args)
      const { code } = body as { code?: unknown }
      return status < 300 ? String(status) : `${status} ${code}`
    },
  }
}

/** Environment A: nobody has to say who he is, and nobody decides. */
export const openBench = (options: ServiceBenchOptions = {}): Promise<ServiceBench> =>
  serviceBench({
    ...options,
    enforcement: {
      decisions: 'disabled',
      requireAuth: false,
      enforceScopes: false,
      ...options.enforcement,
    },
  })

async function seedYaml(yaml: PlainMemory): Promise<void> {
  const place = (segment: string) => ({ mount: 'secret', segments: [segment] })
  const env = Object.entries({ MY_API_KEY: 'abc123', FROM: 'src-val' })
  await yaml.write(place('env'), new Map(env))
  await yaml.write(place('crud'), new Map(Object.entries({ DB_USER: 'app', DB_PASS: 's3cr3t' })))
}

function bytesOf(body: unknown): Uint8Array | undefined {
  if (body === undefined || body instanceof Uint8Array) return body
  return new TextEncoder().encode(typeof body === 'string' ? body : JSON.stringify(body))
}

/** What is stored in a secret of a provider with versions: its current values, and the number of the version. */
export async function stored(provider: VersionedMemory, text: string) {
  const current = await provider.read(parseSecretUri(text))
  if (current.kind !== 'found') return current.kind
  return { version: current.version, data: Object.fromEntries(current.data) }
}

/** A failure whose body is exactly what all of them have. */
export function expectError(
  answer: SecretsAnswer,
  status: number,
  code: string,
  details?: unknown,
): void {
  expect(answer.status).toBe(status)
  expect(answer.body).toEqual({
    error: expect.stringMatching(/^[A-Z][A-Za-z ]+$/),
    code,
    message: expect.stringMatching(/^[a-zA-Z]/),
    correlation_id: 'c-1',
    ...(details === undefined ? {} : { details }),
  })
}

export { BOB, VersionedMemory }
