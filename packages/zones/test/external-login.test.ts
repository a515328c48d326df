import { SecregError } from '@secreg/protocol'
import {
  type Account,
  AttemptLimiter,
  createPasswordChecker,
  type ExternalLogin,
  planCreateAccessToken,
  planDisableAccount,
  planRevokeAccessToken,
  readAccountByLogin,
  sourceOfAddress,
  sourceOfUid,
  verifyAccessToken,
  verifyPasswordLogin,
  verifyTokenLogin,
} from '@secreg/zones'
import { beforeEach, describe, expect, test } from 'vitest'
import {
  Clock,
  codeOf,
  create,
  crypto,
  GOOD_PASSWORD,
  QuickHasher,
  Rows,
  rejectionOf,
  when,
} from './support.ts'

const source = sourceOfUid(1000)
const SYSTEM_PASSWORD = 'of the system'
let rows: Rows
let clock: Clock
let hasher: QuickHasher
let limiter: AttemptLimiter
let asked: [string, string][]
let answer: () => Promise<boolean>
let tookMs: number

beforeEach(async () => {
  rows = new Rows()
  clock = new Clock()
  hasher = new QuickHasher()
  limiter = new AttemptLimiter(clock)
  asked = []
  tookMs = 0
  answer = async () => asked.at(-1)?.[1] === SYSTEM_PASSWORD
  await create(rows, { login: 'own' }, undefined, hasher)
  await create(rows, { login: 'sys', system: true }, '')
})

function login(name: string, password: string, withExternal = true): Promise<Account> {
  const external: ExternalLogin = {
    verify: async (...given) => {
      asked.push(given)
      clock.ms += tookMs
      return answer()
    },
    failureDelayMs: 3000,
    nowMs: clock.nowMs,
    sleep: async (ms) => {
      clock.ms += ms
    },
  }
  return verifyPasswordLogin(
    {
      limiter,
      checker: createPasswordChecker(hasher),
      find: (found) => readAccountByLogin(rows, found),
      ...(withExternal ? { external } : {}),
    },
    { login: name, password, source },
  )
}

const outcome = (attempt: Promise<Account>) =>
  attempt.then(
    () => 'in',
    (error: { code: string }) => error.code,
  )

describe('system users', () => {
  test('are verified by the system, the others here', async () => {
    expect(await outcome(login('SYS', SYSTEM_PASSWORD))).toBe('in')
    expect(asked).toEqual([['sys', SYSTEM_PASSWORD]])
    expect(hasher.verified).toEqual([])
    expect(await outcome(login('own', GOOD_PASSWORD))).toBe('in')
    expect(await outcome(login('own', SYSTEM_PASSWORD))).toBe('ERR_AUTH_FAILED')
    expect(asked).toHaveLength(1)
  })

  test('weakness 40: the system is never asked about a name that has no account', async () => {
    for (const name of ['root', 'nobody', '', ' sys', 'sys ', '-sys', 'sys\u0000']) {
      expect(await outcome(login(name, SYSTEM_PASSWORD))).toBe('ERR_AUTH_FAILED')
    }
    expect(asked).toEqual([])
  })

  test('without a verifier nobody logs in to them', async () => {
    expect(await outcome(login('sys', SYSTEM_PASSWORD, false))).toBe('ERR_AUTH_FAILED')
    expect(hasher.verified).toHaveLength(1)
  })

  test('a disabled one is not asked about', async () => {
    const sys = readAccountByLogin(rows, 'sys') as Account
    rows.apply(planDisableAccount(rows, sys.id, when))
    expect(await outcome(login('sys', SYSTEM_PASSWORD))).toBe('ERR_AUTH_FAILED')
    expect(asked).toEqual([])
  })

  test('a password over the limit is not handed on', async () => {
    expect(await outcome(login('sys', 'x'.repeat(1025)))).toBe('ERR_AUTH_FAILED')
    expect(asked).toEqual([])
  })

  test.each([undefined, 1, 'yes', {}])('an answer of %j is no yes', async (value) => {
    answer = async () => value as never
    expect(await outcome(login('sys', SYSTEM_PASSWORD))).toBe('ERR_AUTH_FAILED')
  })

  test('five failures lock them like the others', async () => {
    for (let i = 0; i < 5; i++) {
      expect(await outcome(login('sys', 'wrong'))).toBe('ERR_AUTH_FAILED')
    }
    expect(await outcome(login('sys', SYSTEM_PASSWORD))).toBe('ERR_AUTH_LOCKED_OUT')
    expect(asked).toHaveLength(5)
  })
})

describe('weakness 47 and class 8: who is a system user shows neither by text nor by time', () => {
  test('every refusal takes a multiple of the same time', async () => {
    const took: number[] = []
    for (const [name, ms] of [
      ['nobody', 0],
      ['own', 0],
      ['sys', 0],
      ['sys', 1234],
      ['sys', 3000],
    ] as const) {
      tookMs = ms
      const startMs = clock.ms
      expect(await outcome(login(name, 'wrong'))).toBe('ERR_AUTH_FAILED')
      took.push(clock.ms - startMs)
    }
    expect(took).toEqual([3000, 3000, 3000, 3000, 3000])
    tookMs = 3001
    const startMs = clock.ms
    await outcome(login('sys', 'wrong'))
    expect(clock.ms - startMs).toBe(6000)
  })

  test('a good login does not wait', async () => {
    const startMs = clock.ms
    await login('sys', SYSTEM_PASSWORD)
    expect(clock.ms).toBe(startMs)
  })

  test('a verifier that fails is a refusal like any other, counted like one, with its cause for the log', async () => {
    const cause = new Error('the helper hangs')
    answer = () => Promise.reject(cause)
    const failed = await rejectionOf(login('sys', SYSTEM_PASSWORD))
    const unknown = await rejectionOf(login('nobody', SYSTEM_PASSWORD))
    expect([failed.code, failed.message]).toEqual([unknown.code, unknown.message])
    expect(failed.cause).toBe(cause)
    for (let i = 0; i < 4; i++) await outcome(login('sys', SYSTEM_PASSWORD))
    for (let i = 0; i < 4; i++) await outcome(login('nobody', SYSTEM_PASSWORD))
    const codes = [await outcome(login('sys', 'x')), await outcome(login('nobody', 'x'))]
    expect(codes).toEqual(['ERR_AUTH_LOCKED_OUT', 'ERR_AUTH_LOCKED_OUT'])
  })
})

test('a verifier that is too busy refuses alike, and counts nothing', async () => {
  answer = () => Promise.reject(new SecregError('BUSY', 'as many helpers run as may'))
  const busy = await rejectionOf(login('sys', SYSTEM_PASSWORD))
  const unknown = await rejectionOf(login('nobody', SYSTEM_PASSWORD))
  expect([busy.code, busy.message]).toEqual([unknown.code, unknown.message])
  for (let i = 0; i < 9; i++) {
    expect(await outcome(login('sys', SYSTEM_PASSWORD))).toBe('ERR_AUTH_FAILED')
  }
  answer = async () => true
  expect(await outcome(login('sys', SYSTEM_PASSWORD))).toBe('in')
})

test.each([0, -1, Number.NaN])('a failure delay of %d is none', async (failureDelayMs) => {
  const attempt = verifyPasswordLogin(
    {
      limiter,
      checker: createPasswordChecker(hasher),
      find: (found) => readAccountByLogin(rows, found),
      external: { verify: answer, failureDelayMs, nowMs: clock.nowMs, sleep: async () => {} },
    },
    { login: 'sys', password: 'x', source },
  )
  expect(await rejectionOf(attempt)).toBeInstanceOf(RangeError)
})

describe('logins with tokens', () => {
  const remote = sourceOfAddress('192.0.2.1')
  let text: string
  let ident: string

  beforeEach(() => {
    const own = readAccountByLogin(rows, 'own') as Account
    const plan = planCreateAccessToken(
      rows,
      { account: own.id, boundary: 'full' },
      { ...when, crypto },
    )
    rows.apply(plan)
    text = plan.text
    ident = plan.token.ident
  })

  const attempt = (given: string, from = source) =>
    codeOf(() =>
      verifyTokenLogin(
        { limiter, verify: (one) => verifyAccessToken(rows, one, { ...when, crypto }) },
        { text: given, source: from },
      ),
    )

  test('a good one is let in, and clears nothing', () => {
    for (let i = 0; i < 49; i++) expect(attempt('x')).toBe('ERR_AUTH_FAILED')
    expect(attempt(text)).toBe('nothing')
    expect(attempt('x')).toBe('ERR_AUTH_FAILED')
    expect(attempt(text)).toBe('ERR_AUTH_LOCKED_OUT')
    clock.ms += 300_000
    expect(attempt(text)).toBe('nothing')
  })

  test('failures count by their source, whatever the ident is', () => {
    for (let i = 0; i < 50; i++) {
      const other = `sreg_${String(i).padStart(16, '0')}_${'A'.repeat(43)}`
      expect(attempt(other, remote)).toBe('ERR_AUTH_FAILED')
    }
    expect(attempt(text, remote)).toBe('ERR_AUTH_LOCKED_OUT')
    expect(attempt(text)).toBe('nothing')
    expect(attempt(text, sourceOfAddress('192.0.2.2'))).toBe('nothing')
  })

  test('they lock no password, and passwords lock no token', async () => {
    for (let i = 0; i < 60; i++) attempt('x')
    expect(await outcome(login('own', GOOD_PASSWORD))).toBe('in')
    clock.ms += 600_000
    for (let i = 0; i < 60; i++) await outcome(login(`u${i}`, 'wrong'))
    expect(await outcome(login('own', GOOD_PASSWORD))).toBe('ERR_AUTH_LOCKED_OUT')
    expect(attempt(text)).toBe('nothing')
  })

  test('a revoked one and an unknown one are one answer', () => {
    rows.apply(planRevokeAccessToken(rows, ident))
    const messages = [text, text.replace(ident, '0'.repeat(16)), 'x'].map((given) => {
      try {
        verifyTokenLogin(
          { limiter, verify: (one) => verifyAccessToken(rows, one, { ...when, crypto }) },
          { text: given, source },
        )
      } catch (error) {
        return (error as Error).message
      }
      return 'in'
    })
    expect(new Set(messages)).toEqual(new Set(['the token is not valid']))
  })
})
