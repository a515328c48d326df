import { readSecret } from '@secreg/secrets-api'
import { describe, expect, test } from 'vitest'
import { PlainMemory } from '../provider/memory-provider.ts'
import { laterReasonOf } from '../reason-of.ts'
import { seeded, uriOf, yamlUri } from './secrets.ts'

describe('with versions', () => {
  test.each([
    ['app/test#value', { value: 'two', version: 2 }],
    ['app/test#value?version=1', { value: 'one', version: 1 }],
    ['app/api', { value: { token: 't1', user: 'u' }, version: 1 }], // R07
    ['app/lc#value', { value: 'three', version: 3 }],
    ['app/lc', { value: { value: 'three' }, version: 3 }],
  ])('%s', async (tail, outcome) => {
    expect(await readSecret(await seeded(), uriOf(tail))).toEqual(outcome)
  })

  test.each([
    ['App/test#value', 'SECRET_NOT_FOUND'], // U03
    ['app/api#nope', 'FRAGMENT_NOT_FOUND'], // R09
    ['app/lc#value?version=2', 'SECRET_VERSION_DELETED'],
    ['app/lc#value?version=1', 'SECRET_VERSION_DESTROYED'],
    ['app/lc#value?version=9', 'SECRET_NOT_FOUND'],
    ['app/gone#value', 'SECRET_NOT_FOUND'],
    ['app/gone#value?version=1', 'SECRET_VERSION_DELETED'],
    ['app/api#toString', 'FRAGMENT_NOT_FOUND'], // R15
    ['app/api#__proto__', 'FRAGMENT_NOT_FOUND'],
  ])('refused: %s', async (tail, reason) => {
    expect(await laterReasonOf(readSecret(await seeded(), uriOf(tail)))).toBe(reason)
  })
})

test('without versions, there is none', async () => {
  const provider = new PlainMemory()
  await provider.write(yamlUri('env'), new Map([['A', 'a']]))
  expect(await readSecret(provider, yamlUri('env#A'))).toEqual({ value: 'a', version: null })
  const pinned = { ...yamlUri('env#A'), version: 1 }
  expect(await laterReasonOf(readSecret(provider, pinned))).toBe('OPERATION_NOT_SUPPORTED')
})
