import {
  decodeZoneAccount,
  encodeZoneAccount,
  hashZonePassword,
  isZoneLogin,
  planAllowPasswdAuth,
  planCreateZone,
  planCreateZoneAccount,
  planCreateZoneToken,
  planDeleteZoneAccount,
  planDeleteZoneAccounts,
  planDeleteZonePassword,
  planSetZone,
  planSetZonePassword,
  readZone,
  readZoneAccount,
  type Zone,
  type ZoneAccount,
  type ZonePasswordHash,
  type ZoneSettings,
  zoneAccountKey,
  zoneAccountsSpace,
} from '@secreg/zones'
import { beforeEach, describe, expect, test } from 'vitest'
import { codeOf, crypto, QuickHasher, Rows, rejectionOf, when } from './support.ts'

const later = { nowMs: when.nowMs + 5, crypto }
const PHC = '$quick$c=1$a$b' as ZonePasswordHash
const ID = '00112233445566778899aabbccddeeff'
const ZONE = 'ffeeddccbbaa99887766554433221100'
let rows: Rows
let zone: Zone

beforeEach(() => {
  rows = new Rows()
  zone = makeZone('mail', { allowPasswd: true, allowTokens: true, maxTempValidityS: 60 })
})

function makeZone(name: string, settings: ZoneSettings = {}): Zone {
  const plan = planCreateZone(rows, name, settings, { ...when, crypto })
  rows.apply(plan)
  return plan.zone
}

const account = (login = 'alice') => readZoneAccount(rows, zone, login)
const add = (login = 'alice') =>
  rows.apply(planCreateZoneAccount(rows, 'mail', login, { ...when, crypto }))

describe('accounts', () => {
  test('a new one has no password, no token and is not managed by its password', () => {
    add()
    expect(account()).toEqual({
      id: account()?.id,
      zone: zone.id,
      login: 'alice',
      allowPasswdAuth: false,
      generation: 0,
      tokens: [],
      createdAtMs: when.nowMs,
      modifiedAtMs: when.nowMs,
    })
  })

  test('one that is there, no such zone, no such account, a login that is none', () => {
    add()
    const create = (name: string, login: string) =>
      codeOf(() => planCreateZoneAccount(rows, name, login, later))
    expect(create('mail', 'alice')).toBe('ERR_ALREADY_EXISTS')
    expect(create('web', 'alice')).toBe('ERR_NOT_FOUND')
    expect(create('*', 'alice')).toBe('ERR_NOT_FOUND')
    for (const login of ['', 'a/b', '*', 'a b', '-a', 'a\n', 'a:b', 'x'.repeat(65)]) {
      expect(create('mail', login)).toBe('ERR_INVALID_ARGUMENT')
      expect(codeOf(() => planDeleteZoneAccount(rows, 'mail', login))).toBe('ERR_NOT_FOUND')
    }
    for (const run of [
      () => planDeleteZoneAccount(rows, 'mail', 'bob'),
      () => planSetZonePassword(rows, 'mail', 'bob', PHC, later),
      () => planDeleteZonePassword(rows, 'mail', 'bob', later),
      () => planAllowPasswdAuth(rows, 'mail', 'bob', true, later),
      () => planCreateZoneToken(rows, 'mail', 'bob', {}, later),
    ]) {
      expect(codeOf(run)).toBe('ERR_NOT_FOUND')
    }
  })

  test.each(['alice', 'Alice', 'host$', 'DOM\\alice', 'alice@example.org', '_x', '0', 'a+b-c.d'])(
    '%j can be the name of a user of the system',
    (login) => {
      expect(isZoneLogin(login)).toBe(true)
      add(login)
      expect(account(login)?.login).toBe(login)
    },
  )

  test('names that differ in case are different users', () => {
    add('alice')
    expect(account('Alice')).toBeUndefined()
  })

  test('class 23: an account that is made again has another id, no password and no token', () => {
    add()
    rows.apply(planSetZonePassword(rows, 'mail', 'alice', PHC, later))
    rows.apply(planCreateZoneToken(rows, 'mail', 'alice', {}, later))
    const first = account() as ZoneAccount
    rows.apply(planDeleteZoneAccount(rows, 'mail', 'alice'))
    expect(account()).toBeUndefined()
    add()
    expect(account()).toMatchObject({ tokens: [], generation: 0 })
    expect(account()).not.toHaveProperty('password')
    expect(account()?.id).not.toBe(first.id)
  })

  test('with zone * those of all zones go, and of nobody else; none is good too', () => {
    const web = makeZone('web')
    add()
    add('bob')
    rows.apply(planCreateZoneAccount(rows, 'web', 'alice', later))
    const plan = planDeleteZoneAccounts(rows, [zone, web, makeZone('empty')], 'alice')
    expect(plan.accounts.map((one) => one.zone)).toEqual([zone.id, web.id])
    rows.apply(plan)
    expect([account(), readZoneAccount(rows, web, 'alice')]).toEqual([undefined, undefined])
    expect(account('bob')).toBeDefined()
    expect(planDeleteZoneAccounts(rows, [zone, web], 'alice').ops).toEqual([])
    expect(planDeleteZoneAccounts(rows, [zone], '../x').ops).toEqual([])
  })

  test('an account is made with its first password or token where the zone says so, else by nothing', () => {
    rows.apply(planSetZone(rows, 'mail', { autoCreate: true }, later))
    rows.apply(planSetZonePassword(rows, 'mail', 'p', PHC, later))
    rows.apply(planCreateZoneToken(rows, 'mail', 't', {}, later))
    expect(account('p')?.password?.hash).toBe(PHC)
    expect(account('t')?.tokens).toHaveLength(1)
    expect(account('p')?.id).not.toBe(account('t')?.id)
    expect(codeOf(() => planDeleteZonePassword(rows, 'mail', 'x', later))).toBe('ERR_NOT_FOUND')
    expect(codeOf(() => planAllowPasswdAuth(rows, 'mail', 'x', true, later))).toBe('ERR_NOT_FOUND')
    expect(codeOf(() => planSetZonePassword(rows, 'mail', 'a/b', PHC, later))).toBe(
      'ERR_INVALID_ARGUMENT',
    )
  })
})

describe('passwords', () => {
  test('one at most; its time is its own', () => {
    add()
    rows.apply(planSetZonePassword(rows, 'mail', 'alice', PHC, later))
    expect(account()?.password).toEqual({ hash: PHC, modifiedAtMs: later.nowMs })
    rows.apply(planSetZone(rows, 'mail', { allowPasswdAuth: true }, later))
    rows.apply(planAllowPasswdAuth(rows, 'mail', 'alice', true, { nowMs: later.nowMs + 1 }))
    expect(account()?.password?.modifiedAtMs).toBe(later.nowMs)
    rows.apply(planDeleteZonePassword(rows, 'mail', 'alice', later))
    expect(account()).not.toHaveProperty('password')
    expect(account()?.allowPasswdAuth).toBe(true)
    expect(codeOf(() => planDeleteZonePassword(rows, 'mail', 'alice', later))).toBe('ERR_NOT_FOUND')
    expect(planAllowPasswdAuth(rows, 'mail', 'alice', true, later).ops).toEqual([])
  })

  test('management by password: only where the zone has it; turning it off there forgets nothing', () => {
    add()
    const allow = (allowed: boolean) => planAllowPasswdAuth(rows, 'mail', 'alice', allowed, later)
    expect(codeOf(() => allow(true))).toBe('ERR_ZONE_REFUSED')
    expect(allow(false).ops).toEqual([])
    rows.apply(planSetZone(rows, 'mail', { allowPasswdAuth: true }, later))
    rows.apply(allow(true))
    rows.apply(planSetZone(rows, 'mail', { allowPasswdAuth: false }, later))
    expect(codeOf(() => allow(true))).toBe('ERR_ZONE_REFUSED')
    expect(account()?.allowPasswdAuth).toBe(true)
    rows.apply(allow(false))
    expect(account()?.allowPasswdAuth).toBe(false)
  })

  test('the zone must allow them', () => {
    add()
    rows.apply(planSetZone(rows, 'mail', { allowPasswd: false }, later))
    expect(codeOf(() => planSetZonePassword(rows, 'mail', 'alice', PHC, later))).toBe(
      'ERR_ZONE_REFUSED',
    )
  })

  test('only a hash is stored', () => {
    add()
    for (const text of ['hunter2', '', undefined]) {
      expect(codeOf(() => planSetZonePassword(rows, 'mail', 'alice', text as never, later))).toBe(
        'TypeError',
      )
    }
    expect(codeOf(() => planAllowPasswdAuth(rows, 'mail', 'alice', 1 as never, later))).toBe(
      'TypeError',
    )
  })

  test.each(['x', 'password', 'a b', 'é', 'x'.repeat(256), '\u00a0', '中'.repeat(85)])(
    'case %#: subauth takes what our policy would not',
    async (password) => {
      expect(await hashZonePassword(new QuickHasher(), password)).toMatch(/^\$quick\$/)
    },
  )

  test.each([
    '',
    'a-b',
    '-',
    'x'.repeat(257),
    '中'.repeat(86),
    'é'.repeat(129),
    '\ud800',
    'x'.repeat(1_000_000),
  ])('case %#: no password of a zone, and the refusal does not hold it', async (password) => {
    const error = await rejectionOf(hashZonePassword(new QuickHasher(), password))
    expect(error.code).toBe('ERR_INVALID_ARGUMENT')
    expect(error.message).toBe('password: expected 1 to 256 bytes without -')
  })

  test('a hasher that does not hash is not believed', async () => {
    const hasher = new QuickHasher()
    hasher.hash = async (password) => password
    expect(await rejectionOf(hashZonePassword(hasher, 'x'))).toBeInstanceOf(TypeError)
    expect(await rejectionOf(hashZonePassword(hasher, 5 as never))).toBeInstanceOf(TypeError)
  })
})

describe('class 24: what a password allowed holds for the account whose password it was', () => {
  let provenBy: ZoneAccount

  beforeEach(() => {
    add()
    rows.apply(planSetZone(rows, 'mail', { allowPasswdAuth: true, autoCreate: true }, later))
    rows.apply(planSetZonePassword(rows, 'mail', 'alice', PHC, later))
    rows.apply(planAllowPasswdAuth(rows, 'mail', 'alice', true, later))
    provenBy = account() as ZoneAccount
  })

  const managed = (): string[] => {
    const context = { ...later, provenBy }
    return [
      () => planSetZonePassword(rows, 'mail', 'alice', PHC, context),
      () => planDeleteZonePassword(rows, 'mail', 'alice', context),
      () => planAllowPasswdAuth(rows, 'mail', 'alice', false, context),
      () => planCreateZoneToken(rows, 'mail', 'alice', {}, context),
    ].map(codeOf)
  }

  test('as it is, everything is allowed', () => {
    expect(new Set(managed())).toEqual(new Set(['nothing']))
  })

  const changes: [string, () => void][] = [
    ['deleted', () => rows.apply(planDeleteZoneAccount(rows, 'mail', 'alice'))],
    [
      'made again',
      () => {
        rows.apply(planDeleteZoneAccount(rows, 'mail', 'alice'))
        add()
        rows.apply(planSetZonePassword(rows, 'mail', 'alice', PHC, later))
        rows.apply(planAllowPasswdAuth(rows, 'mail', 'alice', true, later))
      },
    ],
    [
      'given another password',
      () =>
        rows.apply(
          planSetZonePassword(rows, 'mail', 'alice', '$quick$c=1$x$y' as ZonePasswordHash, later),
        ),
    ],
    [
      'left without a password',
      () => rows.apply(planDeleteZonePassword(rows, 'mail', 'alice', later)),
    ],
    [
      'no longer managed so',
      () => rows.apply(planAllowPasswdAuth(rows, 'mail', 'alice', false, later)),
    ],
    [
      'in a zone that no longer allows it',
      () => rows.apply(planSetZone(rows, 'mail', { allowPasswdAuth: false }, later)),
    ],
  ]

  test.each(changes)(
    '%s in the meantime, nothing is allowed, and no account is made',
    (_, change) => {
      change()
      const before = new Map(rows.map)
      expect(new Set(managed())).toEqual(new Set(['ERR_AUTH_FAILED']))
      expect(rows.map).toEqual(before)
    },
  )

  test('it allows nothing on another account', () => {
    add('bob')
    const context = { ...later, provenBy }
    expect(codeOf(() => planSetZonePassword(rows, 'mail', 'bob', PHC, context))).toBe(
      'ERR_AUTH_FAILED',
    )
  })
})

describe('rows', () => {
  const token = (ident: string) =>
    `{"ident":"${ident}","salt":"${'a'.repeat(32)}","hash":"${'b'.repeat(64)}","comment":"phone","modified_at":3}`
  const TEXT =
    `{"v":1,"id":"${ID}","zone":"${ZONE}","login":"alice","password":"${PHC}","password_at":1,` +
    `"allow_passwd_auth":true,"generation":2,"tokens":[${token('00ff')},${token('0100')}],` +
    '"created_at":4,"modified_at":5}'
  const full: ZoneAccount = {
    id: ID,
    zone: ZONE,
    login: 'alice',
    password: { hash: PHC, modifiedAtMs: 1 },
    allowPasswdAuth: true,
    generation: 2,
    tokens: ['00ff', '0100'].map((ident) => ({
      ident,
      salt: 'a'.repeat(32),
      hash: 'b'.repeat(64),
      comment: 'phone',
      modifiedAtMs: 3,
    })),
    createdAtMs: 4,
    modifiedAtMs: 5,
  }

  test('the row is the documented text', () => {
    expect(new TextDecoder().decode(encodeZoneAccount(full))).toBe(TEXT)
    expect(zoneAccountKey(ZONE, 'alice')).toBe(`g/zacct/${ZONE}/alice`)
    expect(decodeZoneAccount(encodeZoneAccount(full), zoneAccountKey(ZONE, 'alice'))).toEqual(full)
    expect(zoneAccountsSpace(ZONE)).toEqual({ gte: `g/zacct/${ZONE}/`, lt: `g/zacct/${ZONE}0` })
    expect(codeOf(() => zoneAccountKey(ZONE, 'a/b'))).toBe('RangeError')
    expect(codeOf(() => zoneAccountsSpace('x'))).toBe('RangeError')
  })

  test.each<[string, string]>([
    ['another login', TEXT.replace('alice', 'bob')],
    ['another zone', TEXT.replace(ZONE, ID)],
    ['a password in the clear', TEXT.replace(PHC, 'hunter2')],
    ['a password without a time', TEXT.replace('"password_at":1,', '')],
    ['a time without a password', TEXT.replace(`"password":"${PHC}",`, '')],
    ['generation 0, said', TEXT.replace('"generation":2', '"generation":0')],
    ['no tokens but a list', TEXT.replace(/\[.*\]/, '[]')],
    ['tokens out of order', TEXT.replace('00ff', '0200')],
    ['a token twice', TEXT.replace('00ff', '0100')],
    ['an ident in upper case', TEXT.replace('00ff', '00FF')],
    ['a short salt', TEXT.replace('a'.repeat(32), 'a'.repeat(31))],
    ['a short hash', TEXT.replace('b'.repeat(64), 'b'.repeat(63))],
    ['an empty comment', TEXT.replace('phone', '')],
    ['a member of a token too many', TEXT.replace('{"ident"', '{"x":1,"ident"')],
    ['a token that is a list', TEXT.replace(token('00ff'), '[]')],
    ['tokens that are no list', TEXT.replace(/\[.*\]/, '{}')],
    ['a switch as a number', TEXT.replace('"allow_passwd_auth":true', '"allow_passwd_auth":1')],
  ])('%s is corrupt', (_, text) => {
    const key = zoneAccountKey(ZONE, 'alice')
    rows.put(key, text)
    expect(codeOf(() => readZoneAccount(rows, { id: ZONE }, 'alice'))).toBe('ERR_ZONES_ROW_CORRUPT')
  })

  test('a row of one zone that is put into another is corrupt there', () => {
    add()
    const other = makeZone('other')
    rows.put(
      zoneAccountKey(other.id, 'alice'),
      rows.text(zoneAccountKey(zone.id, 'alice')) as string,
    )
    expect(codeOf(() => readZoneAccount(rows, other, 'alice'))).toBe('ERR_ZONES_ROW_CORRUPT')
    expect(readZone(rows, 'other')).toEqual(other)
  })
})
