import {
  checkZoneSecret,
  planChangeZoneToken,
  planCreateTempToken,
  planCreateZone,
  planCreateZoneAccount,
  planCreateZoneToken,
  planDeleteZoneAccount,
  planDeleteZoneToken,
  planRemoveZone,
  planSetZone,
  readZone,
  readZoneAccount,
  ZONE_TOKENS_MAX,
  type Zone,
  type ZoneAccount,
  zoneSecretForm,
} from '@secreg/zones'
import { beforeEach, describe, expect, test } from 'vitest'
import { codeOf, crypto, type Rows, when } from './support.ts'
import { context, key, ON, ZoneHome } from './zone-home.ts'

let rows: Rows
let hasher: ZoneHome['hasher']
let check: ZoneHome['check']
let issue: ZoneHome['issue']
let issueTemp: ZoneHome['issueTemp']
let setPassword: ZoneHome['setPassword']

beforeEach(() => {
  ;({ rows, hasher, check, issue, issueTemp, setPassword } = new ZoneHome())
})

test.each([
  ['', 'password'],
  ['secret', 'password'],
  ['00ff-abc', 'token'],
  ['ABCD-', 'token'],
  ['abcd-x-y', 'token'],
  ['abcg-x', 'temporary'],
  ['abc-x', 'temporary'],
  ['abcde-x', 'temporary'],
  ['t1-x-y', 'temporary'],
  ['-', 'temporary'],
] as const)('%j has the form of a %s', (text, form) => {
  expect(zoneSecretForm(text)).toBe(form)
})

describe('regular tokens', () => {
  test('open their account, in their zone, and no other', async () => {
    const { token, ident } = issue('phone')
    expect(token).toMatch(/^[0-9a-f]{4}-[a-z2-7]{32}$/)
    expect(token.slice(0, 4)).toBe(ident)
    expect(await check(token)).toBe('token')
    expect(await check(token.replace(ident, ident.toUpperCase()))).toBe('token')
    expect(await check(token, 'web')).toBeUndefined()
    expect(await check(token, 'mail', 'bob')).toBeUndefined()
    expect(await check(token, 'none')).toBeUndefined()
    expect(await check(token, 'mail', 'nobody')).toBeUndefined()
    const secret = token.slice(5)
    expect(rows.text(`g/zacct/${readZone(rows, 'mail')?.id}/alice`)).not.toContain(secret)
  })

  test('no other text is one', async () => {
    const { token } = issue()
    const { token: other } = issue()
    for (const text of [
      `${token} `,
      ` ${token}`,
      `${token}\n`,
      token.slice(0, -1),
      `${token}a`,
      token.toUpperCase(),
      token.slice(0, 5),
      token.slice(0, 5) + other.slice(5),
      `${token.slice(0, 5)}${'a'.repeat(32)}`,
      `${token}${'a'.repeat(1_000_000)}`,
    ]) {
      expect(await check(text)).toBeUndefined()
    }
  })

  test('are deleted one by one, or all at once with the temporary ones; the password stays', async () => {
    await setPassword('pw')
    const [one, two] = [issue(), issue()]
    const temp = issueTemp()
    rows.apply(planDeleteZoneToken(rows, 'mail', 'alice', one.ident.toUpperCase(), when))
    expect(
      await Promise.all([one.token, two.token, temp.token].map((text) => check(text))),
    ).toEqual([undefined, 'token', 'temporary'])
    rows.apply(planDeleteZoneToken(rows, 'mail', 'alice', '*', when))
    expect(await Promise.all([two.token, temp.token].map((text) => check(text)))).toEqual([
      undefined,
      undefined,
    ])
    expect(await check('pw')).toBe('password')
    rows.apply(planDeleteZoneToken(rows, 'mail', 'alice', '*', when))
    const unknown = () => planDeleteZoneToken(rows, 'mail', 'alice', one.ident, when)
    expect(codeOf(unknown)).toBe('ERR_NOT_FOUND')
    expect(codeOf(() => planDeleteZoneToken(rows, 'mail', 'nobody', '*', when))).toBe(
      'ERR_NOT_FOUND',
    )
  })

  test('class 24: an ident is of its account alone', () => {
    const { ident } = issue(undefined, 'mail', 'bob')
    const stranger = () => planDeleteZoneToken(rows, 'mail', 'alice', ident, when)
    expect(codeOf(stranger)).toBe('ERR_NOT_FOUND')
    const change = () => planChangeZoneToken(rows, 'web', 'bob', ident, { comment: 'x' }, when)
    expect(codeOf(change)).toBe('ERR_NOT_FOUND')
  })

  test('only the comment changes, and the time with it', async () => {
    const { ident, token } = issue('phone')
    const later = { nowMs: when.nowMs + 7 }
    const listed = () =>
      (readZoneAccount(rows, readZone(rows, 'mail') as { id: string }, 'alice') as ZoneAccount)
        .tokens[0]
    const change = (wanted: { comment?: string }) =>
      planChangeZoneToken(rows, 'mail', 'alice', ident, wanted, later)
    expect(change({}).ops).toEqual([])
    expect(change({ comment: 'phone' }).ops).toEqual([])
    rows.apply(change({ comment: 'tablet' }))
    expect(listed()).toMatchObject({ ident, comment: 'tablet', modifiedAtMs: later.nowMs })
    rows.apply(change({ comment: '' }))
    expect(listed()).not.toHaveProperty('comment')
    expect(await check(token)).toBe('token')
    for (const comment of ['two\nlines', 'x'.repeat(256)]) {
      expect(codeOf(() => change({ comment }))).toBe('ERR_INVALID_ARGUMENT')
      expect(codeOf(() => issue(comment))).toBe('ERR_INVALID_ARGUMENT')
    }
    issue('x'.repeat(255))
  })

  test('100 of an account, with as many idents', () => {
    const idents = Array.from({ length: ZONE_TOKENS_MAX }, () => issue().ident)
    expect(new Set(idents).size).toBe(ZONE_TOKENS_MAX)
    expect(codeOf(() => issue())).toBe('ERR_LIMIT_EXCEEDED')
    expect(codeOf(() => issue(undefined, 'mail', 'bob'))).toBe('nothing')
  })

  test('an ident that is taken is drawn again; a random source that repeats itself makes none', () => {
    const draws = [0, 0, 1].map((n) => Uint8Array.from([0, n]))
    const scripted = {
      ...crypto,
      randomBytes: (n: number) => (n === 2 ? (draws.shift() as Uint8Array) : crypto.randomBytes(n)),
    }
    const plan = () => planCreateZoneToken(rows, 'mail', 'alice', {}, { ...when, crypto: scripted })
    const first = plan()
    rows.apply(first)
    const second = plan()
    expect([first.ident, second.ident]).toEqual(['0000', '0001'])
    const stuck = { ...crypto, randomBytes: (n: number) => new Uint8Array(n) }
    const again = () => planCreateZoneToken(rows, 'mail', 'alice', {}, { ...when, crypto: stuck })
    expect(codeOf(again)).toBe('ERR_INTERNAL')
  })
})

describe('temporary tokens', () => {
  test('are bound to user and zone, and stored nowhere', async () => {
    const before = new Map(rows.map)
    const { token, ops } = issueTemp()
    expect(ops).toEqual([])
    expect(rows.map).toEqual(before)
    expect(token).toMatch(/^t1-[a-z2-7]+-[a-z2-7]{52}$/)
    expect(await check(token)).toBe('temporary')
    expect(await check(token, 'web')).toBeUndefined()
    expect(await check(token, 'mail', 'bob')).toBeUndefined()
    expect(issueTemp().token).not.toBe(token)
  })

  test('end with the last millisecond of their validity', async () => {
    const { token, expiresAtMs } = issueTemp(60)
    expect(expiresAtMs).toBe(when.nowMs + 60_000)
    expect(await check(token, 'mail', 'alice', expiresAtMs - 1)).toBe('temporary')
    expect(await check(token, 'mail', 'alice', expiresAtMs)).toBeUndefined()
  })

  test('any changed character, any other key', async () => {
    const { token } = issueTemp()
    for (let at = 0; at < token.length; at++) {
      const other = token[at] === 'a' ? 'b' : 'a'
      expect(await check(token.slice(0, at) + other + token.slice(at + 1))).toBeUndefined()
    }
    for (const text of [
      `${token} `,
      `${token}-x`,
      token.toUpperCase(),
      token.slice(0, -1),
      't1--',
    ]) {
      expect(await check(text)).toBeUndefined()
    }
    const zone = readZone(rows, 'mail')
    const account = readZoneAccount(rows, zone as { id: string }, 'alice')
    const ports = { hasher, crypto, key: crypto.randomBytes(32), nowMs: when.nowMs }
    expect(await checkZoneSecret(zone, account, token, ports)).toBeUndefined()
  })

  test('each of what it names binds it: zone, account, login, generation', async () => {
    const zone = readZone(rows, 'mail') as Zone
    const account = readZoneAccount(rows, zone, 'alice') as ZoneAccount
    const { token } = issueTemp()
    const other = 'f'.repeat(32)
    const ports = { hasher, crypto, key, nowMs: when.nowMs }
    const pairs: [Zone, ZoneAccount][] = [
      [zone, account],
      [
        { ...zone, id: other },
        { ...account, zone: other },
      ],
      [zone, { ...account, id: other }],
      [zone, { ...account, login: 'bob' }],
      [zone, { ...account, generation: 1 }],
    ]
    const found = await Promise.all(
      pairs.map(([of, one]) => checkZoneSecret(of, one, token, ports)),
    )
    expect(found).toEqual(['temporary', undefined, undefined, undefined, undefined])
  })

  test('the longest login', async () => {
    const login = 'x'.repeat(64)
    rows.apply(planCreateZoneAccount(rows, 'mail', login, context))
    const { token } = issueTemp(60, 'mail', login)
    expect(token.length).toBeLessThanOrEqual(300)
    expect(await check(token, 'mail', login)).toBe('temporary')
  })

  test('the validity is 1 to what the zone allows; none is none', () => {
    const plan = (validity: unknown) => codeOf(() => issueTemp(validity as number))
    for (const bad of [0, -1, 0.5, 3601, Number.NaN, Number.POSITIVE_INFINITY, '60', null]) {
      expect(plan(bad)).toBe('ERR_INVALID_ARGUMENT')
    }
    expect([plan(1), plan(3600)]).toEqual(['nothing', 'nothing'])
    rows.apply(planSetZone(rows, 'mail', { maxTempValidityS: 0 }, when))
    expect(plan(1)).toBe('ERR_ZONE_REFUSED')
  })

  test('make the account where the zone says so', async () => {
    expect(codeOf(() => issueTemp(60, 'mail', 'new'))).toBe('ERR_NOT_FOUND')
    rows.apply(planSetZone(rows, 'mail', { autoCreate: true }, when))
    const { token } = issueTemp(60, 'mail', 'new')
    expect(await check(token, 'mail', 'new')).toBe('temporary')
  })

  test('a key that is none', async () => {
    for (const bad of [new Uint8Array(31), 'k'.repeat(32), undefined]) {
      const plan = () =>
        planCreateTempToken(rows, 'mail', 'alice', 60, { ...context, key: bad as never })
      expect(codeOf(plan)).toBe('RangeError')
    }
  })

  const deaths: [string, () => void][] = [
    [
      'all tokens are deleted',
      () => rows.apply(planDeleteZoneToken(rows, 'mail', 'alice', '*', when)),
    ],
    [
      'the account is made again',
      () => {
        rows.apply(planDeleteZoneAccount(rows, 'mail', 'alice'))
        rows.apply(planCreateZoneAccount(rows, 'mail', 'alice', context))
      },
    ],
    [
      'the zone is made again',
      () => {
        rows.apply(planRemoveZone(rows, 'mail', ['alice', 'bob']))
        rows.apply(planCreateZone(rows, 'mail', ON, context))
        rows.apply(planCreateZoneAccount(rows, 'mail', 'alice', context))
      },
    ],
    [
      'the zone is made again and the rows of its accounts stayed',
      () => {
        rows.apply(planRemoveZone(rows, 'mail'))
        rows.apply(planCreateZone(rows, 'mail', ON, context))
      },
    ],
  ]

  test.each(deaths)('class 23: dead, like regular ones, after %s', async (_, change) => {
    const [temp, regular] = [issueTemp(3600).token, issue().token]
    await setPassword('pw')
    change()
    expect([await check(temp), await check(regular)]).toEqual([undefined, undefined])
  })
})
