import fc, { type IProperty } from 'fast-check'
import { expect } from 'vitest'

/** Runs of a property: all of them in a soak, a third of them in the short form. */
export const runs = (soak: number): number =>
  process.env['SECREG_SOAK'] === '1' ? soak : Math.ceil(soak / 3)

/**
 * Check a property whose cases are worth something only if they often meet what it is about. How often they do in one
 * run is chance, so where it was not often enough the property is checked on more cases, of which as many have to meet it.
 *
 * @param met - counts them, over all cases so far
 * @param moreThan - in `numRuns` cases
 */
export function assertOften<T>(
  property: IProperty<T>,
  numRuns: number,
  met: () => number,
  moreThan: number,
): void {
  for (let round = 1; round <= 3; round++) {
    fc.assert(property, { numRuns })
    if (met() > round * moreThan) return
  }
  expect(met()).toBeGreaterThan(3 * moreThan)
}
