import { ROLES } from '@secreg/protocol'
import {
  type Account,
  decodeNamed,
  encodeNamed,
  existsNamed,
  GROUP_SPACE,
  hasName,
  type NamedKind,
  namedKey,
  planCreateNamed,
  planDeleteAccount,
  planDescribeNamed,
  planJoinGroup,
  planLeaveGroup,
  planRemoveNamed,
  planSetGroups,
  planSetRoles,
  ROLE_SPACE,
  readAccount,
  readNamed,
} from '@secreg/zones'
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { codeOf, create, Rows, when } from './support.ts'

const KINDS: readonly NamedKind[] = ['group', 'role']
const later = { nowMs: when.nowMs + 5 }
let rows: Rows

beforeEach(() => {
  rows = new Rows()
})

const make = (kind: NamedKind, name: string, description?: string) =>
  rows.apply(
    planCreateNamed(
      rows,
      kind,
      { name, ...(description === undefined ? {} : { description }) },
      when,
    ),
  )
const accounts = (): Account[] =>
  [...rows.map.keys()]
    .filter((key) => key.startsWith('a/'))
    .map((key) => readAccount(rows, key.slice(2)) as Account)

describe.each(KINDS)('a %s', (kind) => {
  test('is made, described and removed', () => {
    make(kind, 'ops', 'who is on duty')
    expect(rows.text(`g/${kind}/ops`)).toBe(
      `{"v":1,"name":"ops","description":"who is on duty","created_at":${when.nowMs}}`,
    )
    expect(existsNamed(rows, kind, 'ops')).toBe(true)
    expect(planDescribeNamed(rows, kind, 'ops', 'who is on duty').ops).toEqual([])
    rows.apply(planDescribeNamed(rows, kind, 'ops', ''))
    expect(readNamed(rows, kind, 'ops')).toEqual({ name: 'ops', createdAtMs: when.nowMs })
    rows.apply(planRemoveNamed(rows, kind, 'ops', []))
    expect([...rows.map.keys()]).toEqual([])
  })

  test('class 5: a name has one spelling, and no other one is brought to it', () => {
    for (const name of [
      'Ops',
      ' ops',
      'ops ',
      'OPS',
      'o\u0440s',
      'ｏps',
      'ops\n',
      '../ops',
      'a/b',
      '',
    ]) {
      const plan = () => planCreateNamed(rows, kind, { name }, when)
      expect(codeOf(plan)).toBe('ERR_INVALID_ARGUMENT')
      expect(existsNamed(rows, kind, name)).toBe(false)
      expect(codeOf(() => namedKey(kind, name))).toBe('RangeError')
    }
    for (const name of [' admin', 'Admin', 'admin ', 'ADMIN', 'аdmin']) {
      expect(codeOf(() => planCreateNamed(rows, kind, { name }, when))).toBe('ERR_INVALID_ARGUMENT')
    }
  })

  test('one that is there, one that is not', () => {
    make(kind, 'ops')
    expect(codeOf(() => make(kind, 'ops'))).toBe('ERR_ALREADY_EXISTS')
    expect(codeOf(() => planDescribeNamed(rows, kind, 'dev', 'x'))).toBe('ERR_NOT_FOUND')
    expect(codeOf(() => planRemoveNamed(rows, kind, 'dev', []))).toBe('ERR_NOT_FOUND')
    expect(codeOf(() => planRemoveNamed(rows, kind, '../admins', []))).toBe('ERR_NOT_FOUND')
  })

  test.each([
    'two\nlines',
    'a\u0000b',
    'esc\u001b[2J',
    'a\u2028b',
    'turned \u202etxt.exe',
    'half \ud800',
    'x'.repeat(1025),
  ])('case %#: a description that forges lines or is too long', (description) => {
    const plan = () => planCreateNamed(rows, kind, { name: 'ops', description }, when)
    expect(codeOf(plan)).toBe('ERR_INVALID_ARGUMENT')
  })

  test('is not removed while an account has it', async () => {
    make(kind, 'ops')
    const bob = await create(rows, {
      login: 'bob',
      ...(kind === 'group' ? { groups: ['ops'] } : { roles: ['ops'] }),
    })
    expect(hasName(bob, kind, 'ops')).toBe(true)
    expect(hasName(bob, kind === 'group' ? 'role' : 'group', 'ops')).toBe(false)
    expect(codeOf(() => planRemoveNamed(rows, kind, 'ops', accounts()))).toBe('ERR_IN_USE')
    rows.apply(
      kind === 'group'
        ? planLeaveGroup(rows, bob.id, 'ops', later)
        : planSetRoles(rows, bob.id, [], later),
    )
    rows.apply(planRemoveNamed(rows, kind, 'ops', accounts()))
    expect(existsNamed(rows, kind, 'ops')).toBe(false)
  })

  test('encoding and decoding give back every one', () => {
    const named = fc.record(
      {
        name: fc.stringMatching(/^[a-z][a-z0-9_-]{0,31}$/),
        description: fc.stringMatching(/^[^\p{C}\p{Zl}\p{Zp}]{1,40}$/u),
        createdAtMs: fc.maxSafeNat(),
      },
      { requiredKeys: ['name', 'createdAtMs'] },
    )
    fc.assert(
      fc.property(named, (one) => {
        expect(decodeNamed(encodeNamed(one), namedKey(kind, one.name))).toEqual(one)
      }),
    )
  })

  test.each([
    '',
    'null',
    '[]',
    '{"v":2,"name":"ops","created_at":1}',
    '{"v":1,"name":"dev","created_at":1}',
    '{"v":1,"name":"ops"}',
    '{"v":1,"name":"ops","created_at":-1}',
    '{"v":1,"name":"ops","created_at":1,"x":1}',
    '{"v":1,"name":"ops","description":"","created_at":1}',
    '{"v":1,"name":"ops","description":null,"created_at":1}',
    '{"v":1,"name":"ops","description":"a\\nb","created_at":1}',
    '{"name":"ops","v":1,"created_at":1}',
    '{"v":1, "name":"ops","created_at":1}',
  ])('%j is a corrupt row', (text) => {
    rows.put(namedKey(kind, 'ops'), text)
    expect(codeOf(() => existsNamed(rows, kind, 'ops'))).toBe('ERR_ZONES_ROW_CORRUPT')
  })
})

test('the rows of both lie in their spaces', () => {
  expect(GROUP_SPACE).toEqual({ gte: 'g/group/', lt: 'g/group0' })
  expect(ROLE_SPACE).toEqual({ gte: 'g/role/', lt: 'g/role0' })
})

test.each(ROLES)('the built-in role %s is there without a row and stays', (role) => {
  expect(existsNamed(rows, 'role', role)).toBe(true)
  expect(existsNamed(rows, 'group', role)).toBe(false)
  expect(codeOf(() => make('role', role))).toBe('ERR_ALREADY_EXISTS')
  expect(codeOf(() => planRemoveNamed(rows, 'role', role, []))).toBe('ERR_INVALID_ARGUMENT')
  expect(codeOf(() => planDescribeNamed(rows, 'role', role, 'x'))).toBe('ERR_INVALID_ARGUMENT')
})

describe('weakness 45: groups of accounts', () => {
  test('an account is in the groups that it was given, and no longer than that', async () => {
    for (const name of ['dev', 'ops']) make('group', name)
    const bob = await create(rows, { login: 'bob', groups: ['ops', 'dev', 'ops'] })
    expect(bob.groups).toEqual(['dev', 'ops'])
    rows.apply(planLeaveGroup(rows, bob.id, 'dev', later))
    expect(readAccount(rows, bob.id)?.groups).toEqual(['ops'])
    expect(planLeaveGroup(rows, bob.id, 'dev', later).ops).toEqual([])
    rows.apply(planJoinGroup(rows, bob.id, 'dev', later))
    expect(planJoinGroup(rows, bob.id, 'dev', later).ops).toEqual([])
    expect(readAccount(rows, bob.id)).toMatchObject({
      groups: ['dev', 'ops'],
      modifiedAtMs: later.nowMs,
    })
    rows.apply(planSetGroups(rows, bob.id, [], later))
    expect(readAccount(rows, bob.id)).not.toHaveProperty('groups')
  })

  test('nobody is put into a group, or given a role, that does not exist', async () => {
    const bob = await create(rows, { login: 'bob' })
    for (const run of [
      () => planJoinGroup(rows, bob.id, 'ops', later),
      () => planSetGroups(rows, bob.id, ['ops'], later),
      () => planSetRoles(rows, bob.id, ['ops'], later),
      () => planSetRoles(rows, bob.id, ['user', 'ops'], later),
    ]) {
      expect(codeOf(run)).toBe('ERR_NOT_FOUND')
    }
    make('role', 'ops')
    expect(codeOf(() => planJoinGroup(rows, bob.id, 'ops', later))).toBe('ERR_NOT_FOUND')
    rows.apply(planSetRoles(rows, bob.id, ['ops', 'user', 'admin'], later))
    expect(readAccount(rows, bob.id)?.roles).toEqual(['admin', 'user', 'ops'])
  })

  test('class 23: whoever gets a used login is in no group of the one before', async () => {
    make('group', 'ops')
    const first = await create(rows, { login: 'bob', groups: ['ops'] })
    rows.apply(planDeleteAccount(rows, first.id))
    expect(await create(rows, { login: 'bob' })).not.toHaveProperty('groups')
    rows.apply(planDeleteAccount(rows, (accounts()[0] as Account).id))
    expect(codeOf(() => planRemoveNamed(rows, 'group', 'ops', accounts()))).toBe('nothing')
  })
})
