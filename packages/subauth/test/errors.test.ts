import { isRefusalReason, REFUSALS, SubauthError } from '@secreg/subauth'
import { expect, test } from 'vitest'

test('texts are in plain words, each of one reason', () => {
  const texts = Object.values(REFUSALS).map(({ text }) => text)
  expect(new Set(texts).size).toBe(texts.length)
  for (const text of texts) expect(text).toMatch(/^[a-zA-Z0-9 ,:;-]+$/)
  expect(Object.isFrozen(REFUSALS) && Object.values(REFUSALS).every(Object.isFrozen)).toBe(true)
})

test('an error has a code, a reason and a text, and is known across copies of the package', () => {
  const cause = new Error('x')
  const error = new SubauthError('ZONE_REFUSED', { cause, text: 'ignored' })
  expect(error).toMatchObject({
    name: 'SubauthError',
    code: 'ERR_SUBAUTH_ZONE_REFUSED',
    reason: 'ZONE_REFUSED',
    message: REFUSALS.ZONE_REFUSED.text,
    cause,
  })
  const copy = Object.assign(new Error(), {
    [Symbol.for('@secreg/subauth/SubauthError')]: true,
    reason: 'BUSY',
  })
  expect([SubauthError.is(error), SubauthError.is(copy, 'BUSY')]).toEqual([true, true])
  for (const other of [undefined, null, 'x', {}, cause]) expect(SubauthError.is(other)).toBe(false)
  expect(SubauthError.is(error, 'BUSY')).toBe(false)
  expect('cause' in new SubauthError('BUSY')).toBe(false)
})

test('reasons of servers are told from others', () => {
  for (const reason of ['BUSY', 'INTERNAL']) expect(isRefusalReason(reason)).toBe(true)
  for (const other of ['REFUSED', 'TIMEOUT', 'toString', '__proto__', '']) {
    expect(isRefusalReason(other)).toBe(false)
  }
})
