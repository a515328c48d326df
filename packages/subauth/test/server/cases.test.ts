import { describe, expect, test } from 'vitest'
import { CASES, type CaseOutcome, runCases } from '../cases.ts'
import { modelSite } from '../model-port.ts'

describe('the cases over a model', async () => {
  const outcomes = await runCases(modelSite())

  test('there are 111', () => {
    expect(outcomes.size).toBe(111)
  })

  for (const { id, note = '' } of CASES) {
    test(`${id} ${note}`, () => {
      const { close, faults } = outcomes.get(id) as CaseOutcome
      expect(faults).toEqual([])
      expect(close).toBe(note.includes('then the server closes'))
    })
  }
})
