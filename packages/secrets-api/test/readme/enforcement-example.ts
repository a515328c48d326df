import {
  parseSecretUri,
  readSecret,
  type SecretProvider,
  UNSUPPORTED_OPERATIONS,
} from '@secreg/secrets-api'
import { createEnforcement, type DecisionPort } from '@secreg/secrets-api/enforcement'

const provider: SecretProvider = {
  ...UNSUPPORTED_OPERATIONS,
  name: 'openbao',
  capabilities: {
    versions: true,
    customMetadata: false,
    list: false,
    entries: false,
    nested: false,
  },
  async read() {
    return { kind: 'found', data: new Map([['token', 't1']]), version: 1, token: '1' }
  },
}

/** Alice may use what is below app, twice within a minute. */
const decisions: DecisionPort = {
  async decide(questions) {
    return questions.map(({ subject, purpose, resource }) =>
      subject.id === 'auth:account:idp:alice' &&
      purpose === 'execute' &&
      resource.kind === 'secret' &&
      resource.uri.segments[0] === 'app'
        ? { effect: 'Permit', obligations: { maxUses: 2, ttlSeconds: 60 } }
        : { effect: 'Deny', reason: 'policy' },
    )
  },
}

const enforcement = createEnforcement({
  decisions,
  allowedMounts: (tenant) => new Set(tenant === 'acme' ? ['secret'] : []),
  environment: 'prod',
  providerOf: (name) => (name === 'openbao' ? provider : undefined),
  requireAuth: true,
  enforceScopes: true,
  audience: 'crud.secrets',
  nowMs: () => performance.now(),
  timeMs: () => Date.now(),
  newId: () => crypto.randomUUID(),
  newDeadline: () => AbortSignal.timeout(2_000),
})

// Once for each request: what its authentication has found out.
const admission = enforcement.admit({
  tenant: 'acme',
  subject: 'auth:account:idp:alice',
  authenticated: true,
  scopes: ['secrets.read'],
  audience: ['crud.secrets'],
  issuer: 'https://idp.example.com',
  tokenId: 'jti-1',
  correlationId: 'request-1',
})

if (admission.kind === 'admitted') {
  const uri = parseSecretUri('openbao+kv2://secret/app/api#token')
  const result = await enforcement.enforce(admission, {
    operation: 'value',
    target: () => ({ uri }),
  })
  if (result.kind === 'permitted') {
    console.log(result.permits[0]?.grant.maxUses) // 2
    console.log((await readSecret(provider, uri)).value) // t1
  }
  const denied = await enforcement.enforce(admission, {
    operation: 'write',
    target: () => ({ uri }),
  })
  if (denied.kind === 'refused') console.log(`${denied.status} ${denied.code}`) // 403 INSUFFICIENT_SCOPE
}
