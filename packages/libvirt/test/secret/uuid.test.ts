import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isUuid, parseUuid, uuidBytes, uuidOf } from '../../src/secret/uuid.ts'

const UUID = '0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d'
const DIGITS = UUID.replaceAll('-', '')

describe('parseUuid', () => {
  it.each([
    ['as it is', UUID],
    ['in upper case', UUID.toUpperCase()],
    ['without dashes', DIGITS],
    ['with blanks around', ` \t\r\n\f${UUID} \t\r\n\f`],
    ['with a dash between every two digits', DIGITS.match(/../g)?.join('-') ?? ''],
    ['with spaces and more than one dash', DIGITS.match(/../g)?.join(' -- ') ?? ''],
    ['with a dash in front', `-${UUID}`],
  ])('takes one %s', (_, text) => {
    expect(parseUuid(text)).toBe(UUID)
  })

  it('takes one of zeros alone', () => {
    expect(parseUuid('0'.repeat(32))).toBe('00000000-0000-0000-0000-000000000000')
  })

  it.each([
    ['nothing', ''],
    ['blanks alone', ' \n '],
    ['dashes alone', '----'],
    ['a digit too few', UUID.slice(0, -1)],
    ['a pair too few', UUID.slice(0, -2)],
    ['a digit too many', `${UUID}0`],
    ['a dash at the end', `${UUID}-`],
    ['a dash within a pair', `0-${DIGITS.slice(1)}`],
    ['a tab between pairs', `${DIGITS.slice(0, 8)}\t${DIGITS.slice(8)}`],
    ['a vertical tab in front', `\v${UUID}`],
    ['a letter that is no digit', UUID.replace('a', 'g')],
    ['braces', `{${UUID}}`],
    ['a NUL at the end', `${UUID}\0`],
    ['digits of another script', DIGITS.replace('0', '\u0660')],
  ])('takes no text with %s', (_, text) => {
    expect(parseUuid(text)).toBeUndefined()
  })

  it('is quick about long texts', () => {
    const blanks = ' '.repeat(1 << 22)
    expect(parseUuid(`${blanks}${UUID}${blanks}`)).toBe(UUID)
    expect(parseUuid(blanks)).toBeUndefined()
    expect(parseUuid(`-${blanks}`)).toBeUndefined()
  })

  it('wants a text', () => {
    expect(() => parseUuid(undefined as never)).toThrow(TypeError)
  })
})

describe('uuidBytes and uuidOf', () => {
  const bytes = fc.uint8Array({ minLength: 16, maxLength: 16 })

  it('give back what they were given', () => {
    expect([...uuidBytes(UUID)].slice(0, 4)).toEqual([0x0a, 0x1b, 0x2c, 0x3d])
    fc.assert(
      fc.property(bytes, (given) => {
        const text = uuidOf(given)
        expect(isUuid(text)).toBe(true)
        expect(parseUuid(text)).toBe(text)
        expect(uuidBytes(text)).toEqual(given)
      }),
    )
  })

  it('take the canonical form alone, and 16 bytes', () => {
    expect(() => uuidBytes(DIGITS)).toThrow(RangeError)
    expect(() => uuidBytes(UUID.toUpperCase())).toThrow(RangeError)
    expect(() => uuidBytes(7 as never)).toThrow(TypeError)
    expect(() => uuidOf(new Uint8Array(15))).toThrow(RangeError)
    expect(() => uuidOf('x' as never)).toThrow(TypeError)
  })
})
