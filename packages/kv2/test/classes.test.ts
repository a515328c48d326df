/** Classes 22 and 28 of faults of others (specs: kv2 §5.2): what a client shows when it fails, and where its requests go. */
import { Kv2Error, Kv2TransportError } from '@secreg/kv2'
import { createCanary, shownByFailure } from '@secreg/testkit'
import { describe, expect, test } from 'vitest'
import { answer, fakeClient, liveAnswer } from './fake-transport.ts'

describe('class 22: what fails shows neither token nor value', () => {
  const token = createCanary('token')
  const value = createCanary('value')
  const text = `${token} ${value}`

  test.each([
    ['a refusal that quotes both', () => answer(400, { errors: [text] })],
    ['an answer that is none', () => answer(200, text)],
    ['a page', () => answer(502, `<html>${text}</html>`)],
    ['a redirect', () => answer(307, '', { location: `https://elsewhere.example/${token}` })],
    ['a denial', () => answer(403, { errors: [text] })],
    [
      'a connection that breaks',
      () => {
        throw new Kv2TransportError(false, 'ECONNRESET')
      },
    ],
    [
      'a fault of a transport',
      () => {
        throw new Error(text)
      },
    ],
  ])('%s', async (_what, handle) => {
    // Pauses between tries end at once, and the time of a call never does.
    const clock = {
      nowMs: () => 0,
      after: (delayMs: number, callback: () => void) => {
        const timer = delayMs < 5000 ? setImmediate(callback) : undefined
        return () => clearImmediate(timer)
      },
    }
    const { client } = fakeClient(handle, { auth: { token }, clock })
    for (const call of [
      () => client.write('app/api', { key: value }, { cas: 1 }),
      () => client.patch('app/api', { key: value }),
      () => client.readMetadata('app/api'),
    ]) {
      const shown = await shownByFailure(call)
      expect(shown).toBeDefined()
      expect(shown).not.toContain(token)
      expect(shown).not.toContain(value)
    }
  })
})

describe('class 28: no name leads out of its mount', () => {
  test.each([
    '../../sys/seal',
    'a/../../../auth/token/create',
    '%2e%2e/%2e%2e/sys',
    'a%2f..%2fb',
    'a?version=1',
    'a#b',
    'a\0b',
    'a\nHost: x',
    'a\\..\\b',
    ';/a',
    'a b+c&d=e',
  ])('%j', async (name) => {
    const { client, transport } = fakeClient(() => liveAnswer())
    const error = await client.read(name).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    if (error !== undefined) {
      expect(Kv2Error.is(error, 'ERR_KV2_INVALID_PATH')).toBe(true)
      expect(transport.requests).toEqual([])
      return
    }
    const { origin, pathname, search, hash } = new URL(transport.requests.at(-1)?.url ?? '')
    const prefix = '/v1/secret/data/'
    expect([origin, pathname.slice(0, prefix.length), search, hash]).toEqual([
      'https://kv.example:8200',
      prefix,
      '',
      '',
    ])
    expect(decodeURIComponent(pathname.slice(prefix.length))).toBe(name)
  })
})
