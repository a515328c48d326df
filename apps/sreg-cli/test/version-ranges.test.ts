import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatRanges } from '../src/import/setec/version-ranges.ts'

test.each([
  [[], ''],
  [[7], '7'],
  [[1, 2], '1-2'],
  [[1, 3, 4, 5, 9, 4_294_967_295], '1, 3-5, 9, 4294967295'],
])('%j', (numbers, text) => expect(formatRanges(numbers)).toBe(text))

test('every number is in it, and no other', () => {
  const ascending = fc
    .uniqueArray(fc.integer({ min: 1, max: 60 }))
    .map((numbers) => numbers.sort((a, b) => a - b))
  fc.assert(
    fc.property(ascending, (numbers) => {
      const read = formatRanges(numbers)
        .split(', ')
        .filter((part) => part !== '')
        .flatMap((part) => {
          const [first = 0, last = first] = part.split('-').map(Number)
          return Array.from({ length: last - first + 1 }, (_, index) => first + index)
        })
      expect(read).toEqual(numbers)
    }),
  )
})
