import { SecregError } from '@secreg/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeRequest } from '../../src/server/decode-request.ts'
import { JsonSyntaxError } from '../../src/server/json-scan.ts'

const decode = (body: string) => decodeRequest('put', new TextEncoder().encode(body))
const MIB = 1024 * 1024

describe('bytes', () => {
  const bytesOfValue = (written: string) => [...decode(`{"Value":${written}}`).value]

  test.each([
    ['null', []],
    ['""', []],
    ['"\\r\\n"', []],
    ['[]', []],
    ['[ \t\r\n]', []],
    ['"aGk="', [104, 105]],
    ['"aG\\r\\nk=\\n"', [104, 105]],
    ['"aGl="', [104, 105]],
    ['"+/8="', [251, 255]],
    ['"\\u0061Gk="', [104, 105]],
    ['"/w=="', [255]],
    ['"/x=="', [255]],
    ['"AAEC"', [0, 1, 2]],
    ['[0,104, 255 ]', [0, 104, 255]],
    ['[null,1]', [0, 1]],
  ])('%s', (written, wanted) => {
    expect(bytesOfValue(written)).toEqual(wanted)
  })

  test.each([
    '"aGk"',
    '"a"',
    '"-_8="',
    '"aG k="',
    '"aGk=="',
    '"===="',
    '"="',
    '"a==="',
    '"aG=k"',
    '"aGk=aGk="',
    '"aGk\u00e9"',
    '"\\u0000AAA"',
    '[256]',
    '[-1]',
    '[1.0]',
    '[1e1]',
    '["a"]',
    '[[1]]',
    '[{}]',
    '[true]',
    'true',
    '{}',
    '1',
  ])('refused: %s', (written) => {
    expect(() => bytesOfValue(written)).toThrow(JsonSyntaxError)
  })

  test('null takes back what was there', () => {
    expect([...decode('{"Value":"aGk=","value":null}').value]).toEqual([])
  })

  test('round trip of any bytes, as base64 and as numbers', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(bytesOfValue(JSON.stringify(Buffer.from(bytes).toString('base64')))).toEqual([
          ...bytes,
        ])
        expect(bytesOfValue(JSON.stringify([...bytes]))).toEqual([...bytes])
      }),
    )
  })

  test('up to 1 MiB', () => {
    for (const more of [0, 1]) {
      const bytes = Buffer.alloc(MIB + more, 7)
      for (const written of [JSON.stringify(bytes.toString('base64')), `[${bytes.join(',')}]`]) {
        const run = () => decode(`{"Value":${written}}`).value
        if (more === 0) expect(Buffer.from(run()).equals(bytes)).toBe(true)
        else expect(run).toThrow(SecregError)
      }
    }
  })
})
