import { inspect } from 'node:util'
import { LIMITS, SecregError } from '@secreg/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { presentedCredential } from '../../src/identity/presented-credential.ts'
import { basic, type FactParts, factsOf, reasonOf } from './facts.ts'

const TOKEN = `sreg_0123456789abcdef_${'A'.repeat(43)}`

function loginOf(parts: FactParts): unknown {
  return presentedCredential(factsOf(parts))?.login
}

function refusal(parts: FactParts): string | undefined {
  return reasonOf(() => presentedCredential(factsOf(parts)))
}

const header = (name: string, value: string): FactParts => ({ headers: ['Host', 'h', name, value] })
const authorization = (value: string): FactParts => header('Authorization', value)

describe('one credential', () => {
  const token = { token: TOKEN }
  const alice = { username: 'alice', password: 'pass:word' }
  it.each<[string, FactParts, object]>([
    ['bearer', authorization(`Bearer ${TOKEN}`), token],
    ['scheme in another case', authorization(`bEARER ${TOKEN}`), token],
    ['several spaces', authorization(`Bearer   ${TOKEN}`), token],
    ['name in another case', header('aUTHORIZATION', `Bearer ${TOKEN}`), token],
    ['token of base64', authorization('Bearer a+/b=='), { token: 'a+/b==' }],
    ['user and password', authorization(basic('alice:pass:word')), alice],
    ['basic in another case', authorization(basic('alice:pass:word').replace('B', 'b')), alice],
    ['user without password', authorization(basic(`${TOKEN}:`)), token],
    ['a user named token', authorization(basic('token:x')), { username: 'token', password: 'x' }],
    ['UTF-8', authorization(basic('žofie:heslo ÿ')), { username: 'žofie', password: 'heslo ÿ' }],
    ['X-Vault-Token', header('X-Vault-Token', TOKEN), token],
    ['prefix of the path', { target: `/t/${TOKEN}/api/get` }, token],
    ['prefix, absolute form', { target: `http://secrets/t/${TOKEN}/api/get` }, token],
    [
      'proxy, absolute form',
      {
        target: 'http://secrets/api/get',
        headers: ['Proxy-Authorization', basic('alice:pass:word')],
      },
      alice,
    ],
    [
      'longest token',
      authorization(`Bearer ${'x'.repeat(LIMITS.tokenChars)}`),
      { token: 'x'.repeat(LIMITS.tokenChars) },
    ],
    [
      'longest user and password',
      authorization(
        basic(`${'ž'.repeat(LIMITS.loginBytes / 2)}:${'€'.repeat(LIMITS.passwordChars)}`),
      ),
      {
        username: 'ž'.repeat(LIMITS.loginBytes / 2),
        password: '€'.repeat(LIMITS.passwordChars),
      },
    ],
    [
      'an account of a zone',
      authorization(basic('mail/alice:0a1b-secret')),
      { username: 'mail/alice', password: '0a1b-secret' },
    ],
    [
      'longest account of a zone',
      authorization(basic(`${'z'.repeat(64)}/${'l'.repeat(64)}:t1-x-y`)),
      { username: `${'z'.repeat(64)}/${'l'.repeat(64)}`, password: 't1-x-y' },
    ],
  ])('%s', (_, parts, login) => {
    expect(loginOf(parts)).toEqual(login)
  })

  it('none is no credential', () => {
    expect(loginOf({})).toBeUndefined()
    expect(
      loginOf({ headers: ['X-Authorization', 'Bearer x', 'Authorization2', 'y'] }),
    ).toBeUndefined()
  })
})

describe('what cannot be read is refused, never left out', () => {
  it.each([
    '',
    'Bearer',
    'Bearer ',
    'Bearer a b',
    `Bearer ${TOKEN}, Bearer ${TOKEN}`,
    `Bearer ${TOKEN},`,
    `Bearer\t${TOKEN}`,
    ` Bearer ${TOKEN}`,
    'Bearer t\u00f8ken',
    'Bearer \u0080',
    'Bearer ===',
    `Bearer ${'x'.repeat(LIMITS.tokenChars + 1)}`,
    'Basic',
    'Basic YQ==',
    'Basic OmI=',
    'Basic Og==',
    'Basic YTpi=',
    'Basic YTpiYg',
    'Basic YTpiYh==',
    'Basic YTpi YTpi',
    'Basic YT-_',
    `Basic ${Buffer.from([0x61, 0x3a, 0xff]).toString('base64')}`,
    basic('a\u0000b:c'),
    basic('a:b\nc'),
    basic('a:\u0085'),
    basic('no token:'),
    basic(`${'x'.repeat(LIMITS.loginBytes + 1)}:y`),
    basic(`${'z'.repeat(64)}/${'l'.repeat(65)}:y`),
    basic(`x:${'y'.repeat(LIMITS.passwordChars + 1)}`),
    basic(`x:${'y'.repeat(14_000)}`),
    'Digest username="alice"',
    'Negotiate YQ==',
    'Token x',
    TOKEN,
    'constructor x',
    '__proto__ x',
  ])('Authorization: %j', (value) => {
    expect(refusal(authorization(value))).toBe('AUTH_FAILED')
  })

  it.each(['', ' ', 'a b', 'a,b', 'tøken', 'x'.repeat(LIMITS.tokenChars + 1)])(
    'X-Vault-Token: %j',
    (value) => {
      expect(refusal(header('X-Vault-Token', value))).toBe('AUTH_FAILED')
    },
  )

  it('the credential of a proxy is Basic, and in the absolute form only', () => {
    const headers = ['Proxy-Authorization', `Bearer ${TOKEN}`]
    expect(refusal({ headers, target: 'http://secrets/api/get' })).toBe('AUTH_FAILED')
    expect(refusal({ headers: ['Proxy-Authorization', basic('a:b')] })).toBe('INVALID_ARGUMENT')
  })
})

describe('identity is not smuggled', () => {
  const places: [string, FactParts][] = [
    ['authorization', { headers: ['Authorization', `Bearer ${TOKEN}`] }],
    ['basic', { headers: ['authorization', basic(`${TOKEN}:`)] }],
    ['vault', { headers: ['X-Vault-Token', TOKEN] }],
    ['proxy', { headers: ['Proxy-Authorization', basic(`${TOKEN}:`)] }],
    ['path', { target: `http://h/t/${TOKEN}/api/get` }],
  ]
  const pairs = places.flatMap(([a, first], i) =>
    places.slice(i).map(([b, second]): [string, FactParts] => [
      `${a} and ${b}`,
      {
        target: first.target ?? second.target ?? 'http://h/api/get',
        headers: [...(first.headers ?? []), ...(second.headers ?? [])],
      },
    ]),
  )
  // The prefix of a path is there once or not at all.
  it.each(pairs.filter(([name]) => name !== 'path and path'))('%s', (_, parts) => {
    expect(refusal(parts)).toBe('INVALID_ARGUMENT')
  })

  it('an empty second one counts', () => {
    const headers = ['Authorization', `Bearer ${TOKEN}`, 'AUTHORIZATION', '']
    expect(refusal({ headers })).toBe('INVALID_ARGUMENT')
    expect(refusal({ headers: ['Authorization', '', 'X-Vault-Token', TOKEN] })).toBe(
      'INVALID_ARGUMENT',
    )
  })
})

describe('properties', () => {
  const name = fc.constantFrom(
    'Authorization',
    'authorization',
    'AUTHORIZATION',
    'Proxy-Authorization',
    'X-Vault-Token',
    'x-vault-token',
    'Host',
  )
  const secret = fc.stringMatching(/^[A-Za-z0-9]{12,40}$/)

  it('only errors of the registry come out, and no part of a value is in one', () => {
    const value = fc.oneof(
      fc.string({ unit: 'binary-ascii', maxLength: 40 }),
      secret,
      secret.map((text) => `Bearer ${text}, x`),
      secret.map((text) => `Digest ${text}`),
      secret.map((text) => basic(text)),
      secret.map((text) => basic(`${text}:\u0001`)),
      secret.map((text) => `Basic ${text}`),
    )
    fc.assert(
      fc.property(
        fc.array(fc.tuple(name, value), { maxLength: 4 }),
        fc.constantFrom('/api/get', 'http://h/api/get', '/t/tokentokentoken/api/get'),
        (fields, target) => {
          try {
            presentedCredential(factsOf({ headers: fields.flat(), target }))
          } catch (error) {
            expect(SecregError.is(error)).toBe(true)
            const shown = `${inspect(error)}${JSON.stringify(error)}`
            for (const [, text] of fields) {
              for (const word of text.split(/[ ,]+/)) {
                if (word.length >= 12) expect(shown).not.toContain(word)
              }
            }
            expect(shown).not.toContain('tokentokentoken')
          }
        },
      ),
      { numRuns: 500 },
    )
  })

  it('any user and password come through as they were sent', () => {
    const text = (maxLength: number): fc.Arbitrary<string> =>
      fc.string({ unit: 'grapheme', minLength: 1, maxLength }).filter((it) => !/\p{C}/u.test(it))
    fc.assert(
      fc.property(
        text(10).filter((it) => !it.includes(':') && Buffer.byteLength(it) <= LIMITS.loginBytes),
        text(40),
        (username, password) => {
          const login = loginOf(authorization(basic(`${username}:${password}`)))
          expect(login).toEqual({ username, password })
        },
      ),
    )
  })

  it('a credential shows itself neither as JSON nor when inspected', () => {
    const credential = presentedCredential(factsOf(authorization(basic('somebody:pass-phrase'))))
    const shown = `${JSON.stringify({ credential })}${inspect({ credential }, { depth: 9, showHidden: true })}${String(credential)}`
    expect(shown).not.toMatch(/somebody|pass-phrase/)
  })
})
