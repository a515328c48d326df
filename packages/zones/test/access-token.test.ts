import {
  ACCESS_TOKEN_SPACE,
  ACCESS_TOKENS_MAX,
  type AccessToken,
  accessTokenKey,
  accountTokensKey,
  decodeAccessToken,
  encodeAccessToken,
  isTokenBoundary,
  type NewAccessToken,
  planConsumeUse,
  planCreateAccessToken,
  planCreateAccount,
  planDisableAccount,
  planEnableAccount,
  planRevokeAccessToken,
  readAccessToken,
  readAccessTokensOf,
  readTokenIdents,
  type VerifiedToken,
  verifyAccessToken,
} from '@secreg/zones'
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { codeOf, create, crypto, Rows, when } from './support.ts'

const ACCOUNT = 'a'.repeat(32)
const IDENT = '0123456789abcdef'
let rows: Rows
let bob: string

beforeEach(async () => {
  rows = new Rows()
  bob = (await create(rows, { login: 'bob' })).id
})

function issue(more: Partial<NewAccessToken> = {}, nowMs = when.nowMs) {
  const plan = planCreateAccessToken(
    rows,
    { account: bob, boundary: 'full', ...more },
    { nowMs, crypto },
  )
  rows.apply(plan)
  return plan
}

const verify = (text: string, nowMs = when.nowMs): VerifiedToken | undefined =>
  verifyAccessToken(rows, text, { nowMs, crypto })

describe('making and verifying', () => {
  test('the text opens its account, the row holds no secret', () => {
    const { text, token } = issue({ label: 'backup host', boundary: ['web', 'ci', 'web'] })
    expect(text).toMatch(/^sreg_[0-9a-f]{16}_[A-Za-z0-9_-]{43}$/)
    expect(verify(text)?.account.login).toBe('bob')
    expect(verify(text)?.token).toEqual(token)
    expect(token).toMatchObject({ label: 'backup host', boundary: ['ci', 'web'], generation: 0 })
    const secret = text.slice(-43)
    for (const row of rows.map.values()) {
      expect(new TextDecoder().decode(row)).not.toContain(secret)
    }
    expect(readAccessTokensOf(rows, bob)).toEqual([token])
  })

  test('any other text opens nothing', () => {
    const { text } = issue()
    const secret = text.slice(-43)
    const other = issue().text
    const wrong = [
      '',
      text.slice(0, -1),
      `${text} `,
      ` ${text}`,
      `${text}\n`,
      text.toUpperCase(),
      text.replace('sreg_', 'SREG_'),
      text.replace('sreg_', ''),
      text.slice(0, 22) + other.slice(22),
      `sreg_${IDENT}_${secret}`,
      `${text.slice(0, -43)}${'A'.repeat(43)}`,
      `${text}${'A'.repeat(1_000_000)}`,
    ]
    for (const one of wrong) expect(verify(one)).toBeUndefined()
  })

  test('the last character has one spelling: bits that mean nothing are zero', () => {
    const { text } = issue()
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const good = [...alphabet].filter((char) => verify(text.slice(0, -1) + char) !== undefined)
    expect(good).toEqual([text.slice(-1)])
  })

  test('an ended one is dead from its last millisecond on', () => {
    const { text, token } = issue({ expiresAtMs: when.nowMs + 1000 })
    expect(verify(text, when.nowMs + 999)).toBeDefined()
    expect(verify(text, when.nowMs + 1000)).toBeUndefined()
    const use = (nowMs: number) => codeOf(() => planConsumeUse(rows, token.ident, { nowMs }))
    expect(use(when.nowMs + 999)).toBe('nothing')
    expect(use(when.nowMs + 1000)).toBe('ERR_AUTH_FAILED')
  })

  test('one of a disabled account is dead until that is enabled', () => {
    const { text, token } = issue()
    rows.apply(planDisableAccount(rows, bob, when))
    expect(verify(text)).toBeUndefined()
    expect(codeOf(() => planConsumeUse(rows, token.ident, when))).toBe('ERR_AUTH_FAILED')
    rows.apply(planEnableAccount(rows, bob, when))
    expect(verify(text)).toBeDefined()
  })

  test('class 8 and 21: one hash and one comparison in constant time, whether the ident is known or not', () => {
    const { text } = issue()
    const story = (one: string) => {
      const steps: string[] = []
      const counting = {
        sha256: (data: Uint8Array) => {
          steps.push(`hash ${data.length}`)
          return crypto.sha256(data)
        },
        equal: (a: Uint8Array, b: Uint8Array) => {
          steps.push(`equal ${a.length} ${b.length}`)
          return crypto.equal(a, b)
        },
      }
      verifyAccessToken(rows, one, { nowMs: when.nowMs, crypto: counting })
      return steps
    }
    const unknown = text.replace(text.slice(5, 21), IDENT)
    const wrong = `${text.slice(0, -43)}${'A'.repeat(43)}`
    expect(story(text)).toEqual(['hash 32', 'equal 32 32'])
    expect(story(unknown)).toEqual(story(text))
    expect(story(wrong)).toEqual(story(text))
  })

  test('the decoy opens nothing, not even to an account that has its id', () => {
    const zero = { randomBytes: (n: number) => new Uint8Array(n) }
    rows.apply(planCreateAccount(rows, { login: 'zero' }, { ...when, crypto: zero }))
    const always = { sha256: crypto.sha256, equal: () => true }
    const text = `sreg_${IDENT}_${'A'.repeat(43)}`
    expect(verifyAccessToken(rows, text, { nowMs: when.nowMs, crypto: always })).toBeUndefined()
  })

  test('wrong arguments', () => {
    const plan = (more: object, context: object = {}) =>
      codeOf(() =>
        planCreateAccessToken(
          rows,
          { account: bob, boundary: 'full', ...more },
          { nowMs: when.nowMs, crypto, ...context },
        ),
      )
    const refused: object[] = [
      { boundary: [] },
      { boundary: undefined },
      { boundary: 'FULL' },
      { boundary: 'web' },
      { boundary: ['../x'] },
      { boundary: [' web'] },
      { boundary: [''] },
      { boundary: [1] },
      { boundary: Array.from({ length: 33 }, (_, n) => `p${n}`) },
      { expiresAtMs: when.nowMs },
      { expiresAtMs: when.nowMs + 0.5 },
      { expiresAtMs: Number.NaN },
      { uses: 0 },
      { uses: -1 },
      { uses: 1.5 },
      { uses: Number.POSITIVE_INFINITY },
      { label: 'a\nb' },
      { label: 'x'.repeat(65) },
    ]
    for (const more of refused) expect(plan(more)).toBe('ERR_INVALID_ARGUMENT')
    expect(plan({ account: ACCOUNT })).toBe('ERR_USER_NOT_FOUND')
    expect(plan({ account: 'g/admins' })).toBe('ERR_USER_NOT_FOUND')
    expect(plan({}, { nowMs: Number.NaN })).toBe('RangeError')
    const short = { ...crypto, randomBytes: () => new Uint8Array(3) }
    expect(plan({}, { crypto: short })).toBe('RangeError')
    const stuck = { ...crypto, randomBytes: (n: number) => new Uint8Array(n) }
    rows.apply(
      planCreateAccessToken(rows, { account: bob, boundary: 'full' }, { ...when, crypto: stuck }),
    )
    expect(plan({}, { crypto: stuck })).toBe('ERR_INTERNAL')
  })
})

describe('use counts', () => {
  test('as many uses as were given, and then the row is gone', () => {
    const { text, token } = issue({ uses: 2 })
    rows.apply(planConsumeUse(rows, token.ident, when))
    expect(readAccessToken(rows, token.ident)?.usesLeft).toBe(1)
    expect(verify(text)).toBeDefined()
    rows.apply(planConsumeUse(rows, token.ident, when))
    expect(readAccessToken(rows, token.ident)).toBeUndefined()
    expect(rows.text(accountTokensKey(bob))).toBeUndefined()
    expect(verify(text)).toBeUndefined()
    expect(codeOf(() => planConsumeUse(rows, token.ident, when))).toBe('ERR_AUTH_FAILED')
  })

  test('one without a count is used any number of times, and nothing is written', () => {
    const { token } = issue()
    for (let i = 0; i < 3; i++) {
      const plan = planConsumeUse(rows, token.ident, when)
      expect(plan.ops).toEqual([])
      expect(plan.account.id).toBe(bob)
    }
  })

  test('what is used is refused alike, whatever is wrong with it', () => {
    const { token } = issue()
    rows.apply(planRevokeAccessToken(rows, token.ident))
    const messages = [token.ident, IDENT, '', '../admins'].map((ident) => {
      try {
        planConsumeUse(rows, ident, when)
      } catch (error) {
        return (error as Error).message
      }
      return 'nothing'
    })
    expect(new Set(messages)).toEqual(new Set(['the token is not valid']))
  })
})

describe('revoking', () => {
  test('it is dead at once, and its ident is in no list', () => {
    const [one, two] = [issue(), issue()]
    rows.apply(planRevokeAccessToken(rows, one.token.ident))
    expect(verify(one.text)).toBeUndefined()
    expect(verify(two.text)).toBeDefined()
    expect(readTokenIdents(rows, bob)).toEqual([two.token.ident])
    expect(codeOf(() => planRevokeAccessToken(rows, one.token.ident))).toBe('ERR_NOT_FOUND')
  })

  test('class 24 and 6: a token of somebody else is as good as none', async () => {
    const eve = await create(rows, { login: 'eve' })
    const { token } = issue()
    const plan = (ident: string, owner: string) =>
      codeOf(() => planRevokeAccessToken(rows, ident, { owner }))
    expect(plan(token.ident, eve.id)).toBe('ERR_NOT_FOUND')
    expect(plan(IDENT, eve.id)).toBe('ERR_NOT_FOUND')
    expect(plan(token.ident, bob)).toBe('nothing')
  })
})

describe('how many', () => {
  test('at most 100 of one account; those that ended make room', async () => {
    for (let i = 0; i < ACCESS_TOKENS_MAX - 1; i++) issue()
    const short = issue({ expiresAtMs: when.nowMs + 10 })
    expect(codeOf(() => issue())).toBe('ERR_LIMIT_EXCEEDED')
    const eve = await create(rows, { login: 'eve' })
    expect(codeOf(() => issue({ account: eve.id }))).toBe('nothing')
    const { text } = issue({}, when.nowMs + 10)
    expect(verify(text)).toBeDefined()
    expect(readAccessToken(rows, short.token.ident)).toBeUndefined()
    expect(readAccessTokensOf(rows, bob)).toHaveLength(ACCESS_TOKENS_MAX)
  })
})

describe('rows', () => {
  const full: AccessToken = {
    ident: IDENT,
    account: ACCOUNT,
    label: 'ci',
    boundary: ['a', 'b'],
    createdAtMs: 1,
    expiresAtMs: 2,
    usesLeft: 3,
    generation: 4,
    hash: 'c'.repeat(64),
  }
  const TEXT =
    `{"v":1,"ident":"${IDENT}","account":"${ACCOUNT}","label":"ci","boundary":["a","b"],` +
    `"created_at":1,"expires_at":2,"uses_left":3,"generation":4,"hash":"${'c'.repeat(64)}"}`

  test('the row is the documented text', () => {
    expect(new TextDecoder().decode(encodeAccessToken(full))).toBe(TEXT)
    expect(accessTokenKey(IDENT)).toBe(`g/token/${IDENT}`)
    expect(accountTokensKey(ACCOUNT)).toBe(`g/tokens/${ACCOUNT}`)
    expect(ACCESS_TOKEN_SPACE).toEqual({ gte: 'g/token/', lt: 'g/token0' })
    expect(codeOf(() => accessTokenKey('../x'))).toBe('RangeError')
    expect(codeOf(() => accountTokensKey('x'))).toBe('RangeError')
  })

  test('encoding and decoding give back every token', () => {
    const token = fc.record(
      {
        ident: fc.constant(IDENT),
        account: fc.stringMatching(/^[0-9a-f]{32}$/),
        label: fc.stringMatching(/^[a-z é"\\]{1,64}$/),
        boundary: fc.oneof(
          fc.constant('full' as const),
          fc.subarray(['a', 'home-x', 'z.9'], { minLength: 1 }),
        ),
        createdAtMs: fc.maxSafeNat(),
        expiresAtMs: fc.maxSafeNat(),
        usesLeft: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
        generation: fc.maxSafeNat(),
        hash: fc.stringMatching(/^[0-9a-f]{64}$/),
      },
      { requiredKeys: ['ident', 'account', 'boundary', 'createdAtMs', 'generation', 'hash'] },
    )
    fc.assert(
      fc.property(token, (one) => {
        expect(decodeAccessToken(encodeAccessToken(one), IDENT)).toEqual(one)
      }),
    )
  })

  test.each<[string, string]>([
    ['another ident', TEXT.replace(IDENT, 'f'.repeat(16))],
    ['no account', TEXT.replace(ACCOUNT, 'bob')],
    ['an empty boundary', TEXT.replace('["a","b"]', '[]')],
    ['a boundary of one word', TEXT.replace('["a","b"]', '"all"')],
    ['no boundary', TEXT.replace('"boundary":["a","b"],', '')],
    ['a boundary out of order', TEXT.replace('["a","b"]', '["b","a"]')],
    ['a boundary twice', TEXT.replace('["a","b"]', '["a","a"]')],
    ['no uses left', TEXT.replace('"uses_left":3', '"uses_left":0')],
    ['an end that is null', TEXT.replace('"expires_at":2', '"expires_at":null')],
    ['no generation', TEXT.replace('"generation":4,', '')],
    ['a short hash', TEXT.replace('c'.repeat(64), 'c'.repeat(63))],
    ['a member too many', TEXT.replace('"v":1', '"v":1,"x":1')],
    ['a label of two lines', TEXT.replace('"ci"', '"c\\ni"')],
  ])('%s is corrupt', (_, text) => {
    rows.put(accessTokenKey(IDENT), text)
    expect(codeOf(() => readAccessToken(rows, IDENT))).toBe('ERR_ZONES_ROW_CORRUPT')
    expect(codeOf(() => planConsumeUse(rows, IDENT, when))).toBe('ERR_ZONES_ROW_CORRUPT')
  })

  test.each([
    '',
    '[]',
    '{}',
    'null',
    '["x"]',
    `["${IDENT}","${IDENT}"]`,
    `["${'f'.repeat(16)}", "${IDENT}"]`,
  ])('the list %j is corrupt', (text) => {
    rows.put(accountTokensKey(bob), text)
    expect(codeOf(() => readAccessTokensOf(rows, bob))).toBe('ERR_ZONES_INDEX_CORRUPT')
  })

  test('a list that names the token of somebody else is corrupt', async () => {
    const eve = await create(rows, { login: 'eve' })
    const { token } = issue()
    rows.put(accountTokensKey(eve.id), JSON.stringify([token.ident]))
    expect(codeOf(() => readAccessTokensOf(rows, eve.id))).toBe('ERR_ZONES_INDEX_CORRUPT')
  })

  test.each([undefined, null, '', 'Full', [], [''], ['a b'], 'a', {}, ['x'.repeat(65)]])(
    '%j is no boundary',
    (value) => {
      expect(isTokenBoundary(value)).toBe(false)
    },
  )
})
