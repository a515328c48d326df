import { nobleScrypt, SCRYPT_FLOOR } from '@secreg/crypto'
import {
  type Account,
  AttemptLimiter,
  checkPasswordPolicy,
  createPasswordChecker,
  createPasswordHasher,
  FORBIDDEN_WORDS,
  hashNewPassword,
  type PasswordLoginPorts,
  planDisableAccount,
  readAccount,
  readAccountByLogin,
  sourceOfAddress,
  sourceOfUid,
  verifyPasswordLogin,
} from '@secreg/zones'
import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { Clock, create, GOOD_PASSWORD, QuickHasher, Rows, rejectionOf, when } from './support.ts'

describe('password policy', () => {
  test.each([
    'Abcdefghij1!', // the documented form: all four classes
    'Abcdefghijk1',
    'correct horse battery staple',
    'дом и сад под луной 7',
    '€uro-Zeichen-9',
    `Aa1${'x'.repeat(125)}`,
  ])('%j is good', (password) => {
    expect(checkPasswordPolicy(password)).toEqual([])
  })

  test.each<[string, string[]]>([
    ['', ['too-short', 'too-simple']],
    ['Abcdefghi1!', ['too-short']],
    ['😀😀😀😀😀aA1', ['too-short']], // 8 code points in 13 units
    [`Aa1!${'x'.repeat(125)}`, ['too-long']],
    ['Abcdefghij1\n', ['bad-character']],
    ['Abcdefghij1\u0000', ['bad-character']],
    ['Abcdefghij1\u0085', ['bad-character']],
    ['Abcdefghij1\ud800', ['bad-character']],
    ['Abcdefghij1\u2028', ['bad-character']],
    ['abcdefghijkl', ['too-simple']],
    ['abcdefghijkl7', ['too-simple']],
    ['a'.repeat(30), ['too-simple']],
    ['ababababababababababababab', ['too-simple']],
    ['My-PassWord-77', ['forbidden-word']],
    ['My-Ｐassword-77', ['forbidden-word']],
    ['Zx-123456-Zx', ['forbidden-word']],
    ['My-Badminton-7', ['forbidden-word']],
    ['alicE-in-Land-7', ['contains-login']],
  ])('%j breaks %j', (password, rules) => {
    expect(checkPasswordPolicy(password, { login: 'alice' })).toEqual(rules)
  })

  test.each([...FORBIDDEN_WORDS])('no password contains %s', (word) => {
    expect(checkPasswordPolicy(`Zz9-${word.toUpperCase()}-Zz9-zzz`)).toContain('forbidden-word')
  })

  test('a very short login is part of too many passwords to forbid it', () => {
    expect(checkPasswordPolicy('Abcdefghijk1', { login: 'a' })).toEqual([])
  })

  test('a text of megabytes is not looked at', () => {
    expect(checkPasswordPolicy('x'.repeat(5_000_000))).toEqual(['too-long'])
  })

  test('no text makes it throw', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), fc.string(), (text, login) => {
        expect(Array.isArray(checkPasswordPolicy(text, { login }))).toBe(true)
      }),
      { numRuns: 60 },
    )
  })
})

describe('weakness 62: one way to a new password', () => {
  test('it refuses what the policy refuses, names the rules and not the password', async () => {
    const hasher = new QuickHasher()
    const error = await rejectionOf(hashNewPassword(hasher, 'qwertz', { login: 'alice' }))
    expect(error.code).toBe('ERR_PASSWORD_POLICY')
    expect(error.message).toMatch(/at least 12 characters.*three of/)
    expect(error.message).not.toContain('qwertz')
  })

  test('a hasher that does not hash is not believed', async () => {
    const hasher = new QuickHasher()
    hasher.hash = async (password) => password
    expect(await rejectionOf(hashNewPassword(hasher, GOOD_PASSWORD))).toBeInstanceOf(TypeError)
    expect(await rejectionOf(hashNewPassword(hasher, 5 as never))).toBeInstanceOf(TypeError)
  })
})

let rows: Rows
let hasher: QuickHasher

beforeEach(async () => {
  rows = new Rows()
  hasher = new QuickHasher()
  await create(rows, { login: 'root', roles: ['admin'] }, undefined, hasher)
})

describe('weakness 47: who has an account does not show', () => {
  test('one verification in every case, against a hash of the same parameters', async () => {
    const checker = createPasswordChecker(hasher)
    const bob = await create(rows, { login: 'bob' }, undefined, hasher)
    const bare = await create(rows, { login: 'bare' }, '')
    rows.apply(planDisableAccount(rows, bob.id, when))
    const off = readAccount(rows, bob.id)
    const root = readAccountByLogin(rows, 'root')
    const cases: [Account | undefined, string, boolean][] = [
      [root, GOOD_PASSWORD, true],
      [root, 'wrong', false],
      [undefined, GOOD_PASSWORD, false],
      [bare, GOOD_PASSWORD, false],
      [bare, '', false],
      [off, GOOD_PASSWORD, false],
    ]
    for (const [account, password, good] of cases) {
      hasher.verified.length = 0
      expect(await checker.verify(account, password)).toBe(good)
      expect(hasher.verified).toHaveLength(1)
      expect(hasher.verified[0]?.password).toBe(password)
      expect(hasher.needsRehash(hasher.verified[0]?.phc ?? '')).toBe(false)
    }
  })

  test('a password over the limit is wrong for everybody, after the same step', async () => {
    const checker = createPasswordChecker(hasher)
    for (const account of [readAccountByLogin(rows, 'root'), undefined]) {
      hasher.verified.length = 0
      expect(await checker.verify(account, 'x'.repeat(1_000_000))).toBe(false)
      expect(hasher.verified).toEqual([{ password: '', phc: hasher.decoy() }])
    }
  })

  test('a verifier that says yes to the decoy opens nothing', async () => {
    const checker = createPasswordChecker(hasher)
    hasher.verify = async () => true
    expect(await checker.verify(undefined, GOOD_PASSWORD)).toBe(false)
  })

  test('another way of composing the same characters is the same password', async () => {
    const checker = createPasswordChecker(hasher)
    const zoe = await create(rows, { login: 'zoe' }, 'Zo\u00eb und Horst 9', hasher)
    expect(await checker.verify(zoe, 'Zoe\u0308\u00a0und Horst 9')).toBe(true)
  })

  test('a weaker hash is made again, a present one is not', async () => {
    const checker = createPasswordChecker(hasher)
    const root = readAccountByLogin(rows, 'root') as Account
    expect(await checker.rehash(root, GOOD_PASSWORD)).toBeUndefined()
    hasher.cost = 2
    const again = await checker.rehash(root, GOOD_PASSWORD)
    expect(again).toMatch(/^\$quick\$c=2\$/)
    expect(await hasher.verify(GOOD_PASSWORD, again as string)).toBe(true)
  })
})

describe('a login with a password', () => {
  let clock: Clock
  let ports: PasswordLoginPorts
  const source = sourceOfUid(1000)
  const login = (name: string, password = GOOD_PASSWORD, from = source) =>
    verifyPasswordLogin(ports, { login: name, password, source: from })

  beforeEach(() => {
    clock = new Clock()
    ports = {
      limiter: new AttemptLimiter(clock),
      checker: createPasswordChecker(hasher),
      find: (name) => readAccountByLogin(rows, name),
    }
  })

  test('the right password gives the account, however the name is spelt', async () => {
    expect((await login('root')).login).toBe('root')
    expect((await login('ROOT')).login).toBe('root')
  })

  test('weakness 47: unknown, wrong, without password and disabled are one answer', async () => {
    const off = await create(rows, { login: 'off' }, undefined, hasher)
    rows.apply(planDisableAccount(rows, off.id, when))
    await create(rows, { login: 'bare' }, '')
    const answers = []
    for (const [name, password] of [
      ['root', 'wrong'],
      ['nobody', GOOD_PASSWORD],
      ['no body!', GOOD_PASSWORD],
      ['off', GOOD_PASSWORD],
      ['bare', GOOD_PASSWORD],
    ] as const) {
      hasher.verified.length = 0
      const { code, message, name: kind } = await rejectionOf(login(name, password))
      answers.push({ code, message, kind, steps: hasher.verified.length })
    }
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
    expect(answers[0]).toMatchObject({ code: 'ERR_AUTH_FAILED', steps: 1 })
  })

  test('weakness 47: lock-out looks the same for real and invented names', async () => {
    const story = async (name: string) => {
      const seen = []
      for (let i = 0; i < 7; i++) {
        const error = await rejectionOf(login(name, 'wrong'))
        seen.push([
          error.code,
          error.message,
          (error as { retryAfterSeconds?: number }).retryAfterSeconds,
        ])
      }
      return seen
    }
    expect(await story('root')).toEqual(await story('nobody'))
  })

  test('weakness 39: five failures lock, without a look at the sixth password', async () => {
    for (let i = 0; i < 5; i++) {
      expect((await rejectionOf(login('root', 'wrong'))).code).toBe('ERR_AUTH_FAILED')
    }
    hasher.verified.length = 0
    expect(await rejectionOf(login('Root'))).toMatchObject({
      code: 'ERR_AUTH_LOCKED_OUT',
      retryAfterSeconds: 300,
    })
    expect(hasher.verified).toEqual([])
    expect((await login('root', GOOD_PASSWORD, sourceOfUid(1001))).login).toBe('root')
    clock.ms += 300_000
    expect((await login('root')).login).toBe('root')
  })

  test('weakness 39: attempts started together do not outrun the limit', async () => {
    const guesses = Array.from({ length: 20 }, (_, i) => (i === 12 ? GOOD_PASSWORD : `wrong ${i}`))
    const codes = await Promise.all(
      guesses.map((guess) =>
        login('root', guess).then(
          () => 'in',
          (error: { code: string }) => error.code,
        ),
      ),
    )
    expect(codes.filter((code) => code === 'ERR_AUTH_FAILED')).toHaveLength(5)
    expect(codes.filter((code) => code === 'ERR_AUTH_LOCKED_OUT')).toHaveLength(15)
  })

  test('right passwords given together all get in', async () => {
    const logins = await Promise.all(Array.from({ length: 16 }, () => login('root')))
    expect(logins).toHaveLength(16)
  })

  test('an error of the hasher counts as no failure', async () => {
    const { verify } = hasher
    hasher.verify = async () => {
      throw new Error('busy')
    }
    for (let i = 0; i < 6; i++) expect((await rejectionOf(login('root'))).message).toBe('busy')
    hasher.verify = verify
    expect((await login('root')).login).toBe('root')
  })

  test('remote failures never lock a kernel-proven caller', async () => {
    for (let i = 0; i < 30; i++) {
      for (let k = 0; k < 5; k++) {
        await rejectionOf(login('root', 'wrong', sourceOfAddress(`192.0.2.${i}`)))
      }
    }
    expect((await login('root')).login).toBe('root')
  })
})

describe('with scrypt', () => {
  const options = { params: SCRYPT_FLOOR, scrypt: nobleScrypt }

  test('hash, verify, decoy', async () => {
    const real = createPasswordHasher(options)
    const phc = await hashNewPassword(real, GOOD_PASSWORD)
    expect(await real.verify(GOOD_PASSWORD, phc)).toBe(true)
    expect(await real.verify('wrong', phc)).toBe(false)
    expect(await real.verify(GOOD_PASSWORD, real.decoy())).toBe(false)
    expect([real.needsRehash(phc), real.needsRehash(real.decoy())]).toEqual([false, false])
    expect(createPasswordHasher({ params: { ...SCRYPT_FLOOR, p: 2 } }).needsRehash(phc)).toBe(true)
  })

  test('a full queue is ERR_BUSY, any other error is itself', async () => {
    const { CryptoError } = await import('@secreg/crypto')
    const failing = (cause: Error) =>
      createPasswordHasher({ ...options, scrypt: () => Promise.reject(cause) })
    const busy = failing(new CryptoError('ERR_CRYPTO_BUSY'))
    expect(await rejectionOf(busy.hash(GOOD_PASSWORD))).toMatchObject({
      code: 'ERR_BUSY',
      retryAfterSeconds: 1,
    })
    expect(await rejectionOf(busy.verify('x', busy.decoy()))).toMatchObject({ code: 'ERR_BUSY' })
    const other = new Error('other')
    expect(await rejectionOf(failing(other).hash(GOOD_PASSWORD))).toBe(other)
  })
})
