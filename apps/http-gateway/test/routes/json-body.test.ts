import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GatewayError } from '../../src/errors.ts'
import { MAX_ITEMS, parseJsonBody } from '../../src/routes/json-body.ts'

const parse = (text: string): Record<string, unknown> => parseJsonBody(Buffer.from(text))
const nested = (depth: number): string => `${'{"a":'.repeat(depth)}0${'}'.repeat(depth)}`
const wide = (items: number): string => `{"a":[${Array.from({ length: items }, () => 0).join()}]}`

describe('parseJsonBody', () => {
  it('reads what JSON.parse reads, when it is an object', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 5 })), (value) => {
        const text = JSON.stringify(value)
        expect(parse(text)).toEqual(JSON.parse(text))
      }),
    )
    expect(parse('')).toEqual({})
  })

  it('has a greatest depth, and does not count what is text', () => {
    expect(parse(nested(32))).toHaveProperty('a')
    expect(() => parse(nested(33))).toThrow(GatewayError)
    expect(() => parse(nested(100_000))).toThrow('nested too deeply')
    expect(parse(`{"a":"${'['.repeat(1000)}\\"${'{'.repeat(1000)}"}`)).toHaveProperty('a')
  })

  it('has a greatest number of members and elements, and does not count what is text', () => {
    expect(parse(wide(MAX_ITEMS))).toHaveProperty('a')
    expect(() => parse(wide(MAX_ITEMS + 1))).toThrow('too many members')
    const members = Array.from({ length: MAX_ITEMS + 1 }, (_, at) => `"${at}":0`)
    expect(() => parse(`{${members.join()}}`)).toThrow('too many members')
    expect(parse(`{"a":"${','.repeat(MAX_ITEMS + 1)}"}`)).toHaveProperty('a')
  })

  it.each(['[]', 'null', '"a"', '1', '{', '{}x', '\ufeff{}', '{"a":\u0000}', "{'a':1}"])(
    'refuses %j and quotes nothing of it',
    (text) => {
      const refusal = expect.objectContaining({ code: 'ERR_GATEWAY_BODY_INVALID' })
      expect(() => parse(text)).toThrow(refusal)
    },
  )

  it('refuses what is not UTF-8', () => {
    expect(() => parseJsonBody(Buffer.from('{"a":"\xff"}', 'latin1'))).toThrow(GatewayError)
  })
})
