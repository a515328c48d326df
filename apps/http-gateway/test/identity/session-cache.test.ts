import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Credential } from '../../src/identity/credential.ts'
import type { Presented } from '../../src/identity/presented.ts'
import { SessionCache } from '../../src/identity/session-cache.ts'

const bearer = (token: string, address = '192.0.2.1'): Presented => ({
  credential: Credential.token(token),
  address,
})

describe('the key', () => {
  const text = fc.string({ unit: 'binary', maxLength: 6 })
  const presented = fc.oneof(
    fc.record({ credential: text.map(Credential.token), address: text }),
    fc.record({
      credential: fc.tuple(text, text).map(([user, word]) => Credential.password(user, word)),
      address: text,
    }),
    fc.record({ assertions: fc.array(text, { maxLength: 3 }), address: text }),
  )
  const shown = ({ credential, assertions, address }: Presented): string =>
    JSON.stringify([credential?.kind, credential?.login, assertions, address])

  it('is one for one presentation, and another for any other', () => {
    const cache = new SessionCache()
    fc.assert(
      fc.property(presented, presented, (a, b) => {
        expect(cache.keyOf(a) === cache.keyOf(b)).toBe(shown(a) === shown(b))
      }),
    )
  })

  it('keeps parts apart', () => {
    const cache = new SessionCache()
    const all: Presented[] = [
      { credential: Credential.password('ab', 'c'), address: 'x' },
      { credential: Credential.password('a', 'bc'), address: 'x' },
      { credential: Credential.token('abc'), address: 'x' },
      { assertions: ['abc'], address: 'x' },
      { assertions: ['ab', 'c'], address: 'x' },
      { assertions: ['token', 'abc'], address: 'x' },
      { assertions: ['a","b'], address: 'x' },
      { assertions: ['a', 'b'], address: 'x' },
      { credential: Credential.token('abc'), address: 'y' },
    ]
    expect(new Set(all.map((one) => cache.keyOf(one))).size).toBe(all.length)
  })

  it('says nothing of a credential outside of this process', () => {
    const one = bearer('a-token')
    expect(new SessionCache().keyOf(one)).not.toBe(new SessionCache().keyOf(one))
    expect(new SessionCache().keyOf(one)).not.toContain('a-token')
  })
})

describe('the rows', () => {
  it('hold no credential', () => {
    const cache = new SessionCache()
    cache.set(bearer('a-token-to-look-for'), 'session', Number.MAX_VALUE)
    expect(inspect(cache, { depth: 9, showHidden: true })).not.toContain('a-token-to-look-for')
  })

  it('end at their time', () => {
    let nowMs = 0
    const cache = new SessionCache({ nowMs: () => nowMs })
    const key = cache.keyOf(bearer('t'))
    cache.set(bearer('t'), 's', 100)
    nowMs = 99
    expect(cache.get(key)).toBe('s')
    nowMs = 100
    expect(cache.get(key)).toBeUndefined()
    cache.set(bearer('t'), 'over', 100)
    expect(cache.get(key)).toBeUndefined()
    expect(cache.size).toBe(0)
  })

  it('are bounded, and the one not used longest gives way', () => {
    const cache = new SessionCache({ maxSessions: 3, nowMs: () => 0 })
    for (const name of 'abc') cache.set(bearer(name), 's', 1)
    cache.get(cache.keyOf(bearer('a')))
    cache.set(bearer('d'), 's', 1)
    const held = [...'abcd'].map((name) => cache.get(cache.keyOf(bearer(name))))
    expect(held).toEqual(['s', undefined, 's', 's'])
  })

  it('of one caller are bounded, from however many addresses', () => {
    const cache = new SessionCache({ maxSessions: 100, maxPerCaller: 4, nowMs: () => 0 })
    const others = Array.from({ length: 90 }, (_, i) => bearer(`t${i}`))
    for (const one of others) cache.set(one, 's', 1)
    for (let i = 0; i < 5000; i++) {
      cache.set(bearer('flood', `2001:db8::${i.toString(16)}`), 's', 1)
    }
    expect(cache.size).toBe(94)
    expect(others.every((one) => cache.get(cache.keyOf(one)) === 's')).toBe(true)
    expect(cache.get(cache.keyOf(bearer('flood', '2001:db8::1387')))).toBe('s')
    expect(cache.get(cache.keyOf(bearer('flood', '2001:db8::0')))).toBeUndefined()
  })

  it('a session is forgotten, the one that has taken its place is not', () => {
    const cache = new SessionCache({ nowMs: () => 0 })
    const key = cache.keyOf(bearer('t'))
    cache.set(bearer('t'), 'old', 1)
    cache.set(bearer('t'), 'new', 1)
    cache.forget(key, 'old')
    expect(cache.get(key)).toBe('new')
    cache.forget(key, 'new')
    expect(cache.get(key)).toBeUndefined()
  })

  it('all go at once', () => {
    const cache = new SessionCache({ maxPerCaller: 1, nowMs: () => 0 })
    const key = cache.keyOf(bearer('t'))
    cache.set(bearer('t'), 's', 1)
    cache.clear()
    expect(cache.get(key)).toBeUndefined()
    cache.set(bearer('t', '192.0.2.2'), 's', 1)
    expect(cache.size).toBe(1)
  })
})
