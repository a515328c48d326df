import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeWords } from '../../src/identity/encoded-word.ts'
import { readServeHeaders } from '../../src/identity/serve-headers.ts'
import { reasonOf } from './facts.ts'

const LOGIN = 'Tailscale-User-Login'
const loginOf = (value: string): string | undefined => readServeHeaders([LOGIN, value]).assertion
const addressOf = (value: string): string | undefined =>
  readServeHeaders(['X-Forwarded-For', value]).address

/** Go's `mime.QEncoding` for UTF-8, written from RFC 2047 §4.2: words of at most 75 characters, whole characters each. */
function encodeQ(text: string): string {
  const words: string[] = []
  let word = ''
  for (const character of text) {
    let encoded = ''
    for (const byte of Buffer.from(character)) {
      const plain = String.fromCharCode(byte)
      if (byte === 0x20) encoded += '_'
      else if (/[!-~]/.test(plain) && !'=?_'.includes(plain)) encoded += plain
      else encoded += `=${byte.toString(16).toUpperCase().padStart(2, '0')}`
    }
    if (word.length + encoded.length > 63) {
      words.push(word)
      word = ''
    }
    word += encoded
  }
  return [...words, word].map((one) => `=?utf-8?q?${one}?=`).join(' ')
}

describe('the login', () => {
  it.each([
    ['alice@example.com', 'tailnet:alice@example.com'],
    ['Alice@Example.com', 'tailnet:Alice@Example.com'],
    ['bob@github', 'tailnet:bob@github'],
    ['a=?b@example.com', 'tailnet:a=?b@example.com'],
    ['=?utf-8?q?=C5=BEofie@example.com?=', 'tailnet:žofie@example.com'],
    ['=?UTF-8?Q?=c5=beofie@example.com?=', 'tailnet:žofie@example.com'],
    ['=?utf-8?q?=C5=BEo?= =?utf-8?q?fie@example.com?=', 'tailnet:žofie@example.com'],
  ])('%s', (value, assertion) => {
    expect(loginOf(value)).toBe(assertion)
  })

  it('an empty one is none, as without the header', () => {
    expect(loginOf('')).toBeUndefined()
    expect(readServeHeaders(['Host', 'x'])).toEqual({ assertion: undefined, address: undefined })
  })

  it.each([
    ['raw bytes above ASCII', 'Å¾ofie@example.com'],
    ['a control character', 'alice\u0001@example.com'],
    ['a space', 'alice bob@example.com'],
    ['a list', 'alice@example.com, bob@example.com'],
    ['a tag', 'tag:web'],
    ['a tag in capitals', 'TAG:web'],
    ['a tag, encoded', '=?utf-8?q?tag:w=C3=A9b?='],
    ['the profile of tagged nodes', 'tagged-devices'],
    ['ASCII, encoded', '=?utf-8?q?alice=40example.com?='],
    ['ASCII, encoded as it is', '=?utf-8?q?alice@example.com?='],
    ['base64', '=?utf-8?b?xb5vZmll?='],
    ['another charset', '=?iso-8859-1?q?=BEofie?='],
    ['a language', '=?utf-8*en?q?=C5=BEofie?='],
    ['a word cut off', '=?utf-8?q?=C5=BEofie'],
    ['a hex digit missing', '=?utf-8?q?=C5=B?='],
    ['half a character', '=?utf-8?q?=C5?='],
    ['a character in two words', '=?utf-8?q?=C5?= =?utf-8?q?=BE?='],
    ['an overlong form', '=?utf-8?q?=C0=AF=C5=BE?='],
    ['a surrogate', '=?utf-8?q?=ED=A0=80=C5=BE?='],
    ['an encoded control', '=?utf-8?q?=C5=BE=0Aroot?='],
    ['an encoded space', '=?utf-8?q?=C5=BE_root?='],
    ['a mark of direction', '=?utf-8?q?=E2=80=AEroot?='],
    ['a byte order mark', '=?utf-8?q?=EF=BB=BF=C5=BE?='],
    ['no-break space', '=?utf-8?q?=C2=A0root?='],
    ['two spaces between words', '=?utf-8?q?=C5=BE?=  =?utf-8?q?=C5=BE?='],
    ['text behind a word', '=?utf-8?q?=C5=BE?=x'],
    ['text after a word', '=?utf-8?q?=C5=BE?= x'],
    ['an empty word', '=?utf-8?q??='],
    ['too long', `${'a'.repeat(241)}`],
    ['much too long', `=?utf-8?q?${'=C5=BE'.repeat(400)}?=`],
  ])('is refused with %s', (_, value) => {
    expect(reasonOf(() => loginOf(value))).toBe('INVALID_ARGUMENT')
  })

  it('is refused when it comes twice, and with a caller from the Internet', () => {
    const one = [LOGIN, 'alice@example.com']
    expect(reasonOf(() => readServeHeaders([...one, ...one]))).toBe('INVALID_ARGUMENT')
    expect(reasonOf(() => readServeHeaders([...one, 'tailscale-user-LOGIN', '']))).toBe(
      'INVALID_ARGUMENT',
    )
    expect(reasonOf(() => readServeHeaders([...one, 'Tailscale-Funnel-Request', '?1']))).toBe(
      'INVALID_ARGUMENT',
    )
  })

  it('any name that needs it comes through the encoding', () => {
    const name = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 60 })
      .filter((text) => !/[\p{C}\p{Z}]/u.test(text) && /[^ -~]/.test(text))
    fc.assert(
      fc.property(name, (text) => {
        expect(decodeWords(encodeQ(text))).toBe(text)
      }),
    )
  })
})

describe('the address', () => {
  it.each([
    ['100.64.1.2', '100.64.1.2'],
    ['fd7a:115c:a1e0::1', 'fd7a:115c:a1e0::1'],
    ['::ffff:100.64.1.2', '100.64.1.2'],
    ['203.0.113.9, 100.64.1.2', '100.64.1.2'],
    ['unknown,\t100.64.1.2 ', '100.64.1.2'],
  ])('%j', (value, address) => {
    expect(addressOf(value)).toBe(address)
  })

  it.each([
    '',
    ',',
    '100.64.1.2,',
    'unknown',
    '100.64.1.2:80',
    '[::1]',
    '100.64.1.2, x',
    '100.64.1',
    '1.2.3.4\u00a0',
    'a'.repeat(9000),
  ])('%j is refused', (value) => {
    expect(reasonOf(() => addressOf(value))).toBe('INVALID_ARGUMENT')
  })

  it('is refused when it comes twice', () => {
    const twice = ['X-Forwarded-For', '100.64.1.2', 'x-forwarded-for', '100.64.1.2']
    expect(reasonOf(() => readServeHeaders(twice))).toBe('INVALID_ARGUMENT')
  })
})

it('anything gives facts or a refusal', () => {
  const name = fc.constantFrom(LOGIN, 'X-Forwarded-For', 'Tailscale-Funnel-Request', 'Forwarded')
  const value = fc.oneof(
    fc.string({ unit: 'binary-ascii' }),
    fc.string({ unit: 'binary' }),
    fc.string({
      unit: fc.constantFrom('=', '?', 'q', 'utf-8', '_', ' ', 'C5', 'BE', '=?utf-8?q?', '?='),
    }),
    fc.ipV6(),
  )
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value), { maxLength: 4 }), (fields) => {
      reasonOf(() => {
        const { assertion } = readServeHeaders(fields.flat())
        if (assertion !== undefined) expect(assertion).toMatch(/^tailnet:[^\p{C}\p{Z}]+$/u)
      })
    }),
    { numRuns: 500 },
  )
})
