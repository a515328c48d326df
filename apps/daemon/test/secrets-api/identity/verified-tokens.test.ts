import { expect, test } from 'vitest'
import {
  VERIFIED_LIMITS,
  VerifiedTokens,
} from '../../../src/secrets-api/identity/verified-tokens.ts'

test('the first goes, where there are more than 10,000', () => {
  const tokens = new VerifiedTokens<number>(() => 0)
  for (let at = 0; at <= VERIFIED_LIMITS.entries; at++) tokens.set(`t${at}`, at)
  expect(tokens.size).toBe(VERIFIED_LIMITS.entries)
  expect(tokens.get('t0')).toBeUndefined()
  expect(tokens.get('t1')).toBe(1)
})

test('the first go, where they are too long together', () => {
  const tokens = new VerifiedTokens<number>(() => 0)
  const long = 'x'.repeat(8190)
  const fitting = Math.floor(VERIFIED_LIMITS.chars / 8192)
  for (let at = 0; at < fitting + 10; at++)
    tokens.set(`${long}${at % 10}${at >= 10 ? 'y' : 'x'}`, at)
  expect(tokens.size).toBe(20)
  for (let at = 0; at < fitting + 10; at++) tokens.set(String(at).padStart(8192, 'z'), at)
  expect(tokens.size).toBe(fitting)
  expect(tokens.get('9'.padStart(8192, 'z'))).toBeUndefined()
  expect(tokens.get('10'.padStart(8192, 'z'))).toBe(10)
})

test('one is kept for a minute from when it was set', () => {
  let now = 0
  const tokens = new VerifiedTokens<number>(() => now)
  tokens.set('a', 1)
  now = VERIFIED_LIMITS.keepMs - 1
  expect(tokens.get('a')).toBe(1)
  now++
  expect(tokens.get('a')).toBeUndefined()
  expect(tokens.size).toBe(0)
})

test('one that is set again counts once', () => {
  const tokens = new VerifiedTokens<number>(() => 0)
  for (let times = 0; times < 3; times++) tokens.set('a', times)
  expect([tokens.size, tokens.get('a')]).toEqual([1, 2])
  tokens.delete('a')
  tokens.delete('a')
  expect(tokens.size).toBe(0)
})
