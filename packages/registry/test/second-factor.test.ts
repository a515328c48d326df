/** Second factors: logins with them, registries that demand them, and what a code is good for. */
import { createHmac } from 'node:crypto'
import type { Scrypt } from '@secreg/crypto'
import type { AuthResponse, Caller, RegistryApi } from '@secreg/protocol'
import { TEST_ADMIN } from '@secreg/registry/testing'
import { waitFor } from '@secreg/testkit'
import { describe, expect, test } from 'vitest'
import type { Registry } from '../src/registry.ts'
import {
  addUser,
  fastScrypt,
  type Home,
  linesOf,
  outcomeOf,
  PASSWORD,
  PEER,
  reason,
  start,
} from './fixture.ts'

/** Milliseconds; on a boundary of 30 seconds. */
const START = 1_800_000_000_000
const STEP = 30_000

/** A clock that a test turns. */
function clock() {
  let nowMs = START
  return {
    now: () => nowMs,
    turn: (ms: number) => {
      nowMs += ms
    },
  }
}

/** RFC 6238 with what Node has, independent of ours. */
function codeAt(secret: string, nowMs: number): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  let bits = ''
  for (const char of secret) bits += alphabet.indexOf(char).toString(2).padStart(5, '0')
  const key = Buffer.from(
    (bits.slice(0, bits.length - (bits.length % 8)).match(/.{8}/g) ?? []).map((byte) =>
      Number.parseInt(byte, 2),
    ),
  )
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(nowMs / STEP)))
  const mac = createHmac('sha1', key).update(counter).digest()
  const at = (mac[19] ?? 0) & 15
  return String((mac.readUInt32BE(at) & 0x7fff_ffff) % 1_000_000).padStart(6, '0')
}

async function begin(api: RegistryApi, password: string, now: () => number) {
  const { secret = '', uri } = await api.mfa({ op: 'begin', password })
  const confirmed = await api.mfa({ op: 'confirm', code: codeAt(secret, now()) })
  return { secret, uri, codes: confirmed.recovery_codes ?? [] }
}

function callerOf(registry: Registry, answer: AuthResponse): Caller {
  const session = registry.sessionHandle().resolve(answer.session_id ?? '')
  const caller = session === undefined ? undefined : registry.callerOf(session, PEER)
  if (caller === undefined) throw new Error(`no session: ${answer.error?.message}`)
  return caller
}

const DEMANDED = { requireMfa: true, sealedReads: true, encryptPrefixes: [] }
const RELAXED = { ...DEMANDED, requireMfa: false }
const ROOT = { username: TEST_ADMIN.admin, password: TEST_ADMIN.admin_password }

describe('a login', () => {
  async function withFactor() {
    const time = clock()
    const home = await start({ now: time.now, settings: RELAXED })
    const factor = await begin(home.api, ROOT.password, time.now)
    time.turn(STEP)
    const login = (otp?: string) =>
      home.registry.login(PEER, { ...ROOT, ...(otp === undefined ? {} : { otp }) })
    return { time, home, login, ...factor }
  }

  test('needs the code of an account that has a second factor', async () => {
    const { time, home, login, secret } = await withFactor()
    expect(await login()).toMatchObject({ success: false, mfa_required: true })
    expect(await login('000000')).toMatchObject({
      success: false,
      error: { reason: 'AUTH_FAILED' },
    })
    const answer = await login(codeAt(secret, time.now()))
    expect(answer).toMatchObject({ success: true })
    const caller = callerOf(home.registry, answer)
    expect(caller.mfa).toBe(true)
    expect(await home.registry.as(caller).whoami()).toMatchObject({ mfa: true })
    expect(home.admin.mfa).toBe(false)
  })

  test('class 10: a code is good once, also for two who come at the same time', async () => {
    const { time, login, secret } = await withFactor()
    const code = codeAt(secret, time.now())
    const together = await Promise.all([login(code), login(code), login(code)])
    expect(together.filter(({ success }) => success)).toHaveLength(1)
    expect(await login(code)).toMatchObject({ success: false })
    time.turn(STEP)
    expect(await login(codeAt(secret, time.now()))).toMatchObject({ success: true })
  })

  test.each([
    ['spaces', (code: string) => `${code.slice(0, 3)} ${code.slice(3)}`],
    ['a blank behind', (code: string) => `${code} `],
    ['a zero before', (code: string) => `0${code}`],
    [
      'digits of another script',
      (code: string) => code.replace(/\d/g, (digit) => '٠١٢٣٤٥٦٧٨٩'[Number(digit)] ?? ''),
    ],
    [
      'wide digits',
      (code: string) => code.replace(/\d/g, (digit) => '０１２３４５６７８９'[Number(digit)] ?? ''),
    ],
  ])('class 10: a code with %s is none', async (_, change) => {
    const { time, login, secret } = await withFactor()
    expect(await login(change(codeAt(secret, time.now())))).toMatchObject({ success: false })
    expect(await login(codeAt(secret, time.now()))).toMatchObject({ success: true })
  })

  test('class 10: wrong codes count like wrong passwords, and a right password clears nothing', async () => {
    const { time, login, secret } = await withFactor()
    for (let i = 0; i < 5; i++) {
      expect(await login('123456')).toMatchObject({ error: { reason: 'AUTH_FAILED' } })
      // Without a code nothing is cleared either.
      if (i < 4) expect(await login()).toMatchObject({ mfa_required: true })
    }
    expect(await login(codeAt(secret, time.now()))).toMatchObject({
      success: false,
      error: { reason: 'AUTH_LOCKED_OUT' },
    })
  })

  test('class 11: no other spelling of the name goes without', async () => {
    const { home } = await withFactor()
    for (const username of ['ROOT', 'Root', ' root', 'root ', 'ｒｏｏｔ']) {
      const answer = await home.registry.login(PEER, { ...ROOT, username })
      expect(answer.success).toBe(false)
    }
  })

  test('a recovery code opens it once', async () => {
    const { login, codes } = await withFactor()
    expect(codes).toHaveLength(10)
    const together = await Promise.all([login(codes[0]), login(codes[0])])
    expect(together.filter(({ success }) => success)).toHaveLength(1)
    expect(await login(codes[1])).toMatchObject({ success: true })
    expect(await login(codes[0])).toMatchObject({ success: false })
  })

  test('class 19: nothing is open after a login that failed at its last step', async () => {
    const { home, login } = await withFactor()
    const before = home.registry.status(home.admin).sessions
    for (const otp of [undefined, '000000']) {
      const answer = await login(otp)
      expect(answer).not.toHaveProperty('session_id')
    }
    expect(home.registry.status(home.admin).sessions).toBe(before)
  })

  test('under way while a second factor is confirmed needs its code too', async () => {
    const time = clock()
    const waiting: (() => void)[] = []
    let holds = false
    const scrypt: Scrypt = async (...args) => {
      if (holds) await new Promise<void>((resume) => waiting.push(resume))
      return fastScrypt(...args)
    }
    const home = await start({ now: time.now, settings: RELAXED, scrypt })
    const { secret = '' } = await home.api.mfa({ op: 'begin', password: ROOT.password })
    holds = true
    const login = home.registry.login(PEER, ROOT)
    await waitFor(() => waiting.length === 1)
    holds = false
    await home.api.mfa({ op: 'confirm', code: codeAt(secret, time.now()) })
    waiting[0]?.()
    expect(await login).toMatchObject({ success: false, mfa_required: true })
  })

  test('shows neither secret nor code in the log', async () => {
    const { home, login, secret, codes, time } = await withFactor()
    const code = codeAt(secret, time.now())
    await login(code)
    await login(codes[3])
    const log = JSON.stringify(linesOf(home.files))
    for (const one of [secret, ...codes]) expect(log).not.toContain(one)
    // Six digits are in some hash by chance.
    expect(log).not.toMatch(new RegExp(`(?<![0-9a-f])${code}(?![0-9a-f])`))
  })
})

describe('weakness 44: a registry that demands a second factor', () => {
  async function demanding(): Promise<Home & { time: ReturnType<typeof clock> }> {
    const time = clock()
    const home = await start({ now: time.now, settings: RELAXED })
    home.registry.configure(DEMANDED)
    return { ...home, time }
  }

  test('lets an administrator without one do nothing but set one up', async () => {
    const home = await demanding()
    const answer = await home.registry.login(PEER, ROOT)
    expect(answer).toMatchObject({ success: true, mfa_enrollment_required: true })
    const caller = callerOf(home.registry, answer)
    const api = home.registry.as(caller)
    expect(await api.whoami()).toMatchObject({ restricted: 'mfa-enrollment', mfa: false })
    for (const attempt of [
      () => api.get({ key: '/a' }),
      () => api.list({ prefix: '/' }),
      () => api.set({ key: '/a', value: 'x' }),
      () => api.user({ op: 'list' }),
      () => api.policy({ op: 'explain', action: 'read', resource: '/a' }),
      () => api.token({ op: 'create', boundary: 'full' }),
      () => api.password({ old_password: ROOT.password, new_password: PASSWORD }),
      () => api.import({ op: 'begin' }),
      () => home.registry.lock(caller),
    ] as (() => Promise<unknown>)[]) {
      await expect(attempt()).rejects.toEqual(reason('MFA_ENROLLMENT_REQUIRED'))
    }
    const { secret } = await begin(api, ROOT.password, home.time.now)
    await expect(api.get({ key: '/a' })).rejects.toEqual(reason('MFA_ENROLLMENT_REQUIRED'))
    home.time.turn(STEP)
    const otp = codeAt(secret, home.time.now())
    const full = callerOf(home.registry, await home.registry.login(PEER, { ...ROOT, otp }))
    expect(full.mfa).toBe(true)
    await home.registry.as(full).set({ key: '/a', value: 'x' })
  })

  test('is told by the doctor who still lacks one', async () => {
    const home = await demanding()
    const doctor = async () => {
      const { findings = [] } = await home.api.maintain({ op: 'doctor' })
      return findings.find(({ check }) => check === 'second factors')
    }
    await addUser({ ...home, registry: home.registry }, 'bob', ['user'])
    await home.api.user({ op: 'add', user: 'service' })
    expect(await doctor()).toMatchObject({
      level: 'warning',
      message: '2 of 2 users have no second factor, and can do nothing but set one up',
    })
    home.registry.configure(RELAXED)
    expect(await doctor()).toBeUndefined()
  })

  test('ends the sessions that were opened without one, and those of tokens not', async () => {
    const home = await start({ settings: RELAXED })
    const made = await home.api.token({ op: 'create', boundary: 'full' })
    const handle = home.registry.sessionHandle()
    const sessions = await Promise.all(
      [ROOT, { token: made.secret ?? '' }].map((request) => home.registry.login(PEER, request)),
    )
    const alive = () => sessions.map(({ session_id: id }) => handle.resolve(id ?? '') !== undefined)
    expect(alive()).toEqual([true, true])
    home.registry.configure(DEMANDED)
    expect(alive()).toEqual([false, true])
  })

  test('knows its administrator again by nothing else than a factor that was confirmed', async () => {
    const home = await demanding()
    const caller = callerOf(home.registry, await home.registry.login(PEER, ROOT))
    const api = home.registry.as(caller)
    await api.mfa({ op: 'begin', password: ROOT.password })
    expect(await api.mfa({ op: 'status' })).toEqual({ state: 'pending' })
    expect(await home.registry.login(PEER, ROOT)).toMatchObject({ mfa_enrollment_required: true })
  })
})

describe('a session', () => {
  test('sets up no second factor without the password, and takes none away without a code', async () => {
    const time = clock()
    const home = await start({ now: time.now })
    await expect(home.api.mfa({ op: 'begin', password: 'not-the-password' })).rejects.toEqual(
      reason('AUTH_FAILED'),
    )
    const { secret, uri } = await begin(home.api, ROOT.password, time.now)
    expect(uri).toMatch(/^otpauth:\/\/totp\/secreg:root\?/)
    await expect(home.api.mfa({ op: 'begin', password: ROOT.password })).rejects.toEqual(
      reason('MFA_STATE'),
    )
    await expect(home.api.mfa({ op: 'remove', code: '000000' })).rejects.toEqual(
      reason('AUTH_FAILED'),
    )
    time.turn(STEP)
    const { recovery_codes: codes = [] } = await home.api.mfa({
      op: 'recovery',
      code: codeAt(secret, time.now()),
    })
    expect(await home.api.mfa({ op: 'status' })).toEqual({ state: 'on', recovery_codes_left: 10 })
    await home.api.mfa({ op: 'remove', code: codes[0] ?? '' })
    expect(await home.api.mfa({ op: 'status' })).toEqual({ state: 'off' })
    expect(await home.registry.login(PEER, ROOT)).toMatchObject({ success: true })
  })

  test('cannot guess codes: it is locked like a login, however many it sends at once', async () => {
    const time = clock()
    const home = await start({ now: time.now })
    const { secret } = await begin(home.api, ROOT.password, time.now)
    time.turn(STEP)
    const guesses = await Promise.all(
      Array.from({ length: 64 }, (_, i) =>
        outcomeOf(() => home.api.mfa({ op: 'remove', code: String(i).padStart(6, '0') })),
      ),
    )
    const failed = guesses.filter((one) => (one as { reason: string }).reason === 'AUTH_FAILED')
    expect(failed).toHaveLength(5)
    await expect(home.api.mfa({ op: 'remove', code: codeAt(secret, time.now()) })).rejects.toEqual(
      reason('AUTH_LOCKED_OUT'),
    )
  })

  test('of an administrator resets what somebody has lost, and ends his sessions', async () => {
    const time = clock()
    const home = await start({ now: time.now })
    const bob = await addUser(home, 'bob', ['user'])
    await begin(bob.api, PASSWORD, time.now)
    expect((await home.api.user({ op: 'show', user: 'bob' })).users).toMatchObject([{ mfa: true }])
    await expect(bob.api.mfa({ op: 'reset', user: TEST_ADMIN.admin })).rejects.toEqual(
      reason('ACCESS_DENIED'),
    )
    await home.api.mfa({ op: 'reset', user: 'bob' })
    expect(await home.registry.login(PEER, { username: 'bob', password: PASSWORD })).toMatchObject({
      success: true,
    })
    await expect(home.api.mfa({ op: 'reset', user: TEST_ADMIN.admin })).rejects.toEqual(
      reason('INVALID_ARGUMENT'),
    )
  })

  test('an account made again has none of the second factor of the one before', async () => {
    const time = clock()
    const home = await start({ now: time.now })
    const bob = await addUser(home, 'bob', ['user'])
    await begin(bob.api, PASSWORD, time.now)
    await home.api.user({ op: 'remove', user: 'bob' })
    const again = await addUser(home, 'bob', ['user'])
    expect(await again.api.mfa({ op: 'status' })).toEqual({ state: 'off' })
  })
})
