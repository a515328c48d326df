/** From enforced operations to events (specs: secrets-api §4.2 to §4.5; cases K01 to K06). */
import {
  openSecretReferences,
  parseSecretPrefix,
  parseSecretUri,
  type SecretPrefix,
  type SecretUri,
} from '@secreg/secrets-api'
import {
  type AuditEnvelope,
  type AuditedOutcome,
  AuditSampler,
  auditEvents,
  auditedResource,
  type DoneFacts,
  isAuditedStep,
  type Permitted,
  type Refused,
  SECRET_EVENTS,
  SECRET_OPERATIONS,
  type SecretOperation,
  type SecretRequest,
} from '@secreg/secrets-api/enforcement'
import { describe, expect, test } from 'vitest'
import { ROW_LIST, ROWS } from './operations.ts'
import {
  type Bench,
  bench,
  casesPolicy,
  DENY,
  kv,
  PERMIT,
  permitWith,
  Recorder,
} from './support.ts'

const SALT = 'test-tenant-salt-0123456789abcdef'
const references = await openSecretReferences(SALT)
let events = 0
const OPTIONS = {
  service: 'secrets-api',
  timeMs: Date.parse('2026-11-21T23:00:00Z'),
  newId: () => `event-${++events}`,
}

type Ending = { readonly facts: DoneFacts } | { readonly code: 'PROVIDER_ERROR' }

/** Enforce, and make the events of what came of it. */
async function recorded(
  bed: Bench,
  request: SecretRequest,
  more: Parameters<Bench['caller']>[0] = {},
  ending: Ending = { facts: {} },
  options: object = {},
): Promise<readonly AuditEnvelope[]> {
  const admission = bed.admit(more)
  const result = await bed.enforcement.enforce(admission, request)
  const places = placesOf(request)
  return auditEvents(
    {
      caller: admission.caller,
      operation: request.operation,
      operationId: result.kind === 'permitted' ? result.operationId : 'op-refused',
      resources: await Promise.all(places.map((place) => auditedResource(place, references))),
      outcome: outcomeOf(result, ending),
    },
    { ...OPTIONS, ...options },
  )
}

function placesOf(request: SecretRequest): readonly (SecretUri | SecretPrefix)[] {
  if (!('target' in request)) return []
  const target = request.target()
  if ('prefixes' in target) return target.prefixes
  return 'uri' in target ? [target.uri] : [target.from, target.to]
}

function outcomeOf(result: Permitted | Refused, ending: Ending): AuditedOutcome {
  if (result.kind === 'refused') return { kind: 'refused', refused: result }
  const { permits } = result
  return 'facts' in ending
    ? { kind: 'done', permits, facts: ending.facts }
    : { kind: 'failed', permits, code: ending.code }
}

const on = (operation: 'value' | 'rotate' | 'write' | 'delete', uri: SecretUri): SecretRequest => ({
  operation,
  target: () => ({ uri }),
})

test('K02: a rotation, whole', async () => {
  const policy = new Recorder(
    () => ({ ...PERMIT, policyVersion: 'v1', classification: 'high' }) as never,
  )
  const [event, ...more] = await recorded(
    bench({}, policy),
    on('rotate', kv('app/test#value')),
    { tokenId: 'j1', proofs: { dpop: { thumbprint: 'K1', proofId: 'p' } }, systemId: 'sys-1' },
    { facts: { version: 3, oldVersion: 2 } },
    { traceId: 't', spanId: 's', arnNamespace: 'openbao-X' },
  )
  expect(more).toEqual([])
  const ref = 'm_20JJl-DkNA3mLN0Ro6diIz4HnNMe-Ett24OQ1B7ME'
  expect(event).toEqual({
    event_id: expect.stringMatching(/^event-/),
    event_type: 'SECRET_ROTATED',
    timestamp: '2026-11-21T23:00:00.000Z',
    correlation_id: 'c-1',
    service: 'secrets-api',
    trace_id: 't',
    span_id: 's',
    user_context: {
      unique_id: 'auth:account:idp:alice',
      subject: 'auth:account:idp:alice',
      issuer: 'https://idp.example',
    },
    data: {
      event: 'SECRET_ROTATED',
      tenant_id: 'dev',
      subject: { sub: 'auth:account:idp:alice' },
      action: 'rotate',
      purpose: 'rotate',
      purpose_of_use: 'rotate',
      effect: 'success',
      success: true,
      decision: 'Permit',
      decision_id: 'd-permit',
      policy_version: 'v1',
      classification: 'high',
      cached: false,
      sampled: false,
      timestamp: '2026-11-21T23:00:00.000Z',
      operation_id: expect.stringMatching(/^id-/),
      vault_type: 'openbao',
      provider: 'openbao',
      credential_id: ref,
      resource_ref: ref,
      path_ref: 'sVsFQhGBUk9fWHM9bEau6P_xeMcd1WAY5pUQvGXBY14',
      resource_arn: `auth:v1:resource:secret:openbao-X:${ref.slice(0, 16)}`,
      kv_version: 3,
      old_version: 2,
      cnf_jkt: 'K1',
      token_jti: 'j1',
      system_id: 'sys-1',
    },
  })
})

describe('what an operation is', () => {
  const done = async (operation: SecretOperation, facts: DoneFacts = {}) =>
    (await recorded(bench(), ROWS[operation].request, {}, { facts })).map(
      ({ event_type, data }) => [event_type, data.action, data.kv_version],
    )

  test.each<[SecretOperation, DoneFacts, unknown[]]>([
    ['value', { version: 2 }, [['SECRET_READ', 'use', 2]]],
    ['read', { version: null }, [['SECRET_READ', 'use', undefined]]],
    ['write', { version: 1, created: true }, [['SECRET_CREATED', 'write', 1]]],
    ['write', { version: 2, created: false }, [['SECRET_UPDATED', 'write', 2]]],
    ['rotate', { version: 1, created: true }, [['SECRET_ROTATED', 'rotate', 1]]],
    [
      'delete',
      { deleted: { mode: 'version_deleted', version: 2 } },
      [['SECRET_VERSION_DELETED', 'delete', 2]],
    ],
    ['delete', { deleted: { mode: 'key_removed', version: 3 } }, [['SECRET_DELETED', 'delete', 3]]],
    [
      'delete',
      { deleted: { mode: 'node_removed', version: null } },
      [['SECRET_DELETED', 'delete', undefined]],
    ],
    [
      'destroy',
      { deleted: { mode: 'all_versions_destroyed', version: null } },
      [['SECRET_DESTROYED', 'destroy_versions', undefined]],
    ],
    [
      'undelete',
      { versions: [2, 3] },
      [
        ['SECRET_VERSION_UNDELETED', 'undelete', 2],
        ['SECRET_VERSION_UNDELETED', 'undelete', 3],
      ],
    ],
    ['destroy-versions', { versions: [1] }, [['SECRET_VERSION_DESTROYED', 'destroy_versions', 1]]],
    ['owner', {}, [['SECRET_OWNER_UPDATED', 'owner_update', undefined]]],
    ['list', {}, [['SECRET_METADATA_READ', 'read_metadata', undefined]]],
    ['events', {}, [['SECRET_PERMIT', 'read_metadata', undefined]]],
    [
      'copy',
      { sourceVersion: 4, version: 1, created: true },
      [
        ['SECRET_READ', 'use', 4],
        ['SECRET_CREATED', 'write', 1],
      ],
    ],
    [
      'move',
      { version: 7, created: false, deleted: { mode: 'version_deleted', version: 4 } },
      [
        ['SECRET_READ', 'use', undefined],
        ['SECRET_UPDATED', 'write', 7],
        ['SECRET_VERSION_DELETED', 'delete', 4],
      ],
    ],
  ])('%s %o', async (operation, facts, expected) => {
    expect(await done(operation, facts)).toEqual(expected)
  })

  test('the events of a move share one operation, each with its secret and its decision', async () => {
    const policy = new Recorder(
      ({ purpose }) => ({ ...PERMIT, decisionId: `d-${purpose}` }) as never,
    )
    const found = await recorded(bench({}, policy), ROWS.move.request)
    expect(new Set(found.map(({ data }) => data.operation_id)).size).toBe(1)
    expect(new Set(found.map(({ event_id }) => event_id)).size).toBe(3)
    expect(found.map(({ data }) => data.decision_id)).toEqual(['d-read', 'd-write', 'd-delete'])
    expect(found.map(({ data }) => data.provider)).toEqual(['openbao', 'yaml', 'openbao'])
    expect(found[0]?.data.resource_ref).toBe(found[2]?.data.resource_ref)
  })

  test('a listing of several prefixes is one for each', async () => {
    const prefixes = ['yaml://secret/a', 'yaml://secret/b'].map((text) => parseSecretPrefix(text))
    const found = await recorded(bench(), { operation: 'list', target: () => ({ prefixes }) })
    expect(found.map(({ event_type }) => event_type)).toEqual([
      'SECRET_METADATA_READ',
      'SECRET_METADATA_READ',
    ])
    expect(new Set(found.map(({ data }) => data.path_ref)).size).toBe(2)
  })

  test('of the tenant there is no reference', async () => {
    const [event] = await recorded(bench(), ROWS.audit.request)
    expect(event?.data).not.toHaveProperty('resource_ref')
    expect(event?.data).not.toHaveProperty('provider')
  })

  test('every operation has events of the list, done, failed and refused', async () => {
    const facts: DoneFacts = { versions: [1], version: 1 }
    for (const [, { request }] of ROW_LIST) {
      const found = [
        ...(await recorded(bench(), request, {}, { facts })),
        ...(await recorded(bench(), request, {}, { code: 'PROVIDER_ERROR' })),
        ...(await recorded(bench(), request, { scopes: [] })),
      ]
      expect(found.length).toBeGreaterThanOrEqual(3)
      for (const { event_type, data } of found) {
        expect(SECRET_EVENTS).toContain(event_type)
        expect(data.event).toBe(event_type)
        expect(data.credential_id).toBe(data.resource_ref)
      }
    }
  })
})

describe('what is refused', () => {
  test('K04, A06: a denial', async () => {
    const bed = bench({}, new Recorder(casesPolicy))
    const [event, ...more] = await recorded(bed, on('value', kv('payments/stripe#api_key')))
    expect(more).toEqual([])
    expect(event).toMatchObject({
      event_type: 'SECRET_DENY',
      data: {
        effect: 'failure',
        success: false,
        decision: 'Deny',
        decision_id: 'd-deny',
        purpose: 'execute',
        action: 'use',
        error: 'SECRET_AUTHZ_FAILED',
        failure: 'DENY',
        cached: false,
        resource_ref: await references.resourceRef(kv('payments/stripe#api_key')),
      },
    })
  })

  test('of a copy, the side that was denied', async () => {
    const policy = new Recorder(({ purpose }) => (purpose === 'write' ? DENY : PERMIT))
    const found = await recorded(bench({}, policy), ROWS.copy.request)
    expect(found).toHaveLength(1)
    expect(found[0]).toMatchObject({
      event_type: 'SECRET_DENY',
      data: { purpose: 'write', provider: 'yaml', failure: 'DENY' },
    })
  })

  test('K06: a mount of somebody else, without its name', async () => {
    const uri = parseSecretUri('openbao+kv2://othermount/app/test#value')
    const [event] = await recorded(bench(), on('value', uri))
    expect(event).toMatchObject({
      event_type: 'SECRET_DENY',
      data: { code: 'TENANT_MOUNT_MISMATCH', decision: 'Deny' },
    })
    expect(JSON.stringify(event)).not.toContain('othermount')
  })

  test('B07: a scope that is missing, of one secret', async () => {
    const [event] = await recorded(bench(), ROWS.destroy.request, { scopes: ['secrets.write'] })
    expect(event).toMatchObject({
      event_type: 'SECRET_DENY',
      data: { code: 'INSUFFICIENT_SCOPE', purpose: 'destroy_versions', provider: 'openbao' },
    })
  })

  test('no decision is an error, not a denial', async () => {
    const policy = new Recorder(() => Promise.reject(new Error('secret words of a provider')))
    const [event] = await recorded(bench({}, policy), ROWS.value.request)
    expect(event).toMatchObject({
      event_type: 'SECRET_ERROR',
      data: { code: 'PDP_UNAVAILABLE', failure: 'PDP_UNAVAILABLE' },
    })
    expect(event?.data).not.toHaveProperty('decision')
    expect(JSON.stringify(event)).not.toContain('secret words')
  })

  test('a failure after a permit keeps its decision', async () => {
    const [event] = await recorded(bench(), ROWS.write.request, {}, { code: 'PROVIDER_ERROR' })
    expect(event).toMatchObject({
      event_type: 'SECRET_ERROR',
      data: { code: 'PROVIDER_ERROR', decision: 'Permit', decision_id: 'd-permit', success: false },
    })
  })

  test('from the guard on, refusals are recorded', () => {
    const steps = ['P1', 'P2', 'P3', 'P4', 'P5', 'P6', 'P7', 'P8', 'P9'] as const
    expect(steps.filter(isAuditedStep)).toEqual(['P5', 'P6', 'P7', 'P8', 'P9'])
  })
})

test('K03: no event holds a URI, a mount or a path, or what a caller says of himself in other words', async () => {
  const said = { workflowRunId: 'secret/app', nodeId: 'x y', systemId: 'a'.repeat(129) }
  for (const operation of Object.keys(SECRET_OPERATIONS) as SecretOperation[]) {
    for (const more of [said, { ...said, scopes: [] }, { ...said, audience: [] }]) {
      const text = JSON.stringify(await recorded(bench(), ROWS[operation].request, more))
      for (const clear of ['secret/', 'app/api', 'env#', '://secret', SALT, 'x y', 'aaaa']) {
        expect(text).not.toContain(clear)
      }
    }
  }
})

test('an anonymous subject has no context of a user, and an ephemeral salt is told', async () => {
  const open = bench({ requireAuth: false, enforceScopes: false })
  const [event] = await recorded(
    open,
    ROWS.value.request,
    { subject: 'anonymous', authenticated: false },
    { facts: {} },
    { ephemeralReferences: true },
  )
  expect(event).not.toHaveProperty('user_context')
  expect(event?.data).toMatchObject({ ref_scheme: 'ephemeral', subject: { sub: 'anonymous' } })
})

describe('sampling', () => {
  test('K05: of ten reads on a grant two, and the first', async () => {
    const bed = bench({}, new Recorder(() => permitWith({ maxUses: 20 })))
    const sampler = new AuditSampler(5)
    const kept: AuditEnvelope[] = []
    for (let reads = 0; reads < 11; reads++) {
      for (const event of await recorded(bed, ROWS.value.request)) {
        const sampled = sampler.sample(event)
        if (sampled !== undefined) kept.push(sampled)
      }
    }
    expect(kept.map(({ event_type, data }) => [event_type, data.cached, data.sampled])).toEqual([
      ['SECRET_READ', false, false],
      ['SECRET_READ', true, true],
      ['SECRET_READ', true, true],
    ])
  })

  test('K04: everything else is kept, one in whatever', async () => {
    const sampler = new AuditSampler(1000)
    const bed = bench({}, new Recorder(casesPolicy))
    const found = [
      ...(await recorded(bed, on('value', kv('payments/x#y')))),
      ...(await recorded(bench(), ROWS.rotate.request)),
      ...(await recorded(bench(), ROWS.value.request, {}, { code: 'PROVIDER_ERROR' })),
      ...(await recorded(bench(), ROWS.value.request)),
    ]
    expect(found).toHaveLength(4)
    for (const event of found) expect(sampler.sample(event)).toBe(event)
    // An error of a read on a grant too.
    const many = bench({}, new Recorder(() => permitWith({ maxUses: 20 })))
    await recorded(many, ROWS.value.request)
    const [failed] = await recorded(many, ROWS.value.request, {}, { code: 'PROVIDER_ERROR' })
    expect(failed?.data.cached).toBe(true)
    expect(sampler.sample(failed as AuditEnvelope)).toBe(failed)
  })

  test('one in one is all, and not said to stand for more', async () => {
    const bed = bench({}, new Recorder(() => permitWith({ maxUses: 20 })))
    const sampler = new AuditSampler(1)
    for (let reads = 0; reads < 3; reads++) {
      const [event] = await recorded(bed, ROWS.value.request)
      expect(sampler.sample(event as AuditEnvelope)?.data.sampled).toBe(false)
    }
    for (const n of [0, -1, 1.5, Number.NaN]) expect(() => new AuditSampler(n)).toThrow(RangeError)
  })
})
