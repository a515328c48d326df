/** The encoding of a question to a PAM helper, and what is refused unasked. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  encodeHelperQuestion,
  type HelperQuestion,
  isSystemLogin,
  isSystemPassword,
} from '../src/pam/helper-request.ts'

const QUESTION: HelperQuestion = {
  login: 'alice',
  password: 'Heslo č. 7',
  service: 'secreg',
  rhost: '',
}

test('the documented bytes', () => {
  const text = 'alice\0Heslo č. 7\0secreg\0\0'
  expect(encodeHelperQuestion(QUESTION).toString()).toBe(text)
  const remote = encodeHelperQuestion({ ...QUESTION, rhost: '2001:db8::7' })
  expect(remote.toString()).toBe('alice\0Heslo č. 7\0secreg\x002001:db8::7\0')
})

test('the bytes are of no pool that something else could be left in', () => {
  const encoded = encodeHelperQuestion(QUESTION)
  expect(encoded.buffer.byteLength).toBe(encoded.length)
})

test('what is encoded comes back as it was', () => {
  const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
  fc.assert(
    fc.property(text, text, (login, password) => {
      fc.pre(isSystemLogin(login) && isSystemPassword(password))
      const encoded = encodeHelperQuestion({ ...QUESTION, login, password, rhost: 'h' })
      expect(encoded.toString().split('\0')).toEqual([login, password, 'secreg', 'h', ''])
    }),
  )
})

test('whatever is given, an encoding has four texts, or there is none', () => {
  const unit = fc.constantFrom('a', '\0', '\n', '\ud800', ':', '/', '-', 'č')
  const text = fc.string({ unit, maxLength: 8 })
  fc.assert(
    fc.property(text, text, text, text, (login, password, service, rhost) => {
      let encoded: Buffer
      try {
        encoded = encodeHelperQuestion({ login, password, service, rhost })
      } catch (error) {
        expect(error).toBeInstanceOf(RangeError)
        return
      }
      expect(encoded.toString().split('\0')).toEqual([login, password, service, rhost, ''])
    }),
  )
})

describe('logins', () => {
  test.each(['alice', 'a', 'Alice.B', 'EXAMPLE\\alice', 'alice@example.org', 'ž', 'a'.repeat(64)])(
    '%j can be one',
    (login) => {
      expect(isSystemLogin(login)).toBe(true)
    },
  )

  test.each([
    '',
    '-h',
    'a\0b',
    'a\nb',
    'a\u0085',
    'a:b',
    '../a',
    '\ud800',
    'a'.repeat(65),
    'ž'.repeat(33),
  ])('%j is none', (login) => {
    expect(isSystemLogin(login)).toBe(false)
    expect(() => encodeHelperQuestion({ ...QUESTION, login })).toThrow(RangeError)
  })
})

describe('passwords', () => {
  test.each([' ', 'x'.repeat(512), 'line\nline', '-', 'ž'.repeat(256)])('%j can be one', (text) => {
    expect(isSystemPassword(text)).toBe(true)
  })

  test.each(['', 'a\0', '\0', 'x'.repeat(513), 'ž'.repeat(257), 'a\udc00'])(
    '%j is none',
    (password) => {
      expect(isSystemPassword(password)).toBe(false)
      expect(() => encodeHelperQuestion({ ...QUESTION, password })).toThrow(RangeError)
    },
  )
})

test.each([
  [{ service: '' }],
  [{ service: '../x' }],
  [{ service: 'a\0b' }],
  [{ rhost: 'a\0b' }],
  [{ rhost: 'a\nb' }],
  [{ rhost: 'h'.repeat(256) }],
])('%j is refused', (wrong) => {
  expect(() => encodeHelperQuestion({ ...QUESTION, ...wrong })).toThrow(RangeError)
})
