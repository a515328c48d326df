import {
  openSecretReferences,
  type SecretProvider,
  UNSUPPORTED_OPERATIONS,
} from '@secreg/secrets-api'
import { createEnforcement } from '@secreg/secrets-api/enforcement'
import { createSecretsService, type SecretsAuditPort } from '@secreg/secrets-api/service'

const provider: SecretProvider = {
  ...UNSUPPORTED_OPERATIONS,
  name: 'yaml',
  capabilities: {
    versions: false,
    customMetadata: false,
    list: false,
    entries: true,
    nested: false,
  },
  async read() {
    return { kind: 'found', data: new Map([['A', 'a1']]), version: null, token: '1' }
  },
}
const providerOf = (name: string) => (name === 'yaml' ? provider : undefined)
const common = {
  nowMs: () => performance.now(),
  timeMs: () => Date.now(),
  newId: () => crypto.randomUUID(),
}

// Nothing is read or changed that could not be recorded, and nothing answered that was not.
const log: string[] = []
const audit: SecretsAuditPort = {
  assertReady() {},
  async record(_operation, canonicals, events) {
    log.push(`${events.map(({ event_type }) => event_type)} ${canonicals}`)
  },
}

const service = createSecretsService({
  enforcement: createEnforcement({
    decisions: 'disabled',
    allowedMounts: () => new Set(['secret']),
    environment: 'dev',
    providerOf,
    requireAuth: false,
    enforceScopes: false,
    audience: 'crud.secrets',
    newDeadline: () => AbortSignal.timeout(2_000),
    ...common,
  }),
  providersOf: () => providerOf,
  audit,
  references: await openSecretReferences('test-tenant-salt-0123456789abcdef'),
  ephemeralReferences: false,
  legacy: false,
  searchMounts: () => new Set(['secret']),
  devEndpoints: true,
  ringSize: 1_000,
  sampleCacheHits: 1,
  service: 'secrets-api',
  onFault: (error) => console.error(error),
  ...common,
})

const caller = {
  tenant: 'dev',
  subject: 'anonymous',
  authenticated: false,
  scopes: [],
  correlationId: 'request-1',
}
// GET /api/secrets?uri=yaml://secret/env%23A
const query = 'uri=yaml://secret/env%23A'
const read = await service.answer(caller, { route: 'read', query, body: undefined })
console.log(read.status, JSON.stringify(read.body)) // 200 {"value":"a1"}

const wrong = await service.answer(caller, { route: 'read', query: 'uri=env', body: undefined })
console.log(wrong.status, wrong.body['code']) // 400 ILLEGAL_SEGMENT
console.log(log.join(', ')) // SECRET_READ yaml://secret/env#A
