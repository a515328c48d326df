import { compile, contains, intersects, witness } from '@secreg/policy-engine'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { naiveMatch } from './naive.ts'
import { textWork } from './text-work.ts'

const words = (letters: readonly string[], length: number): string[] =>
  length === 0 ? [''] : words(letters, length - 1).flatMap((w) => letters.map((l) => w + l))

/** All texts over these letters from 1 to `length`, less what no segment can be. */
const texts = (letters: readonly string[], length: number): string[] =>
  Array.from({ length }, (_, at) => words(letters, at + 1))
    .flat()
    .filter((text) => text !== '.' && text !== '..')

// A dot is a letter, since what is only dots is no segment; `z` is in no pattern.
const SEGMENTS = texts(['a', '.', 'z'], 6).map((text) => `/${text}`)
const GLOBS = texts(['a', '.', '*'], 3)
  .filter((text) => !text.includes('**'))
  .map((text) => `/${text}`)
const MATCHED = new Map(
  GLOBS.map((glob) => [glob, new Set(SEGMENTS.filter((path) => naiveMatch(glob, path)))]),
)

const paths = (parts: readonly string[], length: number): string[] =>
  length === 0 ? [''] : paths(parts, length - 1).flatMap((p) => parts.map((part) => `${p}/${part}`))
const PATHS = ['/', ...[1, 2, 3, 4].flatMap((length) => paths(['a', 'b', 'ab', 'az', 'z'], length))]
const pattern = fc.oneof(
  { arbitrary: fc.constant('/'), weight: 1 },
  {
    arbitrary: fc
      .tuple(fc.array(fc.constantFrom('a', 'b', '*', 'a*', '*b'), { maxLength: 2 }), fc.boolean())
      .filter(([segments, rest]) => rest || segments.length > 0)
      .map(([segments, rest]) => `/${[...segments, ...(rest ? ['**'] : [])].join('/')}`),
    weight: 20,
  },
)

/** A pattern of one segment as long as one may be, with as many stars as fit. */
const hostile = (unit: string, tail = ''): string =>
  `/${unit.repeat(Math.floor((510 - tail.length) / unit.length))}${tail}`

describe('one segment', () => {
  test('contains exactly what every text of a small alphabet says', () => {
    for (const [outer, all] of MATCHED) {
      for (const [inner, some] of MATCHED) {
        const expected = [...some].every((path) => all.has(path))
        expect([outer, inner, contains(outer, inner)]).toEqual([outer, inner, expected])
      }
    }
  })

  test('intersects exactly where some text of a small alphabet matches both', () => {
    for (const [a, one] of MATCHED) {
      for (const [b, two] of MATCHED) {
        const expected = [...one].some((path) => two.has(path))
        expect([a, b, intersects(a, b)]).toEqual([a, b, expected])
      }
    }
  })

  test('has a witness that a policy would take for a match', () => {
    for (const glob of GLOBS) expect(naiveMatch(glob, witness(glob))).toBe(true)
  })
})

describe('whole patterns', () => {
  test('agree with every path of a small universe', () => {
    fc.assert(
      fc.property(pattern, pattern, (a, b) => {
        const inA = PATHS.filter((path) => naiveMatch(a, path))
        const inB = new Set(PATHS.filter((path) => naiveMatch(b, path)))
        expect(contains(b, a)).toBe(inA.every((path) => inB.has(path)))
        expect(intersects(a, b)).toBe(inA.some((path) => inB.has(path)))
        expect(intersects(b, a)).toBe(intersects(a, b))
        expect(naiveMatch(a, witness(a))).toBe(true)
      }),
      { numRuns: 1500 },
    )
  })

  test.each([
    ['/a/**', '/a', false, false],
    ['/a/**', '/a/*', true, true],
    ['/a/*', '/a/**', false, true],
    ['/**', '/', false, false],
    ['/**', '/a/b/**', true, true],
    ['/', '/', true, true],
    ['/a/*/c/**', '/a/**', false, true],
    ['/a/**', '/a/*/c/**', true, true],
    ['/*/b', '/a/*', false, true],
    ['/*', '/*/**', false, false],
    ['/a*a', '/a', false, false],
    ['/*a*b*', '/xa-b', true, true],
    ['/*ab*', '/*a*b*', false, true],
  ])('%s and %s', (outer, inner, contained, met) => {
    expect(contains(outer, inner)).toBe(contained)
    expect(intersects(outer, inner)).toBe(met)
  })

  test('a witness is a path that people can read', () => {
    expect(witness('/app/*/db-*/**')).toBe('/app/x/db-x/x')
    expect(witness('/.*')).toBe('/.x')
    expect(witness('/')).toBe('/')
  })
})

describe('what an attacker writes', () => {
  test.each([
    [hostile('a*'), hostile('a*')],
    [hostile('a*', 'b'), hostile('a*', 'c')],
    [hostile('*a'), hostile('a*')],
    [hostile('ab*'), hostile('aab*')],
    [hostile('aaaaaaaa*', 'b'), hostile('a*', 'b')],
    [`${'/*a'.repeat(31)}/**`, `${'/a*'.repeat(31)}/**`],
  ])('%s against %s takes little work', (a, b) => {
    const work = textWork(() => {
      contains(a, b)
      contains(b, a)
      intersects(a, b)
      witness(a)
    })
    expect(work).toBeLessThan(20 * (a.length + b.length))
  })
})

describe('arguments', () => {
  test.each([undefined, null, 1, {}, ['/a']])('%j is not a pattern', (value) => {
    const bad = value as string
    expect(() => contains(bad, '/a')).toThrow(TypeError)
    expect(() => contains('/a', bad)).toThrow('inner: expected a string')
    expect(() => intersects(bad, '/a')).toThrow(TypeError)
    expect(() => intersects('/a', bad)).toThrow(TypeError)
    expect(() => witness(bad)).toThrow(TypeError)
  })

  test.each(['', 'a', '/a//b', '/**/a', '/..', '/a/', `/${'a'.repeat(512)}`])(
    '%j is refused',
    (text) => {
      expect(() => contains(text, '/a')).toThrow(RangeError)
      expect(() => intersects('/a', text)).toThrow(RangeError)
      expect(() => witness(text)).toThrow(RangeError)
      expect(() => compile([]).covers([], 'read', text)).toThrow(RangeError)
    },
  )
})
