import {
  type HashedPassword,
  mfaKey,
  planBeginMfa,
  planBumpGeneration,
  planCreateAccessToken,
  planCreateAccount,
  planDeleteAccount,
  planDisableAccount,
  planRenameAccount,
  planSetPassword,
  planSetSystem,
  readAccessTokensOf,
  readAccount,
  readAccountByLogin,
  readAccountByUid,
  readAdmins,
  verifyAccessToken,
} from '@secreg/zones'
import { beforeEach, describe, expect, test } from 'vitest'
import { codeOf, create, crypto, Rows, when } from './support.ts'

const later = { nowMs: when.nowMs + 5 }
const PHC = '$quick$c=1$a$b' as HashedPassword
const NOBODY = '0'.repeat(32)
let rows: Rows

beforeEach(() => {
  rows = new Rows()
})

describe('another login', () => {
  test('the account stays the same; the old login is free', async () => {
    const bob = await create(rows, { login: 'bob', roles: ['admin'], uids: [7] })
    rows.apply(planRenameAccount(rows, bob.id, 'robert', later))
    expect(readAccountByLogin(rows, 'bob')).toBeUndefined()
    expect(readAccountByLogin(rows, 'robert')).toEqual({
      ...bob,
      login: 'robert',
      modifiedAtMs: later.nowMs,
    })
    expect(readAccountByUid(rows, 7)?.login).toBe('robert')
    expect(readAdmins(rows)).toEqual([bob.id])
    expect(planRenameAccount(rows, bob.id, 'robert', later).ops).toEqual([])
  })

  test('class 23: whoever gets the old login inherits nothing', async () => {
    const bob = await create(rows, { login: 'bob', roles: ['admin'] })
    const { text, ...plan } = planCreateAccessToken(
      rows,
      { account: bob.id, boundary: 'full' },
      { ...when, crypto },
    )
    rows.apply(plan)
    rows.apply(planRenameAccount(rows, bob.id, 'robert', later))
    const next = await create(rows, { login: 'bob' })
    expect(next.id).not.toBe(bob.id)
    expect(next.roles).toEqual([])
    expect(readAccessTokensOf(rows, next.id)).toEqual([])
    expect(verifyAccessToken(rows, text, { ...later, crypto })?.account.login).toBe('robert')
  })

  test('a taken name, a name that is none, a system user, nobody', async () => {
    const bob = await create(rows, { login: 'bob' })
    await create(rows, { login: 'eve' })
    const sys = await create(rows, { login: 'sys', system: true }, '')
    const plan = (id: string, login: string) =>
      codeOf(() => planRenameAccount(rows, id, login, later))
    expect(plan(bob.id, 'eve')).toBe('ERR_USER_EXISTS')
    for (const login of ['Bob', '', 'a b', ' bob', '../x']) {
      expect(plan(bob.id, login)).toBe('ERR_INVALID_ARGUMENT')
    }
    expect(plan(sys.id, 'root')).toBe('ERR_INVALID_ARGUMENT')
    expect(plan(NOBODY, 'x')).toBe('ERR_USER_NOT_FOUND')
  })
})

describe('system users', () => {
  test('have no password here, and get none', async () => {
    await create(rows, { login: 'root', roles: ['admin'] })
    const bob = await create(rows, { login: 'bob' })
    rows.apply(planSetSystem(rows, bob.id, true, later))
    expect(readAccount(rows, bob.id)).toMatchObject({ system: true, modifiedAtMs: later.nowMs })
    expect(readAccount(rows, bob.id)).not.toHaveProperty('password')
    expect(codeOf(() => planSetPassword(rows, bob.id, PHC, later))).toBe('ERR_INVALID_ARGUMENT')
    expect(planSetPassword(rows, bob.id, undefined, later).ops).toEqual([])
    expect(planSetSystem(rows, bob.id, true, later).ops).toEqual([])
    rows.apply(planSetSystem(rows, bob.id, false, later))
    expect(readAccount(rows, bob.id)).not.toHaveProperty('system')
    expect(readAccount(rows, bob.id)).not.toHaveProperty('password')
  })

  test('are no administrators who could log in: the system may be unable to verify anybody', async () => {
    const root = await create(rows, { login: 'root', roles: ['admin'] })
    await create(rows, { login: 'sys', roles: ['admin'], system: true }, '')
    expect(readAdmins(rows)).toEqual([root.id])
    for (const run of [
      () => planDeleteAccount(rows, root.id),
      () => planDisableAccount(rows, root.id, later),
      () => planSetSystem(rows, root.id, true, later),
    ]) {
      expect(codeOf(run)).toBe('ERR_LAST_ADMINISTRATOR')
    }
  })

  test('weakness 40: an account is one of a system user because somebody said so, never by its name or uid', async () => {
    const plan = planCreateAccount(rows, { login: 'root', uids: [0] }, { ...when, crypto })
    expect(plan.account).not.toHaveProperty('system')
    expect(plan.account.roles).toEqual([])
    rows.apply(plan)
    expect(readAccountByUid(rows, 0)?.roles).toEqual([])
  })
})

describe('revoking everything', () => {
  test('the generation grows and the tokens go', async () => {
    const bob = await create(rows, { login: 'bob' })
    const eve = await create(rows, { login: 'eve' })
    const texts = [bob, bob, eve].map(({ id }) => {
      const plan = planCreateAccessToken(
        rows,
        { account: id, boundary: 'full' },
        { ...when, crypto },
      )
      rows.apply(plan)
      return plan.text
    })
    const kept = new Map(rows.map)
    rows.apply(planBumpGeneration(rows, bob.id, later))
    rows.apply(planBumpGeneration(rows, bob.id, later))
    expect(readAccount(rows, bob.id)).toMatchObject({ generation: 2, modifiedAtMs: later.nowMs })
    expect(readAccessTokensOf(rows, bob.id)).toEqual([])
    const good = (text: string) => verifyAccessToken(rows, text, { ...later, crypto }) !== undefined
    expect(texts.map(good)).toEqual([false, false, true])
    // Rows that come back, as by a restore of some of them, are of a generation that is over.
    for (const [key, row] of kept) if (/^g\/tokens?\//.test(key)) rows.map.set(key, row)
    expect(texts.map(good)).toEqual([false, false, true])
  })
})

test('class 23: a deleted account leaves no row behind', async () => {
  await create(rows, { login: 'root', roles: ['admin'] })
  const before = new Map(rows.map)
  const bob = await create(rows, { login: 'bob', roles: ['admin'], uids: [3, 4] })
  for (let i = 0; i < 3; i++) {
    rows.apply(
      planCreateAccessToken(rows, { account: bob.id, boundary: 'full' }, { ...when, crypto }),
    )
  }
  rows.apply(planBeginMfa(rows, bob.id, 'secreg', { ...when, crypto, key: new Uint8Array(32) }))
  expect(rows.text(mfaKey(bob.id))).toBeDefined()
  rows.apply(planDeleteAccount(rows, bob.id))
  expect(rows.map).toEqual(before)
})
