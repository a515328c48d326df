import { compile } from '@secreg/policy-engine'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GlobIndex, matchGlob, parseGlob } from '../src/glob.ts'
import { isWalkable, parsePattern } from '../src/pattern.ts'
import { naiveMatch } from './naive.ts'

/** Decide through a compiled policy whether a pattern matches a resource. */
function matches(pattern: string, resource: string): boolean {
  const rule = {
    id: 'r',
    effect: 'allow',
    principals: ['*'],
    actions: ['read'],
    resources: [pattern],
  }
  const policy = compile([{ id: 'p', rules: [rule] }])
  return policy.decide({ subject: ['u:a'], action: 'read', resource }).decision === 'allow'
}

test.each<[string, string, boolean]>([
  ['/', '/', true],
  ['/', '/a', false],
  ['/**', '/', false],
  ['/**', '/a', true],
  ['/**', '/a/b/c', true],
  ['/*', '/', false],
  ['/*', '/a', true],
  ['/*', '/a/b', false],
  ['/a', '/a', true],
  ['/a', '/A', false],
  ['/a', '/a/', false],
  ['/a/**', '/a', false],
  ['/a/**', '/ab', false],
  ['/a/**', '/a/b', true],
  ['/a/*/**', '/a/b', false],
  ['/a/*/**', '/a/b/c', true],
  ['/*/b', '/a/b', true],
  ['/*/b', '/a/x/b', false],
  ['/db-*', '/db-', true],
  ['/db-*', '/db-1', true],
  ['/db-*', '/db', false],
  ['/db-*', '/db-1/x', false],
  ['/*-db', '/-db', true],
  ['/*-db', '/x-db-y', false],
  ['/a*a', '/a', false],
  ['/a*a', '/aa', true],
  ['/a*b*c', '/abc', true],
  ['/a*b*c', '/axxbxxc', true],
  ['/a*b*c', '/acb', false],
  ['/*ab*ab*', '/ab', false],
  ['/*ab*ab*', '/abab', true],
  ['/*aba*aba*', '/ababa', false],
  ['/a*bc*c', '/abc', false],
  ['/a*bc*c', '/abcc', true],
  // A star in a request is a character like any other.
  ['/a', '/*', false],
  ['/a/b', '/a/**', false],
  ['/a/*', '/a/*', true],
  ['/ž*', '/žlutý', true],
  ['/%2F*', '/%2Fx', true],
])('%s on %s: %s', (pattern, resource, expected) => {
  expect(matches(pattern, resource)).toBe(expected)
  expect(naiveMatch(pattern, resource)).toBe(expected)
})

test.each([
  '',
  'a',
  'a/b',
  '//',
  '/a//b',
  '/a/',
  '/.',
  '/..',
  '/a/.',
  '/a/..',
  '/./a',
  '/../a',
  '/a/./b',
  '/a/../b',
  '/a/b/..',
  '\\a',
  ' /a',
  '\n/a',
])('the resource %j is denied, whatever the rules', (resource) => {
  expect(isWalkable(resource)).toBe(false)
  for (const pattern of ['/', '/*', '/**', '/a/**', '/*/*/*']) {
    expect(matches(pattern, resource)).toBe(false)
  }
})

test.each(['/', '/a', '/.a', '/..a', '/...', '/a.', '/a..', '/a/.b/..c', '/ /a'])(
  'the resource %j is walked',
  (resource) => {
    expect(isWalkable(resource)).toBe(true)
  },
)

describe('parsePattern', () => {
  test('accepts the longest patterns', () => {
    for (const text of [`/${'a'.repeat(511)}`, `/${'é'.repeat(255)}`, `/${'😀'.repeat(127)}`]) {
      expect(parsePattern(text)).toMatchObject({ text })
      expect(parsePattern(`${text}éé`)).toMatch(/longer/)
    }
    expect(parsePattern('/a'.repeat(32))).toMatchObject({ rest: false })
    expect(parsePattern(`${'/a'.repeat(31)}/**`)).toMatchObject({ rest: true })
  })
})

describe('globs', () => {
  const glob = fc
    .string({ unit: fc.constantFrom('a', 'b', '*'), minLength: 1, maxLength: 8 })
    .map((text) => `${text}*`.replace(/\*+/g, '*'))
    .chain((text) => fc.constantFrom(text, `*${text.replaceAll('*', '')}`, text.slice(0, -1)))
    .filter((text) => text.includes('*') && !text.includes('**'))
  const segment = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 10 })

  test('match as the quadratic table says', () => {
    fc.assert(
      fc.property(glob, segment, (text, value) => {
        expect(matchGlob(parseGlob(text), value)).toBe(naiveMatch(`/${text}`, `/${value}`))
      }),
      { numRuns: 5000 },
    )
  })

  test('are all found by their index, and no other', () => {
    fc.assert(
      fc.property(fc.uniqueArray(glob, { maxLength: 40 }), segment, (texts, value) => {
        const index = new GlobIndex<string>()
        for (const text of texts) index.add(text, text)
        const found: string[] = []
        index.collect(value, found)
        const expected = texts.filter((text) => naiveMatch(`/${text}`, `/${value}`))
        expect([...new Set(found)].sort()).toEqual(expected.sort())
      }),
      { numRuns: 3000 },
    )
  })
})

/** Policies and paths made to cost as much as they can. Each must answer within the time of the test, many times over. */
describe('hostile policies', () => {
  const ruleOf = (resource: string, index: number): object => ({
    id: `r${index}`,
    effect: 'allow',
    principals: ['*'],
    actions: ['read'],
    resources: [resource],
  })
  const ask = (patterns: readonly string[], paths: readonly string[]): boolean[] => {
    const policy = compile([{ id: 'p', rules: patterns.map(ruleOf) }])
    const subject = policy.subject(['u:a'])
    return paths.map((resource) => {
      return policy.decide({ subject, action: 'read', resource }).decision === 'allow'
    })
  }
  const A = 'a'.repeat(500)

  test('many stars in one segment do not backtrack', () => {
    const stars = `/${'a*'.repeat(250)}b`
    const paths = Array.from({ length: 2000 }, (_, index) => `/${A}${index}`)
    expect(ask([stars], paths)).not.toContain(true)
    expect(ask([stars], [`/${A}b`])).toEqual([true])
  })

  test('pieces that nearly match everywhere stay cheap', () => {
    const piece = `/*${'a'.repeat(200)}b*${'a'.repeat(200)}c*`
    const paths = Array.from({ length: 2000 }, (_, index) => `/${A}${index}`)
    expect(ask([piece], paths)).not.toContain(true)
  })

  test('heads, tails and pieces of every length on one node', () => {
    const lengths = Array.from({ length: 500 }, (_, index) => 'a'.repeat(index + 1))
    const patterns = lengths.flatMap((text) => [
      `/${text}*`,
      `/*${text}`,
      `/*${text}*b`,
      `/x*${text}*`,
    ])
    const paths = Array.from({ length: 200 }, (_, index) => `/y${A}${index}`)
    expect(ask(patterns, paths)).not.toContain(true)
    expect(ask(patterns, [`/${A}`, '/yab', '/xya'])).toEqual([true, true, true])
  })

  test('stars and literals at every depth make many states, within bounds', () => {
    const patterns = Array.from({ length: 2 ** 10 }, (_, index) => {
      const bits = Array.from({ length: 10 }, (_, bit) => ((index >> bit) & 1 ? '*' : 'a'))
      return `/${bits.join('/')}/k${index}`
    })
    const paths = Array.from({ length: 2 ** 10 }, (_, index) => {
      const bits = Array.from({ length: 10 }, (_, bit) => ((index >> bit) & 1 ? 'b' : 'a'))
      return `/${bits.join('/')}/k${index}`
    })
    expect(ask(patterns, paths)).not.toContain(false)
  })

  test('a resource of a million segments is walked once', () => {
    expect(ask(['/**', '/*/*/b'], [`/${'a/'.repeat(1e6)}a`])).toEqual([true])
    expect(ask(['/*/*/b'], [`/${'a/'.repeat(1e6)}a`])).toEqual([false])
    expect(ask(['/*/*/b'], [`/${'.a/'.repeat(1e6)}a`])).toEqual([false])
  })

  test('names of members of every object are names like others', () => {
    const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'size']
    const patterns = names.map((name) => `/${name}/x`)
    expect(ask(patterns, patterns)).not.toContain(false)
    expect(ask(['/a/x'], patterns)).not.toContain(true)
  })
})
