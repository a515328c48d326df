import { SecregError } from '@secreg/protocol'
import {
  type Account,
  AttemptLimiter,
  createPasswordChecker,
  hotp,
  type MfaContext,
  mfaStateOf,
  type PasswordLoginPorts,
  planBeginMfa,
  planConfirmMfa,
  planUseMfa,
  readAccountByLogin,
  sourceOfAddress,
  sourceOfUid,
  verifyPasswordLogin,
} from '@secreg/zones'
import { beforeEach, describe, expect, test } from 'vitest'
import { decodeBase32 } from '../src/base32.ts'
import {
  Clock,
  create,
  fixedCrypto,
  GOOD_PASSWORD,
  QuickHasher,
  Rows,
  rejectionOf,
  when,
} from './support.ts'

let crypto = fixedCrypto()
const key = crypto.randomBytes(32)
const source = sourceOfUid(1000)
let rows: Rows
let clock: Clock
let hasher: QuickHasher
let secret: Uint8Array
let nowMs: number
let limiter: AttemptLimiter

const context = (): MfaContext => ({ nowMs, crypto, key })
const code = (off = 0) => hotp(secret, Math.floor(nowMs / 30_000) + off)
const WRONG = 'no code'

beforeEach(async () => {
  crypto = fixedCrypto()
  rows = new Rows()
  clock = new Clock()
  hasher = new QuickHasher()
  limiter = new AttemptLimiter(clock)
  nowMs = when.nowMs
  const bob = await create(rows, { login: 'bob' }, undefined, hasher)
  await create(rows, { login: 'eve' }, undefined, hasher)
  const begun = planBeginMfa(rows, bob.id, 'secreg', context())
  rows.apply(begun)
  secret = decodeBase32(begun.secret) as Uint8Array
  rows.apply(planConfirmMfa(rows, bob.id, code(), context()))
  nowMs += 60_000
})

/** The second step as a registry does it: the plan is made and committed in one turn. */
function secondStep(otp: string | undefined) {
  return async (account: Account) => {
    await Promise.resolve()
    if (mfaStateOf(rows, account.id).state !== 'on') return true
    if (otp === undefined) throw new SecregError('AUTH_MFA_REQUIRED', 'a code is needed')
    try {
      rows.apply(planUseMfa(rows, account.id, otp, context()))
      return true
    } catch (error) {
      if (SecregError.is(error) && error.reason === 'AUTH_FAILED') return false
      throw error
    }
  }
}

function login(name: string, password: string, otp?: string, from = source): Promise<Account> {
  const ports: PasswordLoginPorts = {
    limiter,
    checker: createPasswordChecker(hasher),
    find: (found) => readAccountByLogin(rows, found),
    second: secondStep(otp),
  }
  return verifyPasswordLogin(ports, { login: name, password, source: from })
}

const outcome = (attempt: Promise<Account>) =>
  attempt.then(
    () => 'in',
    (error: { code: string }) => error.code,
  )

describe('weakness 44: a second factor that is on is demanded', () => {
  test('password and code', async () => {
    expect(await outcome(login('bob', GOOD_PASSWORD, code()))).toBe('in')
    expect(await outcome(login('eve', GOOD_PASSWORD))).toBe('in')
  })

  test('a missing code is said where the password is right, and nowhere else', async () => {
    expect(await outcome(login('bob', GOOD_PASSWORD))).toBe('ERR_AUTH_MFA_REQUIRED')
    expect(await outcome(login('bob', 'wrong'))).toBe('ERR_AUTH_FAILED')
    expect(await outcome(login('nobody', GOOD_PASSWORD))).toBe('ERR_AUTH_FAILED')
  })

  test('a wrong code and a wrong password are one answer', async () => {
    const errors = await Promise.all([
      rejectionOf(login('bob', GOOD_PASSWORD, WRONG)),
      rejectionOf(login('bob', 'wrong', code())),
      rejectionOf(login('nobody', 'wrong', code())),
    ])
    expect(new Set(errors.map(({ code, message }) => `${code} ${message}`)).size).toBe(1)
  })

  test('no code is used up by a wrong password', async () => {
    expect(await outcome(login('bob', 'wrong', code()))).toBe('ERR_AUTH_FAILED')
    expect(await outcome(login('bob', GOOD_PASSWORD, code()))).toBe('in')
  })
})

describe('class 10: a second factor is guessed no faster than a password', () => {
  test('five wrong codes lock, each of them another code', async () => {
    for (let i = 0; i < 5; i++) {
      expect(await outcome(login('bob', GOOD_PASSWORD, `00000${i}`))).toBe('ERR_AUTH_FAILED')
      nowMs += 30_000
    }
    expect(await outcome(login('bob', GOOD_PASSWORD, code()))).toBe('ERR_AUTH_LOCKED_OUT')
    clock.ms += 300_000
    expect(await outcome(login('bob', GOOD_PASSWORD, code()))).toBe('in')
  })

  test('a right password clears nothing: only all of it does', async () => {
    for (let i = 0; i < 4; i++) await outcome(login('bob', 'wrong'))
    expect(await outcome(login('bob', GOOD_PASSWORD))).toBe('ERR_AUTH_MFA_REQUIRED')
    expect(await outcome(login('bob', GOOD_PASSWORD, WRONG))).toBe('ERR_AUTH_FAILED')
    expect(await outcome(login('bob', GOOD_PASSWORD, code()))).toBe('ERR_AUTH_LOCKED_OUT')
  })

  test('all of it right clears the counter', async () => {
    for (let i = 0; i < 4; i++) await outcome(login('bob', GOOD_PASSWORD, WRONG))
    expect(await outcome(login('bob', GOOD_PASSWORD, code()))).toBe('in')
    for (let i = 0; i < 4; i++) await outcome(login('bob', GOOD_PASSWORD, WRONG))
    nowMs += 60_000
    expect(await outcome(login('bob', GOOD_PASSWORD, code()))).toBe('in')
  })

  test('attempts started together do not outrun the limit', async () => {
    const codes = Array.from({ length: 20 }, (_, i) => (i === 12 ? code() : `00000${i}`))
    const outcomes = await Promise.all(
      codes.map((otp) => outcome(login('bob', GOOD_PASSWORD, otp))),
    )
    expect(outcomes.filter((one) => one === 'ERR_AUTH_FAILED')).toHaveLength(5)
    expect(outcomes.filter((one) => one === 'ERR_AUTH_LOCKED_OUT')).toHaveLength(15)
  })

  test('no code is used up for a login that five others have locked out', async () => {
    const otp = code()
    const wrong = Array.from({ length: 5 }, () => outcome(login('bob', 'wrong', otp)))
    const right = outcome(login('bob', GOOD_PASSWORD, otp))
    await Promise.all(wrong)
    expect(await right).toBe('ERR_AUTH_LOCKED_OUT')
    clock.ms += 300_000
    expect(await outcome(login('bob', GOOD_PASSWORD, otp))).toBe('in')
  })

  test('of logins started together with one code, one gets in', async () => {
    const otp = code()
    const outcomes = await Promise.all(
      Array.from({ length: 4 }, () => outcome(login('bob', GOOD_PASSWORD, otp))),
    )
    expect(outcomes.filter((one) => one === 'in')).toHaveLength(1)
  })

  test('wrong codes from many addresses lock the account for remote sources', async () => {
    for (let i = 0; i < 100; i++) {
      await outcome(login('bob', GOOD_PASSWORD, WRONG, sourceOfAddress(`192.0.2.${i}`)))
    }
    const remote = sourceOfAddress('198.51.100.1')
    expect(await outcome(login('bob', GOOD_PASSWORD, code(), remote))).toBe('ERR_AUTH_LOCKED_OUT')
    expect(await outcome(login('bob', GOOD_PASSWORD, code()))).toBe('in')
  })
})

describe('class 9 and 11: no other way of writing a name has another counter or no second factor', () => {
  const SPELLINGS = ['bob', 'BOB', 'Bob', 'boB', 'bOb']

  test('a name in any case demands the code', async () => {
    for (const name of SPELLINGS) {
      expect(await outcome(login(name, GOOD_PASSWORD))).toBe('ERR_AUTH_MFA_REQUIRED')
    }
  })

  test('wrong codes under all spellings lock all of them', async () => {
    for (const name of SPELLINGS) await outcome(login(name, GOOD_PASSWORD, WRONG))
    for (const name of SPELLINGS) {
      expect(await outcome(login(name, GOOD_PASSWORD, code()))).toBe('ERR_AUTH_LOCKED_OUT')
    }
  })

  test.each([
    ' bob',
    'bob ',
    'bob\u00a0',
    '\tbob',
    'bob\u0000',
    'ｂｏｂ',
    'b\u043eb',
    'bob\u200b',
    'bob.',
    '𝐛𝐨𝐛',
  ])('%j is another name, and nobody', async (name) => {
    expect(await outcome(login(name, GOOD_PASSWORD))).toBe('ERR_AUTH_FAILED')
    expect(await outcome(login(name, GOOD_PASSWORD, code()))).toBe('ERR_AUTH_FAILED')
  })
})

describe('class 19: a step that fails opens nothing', () => {
  const broken: [string, (account: Account) => boolean | Promise<boolean>][] = [
    ['says no', () => false],
    ['says nothing', () => undefined as never],
    ['says something else', () => 'yes' as never],
    ['throws', () => Promise.reject(new Error('the store is gone'))],
  ]

  test.each(broken)('a second step that %s', async (_, second) => {
    const ports: PasswordLoginPorts = {
      limiter,
      checker: createPasswordChecker(hasher),
      find: (name) => readAccountByLogin(rows, name),
      second,
    }
    const attempt = () =>
      verifyPasswordLogin(ports, { login: 'bob', password: GOOD_PASSWORD, source })
    expect(await rejectionOf(attempt())).toBeInstanceOf(Error)
  })

  test('what the second step throws counts for nothing and clears nothing', async () => {
    for (let i = 0; i < 4; i++) await outcome(login('bob', 'wrong'))
    for (let i = 0; i < 9; i++) {
      expect(await outcome(login('bob', GOOD_PASSWORD))).toBe('ERR_AUTH_MFA_REQUIRED')
    }
    expect(await outcome(login('bob', 'wrong'))).toBe('ERR_AUTH_FAILED')
    expect(await outcome(login('bob', 'wrong'))).toBe('ERR_AUTH_LOCKED_OUT')
  })

  test('the second step is asked only once the password is right', async () => {
    let asked = 0
    const ports: PasswordLoginPorts = {
      limiter,
      checker: createPasswordChecker(hasher),
      find: (name) => readAccountByLogin(rows, name),
      second: () => {
        asked++
        return true
      },
    }
    const attempt = (login: string, password: string) =>
      outcome(verifyPasswordLogin(ports, { login, password, source }))
    await attempt('bob', 'wrong')
    await attempt('nobody', GOOD_PASSWORD)
    expect(asked).toBe(0)
    expect(await attempt('bob', GOOD_PASSWORD)).toBe('in')
    expect(asked).toBe(1)
  })
})
