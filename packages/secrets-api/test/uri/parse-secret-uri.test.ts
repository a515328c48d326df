import {
  formatSecretUri,
  parseSecretPrefix,
  parseSecretUri,
  SecretsApiError,
  SecretUriError,
} from '@secreg/secrets-api'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { reasonOf } from '../reason-of.ts'

const SECRET = 'openbao+kv2://secret'

describe('accepted', () => {
  test.each([
    // U01 to U06
    [`${SECRET}/app/test#value`, `${SECRET}/app/test#value`],
    ['OpenBao+KV2://secret/app/test#value', `${SECRET}/app/test#value`],
    [`${SECRET}/App/test#value`, `${SECRET}/App/test#value`],
    [`${SECRET}/app/test#value?version=1`, `${SECRET}/app/test#value?version=1`],
    [`${SECRET}/app/test?version=1#value`, `${SECRET}/app/test#value?version=1`],
    [`  ${SECRET}/app/test#value`, `${SECRET}/app/test#value`],
    [`\t ${SECRET}/app/test \t`, `${SECRET}/app/test`],
    [`${SECRET}/app?version=2147483647`, `${SECRET}/app?version=2147483647`],
    ['HASHICORP+kv2://s/a', 'hashicorp+kv2://s/a'],
    ['Yaml://secret/env#MY_API_KEY', 'yaml://secret/env#MY_API_KEY'],
    ['SecReg://m/p#f?version=3', 'secreg://m/p#f?version=3'],
    ['yaml://.hidden/-a/_b/c.d#..', 'yaml://.hidden/-a/_b/c.d#..'],
    [`${SECRET}/a#__proto__`, `${SECRET}/a#__proto__`],
  ])('%j', (text, canonical) => {
    expect(parseSecretUri(text).canonical).toBe(canonical)
  })

  test('its parts', () => {
    expect(parseSecretUri(`${SECRET}/app/api?version=3#token`)).toEqual({
      scheme: 'openbao+kv2',
      provider: 'openbao',
      engine: 'kv2',
      mount: 'secret',
      segments: ['app', 'api'],
      fragment: 'token',
      version: 3,
      path: `${SECRET}/app/api`,
      canonical: `${SECRET}/app/api#token?version=3`,
    })
    const { provider, engine, fragment, version } = parseSecretUri('secreg://m/p')
    expect([provider, engine, fragment, version]).toEqual([
      'secreg',
      undefined,
      undefined,
      undefined,
    ])
    expect(Object.isFrozen(parseSecretUri('secreg://m/p').segments)).toBe(true)
  })
})

describe('refused', () => {
  type Case = readonly [string, string]
  const versions = ['0', '-1', '01', '1.0', '', '99999999999', '2147483648', '1e3', '+1', ' 1']
  test.each<Case>([
    ['hashicorp+kv2://secret//path', 'ILLEGAL_SEGMENT'], // U07
    [`${SECRET}/jira/*/token`, 'INVALID_WILDCARD'],
    [`${SECRET}/jira/*`, 'INVALID_WILDCARD'],
    [`${SECRET}/jira#*`, 'INVALID_WILDCARD'],
    [`${SECRET}/a%2Fb#key`, 'ILLEGAL_SEGMENT'], // U09, U10
    [`${SECRET}/a%252Fb#key`, 'ILLEGAL_SEGMENT'],
    [`${SECRET}/app/../test#value`, 'ILLEGAL_SEGMENT'],
    [`${SECRET}/../*`, 'ILLEGAL_SEGMENT'],
    [`${SECRET}/a..b/`, 'ILLEGAL_SEGMENT'],
    [`${SECRET}/app/test#value?version=%31`, 'ILLEGAL_SEGMENT'],
    [`open%62ao+kv2://secret/app`, 'ILLEGAL_SEGMENT'],
    [`${SECRET}/app/a..b#value`, 'ILLEGAL_SEGMENT'],
    [`${SECRET}/app/./test#value`, 'ILLEGAL_SEGMENT'],
    [`${SECRET}/app/test#a#b`, 'ILLEGAL_SEGMENT'],
    [`${SECRET}/app/test#a?version=1#b`, 'ILLEGAL_SEGMENT'],
    [`${SECRET}/app/test#value?version=1&version=2`, 'AMBIGUOUS_QUERY'], // U15
    [`${SECRET}/app/test#value?version=1&version=1`, 'AMBIGUOUS_QUERY'],
    [`${SECRET}/app/test#value?mount=kv`, 'DOUBLE_MOUNT_SOURCE'],
    [`${SECRET}/app/test#value?version=1&mount=kv`, 'DOUBLE_MOUNT_SOURCE'],
    [`${SECRET}/app/test#value?foo=1`, 'AMBIGUOUS_QUERY'],
    [`${SECRET}/app/test#value?version=1&foo=1`, 'AMBIGUOUS_QUERY'],
    [`${SECRET}/app/test#value?version`, 'AMBIGUOUS_QUERY'],
    [`${SECRET}/app/test#value?Version=1`, 'AMBIGUOUS_QUERY'],
    [`${SECRET}/app/test#value?version=1&`, 'AMBIGUOUS_QUERY'],
    [`${SECRET}/app/test#value?`, 'AMBIGUOUS_QUERY'],
    [`${SECRET}/app/test??version=1`, 'ILLEGAL_SEGMENT'],
    ...versions.map((each) => [`${SECRET}/app/test#v?version=${each}`, 'AMBIGUOUS_QUERY'] as Case),
    ['openbao://secret/app/test#value', 'UNSUPPORTED_ENGINE'], // U19
    ['openbao+kv1://secret/app/test', 'UNSUPPORTED_ENGINE'],
    ['openbao+kv2+kv2://secret/app/test', 'UNSUPPORTED_ENGINE'],
    ['yaml+kv2://secret/env#X', 'UNSUPPORTED_ENGINE'],
    ['secreg+kv2://secret/env#X', 'UNSUPPORTED_ENGINE'],
    ['aws+kv2://secret/env', 'UNSUPPORTED_ENGINE'],
    ['azure://vault/name', 'UNSUPPORTED_ENGINE'],
    ['constructor://a/b', 'UNSUPPORTED_ENGINE'],
    ['__proto__://a/b', 'UNSUPPORTED_ENGINE'],
    ['file:primary:db', 'ILLEGAL_SEGMENT'],
    ['bootstrap', 'ILLEGAL_SEGMENT'],
    ['secret/app/test', 'ILLEGAL_SEGMENT'],
    ['://secret/app', 'ILLEGAL_SEGMENT'],
    ['', 'ILLEGAL_SEGMENT'],
    [SECRET, 'ILLEGAL_SEGMENT'], // U24
    [`${SECRET}#x`, 'ILLEGAL_SEGMENT'],
    ['openbao+kv2://', 'ILLEGAL_SEGMENT'],
    ['openbao+kv2:///app', 'ILLEGAL_SEGMENT'],
    [`${SECRET}/app/test/`, 'PROVIDER_TRAILING_SLASH_MISMATCH'],
    [`${SECRET}/app/test/#value`, 'PROVIDER_TRAILING_SLASH_MISMATCH'],
    [`${SECRET}/app/test//`, 'ILLEGAL_SEGMENT'],
    ['openbao+kv2://user@secret/app', 'AMBIGUOUS_MOUNT'], // U26
    ['openbao+kv2://secret:8200/app', 'AMBIGUOUS_MOUNT'],
    [`${SECRET}/a@b`, 'ILLEGAL_SEGMENT'],
    ...[' ', '\\', '\0', 'é', '\n', '\r', '\t', '\x7f', '\u2028', '\ud800', '~', '+', '=', '&'].map(
      (each) => [`${SECRET}/a${each}b`, 'ILLEGAL_SEGMENT'] as Case,
    ),
    [`\n${SECRET}/a`, 'ILLEGAL_SEGMENT'],
    [`\u00a0${SECRET}/a`, 'ILLEGAL_SEGMENT'],
    // U+212A lower-cases to k.
    ['openbao+\u212av2://secret/a', 'ILLEGAL_SEGMENT'],
    ['yaml://secret/env#MY_API_KEY?version=1', 'VERSION_NOT_ALLOWED'], // U28
    [`${SECRET}/${'a/'.repeat(31)}b`, 'ILLEGAL_SEGMENT'],
    [`${SECRET}/${'a'.repeat(129)}`, 'ILLEGAL_SEGMENT'],
    [`${SECRET}/a#${'f'.repeat(257)}`, 'ILLEGAL_SEGMENT'],
    [`${SECRET}/app/test#`, 'ILLEGAL_SEGMENT'], // U30
    [`${SECRET}/app/test#?version=1`, 'ILLEGAL_SEGMENT'],
    [`${SECRET}/app/test?version=1#`, 'ILLEGAL_SEGMENT'],
    [`secreg://m/${`${'a'.repeat(120)}/`.repeat(4)}${'b'.repeat(26)}`, 'ILLEGAL_SEGMENT'],
  ])('%j', (text, reason) => {
    expect(reasonOf(() => parseSecretUri(text))).toBe(reason)
  })

  test('the longest of each part is accepted', () => {
    const segment = 'a'.repeat(128)
    for (const text of [
      `${SECRET}/${'a/'.repeat(30)}b`,
      `${SECRET}/${segment}`,
      `${SECRET}/a#${'f'.repeat(256)}`,
      `secreg://m/${`${'a'.repeat(120)}/`.repeat(4)}${'b'.repeat(25)}`,
    ]) {
      expect(parseSecretUri(text).canonical).toBe(text)
    }
    // Fifteen of 128 characters, and what is left.
    const long = `${SECRET}/${`${segment}/`.repeat(15)}`
    const whole = long + 'b'.repeat(2048 - long.length)
    expect(whole).toHaveLength(2048)
    expect(parseSecretUri(whole).canonical).toBe(whole)
    expect(reasonOf(() => parseSecretUri(`${whole}b`))).toBe('ILLEGAL_SEGMENT')
    expect(reasonOf(() => parseSecretUri(` ${whole}`))).toBe('ILLEGAL_SEGMENT')
  })

  test('a refusal says nothing of what was sent', () => {
    for (const text of [`${SECRET}/hunter2 x`, `hunter2+kv2://a/b`, `${SECRET}/a?hunter2=1`]) {
      try {
        parseSecretUri(text)
        throw new Error('accepted')
      } catch (error) {
        expect(SecretsApiError.is(error) && error instanceof SecretUriError).toBe(true)
        const told = JSON.stringify([error, (error as Error).message])
        expect(told).not.toContain('hunter2')
      }
    }
  })

  test.each([undefined, null, 7, {}, ['a'], Symbol('a')])('no text: %s', (value) => {
    expect(() => parseSecretUri(value as string)).toThrow(TypeError)
    expect(() => parseSecretPrefix(value as string)).toThrow(TypeError)
  })
})

describe('legacy mode', () => {
  const legacy = { legacy: true }
  test.each([
    [`${SECRET}//app/test/#value`, `${SECRET}/app/test#value`], // U31
    [`${SECRET}/app///test//?version=1`, `${SECRET}/app/test?version=1`],
  ])('%j', (text, canonical) => {
    expect(parseSecretUri(text, legacy).canonical).toBe(canonical)
    expect(() => parseSecretUri(text)).toThrow()
  })

  test.each([
    ['openbao+kv2:///secret/app', 'ILLEGAL_SEGMENT'],
    [`${SECRET}/`, 'ILLEGAL_SEGMENT'],
    [`${SECRET}//../a`, 'ILLEGAL_SEGMENT'],
    [`${SECRET}/a%2Fb`, 'ILLEGAL_SEGMENT'],
    [`${SECRET}//*`, 'INVALID_WILDCARD'],
  ])('repairs nothing else: %j', (text, reason) => {
    expect(reasonOf(() => parseSecretUri(text, legacy))).toBe(reason)
  })
})

describe('of all texts', () => {
  const scheme = fc.constantFrom('yaml', 'openbao+kv2', 'hashicorp+kv2', 'secreg', 'OpenBao+kv2')
  const name = fc.stringMatching(/^[A-Za-z0-9._-]{1,12}$/)
  const near = fc
    .tuple(
      scheme,
      fc.array(fc.oneof({ weight: 9, arbitrary: name }, { weight: 1, arbitrary: fc.string() }), {
        minLength: 1,
        maxLength: 5,
      }),
      fc.option(name, { nil: undefined }),
      fc.option(fc.nat(20), { nil: undefined }),
      fc.boolean(),
    )
    .map(([s, names, key, number, first]) => {
      const fragment = key === undefined ? '' : `#${key}`
      const version = number === undefined ? '' : `?version=${number}`
      return `${s}://${names.join('/')}${first ? version + fragment : fragment + version}`
    })
  const text = fc.oneof({ weight: 3, arbitrary: near }, fc.string({ unit: 'binary' }), fc.string())

  test('canonical of canonical is equal, and nothing accepted has an escape', () => {
    let accepted = 0
    fc.assert(
      fc.property(text, fc.boolean(), (each, legacy) => {
        let canonical: string
        try {
          canonical = parseSecretUri(each, { legacy }).canonical
        } catch (error) {
          if (!(error instanceof SecretUriError)) throw error
          return
        }
        accepted++
        const again = parseSecretUri(canonical)
        expect(again.canonical).toBe(canonical)
        expect(formatSecretUri(again)).toBe(canonical)
        expect(canonical).toMatch(/^[\x21-\x7e]+$/)
        expect(each + canonical).not.toMatch(/[%\\]/)
      }),
      { numRuns: 3000 },
    )
    expect(accepted).toBeGreaterThan(300)
  })

  test('one secret has one spelling: parts that differ are written differently', () => {
    const parts = fc.record({
      scheme: fc.constantFrom('openbao+kv2' as const, 'secreg' as const),
      mount: fc.constantFrom('a', 'b', 'a.b'),
      segments: fc.array(fc.constantFrom('a', 'b', 'a.b', 'A'), { minLength: 1, maxLength: 3 }),
      fragment: fc.option(fc.constantFrom('a', 'b', 'version'), { nil: undefined }),
      version: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
    })
    fc.assert(
      fc.property(parts, parts, (a, b) => {
        const same = JSON.stringify(a) === JSON.stringify(b)
        expect(formatSecretUri(a) === formatSecretUri(b)).toBe(same)
        expect(parseSecretUri(formatSecretUri(a))).toMatchObject(a)
      }),
      { numRuns: 2000 },
    )
  })

  test('time grows with the length only, however a text is made', () => {
    const most = 2048
    for (const unit of [
      '/',
      '..',
      '#',
      '?',
      '&',
      '=',
      'a/',
      '*',
      '@',
      '://',
      ' ',
      '\t',
      'version=1&',
    ]) {
      const long = `yaml://${unit.repeat(most)}`.slice(0, most)
      for (const each of [long, unit.repeat(10_000_000)]) {
        expect(() => parseSecretUri(each, { legacy: true })).toThrow(SecretUriError)
      }
    }
  })
})
