import type { GetResponse } from '@secreg/protocol'
import { encodePayload } from '@secreg/wire-codec'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { answerText } from '../src/server/answer-text.ts'

test('the short way writes the bytes of the long one', () => {
  const response = fc.record({
    value: fc.option(fc.string({ unit: 'grapheme' })),
    type: fc.constantFrom('string', 'integer', 'boolean', 'json', 'bytes'),
    encrypted: fc.boolean(),
    version: fc.nat(),
    modify_revision: fc.nat(),
  })
  fc.assert(
    fc.property(
      response,
      fc.boolean(),
      fc.boolean(),
      fc.boolean(),
      (base, withDetail, withId, same) => {
        const answer = {
          ...base,
          ...(withDetail
            ? { created_at: 1, created_by: 'a', modified_at: 2, modified_by: 'b' }
            : {}),
          ...(same ? { value: null, unchanged: true } : {}),
          ...(withId ? { id: 'x"' } : {}),
        } as GetResponse
        expect(answerText('get', answer)).toBe(encodePayload(answer))
      },
    ),
  )
})
