import { createHmac } from 'node:crypto'
import { hotp, isTotpCode, TOTP_STEP_MS } from '@secreg/zones'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeBase32, encodeBase32 } from '../src/base32.ts'
import { totpStep } from '../src/totp.ts'
import { crypto } from './support.ts'

const SECRET = new TextEncoder().encode('12345678901234567890')

/** RFC 4226, Appendix D. */
const RFC4226 = [
  '755224',
  '287082',
  '359152',
  '969429',
  '338314',
  '254676',
  '287922',
  '162583',
  '399871',
  '520489',
]

/** RFC 6238, Appendix B, the rows of SHA-1: seconds and TOTP of eight digits, of which six are the last. */
const RFC6238: [number, string][] = [
  [59, '94287082'],
  [1_111_111_109, '07081804'],
  [1_111_111_111, '14050471'],
  [1_234_567_890, '89005924'],
  [2_000_000_000, '69279037'],
  [20_000_000_000, '65353130'],
]

const step = (code: string, nowMs: number, after = -1) =>
  totpStep(SECRET, code, { nowMs, after, equal: crypto.equal })

describe('one-time codes', () => {
  test.each(RFC4226.map((code, counter) => [counter, code] as const))(
    'RFC 4226 appendix D: counter %d is %s',
    (counter, code) => {
      expect(hotp(SECRET, counter)).toBe(code)
    },
  )

  test.each(RFC6238)('RFC 6238 appendix B: second %d is %s', (seconds, code) => {
    const counter = Math.floor(seconds / 30)
    expect(hotp(SECRET, counter)).toBe(code.slice(2))
    expect(step(code.slice(2), seconds * 1000)).toBe(counter)
  })

  test('equal to an independent implementation', () => {
    const naive = (secret: Uint8Array, counter: number) => {
      const message = Buffer.alloc(8)
      message.writeBigUInt64BE(BigInt(counter))
      const mac = createHmac('sha1', secret).update(message).digest()
      const at = mac.readUInt8(19) % 16
      return String((mac.readUInt32BE(at) % 2 ** 31) % 1_000_000).padStart(6, '0')
    }
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 20, maxLength: 20 }), fc.maxSafeNat(), (secret, n) => {
        expect(hotp(secret, n)).toBe(naive(secret, n))
      }),
    )
  })

  test('the code of the step before and of the one after are good, no others', () => {
    const nowMs = 1000 * TOTP_STEP_MS + 29_999
    const good = [-3, -2, -1, 0, 1, 2, 3].filter(
      (off) => step(hotp(SECRET, 1000 + off), nowMs) === 1000 + off,
    )
    expect(good).toEqual([-1, 0, 1])
    expect(step(hotp(SECRET, 0), 0)).toBe(0)
    expect(step(hotp(SECRET, 1), 0)).toBe(1)
  })

  test('steps up to the last one used are refused', () => {
    const nowMs = 1000 * TOTP_STEP_MS
    for (const [after, good] of [
      [998, [999, 1000, 1001]],
      [999, [1000, 1001]],
      [1000, [1001]],
      [1001, []],
      [5000, []],
    ] as const) {
      const steps = [999, 1000, 1001].filter((n) => step(hotp(SECRET, n), nowMs, after) === n)
      expect(steps).toEqual(good)
    }
  })

  test('class 10: a code that two steps share is used up for both', () => {
    const at = 910_737
    expect([hotp(SECRET, at), hotp(SECRET, at + 1)]).toEqual(['911617', '911617'])
    expect(step('911617', at * TOTP_STEP_MS)).toBe(at + 1)
  })

  test.each([
    '',
    '12345',
    '1234567',
    ' 123456',
    '123456 ',
    '123 456',
    '123456\n',
    '+12345',
    '1e5000',
    '0x1234',
    '१२३४५६',
    '１２３４５６',
    '12345６',
    '12345\u0000',
  ])('class 10: %j is no code', (text) => {
    expect(isTotpCode(text)).toBe(false)
    expect(step(text, 59_000)).toBeUndefined()
  })

  test('all of the window is compared, wherever the code is', () => {
    const counts = [999, 1000, 1001, undefined].map((n) => {
      let compared = 0
      const equal = (a: Uint8Array, b: Uint8Array) => {
        compared++
        return crypto.equal(a, b)
      }
      const code = n === undefined ? '000000' : hotp(SECRET, n)
      totpStep(SECRET, code, { nowMs: 1000 * TOTP_STEP_MS, after: -1, equal })
      return compared
    })
    expect(counts).toEqual([3, 3, 3, 3])
  })
})

describe('base32', () => {
  /** RFC 4648 section 10, without padding. */
  test.each([
    ['', ''],
    ['f', 'MY'],
    ['fo', 'MZXQ'],
    ['foo', 'MZXW6'],
    ['foob', 'MZXW6YQ'],
    ['fooba', 'MZXW6YTB'],
    ['foobar', 'MZXW6YTBOI'],
  ])('RFC 4648: %j is %j', (text, encoded) => {
    expect(encodeBase32(new TextEncoder().encode(text))).toBe(encoded)
    expect(decodeBase32(encoded)).toEqual(new TextEncoder().encode(text))
  })

  test('there and back; any other text is undefined', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        expect(decodeBase32(encodeBase32(bytes))).toEqual(bytes)
      }),
    )
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Z2-7]{0,24}$/), (text) => {
        const bytes = decodeBase32(text)
        if (bytes !== undefined) expect(encodeBase32(bytes)).toBe(text)
      }),
    )
    for (const text of ['A', 'MZ', 'my', 'M Y', 'MY======', 'M1', 'ÀA', 'MYA']) {
      expect(decodeBase32(text)).toBeUndefined()
    }
  })
})
