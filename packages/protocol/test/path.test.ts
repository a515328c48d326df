import { isAtOrBelow, isPath, LIMITS, parsePath, parsePrefix, SecregError } from '@secreg/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const REFUSED: readonly (readonly [text: string, why: string])[] = [
  ['', 'empty'],
  ['/', 'root is no key'],
  ['a', 'relative'],
  ['//a', 'empty first segment'],
  ['/a//b', 'empty segment'],
  ['/a/', 'trailing slash'],
  ['/.', 'dot'],
  ['/a/./b', 'dot inside'],
  ['/a/../b', 'dot dot'],
  ['/..', 'dot dot alone'],
  ['/a*b/c', 'reserved *'],
  ['/a?', 'reserved ?'],
  ['/a[b', 'reserved ['],
  ['/a]b', 'reserved ]'],
  ['/a|b', 'reserved |'],
  ['/a&b', 'reserved &'],
  ['/a;b', 'reserved ;'],
  ['/a$b', 'reserved $'],
  ['/a<b', 'reserved <'],
  ['/a>b', 'reserved >'],
  ['/a\\b', 'reserved backslash'],
  ['/a!b', 'reserved !'],
  ['/a"b', 'reserved quote'],
  ['/a`b', 'reserved backquote'],
  ['/a\u0000b', 'NUL'],
  ['/a\nb', 'newline'],
  ['/a\u007fb', 'DEL'],
  ['/a\u0085b', 'C1 control'],
  ['/a\u2028b', 'line separator'],
  ['/a\ud800b', 'lone surrogate'],
  ['/e\u0301', 'not NFC'],
  [`/${'a'.repeat(LIMITS.pathBytes)}`, 'too long'],
  [`/${'é'.repeat(256)}`, 'too long in bytes, not in characters'],
  ['/a'.repeat(LIMITS.pathSegments + 1), 'too deep'],
]

describe('parsePath', () => {
  test.each(REFUSED)('weakness 17: %j is refused (%s)', (text) => {
    expect(isPath(text)).toBe(false)
    expect(() => parsePath(text)).toThrow(expect.objectContaining({ code: 'ERR_PATH_INVALID' }))
  })

  test.each([
    '/a',
    '/a/b',
    '/.a',
    '/a..b/...',
    '/a b',
    '/a%b_c',
    "/a'b#c",
    '/é',
    '/日本/語',
    '/a'.repeat(LIMITS.pathSegments),
    `/${'a'.repeat(LIMITS.pathBytes - 1)}`,
  ])('%j is accepted as it is', (text) => {
    expect(parsePath(text)).toBe(text)
  })

  test('any text is returned unchanged or refused with our error', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (tail) => {
        const text = `/${tail}`
        try {
          expect(parsePath(text)).toBe(text)
          expect(text.normalize('NFC')).toBe(text)
        } catch (error) {
          expect(SecregError.is(error)).toBe(true)
        }
      }),
    )
  })
})

describe('parsePrefix', () => {
  test.each([
    ['/', ''],
    ['/app', '/app'],
    ['/app/', '/app'],
  ])('%j is %j', (text, prefix) => {
    expect(parsePrefix(text)).toBe(prefix)
  })
  test.each(['', '//', '/a//', 'a/', '/a/../'])('%j is refused', (text) => {
    expect(() => parsePrefix(text)).toThrow(SecregError)
  })
})

test('weakness 19: /app is not above /app2', () => {
  expect(isAtOrBelow('/app2/x', '/app')).toBe(false)
  expect(isAtOrBelow('/app/x', '/app')).toBe(true)
  expect(isAtOrBelow('/app', '/app')).toBe(true)
  expect(isAtOrBelow('/x', '')).toBe(true)
})
