/** Tokens and proofs that come again (specs: secrets-api §3.4). */
import { ANTI_REPLAY_DEFAULTS, type SecretRequest } from '@secreg/secrets-api/enforcement'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { AntiReplay } from '../../src/enforcement/anti-replay.ts'
import { sizeOfKey } from '../../src/enforcement/owned-cache.ts'
import { ReplayMarks } from '../../src/enforcement/replay-marks.ts'
import { bench, DENY, kv, PERMIT, permitWith, Recorder, told } from './support.ts'

const URI = kv('app/test#value')
const OTHER = kv('app/api#token')
const ONE = { tokenId: 'one' }

describe('tokens', () => {
  test('A21: one token reads one secret once, and others', async () => {
    const { use, recorder, enforce, advance, counts } = bench()
    expect(await use(URI, ONE)).toBe('200')
    expect(await use(URI, ONE)).toBe('403 JTI_REPLAY')
    expect(await use(OTHER, ONE)).toBe('200')
    expect(await use(URI, { tokenId: 'two' })).toBe('200')
    expect(recorder.calls).toHaveLength(3)
    const value: SecretRequest = { operation: 'value', target: () => ({ uri: URI }) }
    const replayed = await enforce(value, ONE)
    expect(replayed).toMatchObject({
      code: 'SECRET_AUTHZ_FAILED',
      step: 'P8',
      details: { failures: [{ code: 'JTI_REPLAY', reason: 'replay' }] },
    })
    expect(replayed.kind === 'refused' && replayed.details).not.toHaveProperty('decision_id')
    expect(counts.get('anti_replay_total')).toBe(2)
    advance(299_999)
    expect(await use(URI, ONE)).toBe('403 JTI_REPLAY')
    advance(1)
    expect(await use(URI, ONE)).toBe('200')
  })

  test('A22: per token, none other either', async () => {
    const { use } = bench({ antiReplay: { mode: 'per-token' } })
    expect(await use(URI, ONE)).toBe('200')
    expect(await use(URI, ONE)).toBe('403 JTI_REPLAY')
    expect(await use(OTHER, ONE)).toBe('403 JTI_REPLAY')
    // Ids are those of their issuer.
    expect(await use(OTHER, { ...ONE, issuer: 'https://another.example' })).toBe('200')
  })

  test('an id is of one subject', async () => {
    const { use } = bench()
    expect(await use(URI, ONE)).toBe('200')
    expect(await use(URI, { ...ONE, subject: 'auth:account:idp:bob' })).toBe('200')
    expect(await use(URI, { ...ONE, subject: 'auth:account:idp:bob' })).toBe('403 JTI_REPLAY')
  })

  test('off, as often as policy permits', async () => {
    const { use } = bench({ antiReplay: { mode: 'off' } })
    for (let reads = 0; reads < 3; reads++) expect(await use(URI, ONE)).toBe('200')
  })

  test('a token without an id is not tracked', async () => {
    const { enforcement, caller } = bench()
    const { tokenId: _, ...without } = caller()
    for (let reads = 0; reads < 2; reads++) {
      const admission = enforcement.admit(without)
      if (admission.kind !== 'admitted') throw new Error('refused')
      const result = await enforcement.enforce(admission, {
        operation: 'value',
        target: () => ({ uri: URI }),
      })
      expect(told(result)).toBe('200')
    }
  })

  test('inside a live grant a token may come again', async () => {
    const { use } = bench({}, new Recorder(() => permitWith({ maxUses: 2 })))
    expect(await use(URI, ONE)).toBe('200')
    expect(await use(URI, ONE)).toBe('200')
    expect(await use(URI, ONE)).toBe('403 JTI_REPLAY')
  })

  test('what was denied has marked nothing', async () => {
    const { use, recorder, advance } = bench({}, new Recorder(() => DENY))
    expect(await use(URI, ONE)).toBe('403 DENY')
    recorder.answer(() => permitWith({ binding: 'dpop' }))
    advance(5_000)
    expect(await use(URI, ONE)).toBe('403 BINDING_REQUIRED')
    recorder.answer(() => PERMIT)
    expect(await use(URI, ONE)).toBe('200')
    expect(await use(URI, ONE)).toBe('403 JTI_REPLAY')
  })

  test.each(['per-token', 'per-resource'] as const)(
    '%s, of many at once one succeeds',
    async (mode) => {
      const { use } = bench({ antiReplay: { mode } })
      const uris =
        mode === 'per-token' ? ['a', 'b', 'c', 'd'].map((name) => kv(name)) : [URI, URI, URI]
      const results = await Promise.all(uris.map((uri) => use(uri, ONE)))
      expect(results.sort()).toEqual(['200', ...uris.slice(1).map(() => '403 JTI_REPLAY')])
    },
  )

  test('what manages secrets is not tracked', async () => {
    const { enforce } = bench()
    const write: SecretRequest = { operation: 'write', target: () => ({ uri: URI }) }
    for (let writes = 0; writes < 2; writes++) {
      expect(told(await enforce(write, ONE))).toBe('200')
    }
  })

  test('no room for marks: nothing new, and nothing again', async () => {
    const { use, advance, enforce } = bench({
      antiReplay: { room: { bytes: 4_000, ownerBytes: 1_200 } },
    })
    expect(await use(URI, ONE)).toBe('200')
    expect(await use(OTHER, ONE)).toBe('200')
    advance(1_000)
    const value: SecretRequest = { operation: 'value', target: () => ({ uri: kv('third') }) }
    expect(await enforce(value, ONE)).toMatchObject({
      status: 429,
      code: 'RATE_LIMITED',
      retryAfterSeconds: 299,
    })
    expect(await use(URI, ONE)).toBe('403 JTI_REPLAY')
    // Others have room of their own, and what had no room leaves nobody waiting.
    expect(await use(URI, { subject: 'auth:account:idp:bob', tokenId: 'b' })).toBe('200')
    advance(299_000)
    expect(await use(kv('third'), ONE)).toBe('200')
  })
})

describe('proofs', () => {
  const by = (proofId: string, thumbprint = 'K1') => ({
    confirmation: { dpop: 'K1' },
    proofs: { dpop: { thumbprint, proofId } },
  })
  const unproven = '401 SENDER_BINDING_MISMATCH'

  test('A19: none, one by another key, and one that comes again', async () => {
    const { use, enforce, advance } = bench({ antiReplay: { mode: 'off' } })
    expect(await use(URI, { confirmation: { dpop: 'K1' } })).toBe(unproven)
    expect(await use(URI, by('p1', 'K2'))).toBe(unproven)
    expect(await use(URI, by('p1'))).toBe('200')
    expect(await use(URI, by('p1'))).toBe(unproven)
    expect(await use(OTHER, by('p1'))).toBe(unproven)
    expect(await use(URI, by('p2'))).toBe('200')
    expect(await use(URI, by(''))).toBe(unproven)
    expect(await use(URI, by('x'.repeat(513)))).toBe(unproven)
    const value: SecretRequest = { operation: 'value', target: () => ({ uri: URI }) }
    expect(await enforce(value, by('p1'))).toMatchObject({
      step: 'P8',
      challenge: 'DPoP error="invalid_dpop_proof"',
    })
    advance(119_999)
    expect(await use(URI, by('p1'))).toBe(unproven)
    advance(1)
    expect(await use(URI, by('p1'))).toBe('200')
  })

  test('one proof is good for all operations of its request', async () => {
    const { admit, enforcement } = bench()
    const admission = admit(by('bulk'))
    for (const operation of ['write', 'delete', 'rotate'] as const) {
      const request: SecretRequest = { operation, target: () => ({ uri: URI }) }
      expect(told(await enforcement.enforce(admission, request))).toBe('200')
    }
  })

  test('a proof is used up whatever becomes of the request', async () => {
    const { use } = bench()
    expect(await use(URI, { ...by('p1'), scopes: [] })).toBe('403 INSUFFICIENT_SCOPE')
    expect(await use(URI, by('p1'))).toBe(unproven)
  })

  test('a certificate that the token is bound to', async () => {
    const { use } = bench({}, new Recorder(() => permitWith({ maxUses: 9 })))
    const confirmation = { mtls: 'C1' }
    expect(await use(URI, { confirmation, proofs: { mtls: { thumbprint: 'C1' } } })).toBe('200')
    expect(await use(URI, { confirmation, proofs: { mtls: { thumbprint: 'C2' } } })).toBe(unproven)
    expect(await use(URI, { confirmation })).toBe(unproven)
    expect(
      await use(URI, { confirmation, proofs: { dpop: { thumbprint: 'C1', proofId: 'c' } } }),
    ).toBe(unproven)
    const both = { dpop: 'K1', mtls: 'C1' }
    expect(await use(URI, { confirmation: both, proofs: { mtls: { thumbprint: 'C1' } } })).toBe(
      unproven,
    )
  })

  test('no room for proofs: nothing is accepted', async () => {
    const { use } = bench({ antiReplay: { room: { bytes: 600, ownerBytes: 300 } } })
    expect(await use(URI, { ...by('p1'), scopes: ['secrets.write'] })).toBe(
      '403 INSUFFICIENT_SCOPE',
    )
    expect(await use(URI, by('p2'))).toBe('429 RATE_LIMITED')
    expect(await use(URI, by('p1'))).toBe(unproven)
  })
})

describe('marks', () => {
  test('none is forgotten before its time, and memory is bounded', () => {
    const owner = fc.constantFrom('x', 'y')
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ key: fc.nat(12).map(String), owner }) },
      { weight: 1, arbitrary: fc.record({ passMs: fc.integer({ min: 1, max: 700 }) }) },
    )
    const seen = new Set<string>()
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80, size: 'max' }), (steps) => {
        let nowMs = 0
        const [bytes, ownerBytes] = [6 * sizeOfKey('00'), 4 * sizeOfKey('00')]
        const marks = new ReplayMarks(1000, { bytes, ownerBytes }, () => nowMs)
        const model = new Map<string, { owner: string; untilMs: number }>()
        for (const each of steps) {
          if ('passMs' in each) {
            nowMs += each.passMs
            continue
          }
          for (const [key, { untilMs }] of model) if (untilMs <= nowMs) model.delete(key)
          const size = (of: string) =>
            [...model].reduce((sum, [key, mark]) => {
              return of === '' || mark.owner === of ? sum + sizeOfKey(key) : sum
            }, sizeOfKey(each.key))
          let expected: string = 'new'
          if (model.has(each.key)) expected = 'seen'
          else if (size(each.owner) > ownerBytes || size('') > bytes) expected = 'full'
          else model.set(each.key, { owner: each.owner, untilMs: nowMs + 1000 })
          expect(marks.add(each.key, each.owner)).toBe(expected)
          expect(marks.has(each.key)).toBe(model.has(each.key))
          expect(marks.size).toBe(model.size)
          expect(marks.retryAfterSeconds()).toBe(1)
          seen.add(expected)
        }
      }),
      { numRuns: 150 },
    )
    expect(seen).toEqual(new Set(['new', 'seen', 'full']))
  })

  test('the default room holds what one subject can mark at the default rate', () => {
    const replay = new AntiReplay({}, () => 0)
    const use = {
      owner: 'o',
      issuer: 'i'.repeat(60),
      subject: 's'.repeat(60),
      purpose: 'execute',
    } as const
    const reads = ANTI_REPLAY_DEFAULTS.ttlSeconds * 50 + 100
    for (let each = 0; each < reads; each++) {
      const uri = `openbao+kv2://secret/${'a/'.repeat(40)}${each}`
      expect(replay.record({ ...use, tokenId: `${each}`.padStart(36, '0'), uri })).toBe('new')
    }
  })

  test('parts do not run into one another', () => {
    const replay = new AntiReplay({}, () => 0)
    const common = { owner: 'o', purpose: 'execute', uri: 'u' } as const
    expect(replay.record({ ...common, issuer: 'a', tokenId: 'b","c', subject: 'd' })).toBe('new')
    expect(replay.record({ ...common, issuer: 'a', tokenId: 'b', subject: 'c","d' })).toBe('new')
    expect(replay.record({ ...common, issuer: undefined, tokenId: 'b', subject: 'd' })).toBe('new')
    expect(replay.record({ ...common, issuer: 'null', tokenId: 'b', subject: 'd' })).toBe('new')
  })
})
