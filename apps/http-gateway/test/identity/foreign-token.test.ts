import { inspect } from 'node:util'
import { LIMITS } from '@secreg/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { foreignToken } from '../../src/identity/foreign-token.ts'

const JWT = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln'

describe('a token of another issuer', () => {
  it.each([
    [`Bearer ${JWT}`, 'bearer', JWT],
    [`BEARER   ${JWT}`, 'bearer', JWT],
    ['Bearer a.b.', 'bearer', 'a.b.'],
    ['DPoP opaque', 'dpop', 'opaque'],
    ['dPOP sreg_x', 'dpop', 'sreg_x'],
  ])('is what has the form of one: %s', (header, scheme, text) => {
    expect(foreignToken(header)?.presented).toEqual({ scheme, text })
  })

  it.each([
    'Bearer sreg_0123456789abcdef_x',
    'Bearer sreg_a.b.c',
    'Bearer hvs.abc',
    'Bearer a.b.c.d',
    'Bearer .b.c',
    'Bearer a..c',
    'Bearer a.b.c=',
    `Basic ${JWT}`,
    `Digest ${JWT}`,
    JWT,
    'Bearer',
    'DPoP',
    '',
  ])('is not %j, which is for others to read', (header) => {
    expect(foreignToken(header)).toBeUndefined()
  })

  it.each(['DPoP a"b', 'DPoP a,b', 'DPoP =', `Bearer a.${'b'.repeat(LIMITS.foreignTokenChars)}.c`])(
    'is refused where it cannot be one',
    (header) => {
      expect(() => foreignToken(header)).toThrow(expect.objectContaining({ reason: 'AUTH_FAILED' }))
    },
  )

  it('is shown by no dump', () => {
    const token = foreignToken(`Bearer ${JWT}`)
    expect(JSON.stringify(token) + inspect(token, { depth: 9, showHidden: true })).not.toContain(
      JWT,
    )
  })

  it('is told from anything, and nothing of it is in a message', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii', maxLength: 60 }), (text) => {
        for (const header of [text, `Bearer ${text}`, `DPoP ${text}`]) {
          try {
            const { text: found } = foreignToken(header)?.presented ?? { text: '' }
            expect(header).toContain(found)
          } catch (error) {
            expect(error).toMatchObject({
              reason: 'AUTH_FAILED',
              message: 'what is presented is no token',
            })
          }
        }
      }),
    )
  })
})
