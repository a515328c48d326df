import { SecregError } from '@secreg/protocol'
import {
  type Account,
  AttemptLimiter,
  planDisableAccount,
  planSetUids,
  readAccountByUid,
  sourceOfUid,
  verifyKernelLogin,
} from '@secreg/zones'
import { beforeEach, expect, test } from 'vitest'
import { Clock, create, QuickHasher, Rows, rejectionOf, when } from './support.ts'

const CODE = '123456'
let rows: Rows
let clock: Clock
let limiter: AttemptLimiter
let alice: Account

beforeEach(async () => {
  rows = new Rows()
  clock = new Clock()
  limiter = new AttemptLimiter(clock)
  const hasher = new QuickHasher()
  alice = await create(rows, { login: 'alice', uids: [1000, 33] }, undefined, hasher)
  await create(rows, { login: 'bob', uids: [0] }, undefined, hasher)
})

function login(uid: number, otp?: string, factor = otp !== undefined): Promise<Account> {
  const second = () =>
    factor
      ? async () => {
          if (otp === undefined) throw new SecregError('AUTH_MFA_REQUIRED', 'a code is needed')
          return otp === CODE
        }
      : undefined
  return verifyKernelLogin({ limiter, find: (id) => readAccountByUid(rows, id), second }, uid)
}

test('each uid of an account is the account, 0 like any other', async () => {
  expect((await login(1000)).login).toBe('alice')
  expect((await login(33)).login).toBe('alice')
  expect((await login(0)).login).toBe('bob')
})

test('an unmapped uid and that of a disabled account are refused alike, and never counted', async () => {
  const unmapped = await rejectionOf(login(1001))
  expect(unmapped).toMatchObject({ reason: 'AUTH_FAILED' })
  rows.apply(planDisableAccount(rows, alice.id, when))
  for (let i = 0; i < 60; i++) {
    const { reason, message } = (await rejectionOf(login(1000))) as SecregError
    expect({ reason, message }).toEqual({
      reason: 'AUTH_FAILED',
      message: (unmapped as SecregError).message,
    })
  }
  expect(limiter.retryAfterSeconds('alice', sourceOfUid(1000))).toBeUndefined()
  expect(await rejectionOf(login(65_534))).toMatchObject({ reason: 'AUTH_FAILED' })
})

test('a uid that is taken from the account is nobody', async () => {
  rows.apply(planSetUids(rows, alice.id, [33], when))
  expect(await rejectionOf(login(1000))).toMatchObject({ reason: 'AUTH_FAILED' })
  expect((await login(33)).login).toBe('alice')
})

test('the second factor is demanded, and wrong codes lock out as wrong passwords do', async () => {
  expect(await rejectionOf(login(1000, undefined, true))).toMatchObject({
    reason: 'AUTH_MFA_REQUIRED',
  })
  expect((await login(1000, CODE)).login).toBe('alice')
  for (let i = 0; i < 5; i++) {
    expect(await rejectionOf(login(1000, '000000'))).toMatchObject({ reason: 'AUTH_FAILED' })
  }
  expect(await rejectionOf(login(1000, CODE))).toMatchObject({ reason: 'AUTH_LOCKED_OUT' })
  // For that uid alone; and where nothing is guessed, there is nothing to lock.
  expect((await login(33, CODE)).login).toBe('alice')
  expect((await login(1000)).login).toBe('alice')
})

test('codes that are tried together do not outrun the limit', async () => {
  const tried = Array.from({ length: 12 }, () => rejectionOf(login(1000, '000000')))
  const reasons = (await Promise.all(tried)).map((error) => (error as SecregError).reason)
  expect(reasons.filter((reason) => reason === 'AUTH_FAILED')).toHaveLength(5)
  expect(reasons.filter((reason) => reason === 'AUTH_LOCKED_OUT')).toHaveLength(7)
})

test('a login by the kernel makes nobody forget the passwords that were guessed', async () => {
  const source = sourceOfUid(1000)
  for (let i = 0; i < 4; i++) limiter.fail('alice', source, true)
  await login(1000)
  await login(1000, CODE)
  limiter.fail('alice', source, true)
  expect(limiter.retryAfterSeconds('alice', source)).toBe(300)
})
