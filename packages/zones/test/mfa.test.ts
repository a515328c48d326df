import {
  type Account,
  decodeSecondFactor,
  encodeSecondFactor,
  hotp,
  type MfaContext,
  mfaKey,
  mfaStateOf,
  planBeginMfa,
  planConfirmMfa,
  planNewRecoveryCodes,
  planRemoveMfa,
  planUseMfa,
  RECOVERY_CODES,
  readSecondFactor,
  type SecondFactor,
} from '@secreg/zones'
import { beforeEach, describe, expect, test } from 'vitest'
import { decodeBase32 } from '../src/base32.ts'
import { codeOf, create, fixedCrypto, Rows, when } from './support.ts'

const STEP = 30_000
const NOBODY = '0'.repeat(32)
let crypto = fixedCrypto()
const key = crypto.randomBytes(32)
let rows: Rows
let bob: Account
let nowMs: number

beforeEach(async () => {
  crypto = fixedCrypto()
  rows = new Rows()
  bob = await create(rows, { login: 'bob' })
  nowMs = when.nowMs
})

const context = (more: Partial<MfaContext> = {}): MfaContext => ({ nowMs, crypto, key, ...more })
const codeAt = (secret: string, atMs = nowMs) =>
  hotp(decodeBase32(secret) as Uint8Array, Math.floor(atMs / STEP))
const use = (text: string, more: Partial<MfaContext> = {}) =>
  codeOf(() => rows.apply(planUseMfa(rows, bob.id, text, context(more))))

function begin(): string {
  const plan = planBeginMfa(rows, bob.id, 'secreg', context())
  rows.apply(plan)
  return plan.secret
}

/** Begin and confirm, and let the step of the confirmation pass. */
function turnOn(): { secret: string; recoveryCodes: readonly string[] } {
  const secret = begin()
  const plan = planConfirmMfa(rows, bob.id, codeAt(secret), context())
  rows.apply(plan)
  nowMs += STEP
  return { secret, recoveryCodes: plan.recoveryCodes }
}

describe('setting up', () => {
  test('pending counts for nothing; a code of it turns it on', () => {
    expect(mfaStateOf(rows, bob.id)).toEqual({ state: 'off', recoveryCodesLeft: 0 })
    const secret = begin()
    expect(secret).toMatch(/^[A-Z2-7]{32}$/)
    expect(mfaStateOf(rows, bob.id)).toEqual({ state: 'pending', recoveryCodesLeft: 0 })
    expect(use(codeAt(secret))).toBe('ERR_AUTH_FAILED')
    const wrong = codeAt(secret, nowMs + 10 * STEP)
    expect(codeOf(() => planConfirmMfa(rows, bob.id, wrong, context()))).toBe('ERR_AUTH_FAILED')
    const plan = planConfirmMfa(rows, bob.id, codeAt(secret), context())
    rows.apply(plan)
    expect(mfaStateOf(rows, bob.id)).toEqual({
      state: 'on',
      recoveryCodesLeft: RECOVERY_CODES,
      confirmedAtMs: nowMs,
    })
  })

  test('beginning anew replaces what is pending, never what is on', () => {
    const first = begin()
    const second = begin()
    expect(second).not.toBe(first)
    const confirm = (code: string) => codeOf(() => planConfirmMfa(rows, bob.id, code, context()))
    expect(confirm(codeAt(first))).toBe('ERR_AUTH_FAILED')
    rows.apply(planConfirmMfa(rows, bob.id, codeAt(second), context()))
    expect(codeOf(() => begin())).toBe('ERR_MFA_STATE')
    expect(confirm(codeAt(second))).toBe('ERR_MFA_STATE')
  })

  test('the code that confirms is used up', () => {
    const secret = begin()
    rows.apply(planConfirmMfa(rows, bob.id, codeAt(secret), context()))
    expect(use(codeAt(secret))).toBe('ERR_AUTH_FAILED')
  })

  test('an account that is none, nothing to confirm, a key that is none', () => {
    expect(codeOf(() => planBeginMfa(rows, NOBODY, 'x', context()))).toBe('ERR_USER_NOT_FOUND')
    expect(codeOf(() => planConfirmMfa(rows, NOBODY, '000000', context()))).toBe(
      'ERR_USER_NOT_FOUND',
    )
    expect(codeOf(() => planConfirmMfa(rows, bob.id, '000000', context()))).toBe('ERR_MFA_STATE')
    expect(codeOf(() => planUseMfa(rows, NOBODY, '000000', context()))).toBe('ERR_AUTH_FAILED')
    expect(codeOf(() => planUseMfa(rows, '../x', '000000', context()))).toBe('ERR_AUTH_FAILED')
    for (const bad of [new Uint8Array(31), new Uint8Array(0), 'k'.repeat(32), undefined]) {
      expect(codeOf(() => planBeginMfa(rows, bob.id, 'x', context({ key: bad as never })))).toBe(
        'RangeError',
      )
    }
    expect(codeOf(() => planBeginMfa(rows, bob.id, 'x', context({ nowMs: Number.NaN })))).toBe(
      'RangeError',
    )
  })

  test.each<[string, string]>([
    ['secreg', 'secreg'],
    ['Example & Söhne', 'Example%20%26%20S%C3%B6hne'],
    ["It's (ours)!*", 'It%27s%20%28ours%29%21%2A'],
    ['a/b?c#d', 'a%2Fb%3Fc%23d'],
  ])('the URI of issuer %j', (issuer, encoded) => {
    const { secret, uri } = planBeginMfa(rows, bob.id, issuer, context())
    expect(uri).toBe(
      `otpauth://totp/${encoded}:bob?secret=${secret}&issuer=${encoded}&algorithm=SHA1&digits=6&period=30`,
    )
    const url = new URL(uri)
    expect(url.searchParams.get('issuer')).toBe(issuer)
    expect(decodeURIComponent(url.pathname)).toContain(`${issuer}:bob`)
  })

  test.each(['', 'a:b', 'two\nlines', 'x'.repeat(65)])('%j is no issuer', (issuer) => {
    expect(codeOf(() => planBeginMfa(rows, bob.id, issuer, context()))).toBe('ERR_INVALID_ARGUMENT')
  })
})

describe('using codes', () => {
  test('class 10: a code is good once, in whichever of its steps it is shown', () => {
    const { secret } = turnOn()
    const code = codeAt(secret)
    expect(use(code)).toBe('nothing')
    expect(use(code)).toBe('ERR_AUTH_FAILED')
    nowMs += STEP
    expect(use(code)).toBe('ERR_AUTH_FAILED')
    expect(use(codeAt(secret))).toBe('nothing')
  })

  test('class 10: a code of an earlier step is no code any more', () => {
    const { secret } = turnOn()
    const before = codeAt(secret)
    nowMs += STEP
    expect(use(codeAt(secret))).toBe('nothing')
    expect(use(before)).toBe('ERR_AUTH_FAILED')
  })

  test('class 10: no other way of writing a code is a code', () => {
    const { secret } = turnOn()
    const code = codeAt(secret)
    const digits = [...code]
    const other = [
      ` ${code}`,
      `${code} `,
      `${code}\n`,
      `${code.slice(0, 3)} ${code.slice(3)}`,
      `0${code}`,
      `${code}0`,
      `+${code.slice(1)}`,
      digits.map((d) => String.fromCodePoint(0xff10 + Number(d))).join(''),
      digits.map((d) => String.fromCodePoint(0x0660 + Number(d))).join(''),
      digits.map((d) => String.fromCodePoint(0x1d7ce + Number(d))).join(''),
      `${code}\u0000`,
      '',
    ]
    for (const text of other) expect(use(text)).toBe('ERR_AUTH_FAILED')
    expect(use(code)).toBe('nothing')
  })

  test('class 10: of two logins with one code, planned one after the other, one gets in', () => {
    const { secret } = turnOn()
    const code = codeAt(secret)
    const first = planUseMfa(rows, bob.id, code, context())
    rows.apply(first)
    expect(use(code)).toBe('ERR_AUTH_FAILED')
  })

  test('the last step is written by the plan that accepts', () => {
    const { secret } = turnOn()
    rows.apply(planUseMfa(rows, bob.id, codeAt(secret), context()))
    const factor = readSecondFactor(rows, bob.id) as SecondFactor
    expect(factor.confirmed?.lastStep).toBe(Math.floor(nowMs / STEP))
  })

  test('class 11: the second factor belongs to the id, whatever the login is', () => {
    const { secret } = turnOn()
    expect(mfaStateOf(rows, bob.id).state).toBe('on')
    expect(mfaStateOf(rows, ` ${bob.id}`).state).toBe('off')
    expect(codeOf(() => planUseMfa(rows, ` ${bob.id}`, codeAt(secret), context()))).toBe(
      'ERR_AUTH_FAILED',
    )
  })
})

describe('recovery codes', () => {
  test('ten of 80 bits, each good once, in any case of letters', () => {
    const { recoveryCodes } = turnOn()
    expect(recoveryCodes).toHaveLength(10)
    for (const [at, code] of recoveryCodes.entries()) {
      expect(code).toMatch(/^[A-Z2-7]{4}(-[A-Z2-7]{4}){3}$/)
      const plan = planUseMfa(rows, bob.id, code.toLowerCase(), context())
      expect([plan.method, plan.recoveryCodesLeft]).toEqual(['recovery', 9 - at])
      rows.apply(plan)
      expect(use(code)).toBe('ERR_AUTH_FAILED')
    }
    expect(mfaStateOf(rows, bob.id)).toMatchObject({ state: 'on', recoveryCodesLeft: 0 })
  })

  test('no other way of writing one is one', () => {
    const { recoveryCodes } = turnOn()
    const code = recoveryCodes[0] as string
    for (const text of [
      ` ${code}`,
      `${code}\n`,
      code.replaceAll('-', ''),
      code.replaceAll('-', ' '),
      code.replaceAll('-', '\u2011'),
      code.slice(0, -1),
      `${code}A`,
    ]) {
      expect(use(text)).toBe('ERR_AUTH_FAILED')
    }
    expect(use(code)).toBe('nothing')
  })

  test('new ones instead of the old ones, for a code, which is used up', () => {
    const { secret, recoveryCodes } = turnOn()
    const anew = (text: string) => planNewRecoveryCodes(rows, bob.id, text, context())
    expect(codeOf(() => anew('000000x'))).toBe('ERR_AUTH_FAILED')
    const code = codeAt(secret)
    const plan = anew(code)
    rows.apply(plan)
    expect(plan.recoveryCodes).toHaveLength(10)
    expect(use(recoveryCodes[0] as string)).toBe('ERR_AUTH_FAILED')
    expect(use(code)).toBe('ERR_AUTH_FAILED')
    expect(use(plan.recoveryCodes[0] as string)).toBe('nothing')
    rows.apply(anew(plan.recoveryCodes[1] as string))
    expect(use(plan.recoveryCodes[2] as string)).toBe('ERR_AUTH_FAILED')
  })

  test('a random source that repeats itself makes none', () => {
    const secret = begin()
    const stuck = { ...crypto, randomBytes: (n: number) => new Uint8Array(n) }
    const plan = () => planConfirmMfa(rows, bob.id, codeAt(secret), context({ crypto: stuck }))
    expect(codeOf(plan)).toBe('ERR_INTERNAL')
  })

  test('class 21: recovery codes and one-time codes are compared in constant time', () => {
    const { secret, recoveryCodes } = turnOn()
    const lies = { ...crypto, equal: () => false }
    expect(use(recoveryCodes[0] as string, { crypto: lies })).toBe('ERR_AUTH_FAILED')
    expect(use(codeAt(secret), { crypto: lies })).toBe('ERR_AUTH_FAILED')
  })
})

describe('removing', () => {
  test('leaves none; where there is none it writes nothing', () => {
    const { secret } = turnOn()
    rows.apply(planRemoveMfa(rows, bob.id))
    expect(mfaStateOf(rows, bob.id).state).toBe('off')
    expect(use(codeAt(secret))).toBe('ERR_AUTH_FAILED')
    expect(planRemoveMfa(rows, bob.id).ops).toEqual([])
  })
})

describe('rows', () => {
  test('neither the secret nor a recovery code is in the row', () => {
    const { secret, recoveryCodes } = turnOn()
    const text = rows.text(mfaKey(bob.id)) as string
    const bytes = Buffer.from(decodeBase32(secret) as Uint8Array)
    for (const form of [secret, bytes.toString('hex'), bytes.toString('base64').slice(0, 24)]) {
      expect(text).not.toContain(form)
    }
    for (const code of recoveryCodes) expect(text).not.toContain(code)
    expect(text).not.toContain((recoveryCodes[0] as string).replaceAll('-', ''))
  })

  test('a row under another account, or opened with another key, opens nothing', async () => {
    const { secret } = turnOn()
    const eve = await create(rows, { login: 'eve' })
    const moved = (rows.text(mfaKey(bob.id)) as string).replace(bob.id, eve.id)
    rows.put(mfaKey(eve.id), moved)
    expect(codeOf(() => planUseMfa(rows, eve.id, codeAt(secret), context()))).toBe(
      'ERR_CRYPTO_OPEN',
    )
    expect(use(codeAt(secret), { key: crypto.randomBytes(32) })).toBe('ERR_CRYPTO_OPEN')
  })

  test('a recovery code is of its account alone', async () => {
    const { recoveryCodes } = turnOn()
    const eve = await create(rows, { login: 'eve' })
    rows.put(mfaKey(eve.id), (rows.text(mfaKey(bob.id)) as string).replace(bob.id, eve.id))
    const plan = () => planUseMfa(rows, eve.id, recoveryCodes[0] as string, context())
    expect(codeOf(plan)).toBe('ERR_AUTH_FAILED')
  })

  test('the row is the documented text', () => {
    const factor: SecondFactor = {
      account: bob.id,
      sealed: 'A'.repeat(80),
      createdAtMs: 1,
      confirmed: { atMs: 2, lastStep: 3, recovery: ['a'.repeat(64), 'b'.repeat(64)] },
    }
    const text =
      `{"v":1,"account":"${bob.id}","sealed":"${'A'.repeat(80)}","created_at":1,` +
      `"confirmed_at":2,"last_step":3,"recovery":["${'a'.repeat(64)}","${'b'.repeat(64)}"]}`
    expect(new TextDecoder().decode(encodeSecondFactor(factor))).toBe(text)
    expect(decodeSecondFactor(new TextEncoder().encode(text), bob.id)).toEqual(factor)
    const wrong: string[] = [
      '',
      '[]',
      text.replace('"v":1', '"v":2'),
      text.replace(bob.id, NOBODY),
      text.replace('AAAA"', 'AAA"'),
      text.replace('AAAA"', 'AA=="'),
      text.replace('"confirmed_at":2,', ''),
      text.replace('"last_step":3,', ''),
      text.replace('"last_step":3', '"last_step":-1'),
      text.replace(/,"recovery":\[.*\]/, ''),
      text.replace('b'.repeat(64), 'a'.repeat(64)),
      text.replace('b'.repeat(64), 'x'),
      text.replace(/\["(.*)","(.*)"\]/, '["$2","$1"]'),
      text.replace(/\}$/, ',"x":1}'),
    ]
    for (const one of wrong) {
      rows.put(mfaKey(bob.id), one)
      expect(codeOf(() => mfaStateOf(rows, bob.id))).toBe('ERR_ZONES_ROW_CORRUPT')
      expect(use('000000')).toBe('ERR_ZONES_ROW_CORRUPT')
    }
    expect(codeOf(() => mfaKey('../x'))).toBe('RangeError')
  })
})
