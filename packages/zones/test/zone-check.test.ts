import {
  checkZoneAuthPassword,
  checkZoneSecret,
  planAllowPasswdAuth,
  planCreateZone,
  planCreateZoneAccount,
  planDeleteZonePassword,
  planSetZone,
  readZone,
  readZoneAccount,
} from '@secreg/zones'
import { beforeEach, describe, expect, test } from 'vitest'
import { codeOf, crypto, type Rows, rejectionOf, when } from './support.ts'
import { context, key, ZoneHome } from './zone-home.ts'

let rows: Rows
let hasher: ZoneHome['hasher']
let check: ZoneHome['check']
let issue: ZoneHome['issue']
let issueTemp: ZoneHome['issueTemp']
let setPassword: ZoneHome['setPassword']

beforeEach(() => {
  ;({ rows, hasher, check, issue, issueTemp, setPassword } = new ZoneHome())
})

describe('switches of the zone', () => {
  test.each([
    ['password', { allowPasswd: false }],
    ['token', { allowTokens: false }],
    ['temporary', { maxTempValidityS: 0 }],
  ] as const)('what it no longer allows opens nothing: %s', async (form, settings) => {
    await setPassword('pw')
    const texts = { password: 'pw', token: issue().token, temporary: issueTemp().token }
    expect(await check(texts[form])).toBe(form)
    rows.apply(planSetZone(rows, 'mail', settings, when))
    for (const other of ['password', 'token', 'temporary'] as const) {
      expect(await check(texts[other])).toBe(other === form ? undefined : other)
    }
  })

  test('a new token or password is refused where the zone allows none', () => {
    rows.apply(planSetZone(rows, 'mail', { allowTokens: false }, when))
    expect(codeOf(() => issue())).toBe('ERR_ZONE_REFUSED')
  })
})

describe('weakness 47 and class 8: who has an account in a zone shows neither by text nor by time', () => {
  const people: [string, string][] = [
    ['mail', 'alice'],
    ['mail', 'bob'],
    ['mail', 'nobody'],
    ['none', 'alice'],
    ['off', 'alice'],
  ]

  beforeEach(async () => {
    await setPassword('pw')
    rows.apply(planCreateZone(rows, 'off', {}, context))
    rows.apply(planCreateZoneAccount(rows, 'off', 'alice', context))
  })

  /** What was computed for one check. */
  async function work(text: string, name: string, login: string): Promise<string[]> {
    const steps: string[] = []
    const counting = {
      sha256: (data: Uint8Array) => {
        steps.push(`sha256 ${data.length}`)
        return crypto.sha256(data)
      },
      hmacSha256: (k: Uint8Array, data: Uint8Array) => {
        steps.push(`hmac ${data.length}`)
        return crypto.hmacSha256(k, data)
      },
      equal: (a: Uint8Array, b: Uint8Array) => {
        steps.push(`equal ${a.length} ${b.length}`)
        return crypto.equal(a, b)
      },
    }
    hasher.verified.length = 0
    const zone = readZone(rows, name)
    const account = zone === undefined ? undefined : readZoneAccount(rows, zone, login)
    const ports = { hasher, crypto: counting, key, nowMs: when.nowMs }
    await checkZoneSecret(zone, account, text, ports)
    return [...steps, ...hasher.verified.map(({ password }) => `verify ${password}`)]
  }

  test('the same work in every case of one form', async () => {
    const texts = ['pw', 'wrong', issue().token, `00ff-${'a'.repeat(32)}`, issueTemp().token]
    for (const text of texts) {
      const all: string[][] = []
      for (const [name, login] of people) all.push(await work(text, name, login))
      expect(new Set(all.map((one) => one.join())).size).toBe(1)
      expect(all[0]?.length).toBeGreaterThan(0)
    }
  })

  test('a hasher that says yes to the decoy opens nothing', async () => {
    hasher.verify = async () => true
    expect(await check('anything', 'mail', 'bob')).toBeUndefined()
    expect(await check('anything', 'mail', 'nobody')).toBeUndefined()
    expect(await check('', 'mail', 'alice')).toBeUndefined()
  })

  test('an equal that says yes to the decoy opens nothing', async () => {
    const yes = { ...crypto, equal: () => true }
    const zone = readZone(rows, 'mail')
    const ports = { hasher, crypto: yes, key, nowMs: when.nowMs }
    for (const text of [`00ff-${'a'.repeat(32)}`, '00ff-', 't1-x-y', issueTemp().token]) {
      expect(await checkZoneSecret(zone, undefined, text, ports)).toBeUndefined()
    }
    const bob = readZoneAccount(rows, zone as { id: string }, 'bob')
    expect(await checkZoneSecret(zone, bob, '00ff-', ports)).toBeUndefined()
  })

  test('an account of another zone is none in this one', async () => {
    const web = readZoneAccount(rows, readZone(rows, 'web') as { id: string }, 'alice')
    await setPassword('pw', 'web')
    const ports = { hasher, crypto, key, nowMs: when.nowMs }
    const token = issue(undefined, 'web').token
    expect(web).toBeDefined()
    const mixed = readZoneAccount(rows, readZone(rows, 'web') as { id: string }, 'alice')
    for (const text of ['pw', token]) {
      expect(await checkZoneSecret(readZone(rows, 'mail'), mixed, text, ports)).toBeUndefined()
      expect(await checkZoneSecret(readZone(rows, 'web'), mixed, text, ports)).toBeDefined()
    }
  })

  test('a text that is none', async () => {
    expect(await rejectionOf(check(undefined as never))).toBeInstanceOf(TypeError)
  })
})

describe('managing an account with its password', () => {
  const proof = async (text: string) => {
    const zone = readZone(rows, 'mail')
    const account = readZoneAccount(rows, zone as { id: string }, 'alice')
    return checkZoneAuthPassword(zone, account, text, hasher)
  }

  test('both must allow it, the password must be there and right, and no token will do', async () => {
    await setPassword('pw')
    expect(await proof('pw')).toBe(false)
    rows.apply(planSetZone(rows, 'mail', { allowPasswdAuth: true }, when))
    expect(await proof('pw')).toBe(false)
    rows.apply(planAllowPasswdAuth(rows, 'mail', 'alice', true, when))
    expect(await proof('pw')).toBe(true)
    for (const text of ['', 'PW', 'wrong', issue().token, issueTemp().token]) {
      expect(await proof(text)).toBe(false)
    }
    rows.apply(planSetZone(rows, 'mail', { allowPasswdAuth: false }, when))
    expect(await proof('pw')).toBe(false)
    rows.apply(planSetZone(rows, 'mail', { allowPasswdAuth: true }, when))
    rows.apply(planDeleteZonePassword(rows, 'mail', 'alice', when))
    expect(await proof('pw')).toBe(false)
  })
})
