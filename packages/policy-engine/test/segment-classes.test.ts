import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Budget } from '../src/budget.ts'
import { matchGlob, parseGlob } from '../src/glob.ts'
import { segmentClasses } from '../src/segment-classes.ts'

const texts = (letters: readonly string[], length: number): string[] =>
  length === 0 ? [''] : texts(letters, length - 1).flatMap((text) => letters.map((c) => text + c))
const ALL = [1, 2, 3, 4, 5, 6, 7]
  .flatMap((length) => texts(['a', 'b', 'x'], length))
  .concat(texts(['a', '.', 'x'], 3))

const matchedBy = (globs: readonly string[], text: string): string =>
  globs.filter((glob) => matchGlob(parseGlob(glob), text)).join()

const classesOf = (
  globs: readonly string[],
  literals: readonly string[],
  found: readonly string[],
) =>
  new Set(
    found
      .filter((text) => !literals.includes(text) && text !== '.' && text !== '..')
      .map((text) => matchedBy(globs, text))
      .filter((key) => key !== ''),
  )

describe('segmentClasses', () => {
  test('finds a text for each way of matching that some text has', () => {
    const glob = fc
      .array(fc.constantFrom('a', 'b', '*', '.'), { minLength: 2, maxLength: 4 })
      .map((units) => units.join('').replace(/\*+/g, '*'))
      .filter((text) => text.includes('*') && text !== '*')
    const literal = fc
      .array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 3 })
      .map((units) => units.join(''))
    fc.assert(
      fc.property(
        fc.uniqueArray(glob, { maxLength: 4 }),
        fc.uniqueArray(literal, { maxLength: 6 }),
        (globs, literals) => {
          const { segments, complete } = segmentClasses(globs, literals, 'x', new Budget(1e6))
          expect(complete).toBe(true)
          const found = classesOf(globs, literals, segments)
          expect(found.size).toBe(segments.length)
          for (const key of classesOf(globs, literals, ALL)) expect(found).toContain(key)
        },
      ),
      { numRuns: 400 },
    )
  })

  test.each<[string[], string[], string[]]>([
    [[], ['a'], []],
    [['a*'], ['a'], ['ax']],
    [['a*', '*a'], ['a'], ['ax', 'aa', 'xa']],
    // Of what both match and the third does not, there is only `a`.
    [['a*', '*a', 'a*a'], [], ['a', 'ax', 'aa', 'xa']],
    [['a*', '*a', 'a*a'], ['a'], ['ax', 'aa', 'xa']],
    [['.*', '*.'], [], ['.x', '...', 'x.']],
  ])('%j beside %j: %j', (globs, literals, expected) => {
    const { segments } = segmentClasses(globs, literals, 'x', new Budget(1e6))
    expect([...segments].sort()).toEqual([...expected].sort())
  })

  test('does not follow globs that are written to be many', () => {
    const globs = Array.from({ length: 24 }, (_, index) => `*${String.fromCodePoint(97 + index)}*`)
    let steps = 0
    class CountedBudget extends Budget {
      override spend(count = 1): boolean {
        steps += count
        return super.spend(count)
      }
    }
    const { segments, complete } = segmentClasses(globs, [], 'é', new CountedBudget(1e6))
    expect(steps).toBeLessThan(50_000)
    expect(complete).toBe(false)
    expect(segments).toHaveLength(24)
    expect(segmentClasses(['a*', '*a'], [], 'x', new Budget(3)).complete).toBe(false)
  })
})
