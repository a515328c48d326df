import { isPath, SecregError } from '@secreg/protocol'
import { SETEC_MOUNT, setecName, setecPath } from '@secreg/setec/dialect'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const wellFormed = fc.string({ unit: 'binary', maxLength: 60 })

describe('paths of secrets', () => {
  test.each([
    ['', '/setec'],
    ['a', '/setec/a'],
    ['dev/api key?', '/setec/dev%2Fapi key%3F'],
    ['..', '/setec/%2E%2E'],
    ['%2F', '/setec/%252F'],
    ['日本', '/setec/日本'],
    ['e\u0301', '/setec/e%CC%81'],
    ['\0', '/setec/%00'],
  ])('%j', (name, path) => {
    expect(setecPath(name)).toBe(path)
    expect(setecName(path)).toBe(name)
  })

  test('every name that fits has one path, which is one segment below the mount, and no other name has it', () => {
    fc.assert(
      fc.property(wellFormed, wellFormed, (name, other) => {
        let path: string
        try {
          path = setecPath(name)
        } catch (error) {
          expect(error).toMatchObject({ reason: 'PATH_INVALID' })
          return
        }
        expect(isPath(path)).toBe(true)
        expect(path.split('/')).toHaveLength(name === '' ? 2 : 3)
        expect(setecName(path)).toBe(name)
        if (other !== name && other.length < 40) expect(setecPath(other)).not.toBe(path)
      }),
    )
  })

  test('of any text, a name is known only where it leads back', () => {
    const segment = fc.oneof(fc.string(), fc.constantFrom('%2f', '%41', '%', '%ZZ', 'a', '', '.'))
    const path = fc
      .array(segment, { maxLength: 3 })
      .map((segments) => ['', 'setec', ...segments].join('/'))
    fc.assert(
      fc.property(fc.oneof(path, fc.string()), (text) => {
        const name = setecName(text)
        if (name !== undefined) expect(setecPath(name)).toBe(text)
      }),
    )
  })

  test.each([
    '/setec/',
    '/setec/a/b',
    '/setec/a/',
    '/setec/%61',
    '/setec/%2f',
    '/setec/%',
    '/setec/..',
    '/setec/e\u0301',
    '/setec/%FF',
    '/setecx/a',
    '/other/a',
    'setec/a',
    '/',
    '',
    `/setec/${'n'.repeat(506)}`,
  ])('no secret: %s', (path) => {
    expect(setecName(path)).toBeUndefined()
  })

  test('505 bytes fit when they are encoded, not more', () => {
    for (const [fits, too] of [
      ['n'.repeat(505), 'n'.repeat(506)],
      ['/'.repeat(168), '/'.repeat(169)],
      ['é'.repeat(252), 'é'.repeat(253)],
    ] as const) {
      expect(setecName(setecPath(fits))).toBe(fits)
      expect(() => setecPath(too)).toThrow(SecregError)
      expect(() => setecPath(too)).toThrow(/505 bytes/)
    }
    expect(() => setecPath('/'.repeat(10_000_000))).toThrow(/505 bytes/)
  })

  test('a lone surrogate has no path', () => {
    expect(() => setecPath('a\ud800')).toThrow(SecregError)
  })

  test('the mount is the path of the empty name', () => {
    expect(setecPath('')).toBe(SETEC_MOUNT)
  })
})
