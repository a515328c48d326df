import { CAS_TRIES, ProviderError, payloadOf, rotateSecret, writeSecret } from '@secreg/secrets-api'
import { describe, expect, test } from 'vitest'
import { PlainMemory, VersionedMemory } from '../provider/memory-provider.ts'
import { laterReasonOf, reasonOf } from '../reason-of.ts'
import { AUTHOR, get, seeded, set, uriOf, yamlUri } from './secrets.ts'

describe('payloads', () => {
  test.each([
    ['a#k', 'abc', { kind: 'key', key: 'k', value: 'abc' }],
    ['a#k', 1.5, { kind: 'key', key: 'k', value: 1.5 }],
    ['a#k', false, { kind: 'key', key: 'k', value: false }],
    ['a#k', { k: 'abc' }, { kind: 'key', key: 'k', value: 'abc' }],
    ['a', { k: 'abc' }, { kind: 'map', data: new Map([['k', 'abc']]) }],
    ['a', { k: { x: [1] } }, { kind: 'map', data: new Map([['k', { x: [1] }]]) }],
  ])('%s %j', (tail, value, payload) => {
    expect(payloadOf(uriOf(tail), value)).toEqual(payload)
  })

  test.each([
    ['a#k', { a: 1, b: 2 }],
    ['a#k', { k: 1, b: 2 }],
    ['a#k', { other: 1 }],
    ['a#k', { k: { k: 1 } }],
    ['a#k', { k: null }],
    ['a#k', {}],
    ['a#toString', {}],
    ['a#k', [1]],
    ['a#k', null],
    ['a#k', undefined],
    ['a', 'scalar'],
    ['a', {}],
    ['a', [1]],
    ['a', null],
  ])('refused: %s %j', (tail, value) => {
    expect(reasonOf(() => payloadOf(uriOf(tail), value))).toBe('INCOMPATIBLE_PAYLOAD')
  })

  test('no version is written to', () => {
    expect(reasonOf(() => payloadOf(uriOf('a#k?version=2'), 'x'))).toBe('VERSION_NOT_ALLOWED')
  })
})

describe('a write', () => {
  test('of a new key (W02)', async () => {
    const provider = await seeded()
    const outcome = await set(provider, 'app/new#value', { value: 'hello' })
    expect(outcome).toEqual({ version: 1, created: true, stamped: 'done' })
    expect(await get(provider, 'app/new')).toEqual({ value: 'hello' })
    expect(provider.calls).toContain('write 0')
  })

  test('of a key keeps the others, under a check (W03)', async () => {
    const provider = await seeded()
    const outcome = await set(provider, 'app/api#token', 't2')
    expect(outcome).toEqual({ version: 2, created: false, stamped: 'unneeded' })
    expect(provider.calls).toEqual(['read', 'write 1'])
    expect(await get(provider, 'app/api')).toEqual({ token: 't2', user: 'u' })
  })

  test('of a whole secret replaces all keys (W04)', async () => {
    const provider = await seeded()
    await set(provider, 'app/api', { token: 'x' })
    expect(provider.calls).toEqual(['write any'])
    expect(await get(provider, 'app/api')).toEqual({ token: 'x' })
  })

  test('over a deleted secret starts anew (W11)', async () => {
    const provider = await seeded()
    expect((await set(provider, 'app/gone#k', 'v')).version).toBe(2)
    expect(await get(provider, 'app/gone')).toEqual({ k: 'v' })
  })

  test('a key of any name is a key', async () => {
    const provider = await seeded()
    await set(provider, 'app/api#__proto__', 'v')
    await set(provider, 'app/api#constructor', 'w')
    const all = (await get(provider, 'app/api')) as object
    expect(Object.entries(all)).toEqual([
      ['token', 't1'],
      ['user', 'u'],
      ['__proto__', 'v'],
      ['constructor', 'w'],
    ])
  })

  test('stamps what it makes, and nothing else (W12)', async () => {
    const provider = await seeded()
    await set(provider, 'app/new#a', 'x')
    const stamp = {
      created_by: AUTHOR.subject,
      created_at: '2025-01-25T12:34:56Z',
      owner: AUTHOR.subject,
    }
    const custom = async () =>
      Object.fromEntries((await provider.metadata(uriOf('app/new')))?.customMetadata ?? [])
    expect(await custom()).toEqual(stamp)
    await writeSecret(provider, uriOf('app/new#b'), 'x', { subject: 'bob', nowMs: 0 })
    expect(await custom()).toEqual(stamp)
  })

  test('never overwrites a stamp that is there already', async () => {
    const provider = new VersionedMemory()
    const custom = new Map([
      ['created_by', 'alice'],
      ['team', 'x'],
    ])
    provider.secrets.set('secret/a', { versions: new Map(), latest: 0, custom })
    await writeSecret(provider, uriOf('a'), { k: 1 }, { subject: 'bob', nowMs: 0 })
    expect(Object.fromEntries(custom)).toEqual({
      created_by: 'alice',
      team: 'x',
      created_at: '1970-01-01T00:00:00Z',
      owner: 'bob',
    })
  })

  test('is one without its stamp too (W13)', async () => {
    for (const broken of ['metadata', 'patchMetadata']) {
      const provider = new VersionedMemory(async (method) => {
        if (method === broken) throw new ProviderError('PROVIDER_ERROR')
      })
      expect(await set(provider, 'app/new#a', 'x')).toMatchObject({ version: 1, stamped: 'failed' })
    }
  })

  test('gives up when somebody is always faster (W09)', async () => {
    const provider = new VersionedMemory(async (method) => {
      if (method.startsWith('write')) throw new ProviderError('CAS_MISMATCH')
    })
    expect(await laterReasonOf(set(provider, 'a#k', 'x'))).toBe('CAS_MISMATCH')
    expect(provider.calls).toEqual(Array(CAS_TRIES).fill('read'))
  })

  test('tries nothing again but a lost race', async () => {
    for (const reason of ['PROVIDER_ERROR', 'PROVIDER_TIMEOUT', 'PROVIDER_BUSY'] as const) {
      let writes = 0
      const provider = new VersionedMemory(async (method) => {
        if (!method.startsWith('write')) return
        writes++
        throw new ProviderError(reason)
      })
      expect(await laterReasonOf(set(provider, 'a#k', 'x'))).toBe(reason)
      expect(writes).toBe(1)
    }
  })
})

describe('a version that is expected', () => {
  const write = async (tail: string, value: unknown, cas: number) => {
    const provider = await seeded()
    const result = laterReasonOf(writeSecret(provider, uriOf(tail), value, { ...AUTHOR, cas }))
    return [await result, provider.secrets.get(`secret/${tail.split('#')[0]}`)?.latest]
  }

  test.each([
    ['app/api#token', 'x', 1, [undefined, 2]],
    ['app/api', { a: 1 }, 1, [undefined, 2]],
    ['app/api#token', 'x', 7, ['CAS_MISMATCH', 1]], // W10
    ['app/api', { a: 1 }, 0, ['CAS_MISMATCH', 1]],
    ['app/new#k', 'x', 0, [undefined, 1]],
    ['app/new#k', 'x', 1, ['CAS_MISMATCH', undefined]],
    ['app/gone#k', 'x', 1, [undefined, 2]],
    ['app/gone#k', 'x', 0, ['CAS_MISMATCH', 1]],
    ['app/api#k', 'x', -1, ['INVALID_REQUEST', 1]],
    ['app/api#k', 'x', 1.5, ['INVALID_REQUEST', 1]],
  ])('%s %j %i', async (tail, value, cas, result) => {
    expect(await write(tail, value, cas)).toEqual(result)
  })

  test('is not looked for again', async () => {
    let raced = false
    const provider: VersionedMemory = new VersionedMemory(async (method) => {
      if (raced || !method.startsWith('write 1')) return
      raced = true
      await provider.write(uriOf('a'), new Map([['other', 'x']]))
    })
    await set(provider, 'a', { k: 1 })
    const write = writeSecret(provider, uriOf('a#k'), 2, { ...AUTHOR, cas: 1 })
    expect(await laterReasonOf(write)).toBe('CAS_MISMATCH')
    expect(await get(provider, 'a')).toEqual({ other: 'x' })
  })

  test('is nothing where there are no versions', async () => {
    const write = writeSecret(new PlainMemory(), yamlUri('a#k'), 2, { ...AUTHOR, cas: 0 })
    expect(await laterReasonOf(write)).toBe('OPERATION_NOT_SUPPORTED')
  })
})

describe('a rotation', () => {
  const rotate = async (tail: string, value: unknown, provider = new VersionedMemory()) =>
    rotateSecret(await seeded(provider), uriOf(tail), value, AUTHOR)

  test.each([
    ['app/test#value', 'new', { oldVersion: 2, newVersion: 3 }], // O01
    ['app/api', { token: 'new' }, { oldVersion: 1, newVersion: 2 }], // O02
    ['app/new#k', 'new', { oldVersion: null, newVersion: 1, created: true, stamped: 'done' }],
    ['app/new', { k: 1 }, { oldVersion: null, newVersion: 1, created: true, stamped: 'done' }],
    ['app/gone', { k: 1 }, { oldVersion: 1, newVersion: 2 }],
  ])('%s', async (tail, value, outcome) => {
    expect(await rotate(tail, value)).toMatchObject(outcome)
  })

  test('of a whole secret with a scalar is refused (O03)', async () => {
    expect(await laterReasonOf(rotate('app/api', 'scalar'))).toBe('INCOMPATIBLE_PAYLOAD')
  })

  test('needs no look-up to succeed, but the write (O04, O05)', async () => {
    let broken = ''
    const provider = new VersionedMemory(async (method) => {
      if (broken !== '' && method.startsWith(broken)) throw new ProviderError('PROVIDER_ERROR')
    })
    await seeded(provider)
    broken = 'metadata'
    const rotated = await rotateSecret(provider, uriOf('app/api'), { token: 'new' }, AUTHOR)
    expect(rotated).toMatchObject({ oldVersion: null, newVersion: 2 })
    broken = 'write'
    const failed = rotateSecret(provider, uriOf('app/api'), { token: 'new' }, AUTHOR)
    expect(await laterReasonOf(failed)).toBe('PROVIDER_ERROR')
  })

  test('without versions tells none (O06)', async () => {
    const provider = new PlainMemory()
    const outcomes = [
      await rotateSecret(provider, yamlUri('env#A'), 'n', AUTHOR),
      await rotateSecret(provider, yamlUri('env'), { A: 'm' }, AUTHOR),
    ]
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ oldVersion: null, newVersion: null, stamped: 'unneeded' })
    }
  })
})
