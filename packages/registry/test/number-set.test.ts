import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  addNumbers,
  countNumbers,
  hasNumber,
  highestNumber,
  lowestNumber,
  NO_NUMBERS,
  type NumberSet,
  numbersDown,
  numbersUp,
  removeNumber,
} from '../src/number-set.ts'

test('a set of numbers is a set of numbers, in its shortest form', () => {
  const step = fc.record({ number: fc.integer({ min: 1, max: 20 }), remove: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      let set: NumberSet = NO_NUMBERS
      const model = new Set<number>()
      for (const { number, remove } of steps) {
        const before = [...set]
        const old = set
        if (remove && model.delete(number)) set = removeNumber(set, number)
        if (!remove && !model.has(number)) {
          model.add(number)
          set = addNumbers(set, number)
        }
        expect(old).toEqual(before)
        const sorted = [...model].sort((a, b) => a - b)
        expect([...numbersUp(set)]).toEqual(sorted)
        expect([...numbersDown(set)]).toEqual([...sorted].reverse())
        expect([...numbersDown(set, 10)]).toEqual(sorted.filter((each) => each < 10).reverse())
        expect(countNumbers(set)).toBe(model.size)
        expect(lowestNumber(set)).toBe(sorted[0])
        expect(highestNumber(set)).toBe(sorted.at(-1))
        for (let each = 0; each <= 21; each++) expect(hasNumber(set, each)).toBe(model.has(each))
        // Ranges neither overlap nor touch.
        for (let at = 2; at < set.length; at += 2) {
          expect(set[at] as number).toBeGreaterThan((set[at - 1] as number) + 1)
        }
      }
    }),
  )
})

test('a range is added whole, and joins its neighbours', () => {
  const set = addNumbers(addNumbers(NO_NUMBERS, 1), 10, 20)
  expect(addNumbers(set, 2, 9)).toEqual([1, 20])
  expect(addNumbers(set, 21, 4_294_967_295)).toEqual([1, 1, 10, 4_294_967_295])
})
