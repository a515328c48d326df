import { expect, test } from 'vitest'
import { ExpiringCache } from '../../src/users/expiring-cache.ts'

function make(maxEntries = 3) {
  let nowMs = 0
  const cache = new ExpiringCache<string, number>({
    maxEntries,
    foundMs: 30,
    absentMs: 5,
    now: () => nowMs,
  })
  return { cache, pass: (ms: number) => (nowMs += ms) }
}

test('what was found is known longer than what was not', () => {
  const { cache, pass } = make()
  cache.set('a', 1)
  cache.set('b', undefined)
  pass(4.9)
  expect([cache.get('a')?.value, cache.get('b')]).toEqual([1, expect.objectContaining({})])
  expect(cache.get('b')?.value).toBeUndefined()
  pass(0.1)
  expect([cache.get('a')?.value, cache.get('b')]).toEqual([1, undefined])
  pass(25)
  expect(cache.get('a')).toBeUndefined()
  expect(cache.size).toBe(0)
})

test('asking does not make it good for longer', () => {
  const { cache, pass } = make()
  cache.set('a', 1)
  for (let count = 0; count < 29; count++) {
    pass(1)
    expect(cache.get('a')?.value).toBe(1)
  }
  pass(1)
  expect(cache.get('a')).toBeUndefined()
})

test('it holds so many and no more; the oldest goes', () => {
  const { cache } = make()
  for (const key of ['a', 'b', 'c', 'b', 'd']) cache.set(key, 1)
  expect(cache.size).toBe(3)
  expect(cache.get('a')).toBeUndefined()
  expect(['b', 'c', 'd'].every((key) => cache.get(key)?.value === 1)).toBe(true)
})
