/** The order of the steps, and what each answers (specs: secrets-api §0, §2.2). */
import { parseSecretUri, SecretsApiError } from '@secreg/secrets-api'
import {
  type AuthenticatedCaller,
  createEnforcement,
  type DecisionPort,
  type Permitted,
  type Refused,
  type SecretRequest,
} from '@secreg/secrets-api/enforcement'
import { describe, expect, test, vi } from 'vitest'
import { ROW_LIST } from './operations.ts'
import { BOB, bench, casesPolicy, kv, PERMIT, Recorder, told, yaml } from './support.ts'

const CAROL = 'auth:account:idp:carol'
const guarded = (options = {}) => bench(options, new Recorder(casesPolicy))
const value = (uri = kv('app/test#value')): SecretRequest => ({
  operation: 'value',
  target: () => ({ uri }),
})

describe('who asks', () => {
  test('A01: nobody', async () => {
    const { enforce } = guarded()
    for (const [, { request }] of ROW_LIST) {
      expect(await enforce(request, { authenticated: false, subject: 'anonymous' })).toMatchObject({
        status: 401,
        code: 'UNAUTHENTICATED',
        challenge: 'Bearer',
        step: 'P1',
      })
    }
  })

  test('nobody, where only scopes count', async () => {
    const { enforce } = guarded({ requireAuth: false })
    const result = await enforce(value(), { authenticated: false, subject: 'anonymous' })
    expect(told(result)).toBe('401 UNAUTHENTICATED')
  })

  test('nobody, where neither counts, and policy decides', async () => {
    const { enforce, recorder } = bench({ requireAuth: false, enforceScopes: false })
    const anonymous = { tenant: 'dev', subject: 'anonymous', authenticated: false, scopes: [] }
    const { audience: _, tokenId: __, issuer: ___, ...caller } = bench().caller(anonymous)
    const admitted = bench({ requireAuth: false, enforceScopes: false })
    const admission = admitted.enforcement.admit(caller)
    if (admission.kind !== 'admitted') throw new Error('refused')
    expect(told(await admitted.enforcement.enforce(admission, value()))).toBe('200')
    expect(admitted.recorder.calls[0]?.[0]?.subject.id).toBe('anonymous')
    expect(told(await enforce(value()))).toBe('200')
    expect(recorder.asked).toHaveLength(1)
  })

  test('A05, A08: a scope that is there, and one that is not', async () => {
    const { enforce, recorder } = guarded()
    const scopes = ['secrets.read']
    expect(told(await enforce(value(), { scopes }))).toBe('200')
    const calls = recorder.calls.length
    const write: SecretRequest = { operation: 'write', target: () => ({ uri: kv('app/test') }) }
    expect(told(await enforce(write, { scopes }))).toBe('403 INSUFFICIENT_SCOPE')
    expect(recorder.calls).toHaveLength(calls)
  })

  test('C11: a move without the right to delete', async () => {
    const { enforce } = guarded()
    const move: SecretRequest = {
      operation: 'move',
      target: () => ({ from: kv('a#x'), to: kv('b#x') }),
    }
    const scopes = ['secrets.read', 'secrets.write']
    expect(told(await enforce(move, { subject: CAROL, scopes }))).toBe('403 INSUFFICIENT_SCOPE')
  })

  test('A03: a token that is for somebody else, or for nobody', async () => {
    const { enforcement, enforce, recorder, caller, counts } = guarded()
    const wrong = await enforce(value(), { audience: ['other'] })
    const { audience: _, ...without } = caller()
    const admission = enforcement.admit(without)
    if (admission.kind !== 'admitted') throw new Error('refused')
    const missing = await enforcement.enforce(admission, value())
    for (const result of [wrong, missing]) {
      expect(result).toMatchObject({
        status: 403,
        code: 'SECRET_AUTHZ_FAILED',
        step: 'P8',
        details: {
          purpose: 'execute',
          effect: 'Deny',
          failures: [
            {
              uri: 'openbao+kv2://secret/app/test#value',
              code: 'AUDIENCE_MISMATCH',
              reason: 'audience',
            },
          ],
        },
      })
    }
    expect(recorder.calls).toEqual([])
    expect(counts.get('secret_denies_total audience')).toBe(2)
  })

  test('one audience of several is enough; where nobody has to authenticate, none is, but a wrong one is wrong', async () => {
    const open = { requireAuth: false, enforceScopes: false }
    expect(told(await guarded().enforce(value(), { audience: ['other', 'crud.secrets'] }))).toBe(
      '200',
    )
    const { enforcement, caller, enforce } = guarded(open)
    const { audience: _, ...without } = caller()
    const admission = enforcement.admit(without)
    if (admission.kind !== 'admitted') throw new Error('refused')
    expect(told(await enforcement.enforce(admission, value()))).toBe('200')
    expect(told(await enforce(value(), { audience: ['other'] }))).toBe('403 AUDIENCE_MISMATCH')
    expect(told(await enforce(value(), { audience: [] }))).toBe('403 AUDIENCE_MISMATCH')
  })
})

describe('what is asked for', () => {
  test('P3 and P4: read only once the scope is there', async () => {
    const { enforce } = guarded()
    const target = vi.fn(() => ({ uri: parseSecretUri('nothing') }))
    const request: SecretRequest = { operation: 'value', target }
    expect(told(await enforce(request, { scopes: [] }))).toBe('403 INSUFFICIENT_SCOPE')
    expect(target).not.toHaveBeenCalled()
    expect(await enforce(request)).toMatchObject({
      status: 400,
      code: 'ILLEGAL_SEGMENT',
      step: 'P4',
    })
    const bad: SecretRequest = {
      operation: 'value',
      target: () => {
        throw new SecretsApiError('INVALID_REQUEST')
      },
    }
    expect(await enforce(bad)).toMatchObject({ status: 400, code: 'INVALID_REQUEST', step: 'P3' })
  })

  test('an error of somebody else is not an answer', async () => {
    const { enforce } = guarded()
    const fault = new Error('a fault')
    const request: SecretRequest = {
      operation: 'value',
      target: () => {
        throw fault
      },
    }
    await expect(enforce(request)).rejects.toBe(fault)
  })

  test('U22, U23, U32, C06, K06: the mounts of the tenant', async () => {
    const { enforce, recorder, openbao, counts } = guarded()
    for (const text of ['openbao+kv2://other/app#v', 'openbao+kv2://SECRET/app#v']) {
      expect(await enforce(value(parseSecretUri(text)), { subject: BOB })).toMatchObject({
        status: 400,
        code: 'TENANT_MOUNT_MISMATCH',
        message: 'mount not allowed for tenant',
        step: 'P5',
      })
    }
    const copy: SecretRequest = {
      operation: 'copy',
      target: () => ({ from: kv('app/test#value'), to: parseSecretUri('openbao+kv2://other/x#y') }),
    }
    expect(told(await enforce(copy, { subject: BOB }))).toBe('400 TENANT_MOUNT_MISMATCH')
    expect(told(await enforce(value(), { tenant: 'another' }))).toBe('400 TENANT_MOUNT_MISMATCH')
    expect(counts.get('tenant_mount_violation_total')).toBe(4)
    expect(recorder.calls).toEqual([])
    expect(openbao.calls).toEqual([])
    const none = guarded({ allowedMounts: () => new Set() })
    expect(told(await none.enforce(value()))).toBe('400 TENANT_MOUNT_MISMATCH')
  })

  test.each([
    ['prod', 'write', '403 YAML_WRITE_FORBIDDEN'],
    ['prod', 'delete', '403 YAML_WRITE_FORBIDDEN'],
    ['staging', 'rotate', '403 YAML_WRITE_FORBIDDEN'],
    [undefined, 'write', '403 YAML_WRITE_FORBIDDEN'],
    ['prod', 'read', '501 PROVIDER_NOT_CONFIGURED'],
    ['staging', 'read', '200'],
    ['dev', 'write', '200'],
  ] as const)('W15, A26: in %s, a YAML %s', async (environment, operation, expected) => {
    const { enforce, recorder } = bench({ environment })
    const result = await enforce({ operation, target: () => ({ uri: yaml('env#A') }) })
    expect(told(result)).toBe(expected)
    expect(recorder.calls).toHaveLength(expected === '200' ? 1 : 0)
  })

  test('W15: a move out of a YAML file writes there', async () => {
    const { enforce } = bench({ environment: 'staging' })
    const target = () => ({ from: yaml('env#A'), to: kv('app#A') })
    expect(told(await enforce({ operation: 'copy', target }))).toBe('200')
    expect(told(await enforce({ operation: 'move', target }))).toBe('403 YAML_WRITE_FORBIDDEN')
  })

  test('R05, R16, M03, M06, M08, M11, M17: what a provider does not have', async () => {
    const { enforce, recorder } = bench()
    const on = (
      operation: 'read' | 'keys' | 'metadata' | 'versions' | 'owner' | 'undelete',
      uri = kv('a'),
    ) => enforce({ operation, target: () => ({ uri }) })
    const unsupported = '501 OPERATION_NOT_SUPPORTED'
    expect(told(await on('read'))).toBe(unsupported)
    expect(told(await on('keys'))).toBe(unsupported)
    for (const operation of ['metadata', 'versions', 'owner', 'undelete'] as const) {
      expect(told(await on(operation, yaml('a')))).toBe(unsupported)
    }
    const listing = ROW_LIST.find(([operation]) => operation === 'search')?.[1]
      .request as SecretRequest
    expect(told(await enforce({ ...listing, operation: 'list' } as SecretRequest))).toBe(
      unsupported,
    )
    expect(told(await enforce(value(parseSecretUri('hashicorp+kv2://secret/a'))))).toBe(
      '501 PROVIDER_NOT_CONFIGURED',
    )
    expect(recorder.calls).toEqual([])
  })

  test('a version is pinned only where there are some', async () => {
    const { enforce } = bench({ providerOf: () => bench().yaml })
    expect(told(await enforce(value(kv('a?version=2'))))).toBe('501 OPERATION_NOT_SUPPORTED')
    expect(told(await bench().enforce(value(kv('a?version=2'))))).toBe('200')
  })

  test('an earlier step of one URI comes before a later one of another', async () => {
    const { enforce } = bench({ environment: 'prod' })
    const target = () => ({ from: yaml('a#x'), to: parseSecretUri('openbao+kv2://other/a#x') })
    expect(told(await enforce({ operation: 'move', target }))).toBe('400 TENANT_MOUNT_MISMATCH')
  })
})

describe('the decision', () => {
  test('A06, A07: a denial tells nothing of what is there', async () => {
    const { enforce, openbao } = guarded()
    await openbao.write(kv('payments/stripe'), new Map([['api_key', 'sk']]))
    openbao.calls.length = 0
    const there = await enforce(value(kv('payments/stripe#api_key')))
    const absent = await enforce(value(kv('payments/none#x')))
    expect(there).toEqual({
      kind: 'refused',
      step: 'P9',
      status: 403,
      code: 'SECRET_AUTHZ_FAILED',
      message: 'not authorized for this purpose',
      details: {
        purpose: 'execute',
        effect: 'Deny',
        decision_id: 'd-deny',
        failures: [
          { uri: 'openbao+kv2://secret/payments/stripe#api_key', code: 'DENY', reason: 'policy' },
        ],
      },
    })
    expect(JSON.stringify(absent)).toBe(
      JSON.stringify(there).replace('payments/stripe#api_key', 'payments/none#x'),
    )
    expect(openbao.calls.filter((call) => call !== 'metadata')).toEqual([])
  })

  test('A09: another purpose of the same caller', async () => {
    const { enforce } = guarded()
    const on = (tail: string): SecretRequest => ({
      operation: 'rotate',
      target: () => ({ uri: kv(tail) }),
    })
    const denied = await enforce(on('app/api#token'), { subject: BOB })
    expect(denied).toMatchObject({ status: 403, details: { purpose: 'rotate' } })
    expect(told(await enforce(on('app/test#value'), { subject: BOB }))).toBe('200')
  })

  test('C07: a copy that may be read but not written', async () => {
    const policy = new Recorder(({ purpose }) =>
      purpose === 'write' ? { effect: 'Deny', reason: 'policy' } : PERMIT,
    )
    const { enforce, openbao } = bench({}, policy)
    const target = () => ({ from: kv('a#x'), to: kv('b#x') })
    const result = await enforce({ operation: 'copy', target })
    expect(result).toMatchObject({
      status: 403,
      details: {
        purpose: 'write',
        decision_id: expect.stringMatching(/^id-/),
        failures: [{ uri: 'openbao+kv2://secret/b#x', code: 'DENY', reason: 'policy' }],
      },
    })
    expect(openbao.calls.filter((call) => call !== 'metadata')).toEqual([])
  })

  test.each<[string, DecisionPort['decide']]>([
    ['throws', () => Promise.reject(new Error('no'))],
    [
      'throws at once',
      () => {
        throw new Error('no')
      },
    ],
    ['answers nothing', async () => undefined as never],
    ['answers too little', async () => []],
    ['answers too much', async () => [PERMIT, PERMIT]],
    ['answers null', async () => [null as never]],
    ['answers a text', async () => [{ effect: 'permit', obligations: {} } as never]],
    ['answers true', async () => [true as never]],
    ['answers a denial without a reason', async () => [{ effect: 'Deny' } as never]],
  ])('A13: a decision point that %s', async (_, decide) => {
    const { enforce, counts } = bench({ decisions: { decide } })
    expect(await enforce(value())).toMatchObject({
      status: 503,
      code: 'PDP_UNAVAILABLE',
      retryAfterSeconds: 1,
      details: {
        purpose: 'execute',
        effect: 'Deny',
        failures: [{ code: 'PDP_UNAVAILABLE', reason: 'unavailable' }],
      },
    })
    expect(counts.get('pdp_error_total')).toBe(1)
    expect(counts.get('secrets_decisions_total Permit')).toBeUndefined()
  })

  test('A13: one that never answers is not waited for', async () => {
    const controllers: AbortController[] = []
    const { enforce } = bench({
      decisions: { decide: () => new Promise(() => {}) },
      newDeadline: () => {
        const controller = new AbortController()
        controllers.push(controller)
        return controller.signal
      },
    })
    const result = enforce(value())
    await vi.waitFor(() => expect(controllers).toHaveLength(2))
    controllers[1]?.abort()
    expect(told(await result)).toBe('503 PDP_UNAVAILABLE')
  })

  test('A13: where no time is left, nobody is asked', async () => {
    const { enforce, recorder } = bench({ newDeadline: () => AbortSignal.abort() })
    expect(told(await enforce(value()))).toBe('503 PDP_UNAVAILABLE')
    expect(recorder.calls).toEqual([])
  })

  test('a denial is told before an outage', async () => {
    const policy = new Recorder(({ purpose }) =>
      purpose === 'write'
        ? { effect: 'Deny', reason: 'policy' }
        : { effect: 'Deny', reason: 'unavailable' },
    )
    const target = () => ({ from: kv('a#x'), to: kv('b#x') })
    const result = await bench({}, policy).enforce({ operation: 'copy', target })
    expect(result).toMatchObject({
      status: 403,
      details: { purpose: 'write', failures: [{ code: 'PDP_UNAVAILABLE' }, { code: 'DENY' }] },
    })
  })

  test('step-up tells what to prove', async () => {
    const policy = new Recorder(() => ({
      effect: 'Deny',
      reason: 'step-up',
      acrValues: ['urn:mfa'],
    }))
    const { use, enforce, recorder } = bench({}, policy)
    expect(await enforce(value())).toMatchObject({
      status: 403,
      details: { acr_values: ['urn:mfa'], failures: [{ code: 'DENY', reason: 'policy' }] },
    })
    recorder.answer(() => PERMIT)
    expect(await use(kv('app/test#value'))).toBe('200')
  })

  test('where decisions are disabled, everything else still counts', async () => {
    const { enforce, enforcement, admit } = bench({ decisions: 'disabled' })
    expect(await enforce(value())).toMatchObject({ kind: 'permitted', permits: [] })
    expect(told(await enforce(value(), { scopes: [] }))).toBe('403 INSUFFICIENT_SCOPE')
    const items = [kv('a'), kv('b')]
    expect(await enforcement.filter(admit(), 'search', items, (uri) => uri)).toEqual({
      kind: 'filtered',
      items,
    })
  })
})

test('a caller that is none', () => {
  const { enforcement, caller } = bench()
  const admit = (more: object) => () =>
    enforcement.admit({ ...caller(), ...more } as AuthenticatedCaller)
  expect(admit({ subject: '' })).toThrow(RangeError)
  expect(admit({ subject: 'x'.repeat(1025) })).toThrow(
    'subject: expected 1 to 1024 characters, got 1025',
  )
  expect(admit({ tenant: 7 })).toThrow(TypeError)
  expect(admit({ correlationId: 'a b' })).toThrow(RangeError)
  expect(admit({ subject: 'x'.repeat(1024) })).not.toThrow()
})

test('options that are none', () => {
  const make = (options: object) => () =>
    createEnforcement({
      audience: 'a',
      decisions: new Recorder(),
      nowMs: () => 0,
      ...options,
    } as unknown as Parameters<typeof createEnforcement>[0])
  expect(make({})).not.toThrow()
  expect(make({ audience: '' })).toThrow('audience')
  // A25: whoever switches decisions off does not get into production.
  for (const environment of [undefined, 'prod', 'staging', 'DEV', '']) {
    expect(make({ decisions: 'disabled', environment })).toThrow('decisions')
  }
  expect(make({ decisions: 'disabled', environment: 'dev' })).not.toThrow()
  expect(make({ grants: { ttlSeconds: 0 } })).toThrow(
    'ttlSeconds: expected an integer from 1 to 3600',
  )
  expect(make({ grants: { maxUses: 1001 } })).toThrow('maxUses')
  expect(make({ grants: { negativeTtlSeconds: 61 } })).toThrow('negativeTtlSeconds')
  expect(make({ grants: { room: { bytes: 1, ownerBytes: 2 } } })).toThrow('ownerBytes')
  expect(make({ antiReplay: { ttlSeconds: 0 } })).toThrow('ttlMs')
  expect(make({ requestLimit: { burst: 0 } })).toThrow('burst')
  expect(make({ requestLimit: { perSecond: Number.NaN } })).toThrow('perSecond')
})

test('an observer that throws changes nothing', async () => {
  const observer = {
    record: () => {
      throw new Error('no')
    },
  }
  const results: (Permitted | Refused)[] = []
  for (const scopes of [['secrets.read'], []]) {
    results.push(await bench({ observer }).enforce(value(), { scopes }))
  }
  expect(results.map(told)).toEqual(['200', '403 INSUFFICIENT_SCOPE'])
})
