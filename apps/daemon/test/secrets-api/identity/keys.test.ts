import { waitFor } from '@secreg/testkit'
import { expect, onTestFinished, test, vi } from 'vitest'
import {
  ALICE,
  freshKey,
  INVALID,
  issuerOf,
  keyOf,
  keysOf,
  publicJwk,
  siteOf,
  tokenOf,
  told,
} from './support.ts'

const NEXT = freshKey('ES256')
const next = (id = 'a') => tokenOf({ jti: id }, { kid: 'k2' }, NEXT)
const both = () => ({
  keys: [publicJwk(keyOf('ES256'), { kid: 'k1' }), publicJwk(NEXT, { kid: 'k2' })],
})
const down = (): never => {
  throw new Error('connect ECONNREFUSED')
}
const MINUTE = 60_000

let ids = 0
/** A token that has not been seen before, good for hours. */
const fresh = () => tokenOf({ jti: `fresh-${++ids}`, exp: 4_000_000_000 })

test('keys are asked for once, however many come at once', async () => {
  const site = siteOf()
  const outcomes = await Promise.all(Array.from({ length: 20 }, () => site.bear(fresh())))
  expect(new Set(outcomes.map(told))).toEqual(new Set([ALICE]))
  expect(site.fetched).toEqual(['idp'])
})

test('a token with a key that is new is good, once the issuer shows the key', async () => {
  const site = siteOf()
  await site.bear(tokenOf())
  site.answer = both
  site.pass(30_000)
  expect(told(await site.bear(next()))).toBe(ALICE)
  expect(site.fetched).toHaveLength(2)
})

test('unknown keys make nobody ask the issuer more than once in 30 s', async () => {
  const site = siteOf()
  await site.bear(tokenOf())
  for (let second = 0; second < 60; second++) {
    site.pass(1000)
    const text = tokenOf({}, { kid: `unknown-${second}` })
    // From many addresses, so that no other limit holds.
    const address = `192.0.2.${second}`
    const tries = [1, 2, 3].map(() => site.bear(text, { address }))
    for (const outcome of await Promise.all(tries)) expect(told(outcome)).toBe(INVALID)
  }
  expect(site.fetched).toHaveLength(3)
  expect(told(await site.bear(fresh()))).toBe(ALICE)
})

test('keys are fetched again after ten minutes, while nobody waits for it', async () => {
  const site = siteOf()
  await site.bear(tokenOf())
  site.pass(10 * MINUTE - 1)
  expect(told(await site.bear(fresh()))).toBe(ALICE)
  expect(site.fetched).toHaveLength(1)
  let answer: (document: unknown) => void = () => {}
  site.answer = () =>
    new Promise((resolve) => {
      answer = resolve
    })
  site.pass(1)
  expect(told(await site.bear(fresh()))).toBe(ALICE)
  expect(told(await site.bear(fresh()))).toBe(ALICE)
  expect(site.fetched).toHaveLength(2)
  answer(keysOf('RS256'))
  await waitFor(async () => told(await site.bear(fresh())) === INVALID)
  expect(site.fetched).toHaveLength(2)
})

test('a key that the issuer has withdrawn is good for another ten minutes at most', async () => {
  const site = siteOf()
  site.answer = both
  await site.bear(next())
  site.answer = () => keysOf('ES256')
  site.pass(10 * MINUTE)
  await waitFor(async () => {
    const token = tokenOf({ jti: `fresh-${++ids}`, exp: 4_000_000_000 }, { kid: 'k2' }, NEXT)
    return told(await site.bear(token)) === INVALID
  })
})

test('while the issuer is down, its keys stay good for an hour', async () => {
  const site = siteOf()
  await site.bear(fresh())
  site.answer = down
  let known = ''
  for (let minute = 1; minute < 60; minute++) {
    site.pass(MINUTE)
    known = fresh()
    expect(told(await site.bear(known))).toBe(ALICE)
  }
  // It was asked again once in 30 s at most, and once told of.
  expect(site.fetched).toHaveLength(51)
  expect(site.faults).toEqual([['idp', 'unreadable']])
  site.pass(MINUTE - 1)
  expect(told(await site.bear(known))).toBe(ALICE)
  site.pass(1)
  const outcome = await site.bear(fresh())
  expect(outcome).toEqual({
    kind: 'refused',
    step: 'P1',
    status: 503,
    code: 'ISSUER_UNAVAILABLE',
    message: 'the keys of the issuer of the credential cannot be had; try again later',
    retryAfterSeconds: 5,
  })
  site.answer = () => keysOf('ES256')
  site.pass(5000)
  expect(told(await site.bear(fresh()))).toBe(ALICE)
  expect(site.faults).toEqual([
    ['idp', 'unreadable'],
    ['idp', undefined],
  ])
})

test('an issuer that was never there is asked once in 5 s, and nobody is blamed for it', async () => {
  const site = siteOf()
  site.answer = down
  for (let tries = 0; tries < 40; tries++) {
    site.pass(500)
    expect(await site.bear(fresh())).toMatchObject({
      status: 503,
      retryAfterSeconds: expect.toSatisfy((seconds: number) => seconds >= 1 && seconds <= 5),
    })
  }
  expect(site.fetched).toHaveLength(4)
  site.answer = () => keysOf('ES256')
  site.pass(5000)
  expect(told(await site.bear(fresh()))).toBe(ALICE)
})

test('an issuer that does not answer keeps nobody waiting for more than 2 s in all', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const site = siteOf()
  let answer: (document: unknown) => void = () => {}
  site.answer = () =>
    new Promise((resolve) => {
      answer = resolve
    })
  const first = site.bear(fresh())
  vi.advanceTimersByTime(1999)
  const second = site.bear(fresh())
  site.pass(2000)
  vi.advanceTimersByTime(1)
  for (const outcome of [first, second, site.bear(fresh())]) {
    expect(await outcome).toMatchObject({ code: 'ISSUER_UNAVAILABLE', retryAfterSeconds: 3 })
  }
  answer(keysOf('ES256'))
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
  await waitFor(async () => told(await site.bear(fresh())) === ALICE)
  expect(site.fetched).toEqual(['idp'])
})

test('a key that is not known is waited for no longer, and known ones not at all', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const site = siteOf()
  await site.bear(fresh())
  site.answer = () => new Promise(() => {})
  site.pass(30_000)
  const unknown = site.bear(next('b'))
  expect(told(await site.bear(fresh()))).toBe(ALICE)
  await vi.advanceTimersByTimeAsync(2000)
  expect(told(await unknown)).toBe('503 ISSUER_UNAVAILABLE')
  expect(told(await site.bear(next('c')))).toBe('503 ISSUER_UNAVAILABLE')
  expect(told(await site.bear(fresh()))).toBe(ALICE)
  expect(site.fetched).toHaveLength(2)
})

test('one issuer that is down does not concern another', async () => {
  const second = 'https://second.example.com/'
  const site = siteOf({ issuers: [issuerOf(), issuerOf({ issuer: second, name: 'second' })] })
  site.answer = ({ name }) => (name === 'idp' ? down() : keysOf('ES256'))
  expect(told(await site.bear(tokenOf()))).toBe('503 ISSUER_UNAVAILABLE')
  expect(told(await site.bear(tokenOf({ iss: second })))).toBe('auth:account:second:alice')
})

test.each<[string, unknown]>([
  ['nothing', undefined],
  ['null', null],
  ['a text', 'keys'],
  ['a list', [publicJwk(keyOf('ES256'))]],
  ['no keys', {}],
  ['keys that are none', { keys: {} }],
  ['too many keys', { keys: Array.from({ length: 101 }, () => publicJwk(keyOf('ES256'))) }],
])('an issuer that answers %s has none', async (_, document) => {
  const site = siteOf()
  site.answer = () => document
  expect(told(await site.bear(tokenOf()))).toBe('503 ISSUER_UNAVAILABLE')
  expect(site.faults).toEqual([['idp', 'malformed']])
})

test('an issuer that answers nonsense for once keeps its keys', async () => {
  const site = siteOf()
  await site.bear(tokenOf())
  site.answer = () => ({ error: 'oops' })
  site.pass(30_000)
  expect(told(await site.bear(next()))).toBe(INVALID)
  expect(told(await site.bear(fresh()))).toBe(ALICE)
})

test('an issuer without any key has withdrawn them all', async () => {
  const site = siteOf()
  site.answer = () => ({ keys: [] })
  expect(told(await site.bear(tokenOf()))).toBe(INVALID)
  expect(site.faults).toEqual([])
})

test('among keys that are none, those that are one are used', async () => {
  const site = siteOf()
  site.answer = () => ({
    keys: [
      null,
      1,
      'key',
      [],
      {},
      { kty: 'oct', k: 'AAAA', kid: 'k1' },
      { kty: 'EC', kid: 'k1' },
    ].concat(publicJwk(keyOf('ES256'), { kid: 'k1', x5c: ['ignored'] }) as never),
  })
  expect(told(await site.bear(tokenOf()))).toBe(ALICE)
})
