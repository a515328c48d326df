import { type Role, SecregError } from '@secreg/protocol'
import {
  type Account,
  ADMINS_KEY,
  type HashedPassword,
  hashNewPassword,
  isEffectiveAdmin,
  loginKey,
  planCreateAccount,
  planDeleteAccount,
  planDisableAccount,
  planEnableAccount,
  planSetPassword,
  planSetRoles,
  planSetUids,
  readAccount,
  readAccountByLogin,
  readAccountByUid,
  readAdmins,
  uidKey,
} from '@secreg/zones'
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { codeOf, create, crypto, QuickHasher, Rows, when } from './support.ts'

const later = { nowMs: when.nowMs + 5 }
const NOBODY = '0'.repeat(32)
let rows: Rows

beforeEach(() => {
  rows = new Rows()
})

describe('creating', () => {
  test('an account is found by id, login and uid', async () => {
    const account = await create(rows, {
      login: 'alice',
      roles: ['user', 'admin'],
      uids: [1000, 0],
    })
    expect(account).toMatchObject({
      login: 'alice',
      roles: ['admin', 'user'],
      uids: [0, 1000],
      createdAtMs: when.nowMs,
      modifiedAtMs: when.nowMs,
      disabled: false,
    })
    expect(account.id).toMatch(/^[0-9a-f]{32}$/)
    expect(readAccount(rows, account.id)).toEqual(account)
    expect(readAccountByLogin(rows, 'alice')).toEqual(account)
    expect(readAccountByUid(rows, 0)).toEqual(account)
    expect(readAdmins(rows)).toEqual([account.id])
  })

  test('a taken login, a taken uid, a name that is none', async () => {
    await create(rows, { login: 'alice', uids: [1000] })
    const plan = (login: string, uids: number[] = []) =>
      codeOf(() => planCreateAccount(rows, { login, uids }, { ...when, crypto }))
    expect(plan('alice')).toBe('ERR_USER_EXISTS')
    expect(plan('bob', [1000])).toBe('ERR_ALREADY_EXISTS')
    for (const name of ['Alice', '', 'a b', '-', 'a\n', 'x'.repeat(65)]) {
      expect(plan(name)).toBe('ERR_INVALID_ARGUMENT')
    }
  })

  test('wrong arguments', () => {
    const plan = (wanted: object, context: object = {}) =>
      codeOf(() =>
        planCreateAccount(rows, { login: 'a', ...wanted }, { ...when, crypto, ...context }),
      )
    const refused = 'ERR_INVALID_ARGUMENT'
    for (const name of [
      '',
      'Ops',
      ' ops',
      'ops ',
      'op s',
      'öps',
      '1st',
      'x'.repeat(33),
      'a\n',
      '*',
    ]) {
      expect(plan({ roles: [name] })).toBe(refused)
      expect(plan({ groups: [name] })).toBe(refused)
    }
    const many = Array.from({ length: 65 }, (_, n) => `r${n}`)
    expect([plan({ roles: many }), plan({ groups: many })]).toEqual([refused, refused])
    expect(plan({ roles: ['root'] })).toBe('ERR_NOT_FOUND')
    expect(plan({ groups: ['root'] })).toBe('ERR_NOT_FOUND')
    expect(plan({ uids: [-1] })).toBe(refused)
    expect(plan({ uids: [65_534] })).toBe(refused)
    expect(plan({ uids: Array.from({ length: 257 }, (_, n) => n) })).toBe(refused)
    expect(plan({ system: true, password: '$quick$c=1$a$b' })).toBe(refused)
    expect(plan({ password: 'hunter2' })).toBe('TypeError')
    expect(plan({}, { nowMs: Number.NaN })).toBe('RangeError')
    expect(plan({}, { crypto: { randomBytes: () => new Uint8Array(3) } })).toBe('RangeError')
  })

  test('a random source that repeats itself overwrites nobody', () => {
    const stuck = { ...when, crypto: { randomBytes: (n: number) => new Uint8Array(n) } }
    rows.apply(planCreateAccount(rows, { login: 'a' }, stuck))
    expect(codeOf(() => planCreateAccount(rows, { login: 'b' }, stuck))).toBe('ERR_INTERNAL')
  })

  test('a login used again is another account', async () => {
    await create(rows, { login: 'root', roles: ['admin'] })
    const first = await create(rows, { login: 'alice', roles: ['operator'], uids: [7] })
    rows.apply(planDeleteAccount(rows, first.id))
    const second = await create(rows, { login: 'alice' })
    expect(second.id).not.toBe(first.id)
    expect(second.roles).toEqual([])
    expect(readAccountByUid(rows, 7)).toBeUndefined()
  })
})

describe('weakness 40: whoever is unknown is nobody', () => {
  test('an unmapped uid, 0 included, has no account', async () => {
    await create(rows, { login: 'root', roles: ['admin'], uids: [1000] })
    for (const uid of [0, 1, 65_534, -1, 0xffff_ffff, Number.NaN, undefined as never]) {
      expect(readAccountByUid(rows, uid)).toBeUndefined()
    }
  })

  test('an unknown login or id has no account', async () => {
    await create(rows, { login: 'root', roles: ['admin'] })
    expect(readAccountByLogin(rows, 'rootx')).toBeUndefined()
    expect(readAccountByLogin(rows, 'ROOT')).toBeUndefined()
    expect(readAccountByLogin(rows, '../g/admins')).toBeUndefined()
    expect(readAccount(rows, NOBODY)).toBeUndefined()
    expect(readAccount(rows, '../g/admins')).toBeUndefined()
  })

  test('a disabled account is nobody to its uid', async () => {
    await create(rows, { login: 'root', roles: ['admin'] })
    const { id } = await create(rows, { login: 'bob', uids: [0] })
    rows.apply(planDisableAccount(rows, id, later))
    expect(readAccountByUid(rows, 0)).toBeUndefined()
    rows.apply(planEnableAccount(rows, id, later))
    expect(readAccountByUid(rows, 0)?.login).toBe('bob')
  })

  test('an account that is created without roles has none', async () => {
    expect((await create(rows, { login: 'bob' })).roles).toEqual([])
  })

  test('an index row that points to another account is corrupt, not that account', async () => {
    const root = await create(rows, { login: 'root', roles: ['admin'] })
    rows.put(loginKey('bob'), root.id)
    rows.put(uidKey(1000), root.id)
    rows.put(loginKey('eve'), NOBODY)
    for (const run of [
      () => readAccountByLogin(rows, 'bob'),
      () => readAccountByLogin(rows, 'eve'),
      () => readAccountByUid(rows, 1000),
    ]) {
      expect(codeOf(run)).toBe('ERR_ZONES_INDEX_CORRUPT')
    }
  })
})

describe('changing', () => {
  test('roles, uids, state and password', async () => {
    await create(rows, { login: 'root', roles: ['admin'] })
    const bob = await create(rows, { login: 'bob', uids: [5, 6] })
    rows.apply(planSetRoles(rows, bob.id, ['operator', 'operator'], later))
    rows.apply(planSetUids(rows, bob.id, [6, 7], later))
    const password = await hashNewPassword(new QuickHasher(), 'Another-Horse-9')
    rows.apply(planSetPassword(rows, bob.id, password, later))
    expect(readAccountByLogin(rows, 'bob')).toEqual({
      ...bob,
      roles: ['operator'],
      uids: [6, 7],
      password,
      modifiedAtMs: later.nowMs,
    })
    expect(readAccountByUid(rows, 5)).toBeUndefined()
    expect(readAccountByUid(rows, 7)?.id).toBe(bob.id)
    rows.apply(planSetUids(rows, bob.id, [], later))
    expect(readAccount(rows, bob.id)).not.toHaveProperty('uids')
    rows.apply(planSetPassword(rows, bob.id, undefined, later))
    expect(readAccount(rows, bob.id)).not.toHaveProperty('password')
  })

  test('a change to what is already so writes nothing', async () => {
    await create(rows, { login: 'root', roles: ['admin'] })
    const bob = await create(rows, { login: 'bob', roles: ['operator'], uids: [5] }, '')
    for (const plan of [
      planSetRoles(rows, bob.id, ['operator'], later),
      planSetUids(rows, bob.id, [5], later),
      planEnableAccount(rows, bob.id, later),
      planSetPassword(rows, bob.id, undefined, later),
    ]) {
      expect(plan).toEqual({ ops: [], account: bob })
    }
  })

  test('an unknown account', () => {
    const password = '$quick$c=1$a$b' as HashedPassword
    for (const run of [
      () => planSetPassword(rows, NOBODY, password, later),
      () => planSetRoles(rows, NOBODY, [], later),
      () => planSetUids(rows, NOBODY, [], later),
      () => planDisableAccount(rows, NOBODY, later),
      () => planEnableAccount(rows, NOBODY, later),
      () => planDeleteAccount(rows, NOBODY),
      () => planDeleteAccount(rows, 'g/admins'),
    ]) {
      expect(codeOf(run)).toBe('ERR_USER_NOT_FOUND')
    }
  })

  test('a uid that is somebody else', async () => {
    await create(rows, { login: 'root', roles: ['admin'], uids: [0] })
    const bob = await create(rows, { login: 'bob' })
    expect(codeOf(() => planSetUids(rows, bob.id, [0], later))).toBe('ERR_ALREADY_EXISTS')
  })

  test('a hash of the old password does not undo a change of password', async () => {
    const hasher = new QuickHasher()
    const bob = await create(rows, { login: 'bob' })
    const rehashed = await hashNewPassword(hasher, 'Correct-Horse-9')
    const changed = await hashNewPassword(hasher, 'Changed-Horse-9')
    const replaces = bob.password as HashedPassword
    rows.apply(planSetPassword(rows, bob.id, changed, { ...later, replaces }))
    expect(codeOf(() => planSetPassword(rows, bob.id, rehashed, { ...later, replaces }))).toBe(
      'ERR_VERSION_CONFLICT',
    )
  })

  test('a plan changes nothing by itself', async () => {
    await create(rows, { login: 'root', roles: ['admin'] })
    const bob = await create(rows, { login: 'bob', uids: [3] })
    const before = new Map(rows.map)
    planDeleteAccount(rows, bob.id)
    planSetRoles(rows, bob.id, ['admin'], later)
    planDisableAccount(rows, bob.id, later)
    expect(rows.map).toEqual(before)
  })
})

describe('the last administrator', () => {
  const removals: [string, (id: string) => { ops: readonly never[] } | object][] = [
    ['deleted', (id) => planDeleteAccount(rows, id)],
    ['disabled', (id) => planDisableAccount(rows, id, later)],
    ['stripped', (id) => planSetRoles(rows, id, ['operator'], later)],
    ['left without a password', (id) => planSetPassword(rows, id, undefined, later)],
  ]

  test.each(removals)('is not %s', async (_, plan) => {
    const root = await create(rows, { login: 'root', roles: ['admin'] })
    await create(rows, { login: 'nopass', roles: ['admin'] }, '')
    const off = await create(rows, { login: 'off', roles: ['admin'] })
    rows.apply(planDisableAccount(rows, off.id, later))
    expect(codeOf(() => plan(root.id))).toBe('ERR_LAST_ADMINISTRATOR')
    rows.apply(planEnableAccount(rows, off.id, later))
    expect(codeOf(() => plan(root.id))).toBe('nothing')
  })

  test('a wrong list of administrators does not let him go', async () => {
    const root = await create(rows, { login: 'root', roles: ['admin'] })
    const bob = await create(rows, { login: 'bob' })
    rows.put(ADMINS_KEY, JSON.stringify([root.id, bob.id].sort()))
    expect(codeOf(() => planDeleteAccount(rows, root.id))).toBe('ERR_LAST_ADMINISTRATOR')
    rows.put(ADMINS_KEY, '[]')
    expect(codeOf(() => planDeleteAccount(rows, root.id))).toBe('ERR_ZONES_INDEX_CORRUPT')
  })

  test('in any sequence of plans, the indexes agree and an administrator stays', () => {
    const phc = '$quick$c=1$a$b' as HashedPassword
    const login = fc.constantFrom('a', 'b', 'c')
    const roles = fc.subarray<Role>(['admin', 'operator', 'user'])
    const uids = fc.subarray([0, 1, 2])
    const password = fc.constantFrom(undefined, phc)
    const id = (name: string) => readAccountByLogin(rows, name)?.id ?? NOBODY
    const step = fc.oneof(
      fc.tuple(login, roles, uids, password).map(
        ([name, r, u, p]) =>
          () =>
            planCreateAccount(
              rows,
              { login: name, roles: r, uids: u, ...(p === undefined ? {} : { password: p }) },
              { ...when, crypto },
            ),
      ),
      login.map((name) => () => planDeleteAccount(rows, id(name))),
      login.map((name) => () => planDisableAccount(rows, id(name), later)),
      login.map((name) => () => planEnableAccount(rows, id(name), later)),
      fc.tuple(login, roles).map(
        ([name, r]) =>
          () =>
            planSetRoles(rows, id(name), r, later),
      ),
      fc.tuple(login, uids).map(
        ([name, u]) =>
          () =>
            planSetUids(rows, id(name), u, later),
      ),
      fc.tuple(login, password).map(
        ([n, p]) =>
          () =>
            planSetPassword(rows, id(n), p, later),
      ),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        rows = new Rows()
        let hadAdmin = false
        for (const run of steps) {
          try {
            rows.apply(run())
          } catch (error) {
            if (!SecregError.is(error)) throw error
          }
          const accounts = [...rows.map.keys()]
            .filter((key) => key.startsWith('a/'))
            .map((key) => readAccount(rows, key.slice(2)) as Account)
          const admins = accounts.filter(isEffectiveAdmin).map((account) => account.id)
          expect(readAdmins(rows)).toEqual(admins.sort())
          hadAdmin ||= admins.length > 0
          expect(admins.length > 0).toBe(hadAdmin)
          const pointers = accounts.flatMap((account) => [
            loginKey(account.login),
            ...(account.uids ?? []).map(uidKey),
          ])
          expect([...rows.map.keys()].filter((key) => /^[nu]\//.test(key)).sort()).toEqual(
            pointers.sort(),
          )
          for (const account of accounts) {
            expect(readAccountByLogin(rows, account.login)?.id).toBe(account.id)
          }
        }
      }),
      { numRuns: 150 },
    )
  })
})
