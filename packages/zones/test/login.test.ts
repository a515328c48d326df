import { isLogin, isMappableUid, isUid, normalizeLogin } from '@secreg/zones'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

describe('login names', () => {
  test.each(['a', '0', '_apt', 'jo.hn', 'web-01', 'x'.repeat(64)])('%s is a name', (name) => {
    expect(isLogin(name)).toBe(true)
    expect(normalizeLogin(name)).toBe(name)
  })

  test.each([
    '',
    '.a',
    '-a',
    'Alice',
    'a b',
    'a\n',
    '\na',
    'a/b',
    'a\u0000',
    'é',
    'аlice', // Cyrillic
    '*',
    'x'.repeat(65),
    '__proto__\u200b',
  ])('%j is none', (name) => {
    expect(isLogin(name)).toBe(false)
  })

  test.each([
    ['ALICE', 'alice'],
    ['aLiCe', 'alice'],
    ['\u212Aate', 'kate'], // the Kelvin sign is K in NFC
    ['__proto__', '__proto__'],
    ['constructor', 'constructor'],
  ])('%j is brought to %j', (typed, stored) => {
    expect(normalizeLogin(typed)).toBe(stored)
  })

  test.each([' alice', 'alice ', 'ａlice', 'al\u0131ce', 'İ', '\ud800', 'x'.repeat(1_000_000)])(
    'case %# has no account',
    (typed) => {
      expect(normalizeLogin(typed)).toBeUndefined()
    },
  )

  test('normalising gives a name or nothing, and is idempotent', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.string()), (typed) => {
        const name = normalizeLogin(typed)
        expect(name === undefined || isLogin(name)).toBe(true)
        if (name !== undefined) expect(normalizeLogin(name)).toBe(name)
      }),
      { numRuns: 60 },
    )
  })
})

describe('uids', () => {
  test.each([0, 1000, 65_535, 0xffff_fffe])('%d is a uid that may be mapped', (uid) => {
    expect(isUid(uid)).toBe(true)
    expect(isMappableUid(uid)).toBe(true)
  })

  test.each([-1, 0xffff_ffff, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '0', null, undefined, {}])(
    '%s is none',
    (uid) => {
      expect(isUid(uid)).toBe(false)
      expect(isMappableUid(uid)).toBe(false)
    },
  )

  test('the overflow uid stands for every unknown one and is mapped to nobody', () => {
    expect(isUid(65_534)).toBe(true)
    expect(isMappableUid(65_534)).toBe(false)
  })
})
