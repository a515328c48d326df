/** Questions and answers of AuthZEN (specs: secrets-api §3.7; cases Z40 to Z43). */
import { readObligations as policyReads } from '@secreg/policy-engine/authzen'
import { parseSecretPrefix } from '@secreg/secrets-api'
import {
  authzenDecisions,
  EVALUATION_PATHS,
  readEvaluation,
  readEvaluations,
  restrictDecisions,
  type SecretRequest,
} from '@secreg/secrets-api/enforcement'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ALICE, bench, DENY, kv, PERMIT, permitWith, Recorder, told, yaml } from './support.ts'

/** A decision point across HTTP: remembers bodies, as JSON has them. */
function outside(answer: (body: Record<string, unknown>, path: string) => unknown) {
  const sent: { path: string; body: Record<string, unknown> }[] = []
  const decisions = authzenDecisions({
    async postJson(path, body) {
      const json = JSON.parse(JSON.stringify(body)) as Record<string, unknown>
      sent.push({ path, body: json })
      return answer(json, path)
    },
  })
  return { sent, decisions }
}

const permit = { decision: true, context: { decision_id: 'o-1', policy_version: 'v1' } }
const permitAll = (body: Record<string, unknown>) => {
  const { evaluations } = body
  return Array.isArray(evaluations) ? { evaluations: evaluations.map(() => permit) } : permit
}
const value = (uri = kv('app/api#token')): SecretRequest => ({
  operation: 'value',
  target: () => ({ uri }),
})

describe('what is asked', () => {
  test('Z40: one secret', async () => {
    const { sent, decisions } = outside(permitAll)
    const { enforce, openbao } = bench({ decisions })
    await openbao.write(kv('app/api'), new Map([['token', 'canary-value']]))
    await openbao.patchMetadata(
      kv('app/api'),
      new Map([
        ['owner', 'auth:account:idp:platform'],
        ['created_by', ALICE],
        ['created_at', '2025-01-25T12:34:56Z'],
        ['team', 'x'],
      ]),
    )
    await enforce(value(), {
      clientId: 'spa-client',
      tokenId: 'j1',
      scopes: ['secrets.read'],
      confirmation: { dpop: 'K1' },
      proofs: { dpop: { thumbprint: 'K1', proofId: 'p1' } },
      workflowRunId: 'run-1',
      nodeId: 'node "1"',
    })
    expect(sent).toEqual([
      {
        path: '/access/v1/evaluation',
        body: {
          subject: {
            type: 'account',
            id: ALICE,
            properties: {
              tenant_id: 'dev',
              issuer: 'https://idp.example',
              client_id: 'spa-client',
              scopes: ['secrets.read'],
            },
          },
          action: { name: 'execute' },
          resource: {
            type: 'secret',
            id: 'openbao+kv2://secret/app/api#token',
            properties: {
              tenant_id: 'dev',
              provider: 'openbao',
              engine: 'kv2',
              mount: 'secret',
              path: 'app/api',
              fragment: 'token',
              owner: 'auth:account:idp:platform',
              created_by: ALICE,
              created_at: '2025-01-25T12:34:56Z',
            },
          },
          context: {
            aud: ['crud.secrets'],
            token_jti: 'j1',
            correlation_id: 'c-1',
            cnf_binding: 'K1',
            binding_type: 'dpop',
            time: '2026-11-21T23:00:00.000Z',
            workflow_run_id: 'run-1',
            supported_obligations: ['custom'],
          },
        },
      },
    ])
    expect(JSON.stringify(sent)).not.toContain('canary-value')
  })

  test('Z40: members without a value are left out', async () => {
    const { sent, decisions } = outside(permitAll)
    const open = bench({ decisions, requireAuth: false, enforceScopes: false, environment: 'dev' })
    const admission = open.enforcement.admit({
      tenant: 'dev',
      subject: 'anonymous',
      authenticated: false,
      scopes: [],
      correlationId: 'c',
    })
    if (admission.kind !== 'admitted') throw new Error('refused')
    await open.enforcement.enforce(admission, value(yaml('env')))
    expect(sent[0]?.body).toEqual({
      subject: { type: 'account', id: 'anonymous', properties: { tenant_id: 'dev', scopes: [] } },
      action: { name: 'execute' },
      resource: {
        type: 'secret',
        id: 'yaml://secret/env',
        properties: { tenant_id: 'dev', provider: 'yaml', mount: 'secret', path: 'env' },
      },
      context: {
        correlation_id: 'c',
        binding_type: 'none',
        time: '2026-11-21T23:00:00.000Z',
        supported_obligations: ['custom'],
      },
    })
  })

  test('A24: attributes come from the provider, and without them it goes on', async () => {
    const owned = new Recorder(({ subject, resource }) => {
      const owner = resource.kind === 'secret' ? resource.attributes?.owner : undefined
      return owner === subject.id ? PERMIT : DENY
    })
    const { use, openbao, advance, enforce } = bench({}, owned)
    await openbao.write(kv('app/api'), new Map([['token', 't1']]))
    await openbao.patchMetadata(kv('app/api'), new Map([['owner', ALICE]]))
    const permitted = await enforce(value())
    expect(permitted).toMatchObject({ permits: [{ attributes: { owner: ALICE } }] })
    expect(await use(kv('app/api#token'), { subject: 'auth:account:idp:other' })).toBe('403 DENY')
    openbao.metadata = async () => {
      throw new Error('down')
    }
    advance(600_000)
    expect(await use(kv('app/api#token'))).toBe('403 DENY')
    expect(owned.calls.at(-1)?.[0]?.resource).toMatchObject({ attributes: undefined })
  })

  test('Z41: a copy is one list, an action beside each secret', async () => {
    const { sent, decisions } = outside(permitAll)
    const { enforce } = bench({ decisions })
    const target = () => ({ from: kv('a#x'), to: kv('b#x') })
    expect(told(await enforce({ operation: 'copy', target }))).toBe('200')
    expect(sent).toHaveLength(1)
    expect(sent[0]).toMatchObject({
      path: EVALUATION_PATHS.evaluations,
      body: {
        subject: { id: ALICE },
        evaluations: [
          { action: { name: 'read' }, resource: { id: 'openbao+kv2://secret/a#x' } },
          { action: { name: 'write' }, resource: { id: 'openbao+kv2://secret/b#x' } },
        ],
        options: { evaluations_semantic: 'execute_all' },
      },
    })
    expect(sent[0]?.body).not.toHaveProperty('action')
    expect(sent[0]?.body).not.toHaveProperty('resource')
  })

  test('E17: the tenant', async () => {
    const { sent, decisions } = outside(permitAll)
    expect(told(await bench({ decisions }).enforce({ operation: 'events' }))).toBe('200')
    expect(sent[0]?.body['resource']).toEqual({
      type: 'tenant',
      id: 'dev',
      properties: { tenant_id: 'dev' },
    })
  })
})

test('bodies have no member without a value, before they are JSON either', async () => {
  const missing: string[] = []
  const look = (value: unknown, at: string): void => {
    if (value === undefined || value === null) missing.push(at)
    else if (typeof value === 'object') {
      for (const [name, member] of Object.entries(value)) look(member, `${at}.${name}`)
    }
  }
  const decisions = authzenDecisions({
    async postJson(_, body) {
      look(body, 'body')
      return permitAll(body as Record<string, unknown>)
    },
  })
  const { enforce } = bench({ decisions })
  const target = () => ({ from: yaml('env'), to: kv('b') })
  expect(told(await enforce(value(kv('a'))))).toBe('200')
  expect(told(await enforce({ operation: 'copy', target }))).toBe('200')
  expect(told(await enforce({ operation: 'audit' }))).toBe('200')
  expect(missing).toEqual([])
})

describe('listings', () => {
  const found = ['a', 'b', 'c'].map((name) => kv(`app/${name}`))

  test('A23: only what is permitted is left, in its order, and no trace of the rest', async () => {
    const policy = new Recorder(({ resource }) =>
      resource.kind === 'secret' && resource.uri.segments[1] === 'b' ? PERMIT : DENY,
    )
    const { enforcement, admit, enforce } = bench({}, policy)
    const prefixes = [parseSecretPrefix('openbao+kv2://secret/app')]
    expect(told(await enforce({ operation: 'search', target: () => ({ prefixes }) }))).toBe('200')
    const items = found.map((uri, at) => ({ uri, at }))
    expect(await enforcement.filter(admit(), 'search', items, ({ uri }) => uri)).toEqual({
      kind: 'filtered',
      items: [items[1]],
    })
    expect(policy.calls).toHaveLength(1)
  })

  test('Z42: fewer answers than questions deny them all', async () => {
    const { sent, decisions } = outside(() => ({ evaluations: [permit, permit] }))
    const { enforcement, admit } = bench({ decisions })
    const result = await enforcement.filter(admit(), 'search', found, (uri) => uri)
    expect(result).toEqual({ kind: 'filtered', items: [] })
    expect(sent[0]).toMatchObject({
      path: '/access/v1/evaluations',
      body: {
        action: { name: 'read_metadata' },
        evaluations: found.map(({ canonical }) => ({ resource: { id: canonical } })),
        options: { evaluations_semantic: 'execute_all' },
      },
    })
  })

  test('what nobody could decide on is not an empty list', async () => {
    const { decisions } = outside(() => ({ evaluations: [permit, { decision: 'true' }, permit] }))
    const { enforcement, admit, counts } = bench({ decisions })
    expect(await enforcement.filter(admit(), 'list', found, (uri) => uri)).toMatchObject({
      status: 503,
      code: 'PDP_UNAVAILABLE',
      details: { purpose: 'read_metadata', failures: [] },
    })
    expect(counts.get('secrets_errors_total PDP_UNAVAILABLE')).toBe(1)
  })

  test('of many, a hundred are asked about at once', async () => {
    const policy = new Recorder()
    const { enforcement, admit } = bench({}, policy)
    const many = Array.from({ length: 250 }, (_, at) => kv(`app/x${at}`))
    const result = await enforcement.filter(admit(), 'search', [...many, ...many], (uri) => uri)
    expect(result).toMatchObject({ kind: 'filtered' })
    expect(result.kind === 'filtered' && result.items).toHaveLength(500)
    expect(policy.calls.map(({ length }) => length)).toEqual([100, 100, 50])
  })
})

describe('what is answered', () => {
  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a text', 'true'],
    ['true', true],
    ['a list', [permit]],
    ['an empty object', {}],
    ['a text for the decision', { decision: 'true' }],
    ['a number for it', { decision: 1 }],
    ['Z43: decisions', { decisions: [permit] }],
    ['a list of evaluations to one question', { evaluations: [permit] }],
    ['a context that is a text', { decision: true, context: 'x' }],
    ['a context that is null', { decision: true, context: null }],
    ['an error that permits', { decision: true, context: { error: { status: 400 } } }],
    ['a decision of its prototype', Object.create({ decision: true })],
  ])('A13: %s is no answer', async (_, answer) => {
    const { decisions } = outside(() => answer)
    const { use } = bench({ decisions })
    expect(await use(kv('app/api#token'))).toBe('503 PDP_UNAVAILABLE')
  })

  test('Z43: a list under another name is no answer to several', () => {
    for (const answer of [
      { decisions: [permit, permit] },
      { evaluations: {} },
      [permit, permit],
      null,
    ]) {
      expect(readEvaluations(answer, 2)).toEqual([
        { effect: 'Deny', reason: 'unavailable' },
        { effect: 'Deny', reason: 'unavailable' },
      ])
    }
    for (const answers of [[], [permit], [permit, permit, permit]]) {
      expect(readEvaluations({ evaluations: answers }, 2)).toEqual([
        { effect: 'Deny', reason: 'policy' },
        { effect: 'Deny', reason: 'policy' },
      ])
    }
    expect(readEvaluations({ evaluations: [permit, 7] }, 2)).toMatchObject([
      { effect: 'Permit' },
      { effect: 'Deny', reason: 'unavailable' },
    ])
  })

  test('names of decisions are passed on if they can be', () => {
    const context = { decision_id: 'd 1', policy_version: 'x'.repeat(257), classification: 'high' }
    expect(readEvaluation({ decision: false, context })).toEqual({
      effect: 'Deny',
      reason: 'policy',
      classification: 'high',
    })
    expect(readEvaluation(permit)).toEqual({
      effect: 'Permit',
      obligations: {},
      decisionId: 'o-1',
      policyVersion: 'v1',
    })
  })

  test('constraints that are not known oblige to something that is not done', () => {
    for (const constraints of [{ ip: '10.0.0.0/8' }, ['x'], 'x', 1]) {
      expect(readEvaluation({ decision: true, context: { constraints } })).toMatchObject({
        effect: 'Deny',
        reason: 'obligation',
      })
    }
    for (const constraints of [{}, [], null]) {
      expect(readEvaluation({ decision: true, context: { constraints } }).effect).toBe('Permit')
    }
  })

  test('what must be asked again is good once', () => {
    const context = { must_revalidate_on: ['role_change'], obligations: { max_uses: 50, ttl_s: 9 } }
    expect(readEvaluation({ decision: true, context })).toEqual({
      effect: 'Permit',
      obligations: { maxUses: 1, ttlSeconds: 9 },
    })
  })

  test('step-up tells what to prove, in texts that can be told', () => {
    const acr_values = ['urn:mfa', 'two words', 'x'.repeat(300), ...Array(20).fill('more')]
    const context = { obligations: [{ type: 'step-up', properties: { acr_values } }] }
    expect(readEvaluation({ decision: true, context })).toEqual({
      effect: 'Deny',
      reason: 'step-up',
      acrValues: ['urn:mfa', ...Array(15).fill('more')],
    })
  })

  test('nothing but a boolean and understood obligations permits', () => {
    const answer = fc.oneof(
      fc.record({
        decision: fc.oneof(fc.boolean(), fc.jsonValue()),
        context: fc.oneof(fc.record({ obligations: fc.jsonValue() }), fc.jsonValue()),
      }),
      fc.jsonValue(),
    )
    fc.assert(
      fc.property(answer, (given) => {
        const { effect } = readEvaluation(given)
        if (effect !== 'Permit') return
        const { decision, context } = given as { decision: unknown; context: unknown }
        expect(decision).toBe(true)
        expect(policyReads(context as Record<string, unknown>).kind).toBe('understood')
      }),
      { numRuns: 500 },
    )
  })
})

describe('an outside decision point', () => {
  const run = async (first: Recorder['decide'], second: Recorder, uri = kv('a')) => {
    const { enforce } = bench({ decisions: restrictDecisions({ decide: first }, second) })
    return enforce(value(uri))
  }

  test('is asked first, and what it denies is not asked here', async () => {
    const local = new Recorder()
    const result = await run(async () => [DENY], local)
    expect(told(result)).toBe('403 DENY')
    expect(local.calls).toEqual([])
  })

  test('cannot permit what is denied here', async () => {
    const result = await run(
      async () => [PERMIT],
      new Recorder(() => ({ ...DENY, decisionId: 'here' })),
    )
    expect(result).toMatchObject({ status: 403, details: { decision_id: 'here' } })
  })

  test('is needed', async () => {
    const local = new Recorder()
    expect(told(await run(() => Promise.reject(new Error('down')), local))).toBe(
      '503 PDP_UNAVAILABLE',
    )
    expect(told(await run(async () => [], local))).toBe('503 PDP_UNAVAILABLE')
    expect(local.calls).toEqual([])
  })

  test('permits with what either obliges to', async () => {
    const result = await run(
      async () => [{ ...PERMIT, obligations: { maxUses: 5, ttlSeconds: 10 }, decisionId: 'out' }],
      new Recorder(() => ({
        ...PERMIT,
        obligations: { maxUses: 3, ttlSeconds: 20 },
        decisionId: 'in',
        policyVersion: 'v',
      })),
    )
    expect(result).toMatchObject({
      permits: [{ grant: { maxUses: 3, ttlSeconds: 10, decisionId: 'out', policyVersion: 'v' } }],
    })
  })

  test('and this one together oblige to more than can be', async () => {
    const result = await run(
      async () => [permitWith({ binding: 'dpop' })],
      new Recorder(() => permitWith({ binding: 'mtls' })),
    )
    expect(told(result)).toBe('403 OBLIGATION_UNSUPPORTED')
  })

  test('of several, each in its place', async () => {
    const outer = new Recorder(({ purpose }) => (purpose === 'delete' ? DENY : PERMIT))
    const inner = new Recorder(({ purpose }) => (purpose === 'write' ? DENY : PERMIT))
    const { enforce } = bench({ decisions: restrictDecisions(outer, inner) })
    const target = () => ({ from: kv('a#x'), to: kv('b#x') })
    expect(await enforce({ operation: 'move', target })).toMatchObject({
      details: {
        purpose: 'delete',
        failures: [{ uri: kv('a#x').canonical }, { uri: kv('b#x').canonical }],
      },
    })
    expect(outer.asked.map(([purpose]) => purpose)).toEqual(['read', 'delete', 'write'])
    expect(inner.asked.map(([purpose]) => purpose)).toEqual(['read', 'write'])
  })

  test('whatever both say, both must permit', async () => {
    const word = fc.constantFrom('permit', 'deny', 'throw', 'nothing')
    const decide =
      (what: string): Recorder['decide'] =>
      async (questions) => {
        if (what === 'throw') throw new Error('down')
        if (what === 'nothing') return []
        return questions.map(() => (what === 'permit' ? PERMIT : DENY))
      }
    await fc.assert(
      fc.asyncProperty(word, word, async (outer, inner) => {
        const decisions = restrictDecisions({ decide: decide(outer) }, { decide: decide(inner) })
        const permitted = told(await bench({ decisions }).enforce(value())) === '200'
        expect(permitted).toBe(outer === 'permit' && inner === 'permit')
      }),
    )
  })
})
