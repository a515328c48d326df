/** Many secrets at once, needed and optional (specs: secrets-api §3.6). */
import { parseSecretUri } from '@secreg/secrets-api'
import { describe, expect, test } from 'vitest'
import { bench, DENY, kv, PERMIT, permitWith, Recorder } from './support.ts'

const execute = (tail: string) => ({ uri: kv(tail), purpose: 'execute' as const })
const only = (...tails: string[]) =>
  new Recorder(({ resource }) => {
    const uri = resource.kind === 'secret' ? resource.uri.segments.join('/') : ''
    if (uri === 'down') return { effect: 'Deny', reason: 'unavailable' }
    return tails.includes(uri) ? PERMIT : DENY
  })

describe('a batch', () => {
  test('what is given twice is asked once, and needed stands before optional', async () => {
    const { enforcement, admit, recorder } = bench({}, only('a', 'b', 'c'))
    const batch = await enforcement.authorizeBatch(
      admit(),
      [execute('b'), execute('a'), execute('b')],
      [execute('a'), execute('c'), execute('c'), { uri: kv('a'), purpose: 'write' }],
    )
    expect(recorder.calls.map((questions) => questions.length)).toEqual([2, 2])
    expect(batch.kind === 'authorized' && batch.permits.map(({ wanted }) => wanted)).toEqual([
      execute('b'),
      execute('a'),
      execute('c'),
      { uri: kv('a'), purpose: 'write' },
    ])
  })

  test('a needed denial fails all of it, and nothing optional is asked', async () => {
    const { enforcement, admit, recorder } = bench({}, only('a', 'c'))
    const batch = await enforcement.authorizeBatch(
      admit(),
      [execute('a'), execute('b')],
      [execute('c')],
    )
    expect(batch).toMatchObject({
      status: 403,
      details: {
        purpose: 'execute',
        failures: [{ uri: kv('b').canonical, code: 'DENY', reason: 'policy' }],
      },
    })
    expect(recorder.calls).toHaveLength(1)
  })

  test('a needed outage too', async () => {
    const { enforcement, admit } = bench({}, only('a'))
    expect(
      await enforcement.authorizeBatch(admit(), [execute('a'), execute('down')]),
    ).toMatchObject({ status: 503, code: 'PDP_UNAVAILABLE' })
  })

  test('what is optional fails by itself', async () => {
    const { enforcement, admit } = bench({}, only('a'))
    const batch = await enforcement.authorizeBatch(
      admit(),
      [execute('a')],
      [execute('b'), execute('down'), { uri: 'tenant', purpose: 'read_metadata' }],
    )
    expect(batch).toMatchObject({
      kind: 'authorized',
      permits: [{ wanted: { uri: kv('a') } }],
      failures: [
        { uri: kv('b').canonical, code: 'DENY', reason: 'policy' },
        { uri: kv('down').canonical, code: 'PDP_UNAVAILABLE', reason: 'unavailable' },
        { code: 'DENY', reason: 'policy' },
      ],
    })
  })

  test('nothing at all', async () => {
    const { enforcement, admit, recorder } = bench()
    expect(await enforcement.authorizeBatch(admit(), [])).toEqual({
      kind: 'authorized',
      permits: [],
      failures: [],
    })
    expect(recorder.calls).toEqual([])
  })

  test('grants that are there take no question', async () => {
    const { enforcement, admit, recorder } = bench(
      {},
      new Recorder(() => permitWith({ maxUses: 9 })),
    )
    await enforcement.authorizeBatch(admit(), [execute('a'), execute('b')])
    await enforcement.authorizeBatch(admit(), [execute('b'), execute('c'), execute('a')])
    expect(recorder.asked.map(([, uri]) => uri)).toEqual(
      ['a', 'b', 'c'].map((tail) => kv(tail).canonical),
    )
  })

  test('two that need each other’s secrets do not wait for ever', async () => {
    const { enforcement, admit, recorder } = bench(
      {},
      new Recorder(() => permitWith({ maxUses: 9 })),
    )
    const batches = await Promise.all([
      enforcement.authorizeBatch(admit(), [execute('a'), execute('b')]),
      enforcement.authorizeBatch(admit(), [execute('c'), execute('a')]),
      enforcement.authorizeBatch(admit(), [execute('b'), execute('c')]),
    ])
    expect(batches.map(({ kind }) => kind)).toEqual(['authorized', 'authorized', 'authorized'])
    expect(recorder.asked).toHaveLength(3)
  })

  test('a port of time that fails leaves nobody waiting', async () => {
    let broken = true
    const { enforcement, admit } = bench({
      newDeadline: () => {
        if (broken) throw new Error('no timers')
        return new AbortController().signal
      },
    })
    const first = enforcement.authorizeBatch(admit(), [execute('a')])
    await expect(first).rejects.toThrow('no timers')
    broken = false
    expect(await enforcement.authorizeBatch(admit(), [execute('a')])).toMatchObject({
      kind: 'authorized',
    })
  })
})

describe('the other steps', () => {
  const codeOf = (result: { kind: string; code?: string }) => result.code ?? result.kind
  const batchOf = (bed: ReturnType<typeof bench>, more: object, uri = kv('a')) =>
    bed.enforcement
      .authorizeBatch(bed.admit(more), [{ uri, purpose: 'execute' }], [execute('b')])
      .then(codeOf)
  const filterOf = (bed: ReturnType<typeof bench>, more: object) =>
    bed.enforcement.filter(bed.admit(more), 'search', [kv('a')], (uri) => uri).then(codeOf)
  const bound = { confirmation: { dpop: 'K1' } }
  const proven = (proofId: string) => ({
    ...bound,
    proofs: { dpop: { thumbprint: 'K1', proofId } },
  })

  test('come before a batch', async () => {
    const bed = bench()
    expect(await batchOf(bed, { authenticated: false })).toBe('UNAUTHENTICATED')
    expect(await batchOf(bed, { tenant: 'another' })).toBe('TENANT_MOUNT_MISMATCH')
    expect(await batchOf(bed, { audience: ['other'] })).toBe('SECRET_AUTHZ_FAILED')
    expect(await batchOf(bed, bound)).toBe('SENDER_BINDING_MISMATCH')
    expect(await batchOf(bed, proven('1'))).toBe('authorized')
    expect(await batchOf(bed, proven('1'))).toBe('SENDER_BINDING_MISMATCH')
    const other = parseSecretUri('openbao+kv2://other/a')
    expect(await batchOf(bed, {}, other)).toBe('TENANT_MOUNT_MISMATCH')
    expect(bed.recorder.asked).toHaveLength(2)
    expect(bed.counts.get('tenant_mount_violation_total')).toBe(2)
  })

  test('and where nobody decides', async () => {
    const bed = bench({ decisions: 'disabled' })
    expect(await batchOf(bed, bound)).toBe('SENDER_BINDING_MISMATCH')
    expect(await batchOf(bed, {})).toBe('authorized')
    expect(await filterOf(bed, { scopes: [] })).toBe('INSUFFICIENT_SCOPE')
  })

  test('and before entries are filtered', async () => {
    const bed = bench()
    expect(await filterOf(bed, { authenticated: false })).toBe('UNAUTHENTICATED')
    expect(await filterOf(bed, { scopes: ['secrets.read'] })).toBe('INSUFFICIENT_SCOPE')
    expect(await filterOf(bed, { audience: ['other'] })).toBe('SECRET_AUTHZ_FAILED')
    expect(await filterOf(bed, bound)).toBe('SENDER_BINDING_MISMATCH')
    expect(bed.recorder.asked).toEqual([])
    expect(await filterOf(bed, {})).toBe('filtered')
  })
})
