/** Grants, their use, and what is kept of denials (specs: secrets-api §3.5). */
import type { Permitted, Refused, SecretRequest } from '@secreg/secrets-api/enforcement'
import { describe, expect, test } from 'vitest'
import { bench, casesPolicy, DENY, kv, PERMIT, permitWith, Recorder } from './support.ts'

const URI = kv('app/test#value')
const K1 = { dpop: { thumbprint: 'K1', proofId: '' } }
const K2 = { dpop: { thumbprint: 'K2', proofId: '' } }
let proofs = 0
const by = (key: typeof K1) => ({
  proofs: { dpop: { ...key.dpop, proofId: `proof-${++proofs}` } },
})
const grantOf = (result: Permitted | Refused) => (result as Permitted).permits[0]?.grant
const value = (uri = URI): SecretRequest => ({ operation: 'value', target: () => ({ uri }) })

describe('uses', () => {
  test('A15: two uses take one decision, the third another', async () => {
    const { use, recorder, counts } = bench(
      {},
      new Recorder(() => permitWith({ maxUses: 2, ttlSeconds: 60 })),
    )
    const asked: number[] = []
    for (let reads = 0; reads < 3; reads++) {
      expect(await use(URI)).toBe('200')
      asked.push(recorder.calls.length)
    }
    expect(asked).toEqual([1, 1, 2])
    expect(counts.get('grant_hit_total')).toBe(1)
    expect(counts.get('grant_miss_total')).toBe(2)
  })

  test('a grant is for those alone whose rights are the same', async () => {
    const { use, recorder } = bench({}, new Recorder(() => permitWith({ maxUses: 100 })))
    const asked: number[] = []
    for (const rights of ['all', undefined, 'few', 'all', undefined, 'few']) {
      expect(await use(URI, { rights })).toBe('200')
      asked.push(recorder.calls.length)
    }
    expect(asked).toEqual([1, 2, 3, 3, 3, 3])
  })

  test('a denial is kept for those alone whose rights are the same', async () => {
    const recorder = new Recorder(() => DENY)
    const { use } = bench({}, recorder)
    expect(await use(URI, { rights: 'few' })).not.toBe('200')
    recorder.answer(() => PERMIT)
    expect(await use(URI, { rights: 'few' })).not.toBe('200')
    expect(await use(URI, { rights: 'all' })).toBe('200')
  })

  test('rights have a length', () => {
    const { enforcement, caller } = bench()
    expect(() => enforcement.admit(caller({ rights: 'x'.repeat(1025) }))).toThrow(/^rights: /)
  })

  test('A16: after its time a grant is none', async () => {
    const { use, recorder, advance } = bench(
      {},
      new Recorder(() => permitWith({ maxUses: 100, ttlSeconds: 1 })),
    )
    await use(URI)
    advance(999)
    await use(URI)
    expect(recorder.calls).toHaveLength(1)
    advance(1)
    await use(URI)
    expect(recorder.calls).toHaveLength(2)
  })

  test('the time counts from the question', async () => {
    const policy = new Recorder()
    const { use, recorder, advance } = bench({}, policy)
    policy.answer(async () => {
      advance(900)
      return permitWith({ maxUses: 100, ttlSeconds: 1 })
    })
    await use(URI)
    advance(100)
    await use(URI)
    expect(recorder.calls).toHaveLength(2)
  })

  test('defaults, and caps', async () => {
    const grants: unknown[] = []
    const policy = new Recorder()
    const { enforce } = bench({}, policy)
    for (const obligations of [{}, { ttlSeconds: 3601, maxUses: 1001 }, { ttlSeconds: 7 }]) {
      policy.answer(() => permitWith(obligations))
      const { ttlSeconds, maxUses } = grantOf(await enforce(value(kv(`a${grants.length}`)))) ?? {}
      grants.push([ttlSeconds, maxUses])
    }
    expect(grants).toEqual([
      [300, 1],
      [3600, 1000],
      [7, 1],
    ])
  })

  test('each use has its number, and the grant its names', async () => {
    const policy = new Recorder(() => ({
      effect: 'Permit',
      obligations: { maxUses: 3 },
      decisionId: 'd-1',
      policyVersion: 'v7',
      classification: 'high',
    }))
    const { enforce } = bench({}, policy)
    const first = grantOf(await enforce(value()))
    const second = grantOf(await enforce(value()))
    expect(first).toEqual({
      grantId: expect.stringMatching(/^id-/),
      decisionId: 'd-1',
      policyVersion: 'v7',
      classification: 'high',
      ttlSeconds: 300,
      maxUses: 3,
      uses: 1,
      binding: undefined,
    })
    expect(second).toEqual({ ...first, uses: 2 })
  })

  test('a grant is of one tenant, subject, URI and version', async () => {
    const { use, recorder } = bench(
      { allowedMounts: () => new Set(['secret']) },
      new Recorder(() => permitWith({ maxUses: 100 })),
    )
    await use(URI)
    await use(kv('app/test#other'))
    await use(kv('app/test'))
    await use(kv('app/test#value?version=1'))
    await use(URI, { subject: 'auth:account:idp:mallory' })
    await use(URI, { tenant: 'another' })
    expect(recorder.calls).toHaveLength(6)
    await use(URI)
    expect(recorder.calls).toHaveLength(6)
  })

  test('what manages secrets is decided each time, whatever is permitted', async () => {
    const { enforce, recorder } = bench({}, new Recorder(() => permitWith({ maxUses: 100 })))
    const write: SecretRequest = { operation: 'write', target: () => ({ uri: URI }) }
    for (let writes = 0; writes < 3; writes++) await enforce(write)
    expect(recorder.calls).toHaveLength(3)
    // Nor is a denial of it kept.
    recorder.answer(() => DENY)
    await enforce(write)
    recorder.answer(() => PERMIT)
    expect(await enforce(write)).toMatchObject({ kind: 'permitted' })
  })

  test('all grants end at once, also one that is being decided', async () => {
    const { use, recorder, enforcement } = bench(
      {},
      new Recorder(() => permitWith({ maxUses: 100 })),
    )
    await use(URI)
    enforcement.endGrants()
    await use(URI)
    expect(recorder.calls).toHaveLength(2)
    enforcement.endGrants()
    recorder.answer(() => {
      enforcement.endGrants()
      return permitWith({ maxUses: 100 })
    })
    expect(await use(URI)).toBe('200')
    await use(URI)
    expect(recorder.calls).toHaveLength(4)
  })
})

describe('binding', () => {
  const many = () => new Recorder(() => permitWith({ maxUses: 100 }))

  test('A20: another key, and none', async () => {
    const { use, recorder, enforce } = bench({}, many())
    expect(await use(URI, by(K1))).toBe('200')
    expect(await use(URI, by(K2))).toBe('403 BINDING_DRIFT')
    expect(await use(URI)).toBe('403 BINDING_DRIFT')
    expect(await use(URI, by(K1))).toBe('200')
    expect(recorder.calls).toHaveLength(1)
    const drift = await enforce(value())
    expect(drift).toMatchObject({
      status: 403,
      code: 'SECRET_AUTHZ_FAILED',
      details: { failures: [{ code: 'BINDING_DRIFT', reason: 'binding' }] },
    })
  })

  test('one where there was none', async () => {
    const { use } = bench({}, many())
    expect(await use(URI)).toBe('200')
    expect(await use(URI, by(K1))).toBe('403 BINDING_DRIFT')
  })

  test('a certificate is not a DPoP key of the same thumbprint', async () => {
    const { use } = bench({}, many())
    expect(await use(URI, by(K1))).toBe('200')
    expect(await use(URI, { proofs: { mtls: { thumbprint: 'K1' } } })).toBe('403 BINDING_DRIFT')
  })

  test('a grant without uses left binds nobody', async () => {
    const { use, recorder } = bench({}, new Recorder(() => permitWith({ maxUses: 1 })))
    expect(await use(URI, by(K1))).toBe('200')
    expect(await use(URI, by(K2))).toBe('200')
    expect(recorder.calls).toHaveLength(2)
  })

  test.each([
    ['dpop', by(K1), '200'],
    ['dpop', { proofs: { mtls: { thumbprint: 'C' } } }, '403 BINDING_REQUIRED'],
    ['dpop', {}, '403 BINDING_REQUIRED'],
    ['mtls', { proofs: { mtls: { thumbprint: 'C' } } }, '200'],
    ['mtls', by(K1), '403 BINDING_REQUIRED'],
    ['any', by(K1), '200'],
    ['any', { proofs: { mtls: { thumbprint: 'C' } } }, '200'],
    ['any', {}, '403 BINDING_REQUIRED'],
  ] as const)('a permit for %s', async (binding, more, expected) => {
    const { use, enforce } = bench({}, new Recorder(() => permitWith({ binding, maxUses: 2 })))
    expect(await use(URI, more)).toBe(expected)
    // No grant came of it either.
    expect(await use(URI, 'proofs' in more && 'dpop' in more.proofs ? by(K1) : more)).toBe(expected)
    // What manages secrets obliges to the same.
    const write: SecretRequest = { operation: 'write', target: () => ({ uri: URI }) }
    const result = await enforce(write, 'proofs' in more && 'dpop' in more.proofs ? by(K1) : more)
    expect(result.kind === 'permitted').toBe(expected === '200')
  })
})

describe('denials', () => {
  test('A18: kept for five seconds', async () => {
    const { use, recorder, advance, counts } = bench({}, new Recorder(() => DENY))
    expect(await use(URI)).toBe('403 DENY')
    recorder.answer(() => PERMIT)
    advance(4_999)
    expect(await use(URI)).toBe('403 DENY')
    expect(recorder.calls).toHaveLength(1)
    expect(counts.get('grant_negative_cache_hit_total')).toBe(1)
    advance(1)
    expect(await use(URI)).toBe('200')
  })

  test('a kept denial has the id of its decision', async () => {
    const { enforce } = bench({}, new Recorder(() => ({ effect: 'Deny', reason: 'policy' })))
    const first = await enforce(value())
    expect(first).toMatchObject({ details: { decision_id: expect.any(String) } })
    expect(await enforce(value())).toEqual(first)
  })

  test('an outage is kept for one second', async () => {
    const { use, recorder, advance } = bench(
      {},
      new Recorder(() => {
        throw new Error('down')
      }),
    )
    expect(await use(URI)).toBe('503 PDP_UNAVAILABLE')
    recorder.answer(() => PERMIT)
    advance(999)
    expect(await use(URI)).toBe('503 PDP_UNAVAILABLE')
    expect(recorder.calls).toHaveLength(1)
    advance(1)
    expect(await use(URI)).toBe('200')
  })

  test('what is denied to one who proves nothing is not denied to one who does', async () => {
    const { use } = bench({}, new Recorder(({ context }) => (context.binding ? PERMIT : DENY)))
    expect(await use(URI)).toBe('403 DENY')
    expect(await use(URI, by(K1))).toBe('200')
  })

  test('none is kept where none is to be', async () => {
    const { use, recorder } = bench({ grants: { negativeTtlSeconds: 0 } }, new Recorder(() => DENY))
    await use(URI)
    await use(URI)
    expect(recorder.calls).toHaveLength(2)
  })

  test('an exhausted grant is not a denial', async () => {
    const { use } = bench({}, new Recorder(() => PERMIT))
    for (let reads = 0; reads < 5; reads++) expect(await use(URI)).toBe('200')
  })

  test('A14: an obligation that is not understood', async () => {
    for (const obligations of [
      { watermark: true },
      { ttlSeconds: 0 },
      { ttlSeconds: '60' },
      { maxUses: 1.5 },
      { maxUses: Number.NaN },
      { binding: 'token' },
      [],
      'none',
      null,
    ]) {
      const { enforce } = bench({}, new Recorder(() => permitWith(obligations as object)))
      expect(await enforce(value())).toMatchObject({
        status: 403,
        details: { failures: [{ code: 'OBLIGATION_UNSUPPORTED', reason: 'obligation' }] },
      })
    }
  })
})

describe('memory', () => {
  const room = { bytes: 40_000, ownerBytes: 10_000 }

  test('who names ever more URIs pushes out his own grants alone', async () => {
    const { use, recorder } = bench(
      { grants: { room } },
      new Recorder(() => permitWith({ maxUses: 100 })),
    )
    await use(URI, { subject: 'auth:account:idp:victim' })
    for (let each = 0; each < 90; each++) await use(kv(`app/x${each}`))
    const calls = recorder.calls.length
    expect(calls).toBe(91)
    await use(URI, { subject: 'auth:account:idp:victim' })
    expect(recorder.calls).toHaveLength(calls)
    // The latest of his own are there, the first are decided anew.
    await use(kv('app/x89'))
    expect(recorder.calls).toHaveLength(calls)
    await use(kv('app/x0'))
    expect(recorder.calls).toHaveLength(calls + 1)
  })

  test('denials are kept in as little room', async () => {
    const { use, recorder } = bench({ grants: { room } }, new Recorder(casesPolicy))
    for (let each = 0; each < 60; each++) await use(kv(`payments/x${each}`))
    await use(kv('payments/x59'))
    expect(recorder.calls).toHaveLength(60)
    await use(kv('payments/x0'))
    expect(recorder.calls).toHaveLength(61)
  })
})
