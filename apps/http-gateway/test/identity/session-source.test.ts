import { inspect } from 'node:util'
import { type AuthResponse, type RequestOf, SecregError } from '@secreg/protocol'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Credential } from '../../src/identity/credential.ts'
import {
  createSessionSource,
  type LoginRelay,
  type Presented,
  type SessionSource,
  type SessionSourceOptions,
} from '../../src/identity/identify.ts'
import { rejectionOf } from './facts.ts'

const address = '192.0.2.1'
const token: Presented = { credential: Credential.token('sreg_token'), address }
const alice: Presented = { credential: Credential.password('alice', 'pass'), address }

type Request = RequestOf<'auth'>

interface Fake {
  readonly source: SessionSource
  readonly asked: Request[]
  now: number
}

function fake(
  answer: (request: Request, nth: number, signal: AbortSignal | undefined) => Promise<AuthResponse>,
  options: SessionSourceOptions = {},
): Fake {
  const asked: Request[] = []
  const relay: LoginRelay = {
    auth: (request, { signal } = {}) => {
      asked.push(request)
      return answer(request, asked.length, signal)
    },
  }
  const all: Fake = {
    asked,
    now: 0,
    source: createSessionSource(relay, { nowMs: () => all.now, ...options }),
  }
  return all
}

const opens = async (_: Request, nth: number): Promise<AuthResponse> => ({
  success: true,
  session_id: `s${nth}`,
  expires_in: 300,
})

describe('a session', () => {
  it('is opened with what was presented, and used again', async () => {
    const { source, asked } = fake(opens)
    const assertions = ['tailnet:a@b', 'cert:sha256:00']
    expect(await source.sessionOf(token)).toBe('s1')
    expect(await source.sessionOf(alice)).toBe('s2')
    expect(await source.sessionOf({ assertions, address })).toBe('s3')
    expect(await source.sessionOf(token)).toBe('s1')
    expect(asked).toEqual([
      { token: 'sreg_token', address },
      { username: 'alice', password: 'pass', address },
      { assertions, address },
    ])
  })

  it('is of one address', async () => {
    const { source } = fake(opens)
    expect(await source.sessionOf(token)).toBe('s1')
    expect(await source.sessionOf({ ...token, address: '192.0.2.2' })).toBe('s2')
  })

  it.each([{ address }, { assertions: [], address }])(
    'nothing presented opens none',
    async (it) => {
      const { source, asked } = fake(opens)
      expect(await rejectionOf(source.sessionOf(it))).toBe('AUTH_REQUIRED')
      expect(asked).toEqual([])
    },
  )

  it('is not used in the last seconds of its life, which begins with the asking', async () => {
    const all = fake(async (request, nth) => {
      all.now += 1000
      return opens(request, nth)
    })
    expect(await all.source.sessionOf(token)).toBe('s1')
    all.now = 294_999
    expect(await all.source.sessionOf(token)).toBe('s1')
    all.now = 295_000
    expect(await all.source.sessionOf(token)).toBe('s2')
  })

  it('of a short life is used for half of it', async () => {
    const all = fake(async () => ({ success: true, session_id: 's', expires_in: 2 }))
    await all.source.sessionOf(token)
    all.now = 999
    await all.source.sessionOf(token)
    expect(all.asked).toHaveLength(1)
    all.now = 1000
    await all.source.sessionOf(token)
    expect(all.asked).toHaveLength(2)
  })

  it.each([undefined, 0, -1, Number.NaN, Infinity])('whose end is %s serves once', async (end) => {
    const answer = { success: true, session_id: 's', expires_in: end } as AuthResponse
    const { source, asked } = fake(async () => answer)
    expect(await source.sessionOf(token)).toBe('s')
    expect(await source.sessionOf(token)).toBe('s')
    expect(asked).toHaveLength(2)
  })

  it('is opened once for all who ask at the same time', async () => {
    const { source, asked } = fake(opens)
    const all = await Promise.all(Array.from({ length: 100 }, () => source.sessionOf(token)))
    expect(new Set(all)).toEqual(new Set(['s1']))
    expect(asked).toHaveLength(1)
  })

  it('is opened anew after it was forgotten, once, however many noticed', async () => {
    const { source, asked } = fake(opens)
    await source.sessionOf(token)
    const all = Array.from({ length: 20 }, async () => {
      source.forget(token, 's1')
      return source.sessionOf(token)
    })
    expect(new Set(await Promise.all(all))).toEqual(new Set(['s2']))
    source.forget(token, 's1')
    expect(await source.sessionOf(token)).toBe('s2')
    expect(asked).toHaveLength(2)
  })

  it('ends with its connection, also when it is only being opened', async () => {
    let open: (() => void) | undefined
    const { source, asked } = fake((request, nth) =>
      nth === 2
        ? new Promise((resolve) => (open = () => resolve(opens(request, nth))))
        : opens(request, nth),
    )
    expect(await source.sessionOf(token)).toBe('s1')
    const opening = source.sessionOf(alice)
    source.lost()
    expect(await source.sessionOf(token)).toBe('s3')
    const anew = source.sessionOf(alice)
    open?.()
    expect(await rejectionOf(opening)).toBe('UNREACHABLE')
    expect(await anew).toBe('s4')
    expect(await source.sessionOf(alice)).toBe('s4')
    expect(asked).toHaveLength(4)
  })
})

it('a session counts whose opening has shown that an earlier connection is lost', async () => {
  const { source } = fake((request, nth) => {
    source.lost()
    return opens(request, nth)
  })
  expect(await source.sessionOf(token)).toBe('s1')
  expect(await source.sessionOf(token)).toBe('s1')
})

describe('a refused login', () => {
  it('is asked again each time: the daemon counts', async () => {
    const error = { code: 4, name: 'AuthFailed', message: 'm', reason: 'AUTH_FAILED', errno: 100 }
    const { source, asked } = fake(async () => ({ success: false, error }))
    for (let i = 0; i < 3; i++) {
      expect(await rejectionOf(source.sessionOf(token))).toBe('AUTH_FAILED')
    }
    expect(asked).toHaveLength(3)
  })

  const error = (reason: string, more: object = {}): AuthResponse => ({
    success: false,
    error: { code: 4, name: 'n', message: 'm', reason, errno: 1, ...more },
  })
  it.each<[string, object, object]>([
    [
      'locked out',
      error('AUTH_LOCKED_OUT', { retry_after: 30 }),
      { reason: 'AUTH_LOCKED_OUT', retryAfterSeconds: 30 },
    ],
    ['busy', error('BUSY', { retry_after: 1 }), { reason: 'BUSY', retryAfterSeconds: 1 }],
    ['sealed', error('SEALED'), { reason: 'SEALED' }],
    ['a reason of later', error('AUTH_NEW'), { reason: 'AUTH_FAILED' }],
    ['a reason and code of later', error('NEW', { code: 6 }), { reason: 'INTERNAL' }],
    ['no error', { success: false }, { reason: 'AUTH_FAILED' }],
    ['a second factor', { success: false, mfa_required: true }, { reason: 'AUTH_MFA_REQUIRED' }],
    [
      'a second factor, with its error',
      { ...error('AUTH_MFA_REQUIRED'), mfa_required: true },
      { reason: 'AUTH_MFA_REQUIRED' },
    ],
    [
      'enrolment',
      { success: true, session_id: 's', mfa_enrollment_required: true },
      { reason: 'MFA_ENROLLMENT_REQUIRED' },
    ],
    ['no session', { success: true }, { reason: 'INTERNAL' }],
    ['an empty session', { success: true, session_id: '' }, { reason: 'INTERNAL' }],
    [
      'a session beyond its length',
      { success: true, session_id: 'x'.repeat(256) },
      { reason: 'INTERNAL' },
    ],
    ['truth of another kind', { success: 'false', session_id: 's' }, { reason: 'AUTH_FAILED' }],
    [
      'a retry of nonsense',
      error('BUSY', { retry_after: -1 }),
      { reason: 'BUSY', retryAfterSeconds: undefined },
    ],
  ])('%s', async (_, answer, expected) => {
    const { source } = fake(async () => answer as AuthResponse)
    await expect(source.sessionOf(token)).rejects.toMatchObject(expected)
  })

  it('a session beside an error is no session', async () => {
    const { source } = fake(async () => ({ ...error('AUTH_FAILED'), session_id: 's' }))
    expect(await rejectionOf(source.sessionOf(token))).toBe('AUTH_FAILED')
  })

  it('a failing connection passes its reason on', async () => {
    const { source } = fake(() => Promise.reject(new SecregError('UNREACHABLE', '/run/socket')))
    await expect(source.sessionOf(token)).rejects.toMatchObject({
      reason: 'UNREACHABLE',
      message: 'the registry cannot be reached',
    })
  })
})

describe('logins with a password', () => {
  it('are bounded; the rest is told when to come again, and tokens go past', async () => {
    const { source, asked } = fake((request, nth) =>
      'password' in request ? new Promise(() => {}) : opens(request, nth),
    )
    const guess = (i: number): Promise<string> =>
      source.sessionOf({ credential: Credential.password('alice', `${i}`), address })
    for (let i = 0; i < 40; i++) void guess(i)
    await expect(guess(40)).rejects.toMatchObject({ reason: 'BUSY', retryAfterSeconds: 1 })
    expect(asked).toHaveLength(8)
    expect(await source.sessionOf(token)).toBe('s9')
  })

  it('that nobody waits for any more make room and are not asked', async () => {
    const { source, asked } = fake(
      (_, __, signal) =>
        new Promise((___, reject) => {
          signal?.addEventListener('abort', () => reject(signal.reason))
        }),
      { passwords: { maxRunning: 1, maxWaiting: 1 } },
    )
    const guess = (i: number, signal: AbortSignal): Promise<string | undefined> =>
      rejectionOf(
        source.sessionOf({ credential: Credential.password('alice', `${i}`), address }, { signal }),
      )
    const [first, second, third] = [1, 2, 3].map(() => new AbortController()) as [
      AbortController,
      AbortController,
      AbortController,
    ]
    const one = guess(1, first.signal)
    const two = guess(2, second.signal)
    second.abort()
    expect(await two).toBe('TIMEOUT')
    const three = guess(3, third.signal)
    first.abort()
    expect(await one).toBe('TIMEOUT')
    await new Promise(setImmediate)
    expect(asked.map((request) => request.password)).toEqual(['1', '3'])
    third.abort()
    expect(await three).toBe('TIMEOUT')
  })
})

it('whatever the daemon answers, a session or an error of the registry comes out, without the credential', async () => {
  const secret = 'pass-phrase-to-look-for'
  const presented: Presented = { credential: Credential.password('alice', secret), address }
  const leaky = fc.oneof(
    fc.jsonValue(),
    fc.record(
      {
        success: fc.oneof(fc.boolean(), fc.jsonValue()),
        session_id: fc.oneof(fc.string(), fc.jsonValue()),
        expires_in: fc.oneof(fc.double(), fc.jsonValue()),
        mfa_required: fc.boolean(),
        error: fc.oneof(
          fc.jsonValue(),
          fc.record(
            {
              reason: fc.constantFrom('AUTH_FAILED', 'BUSY', 'SEALED', secret, 'toString'),
              message: fc.constant(secret),
              code: fc.oneof(fc.integer(), fc.constant(secret)),
              retry_after: fc.oneof(fc.double(), fc.constant(secret)),
            },
            { requiredKeys: [] },
          ),
        ),
      },
      { requiredKeys: [] },
    ),
  )
  await fc.assert(
    fc.asyncProperty(leaky, fc.boolean(), async (answer, throws) => {
      const { source } = fake(async () => {
        if (throws) throw new SecregError('AUTH_FAILED', secret, { cause: secret })
        return answer as never
      })
      try {
        expect((await source.sessionOf(presented)).length).toBeGreaterThan(0)
      } catch (error) {
        expect(SecregError.is(error), inspect(error)).toBe(true)
        expect(inspect(error)).not.toContain(secret)
      }
    }),
    { numRuns: 500 },
  )
})
