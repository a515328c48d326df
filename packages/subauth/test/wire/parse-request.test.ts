import { formatRequest, parseRequest, SubauthError } from '@secreg/subauth'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { anyRequest, FULL } from './requests.ts'

const bytesOf = (value: unknown) => new TextEncoder().encode(JSON.stringify(value))
const parse = (value: unknown) => parseRequest(bytesOf(value))
const reasonOf = (value: unknown) => {
  try {
    parse(value)
  } catch (error) {
    if (SubauthError.is(error)) return error.reason
    throw error
  }
  return undefined
}
const without = (object: object, key: string) =>
  Object.fromEntries(Object.entries(object).filter(([name]) => name !== key))

/** Of another type, whatever is expected. */
const NO_TEXT = [null, 0, 1, true, false, [], {}, ['a'], { a: 1 }]
const lone = ['\ud800', '\udc00a', 'a\ud83d']

/** By field: what no command takes, and what those take that know it. */
const FIELDS: Readonly<Record<string, { reason: string; bad: unknown[]; good: unknown[] }>> = {
  login: {
    reason: 'LOGIN_INVALID',
    bad: [...NO_TEXT, ...lone, '', 'x'.repeat(65)],
    good: ['a', 'x'.repeat(64), 'a b', '\u00e9', '*', '../..'],
  },
  zone: {
    reason: 'ZONE_INVALID',
    bad: [...NO_TEXT, '', 'x'.repeat(65), '**', 'a/b', 'a b', '\u00e9', 'a\n', 'a\0', '*a'],
    good: ['a', 'A.b_c-9', 'x'.repeat(64), '.', '..'],
  },
  'auth-passwd': {
    reason: 'AUTH_PASSWD_INVALID',
    bad: [...NO_TEXT, ...lone, '', 'x'.repeat(1025)],
    good: ['x', ' ', 'a-b', 'x'.repeat(1024), '\0'],
  },
  comment: {
    reason: 'COMMENT_INVALID',
    bad: [...NO_TEXT, ...lone, 'x'.repeat(256), 'a\nb', 'a\0', '\u007f', '\u0085', '\u2028'],
    good: ['', 'a', 'x'.repeat(255), '\u00e9 \u{1f600}'],
  },
  ident: {
    reason: 'IDENT_INVALID',
    bad: [...NO_TEXT, '', '123', '12345', 'zzzz', '12 4', '1234\n', '**', '123*', 1234],
    good: ['0123', 'abcd', 'ABCD'],
  },
  validity: {
    reason: 'VALIDITY_INVALID',
    bad: [null, '60', '', true, [], {}, [60], 0, -1, 0.5, 60.5, 1e300, 2 ** 53],
    good: [1, 60, 2 ** 53 - 1],
  },
  allow: {
    reason: 'ALLOW_INVALID',
    bad: [null, '1', '0', '', 'true', 2, -1, 0.5, [], {}, [1]],
    good: [0, 1, true, false],
  },
}

/** Of passwords, whose forms depend on the command. */
const PASSWORDS = {
  login: {
    reason: 'PASSWD_INVALID',
    bad: [...NO_TEXT, ...lone, '', 'x'.repeat(1025)],
    good: ['x', 'a-b', ' ', 'x'.repeat(1024)],
  },
  'set-passwd': {
    reason: 'NEW_PASSWD_INVALID',
    bad: [
      ...NO_TEXT,
      ...lone,
      '',
      '-',
      'has-minus',
      'x'.repeat(257),
      '\u00e9'.repeat(129),
      '\u{1f600}'.repeat(65),
    ],
    good: ['x', ' ', 'x'.repeat(256), '\u00e9'.repeat(128), '\u{1f600}'.repeat(64)],
  },
} as const

describe('fields', () => {
  for (const full of FULL) {
    test(`of ${full.cmd}`, () => {
      expect(parse(full)).toEqual(full)
      for (const [field, { bad, good, reason }] of Object.entries(FIELDS)) {
        const known = field in full
        for (const value of bad) {
          const wrong = reasonOf({ ...full, [field]: value })
          expect([value, wrong]).toEqual([value, known ? reason : undefined])
        }
        for (const value of good) {
          expect([value, reasonOf({ ...full, [field]: value })]).toEqual([value, undefined])
          if (known && field !== 'allow') {
            expect(parse({ ...full, [field]: value })).toEqual({ ...full, [field]: value })
          }
        }
      }
      const passwords = PASSWORDS[full.cmd as 'login']
      for (const value of passwords?.bad ?? []) {
        expect([value, reasonOf({ ...full, passwd: value })]).toEqual([value, passwords.reason])
      }
      for (const value of passwords?.good ?? []) {
        expect(reasonOf({ ...full, passwd: value })).toBe(undefined)
      }
    })

    test(`which ${full.cmd} needs`, () => {
      const required: Readonly<Record<string, readonly string[]>> = {
        nop: [],
        'create-acct': ['login', 'zone'],
        'delete-acct': ['login', 'zone'],
        'create-token': ['zone'],
        'delete-token': ['zone', 'ident'],
        'change-token': ['zone', 'ident'],
        'set-passwd': ['zone', 'passwd'],
        'delete-passwd': ['zone'],
        'create-temp': ['zone', 'validity'],
        login: ['zone', 'passwd'],
        'allow-passwd-auth': ['zone', 'allow'],
        'list-accts': [],
        'list-zones': [],
      }
      for (const field of Object.keys(full).filter((name) => name !== 'cmd')) {
        const left = without(full, field)
        const needed = required[full.cmd]?.includes(field)
        expect([field, reasonOf(left) !== undefined]).toEqual([field, needed])
        if (!needed) expect(parse(left)).toEqual(left)
      }
    })
  }

  test('a star stands for all of them in two commands only', () => {
    const zone = { login: 'alice', zone: '*', ident: '0000', passwd: 'x', validity: 1, allow: 1 }
    const ident = { ...zone, zone: 'mail', ident: '*' }
    for (const { cmd } of FULL) {
      const any = 'nop list-accts list-zones'.includes(cmd)
      expect([cmd, reasonOf({ cmd, ...zone })]).toEqual([
        cmd,
        any || cmd === 'delete-acct' ? undefined : 'ZONE_INVALID',
      ])
      expect([cmd, reasonOf({ cmd, ...ident })]).toEqual([
        cmd,
        cmd === 'change-token' ? 'IDENT_INVALID' : undefined,
      ])
    }
  })

  test('a flag is what it says, whatever its type', () => {
    const base = { cmd: 'allow-passwd-auth', zone: 'mail' }
    const flagOf = (allow: unknown) => parse({ ...base, allow })
    expect([0, false, 1, true].map((allow) => flagOf(allow))).toEqual(
      [false, false, true, true].map((allow) => ({ ...base, allow })),
    )
    const written = (text: string) => parseRequest(new TextEncoder().encode(text))
    expect(written('{"cmd":"allow-passwd-auth","zone":"m","allow":-0}')).toMatchObject({
      allow: false,
    })
    // No other name of the flag is guessed: one that is misread would open an account.
    for (const name of ['flag', 'value', 'enable', 'yes', 'on', 'state']) {
      expect(reasonOf({ ...base, [name]: 1 })).toBe('ALLOW_INVALID')
    }
  })
})

describe('commands', () => {
  test.each([[undefined], [null], [7], [['nop']], [{}], [true]])('%j is none', (cmd) => {
    expect(reasonOf({ cmd })).toBe('COMMAND_MISSING')
  })

  test.each([
    '',
    'NOP',
    ' nop',
    'nop ',
    'toString',
    '__proto__',
    'constructor',
    'hasOwnProperty',
    'list-accounts',
    'check',
  ])('%j is unknown', (cmd) => {
    expect(reasonOf({ cmd })).toBe('COMMAND_UNKNOWN')
  })

  test.each([
    ['list', 'list-accts'],
    ['accounts', 'list-accts'],
    ['zones', 'list-zones'],
  ])('%s is %s', (alias, cmd) => {
    expect(parse({ cmd: alias })).toEqual({ cmd })
  })

  test('fields that are not known are ignored, whatever they are', () => {
    for (const full of FULL) {
      const extra = { extra: { deep: [1] }, toString: 1, Zone: 'x', 'AUTH-PASSWD': 7 }
      expect(parse({ ...full, ...extra })).toEqual(full)
    }
    const own = '{"cmd":"create-token","zone":"mail","__proto__":{"login":"bob","zone":"x"}}'
    const request = parseRequest(new TextEncoder().encode(own))
    expect(request).toEqual({ cmd: 'create-token', zone: 'mail' })
    expect('login' in request).toBe(false)
  })
})

describe('round trip', () => {
  test('of every request', () => {
    fc.assert(
      fc.property(anyRequest, (request) => {
        expect(parseRequest(formatRequest(request))).toEqual(request)
      }),
      { numRuns: 500 },
    )
  })

  test('flags are written as 0 and 1, and nothing stands around the object', () => {
    const text = (request: Parameters<typeof formatRequest>[0], name?: string) =>
      new TextDecoder().decode(formatRequest(request, name))
    expect(text({ cmd: 'allow-passwd-auth', zone: 'm', allow: true })).toBe(
      '{"cmd":"allow-passwd-auth","zone":"m","allow":1}',
    )
    expect(text({ cmd: 'allow-passwd-auth', zone: 'm', allow: false })).toContain('"allow":0')
    expect(text({ cmd: 'list-accts' }, 'list')).toBe('{"cmd":"list"}')
  })
})
