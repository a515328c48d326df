import { type SessionDetails, SessionTable } from '@secreg/zones'
import { beforeEach, describe, expect, test } from 'vitest'
import { Clock, codeOf, crypto } from './support.ts'

const ALICE = 'a'.repeat(32)
const BOB = 'b'.repeat(32)
const T1 = '1'.repeat(16)
const T2 = '2'.repeat(16)
let clock: Clock
let table: SessionTable

beforeEach(() => {
  clock = new Clock()
  table = new SessionTable({ nowMs: clock.nowMs, crypto })
})

function open(accountId: string, more: Partial<SessionDetails> = {}) {
  const details = { accountId, login: 'x', roles: ['operator'], mfa: false, ...more }
  const opened = table.open(details, table.epoch)
  if (opened === undefined) throw new Error('the epoch is the present one')
  return opened
}

describe('weakness 45: groups of a session', () => {
  test('are taken at once when the account changes, until it was read again', () => {
    const { id, session } = open(ALICE, { groups: ['dev', 'ops'] })
    expect(table.touch(id)?.groups).toEqual(['dev', 'ops'])
    const { epoch } = table
    table.invalidateAccount(ALICE)
    expect([session.stale, session.groups, session.roles]).toEqual([true, [], []])
    expect(table.refresh(session, { login: 'x', roles: [], groups: ['dev'] }, epoch)).toBe(false)
    expect(session.groups).toEqual([])
    expect(table.refresh(session, { login: 'x', roles: [], groups: ['dev'] }, table.epoch)).toBe(
      true,
    )
    expect(session.groups).toEqual(['dev'])
    expect(table.refresh(session, { login: 'x', roles: [] }, table.epoch)).toBe(true)
    expect(session.groups).toEqual([])
  })

  test('end with the session, and what was given in does not change them later', () => {
    const groups = ['dev']
    const { id, session } = open(ALICE, { groups })
    groups.push('ops')
    expect(session.groups).toEqual(['dev'])
    expect(Object.isFrozen(session.groups)).toBe(true)
    table.close(id)
    expect(session.groups).toEqual([])
    expect(open(BOB).session.groups).toEqual([])
  })
})

describe('sessions of tokens', () => {
  test('carry the token and its boundary, also after a refresh', () => {
    const boundary = ['ci']
    const { session } = open(ALICE, { token: T1, boundary })
    boundary.push('admin')
    table.invalidateAccount(ALICE)
    table.refresh(session, { login: 'x', roles: ['admin'] }, table.epoch)
    expect(session).toMatchObject({ token: T1, boundary: ['ci'], roles: ['admin'] })
    expect(open(ALICE, { token: T2, boundary: 'full' }).session.boundary).toBe('full')
    expect(open(ALICE).session).not.toHaveProperty('token')
    expect(open(ALICE).session).not.toHaveProperty('boundary')
  })

  test('end with the token, and those of no other token do', () => {
    const one = open(ALICE, { token: T1, boundary: 'full' })
    const again = open(ALICE, { token: T1, boundary: 'full' })
    const other = open(ALICE, { token: T2, boundary: 'full' })
    const own = open(ALICE)
    expect(table.closeToken(T1)).toEqual([one.session, again.session])
    expect([one, again, other, own].map(({ id }) => table.touch(id) !== undefined)).toEqual([
      false,
      false,
      true,
      true,
    ])
    expect(table.closeToken(T1)).toEqual([])
  })

  test('class 23: a login under way with a token that is revoked opens nothing', () => {
    const { epoch } = table
    table.closeToken(T1)
    const details = { accountId: ALICE, login: 'x', roles: [], mfa: false }
    expect(table.open({ ...details, token: T1, boundary: 'full' }, epoch)).toBeUndefined()
  })

  test('an ended one is kept by no list of its token', () => {
    const { id } = open(ALICE, { token: T1, boundary: 'full' })
    clock.ms += 3_600_000
    table.sweep()
    expect(table.touch(id)).toBeUndefined()
    expect(table.closeToken(T1)).toEqual([])
  })

  test('a token without a boundary is not a token without bounds', () => {
    const wrong: [object, string][] = [
      [{ token: T1 }, 'TypeError'],
      [{ boundary: 'full' }, 'TypeError'],
      [{ boundary: ['ci'] }, 'TypeError'],
      [{ token: T1, boundary: [] }, 'TypeError'],
      [{ token: T1, boundary: 'all' }, 'TypeError'],
      [{ token: T1, boundary: null }, 'TypeError'],
      [{ token: 'x', boundary: 'full' }, 'RangeError'],
      [{ token: null, boundary: 'full' }, 'RangeError'],
      [{ restricted: 'nothing' }, 'RangeError'],
      [{ restricted: true }, 'RangeError'],
    ]
    for (const [more, error] of wrong) {
      expect(codeOf(() => open(ALICE, more as Partial<SessionDetails>))).toBe(error)
    }
    expect(table.size).toBe(0)
  })
})

test('weakness 44: a session is restricted, or past a second factor, only as was said, and stays so', () => {
  const { session } = open(ALICE, { restricted: 'mfa-enrollment' })
  expect([session.restricted, session.mfa]).toEqual(['mfa-enrollment', false])
  table.invalidateAccount(ALICE)
  table.refresh(session, { login: 'x', roles: ['admin'] }, table.epoch)
  expect([session.restricted, session.mfa]).toEqual(['mfa-enrollment', false])
  expect(open(BOB).session).not.toHaveProperty('restricted')
})
