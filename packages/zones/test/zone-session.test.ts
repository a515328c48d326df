import {
  type CheckedZoneToken,
  checkZoneToken,
  planConfigureZone,
  planCreateZoneAccount,
  planDeleteZoneAccount,
  planDeleteZoneToken,
  planRemoveZone,
  planSetZone,
  readZone,
  readZoneAccount,
  SessionTable,
  type ZoneSession,
  zoneAccountKey,
  zoneSessionOf,
  zoneSessionStands,
} from '@secreg/zones'
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { encodeZoneAccount } from '../src/zone-account.ts'
import { crypto, when } from './support.ts'
import { context, key, ON, ZoneHome } from './zone-home.ts'

let home: ZoneHome

beforeEach(() => {
  home = new ZoneHome()
  home.rows.apply(planSetZone(home.rows, 'mail', { http: true }, when))
})

function check(text: string, { zone: name = 'mail', login = 'alice', nowMs = when.nowMs } = {}) {
  const zone = readZone(home.rows, name)
  const account = zone === undefined ? undefined : readZoneAccount(home.rows, zone, login)
  return checkZoneToken(zone, account, text, { crypto, key, nowMs })
}

function good(text: string): CheckedZoneToken {
  const checked = check(text)
  if (checked === undefined) throw new Error('expected a good token')
  return checked
}

describe('checkZoneToken', () => {
  test('takes regular and temporary tokens, and says which and for how long', () => {
    const { ident, token } = home.issue('laptop')
    expect(check(token)).toMatchObject({ account: { login: 'alice' }, token: { ident } })
    expect(check(token)).not.toHaveProperty('expiresAtMs')
    const { token: temp } = home.issueTemp(60)
    expect(check(temp)?.expiresAtMs).toBe(when.nowMs + 60_000)
    expect(check(temp)).not.toHaveProperty('token')
    expect(check(temp, { nowMs: when.nowMs + 59_999 })).toBeDefined()
    expect(check(temp, { nowMs: when.nowMs + 60_000 })).toBeUndefined()
  })

  test('takes no password, the right one neither', async () => {
    await home.setPassword('simple')
    expect(await home.check('simple')).toBe('password')
    expect(check('simple')).toBeUndefined()
  })

  test('takes nothing of another zone or account, and nothing that the zone does not allow', () => {
    const { token } = home.issue()
    const { token: temp } = home.issueTemp()
    for (const text of [token, temp]) {
      expect(check(text, { zone: 'web' })).toBeUndefined()
      expect(check(text, { login: 'bob' })).toBeUndefined()
      expect(check(text, { zone: 'none' })).toBeUndefined()
      expect(check(text, { login: 'carol' })).toBeUndefined()
    }
    home.rows.apply(planSetZone(home.rows, 'mail', { allowTokens: false }, when))
    expect([check(token), check(temp)?.account.login]).toEqual([undefined, 'alice'])
    home.rows.apply(
      planSetZone(home.rows, 'mail', { allowTokens: true, maxTempValidityS: 0 }, when),
    )
    expect([check(token)?.account.login, check(temp)]).toEqual(['alice', undefined])
  })

  test('agrees with the check of any secret', async () => {
    const { token } = home.issue()
    const { token: temp } = home.issueTemp()
    const text = fc.oneof(
      fc.constantFrom(token, temp, token.toUpperCase(), `${temp}-`, `${token}a`, '', '-', 't1-'),
      fc.string(),
    )
    await fc.assert(
      fc.asyncProperty(text, async (typed) => {
        const form = await home.check(typed)
        expect(check(typed) !== undefined).toBe(form === 'token' || form === 'temporary')
      }),
    )
  })
})

describe('what a session of a zone rests on', () => {
  const both = () => [home.issue().token, home.issueTemp().token].map((text) => open(text))
  const open = (text: string): { id: string; session: ZoneSession } => {
    const checked = good(text)
    return { id: checked.account.id, session: zoneSessionOf(checked) }
  }
  const stand = (all: ReturnType<typeof both>) =>
    all.map(({ id, session }) => zoneSessionStands(home.rows, id, session))

  test('stands while nothing changes, and through what has nothing to do with it', () => {
    const all = both()
    home.issue()
    home.rows.apply(planDeleteZoneAccount(home.rows, 'mail', 'bob'))
    home.rows.apply(planSetZone(home.rows, 'mail', { allowPasswd: false, description: 'x' }, when))
    expect(stand(all)).toEqual([true, true])
  })

  test.each<[string, () => void, boolean[]]>([
    [
      'http is off',
      () => home.rows.apply(planSetZone(home.rows, 'mail', { http: false }, when)),
      [false, false],
    ],
    [
      'tokens are off',
      () => home.rows.apply(planSetZone(home.rows, 'mail', { allowTokens: false }, when)),
      [false, true],
    ],
    [
      'temporary tokens are off',
      () => home.rows.apply(planSetZone(home.rows, 'mail', { maxTempValidityS: 0 }, when)),
      [true, false],
    ],
    [
      'all tokens are deleted',
      () => home.rows.apply(planDeleteZoneToken(home.rows, 'mail', 'alice', '*', context)),
      [false, false],
    ],
    [
      'the account is deleted',
      () => home.rows.apply(planDeleteZoneAccount(home.rows, 'mail', 'alice')),
      [false, false],
    ],
    [
      'the account is made again',
      () => {
        home.rows.apply(planDeleteZoneAccount(home.rows, 'mail', 'alice'))
        home.rows.apply(planCreateZoneAccount(home.rows, 'mail', 'alice', context))
      },
      [false, false],
    ],
    [
      'the zone is removed',
      () => home.rows.apply(planRemoveZone(home.rows, 'mail', ['alice'])),
      [false, false],
    ],
    [
      'the zone is made again',
      () => {
        home.rows.apply(planRemoveZone(home.rows, 'mail'))
        const on = { ...ON, http: true }
        const settings = {
          description: '',
          allowPasswdAuth: false,
          autoCreate: false,
          trustedUids: [],
        }
        home.rows.apply(planConfigureZone(home.rows, 'mail', { ...settings, ...on }, context))
        home.rows.apply(planCreateZoneAccount(home.rows, 'mail', 'alice', context))
      },
      [false, false],
    ],
  ])('falls as it must when %s', (_name, change, expected) => {
    const all = both()
    change()
    expect(stand(all)).toEqual(expected)
  })

  test('falls with its own token, even where another one has its ident since', () => {
    const { ident, token } = home.issue()
    const { id, session } = open(token)
    home.rows.apply(planDeleteZoneToken(home.rows, 'mail', 'alice', ident, context))
    const zone = readZone(home.rows, 'mail')
    const account = zone && readZoneAccount(home.rows, zone, 'alice')
    if (zone === undefined || account === undefined) throw new Error('expected an account')
    const other = { ident, salt: '1'.repeat(32), hash: '2'.repeat(64), modifiedAtMs: when.nowMs }
    const value = encodeZoneAccount({ ...account, tokens: [other] })
    home.rows.apply({ ops: [{ type: 'put', key: zoneAccountKey(zone.id, 'alice'), value }] })
    expect(zoneSessionStands(home.rows, id, session)).toBe(false)
  })
})

describe('sessions of zones in the table', () => {
  const A = 'a'.repeat(32)
  const zone: ZoneSession = {
    zoneId: '1'.repeat(32),
    zone: 'mail',
    login: 'alice',
    ident: '0a1b',
    mark: '2'.repeat(32),
  }
  const details = { accountId: A, login: 'mail/alice', roles: [], mfa: false }

  test('are stale, and turn logins away, once the zone or the account changed', () => {
    const table = new SessionTable({ nowMs: () => 0, crypto })
    const bob = { ...details, accountId: 'b'.repeat(32), zone: { ...zone, login: 'bob' } }
    const web = { ...details, zone: { ...zone, zoneId: '3'.repeat(32) } }
    const first = table.open({ ...details, zone }, table.epoch)?.session
    const second = table.open(bob, table.epoch)?.session
    const third = table.open(web, table.epoch)?.session
    const { epoch } = table
    expect(table.invalidateZone(zone.zoneId, 'alice')).toEqual([first])
    expect([first?.stale, second?.stale, third?.stale]).toEqual([true, false, false])
    expect(table.open({ ...details, zone }, epoch)).toBeUndefined()
    expect(table.invalidateZone(zone.zoneId)).toEqual([first, second])
    if (first === undefined) throw new Error('expected a session')
    expect(table.refresh(first, details, table.epoch)).toBe(true)
    expect(first.stale).toBe(false)
    table.closeSession(first)
    expect(table.invalidateZone(zone.zoneId)).toEqual([second])
    expect(table.invalidateZone('4'.repeat(32))).toEqual([])
  })

  test.each<[string, object]>([
    ['an id that is none', { zone: { ...zone, zoneId: 'mail' } }],
    ['a login that is none', { zone: { ...zone, login: '' } }],
    ['an ident that is none', { zone: { ...zone, ident: 'sreg' } }],
    ['a mark that is none', { zone: { ...zone, mark: '' } }],
    ['an access token beside', { zone, token: '0123456789abcdef', boundary: 'full' }],
  ])('refuse %s', (_name, wrong) => {
    const table = new SessionTable({ nowMs: () => 0, crypto })
    expect(() => table.open({ ...details, ...wrong }, table.epoch)).toThrow(TypeError)
    expect(table.size).toBe(0)
  })
})
