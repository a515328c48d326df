import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeValueFile } from '../../src/secret/decode-value-file.ts'

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text)

describe('decodeValueFile', () => {
  it('gives back what was encoded', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const text = Buffer.from(bytes).toString('base64')
        expect(decodeValueFile(ascii(text))).toEqual(bytes)
        const lines = text.replace(/.{1,19}/g, '$&\r\n')
        expect(decodeValueFile(ascii(` ${lines}\t`))).toEqual(bytes)
      }),
    )
  })

  it('keeps to bytes of its own', () => {
    const decoded = decodeValueFile(ascii('YWJj'))
    expect(decoded?.buffer.byteLength).toBe(3)
  })

  it.each(['Y', 'YW', 'YWI', 'YW=', 'YW===', 'Y===', '=', '====', 'YWI==', 'YW==YWJj', 'YWJj='])(
    'refuses %j for its padding',
    (text) => {
      expect(decodeValueFile(ascii(text))).toBeUndefined()
    },
  )

  it.each(['YW-_', 'YWJ\0', 'YWJé', 'YWJj,', '-----'])('refuses %j for its letters', (text) => {
    expect(decodeValueFile(ascii(text))).toBeUndefined()
  })

  it('takes of any bytes those that are base64', () => {
    const some = fc.array(fc.constantFrom(...ascii('Aa+/=\n-\xff')), { maxLength: 12 })
    fc.assert(
      fc.property(some, (bytes) => {
        const text = Buffer.from(bytes).toString('latin1').replaceAll('\n', '')
        const legal = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)
        const decoded = decodeValueFile(Uint8Array.from(bytes))
        if (!legal) expect(decoded).toBeUndefined()
        else expect(decoded).toEqual(Uint8Array.from(Buffer.from(text, 'base64')))
      }),
      { numRuns: 500 },
    )
  })
})
