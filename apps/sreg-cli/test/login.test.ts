import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { PASSWORD } from './fake-registry.ts'
import { makeWorld } from './harness.ts'

const TOKEN = 'canary-token-0123456789abcdef'
const CODE = '492039'
const lines = (...texts: string[]): string => texts.map((text) => `${text}\n`).join('')

describe('a second factor', () => {
  test('is the second line of standard input, sent only when it is needed', async () => {
    const { registry, sreg } = await makeWorld({ login: false })
    registry.codes.set('alice', CODE)
    const { code, stdout, stderr } = await sreg(['login', 'alice', '--password-stdin', '-j'], {
      input: lines(PASSWORD, '492 039'),
    })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject({ success: true, user: 'alice' })
    expect(registry.asked.map(({ payload }) => payload)).toEqual([
      { username: 'alice', password: PASSWORD },
      { username: 'alice', password: PASSWORD, otp: CODE },
    ])
    registry.codes.clear()
    registry.asked.length = 0
    await sreg(['login', 'alice', '--password-stdin'], { input: lines(PASSWORD, CODE) })
    expect(registry.asked.map(({ payload }) => Object.keys(payload))).toEqual([
      ['username', 'password'],
    ])
  })

  test.each([
    ['that is missing', lines(PASSWORD), 1, 'line 2 of standard input'],
    ['that is empty', lines(PASSWORD, ''), 1, 'line 2 of standard input'],
    ['that is wrong', lines(PASSWORD, '000000'), 4, 'check the name, the password and the code'],
    ['that is too long', `${PASSWORD}\n${'1'.repeat(40_000)}\n`, 1, 'must not exceed'],
    ['that is no text', Buffer.from([...Buffer.from(lines(PASSWORD)), 0xff, 0x0a]), 1, 'not UTF-8'],
  ])('%s keeps no session', async (_, input, exit, message) => {
    const { home, registry, sreg } = await makeWorld({ login: false })
    registry.codes.set('alice', CODE)
    const { code, stdout, stderr } = await sreg(['login', 'alice', '--password-stdin'], { input })
    expect({ code, stdout }).toEqual({ code: exit, stdout: '' })
    expect(stderr).toContain(message)
    expect(stderr).not.toContain(PASSWORD)
    expect(existsSync(home.file('session'))).toBe(false)
    expect(registry.sessions.size).toBe(0)
  })

  test('is not read when the password is wrong', async () => {
    const { registry, sreg } = await makeWorld({ login: false })
    registry.codes.set('alice', CODE)
    const { code, stderr } = await sreg(['login', 'alice', '--password-stdin'], {
      input: lines('a wrong password', CODE),
    })
    expect(code).toBe(4)
    expect(stderr).toContain('check the name and the password')
    expect(registry.asked).toHaveLength(1)
  })

  test('a daemon that asks for it again and again is asked twice', async () => {
    const { registry, sreg } = await makeWorld({ login: false })
    registry.answers.set('auth', { success: false, mfa_required: true })
    const { code, stderr } = await sreg(['login', 'alice', '--password-stdin'], {
      input: lines(PASSWORD, CODE, CODE, CODE),
    })
    expect(code).toBe(4)
    expect(stderr).toContain('second line')
    expect(registry.asked).toHaveLength(2)
  })

  test('that has to be set up first is said, and how', async () => {
    const { home, registry, sreg } = await makeWorld({ login: false })
    registry.unenrolled.add('alice')
    const login = ['login', 'alice', '--password-stdin']
    const { code, stderr } = await sreg(login, { input: PASSWORD })
    expect({ code, kept: existsSync(home.file('session')) }).toEqual({ code: 0, kept: true })
    expect(stderr).toContain('run: sreg mfa enroll')
    const { stdout } = await sreg([...login, '--json'], { input: PASSWORD })
    expect(JSON.parse(stdout)).toMatchObject({ mfa_enrollment_required: true })
    registry.failures.set('get', 'MFA_ENROLLMENT_REQUIRED')
    expect(await sreg(['get', '/a'])).toMatchObject({
      code: 3,
      stderr:
        'sreg: refused: MFA_ENROLLMENT_REQUIRED\n  run: sreg mfa enroll; once that is done: sreg login NAME\n',
    })
  })
})

describe('login by a token', () => {
  test('asks whose it is, and keeps the session, not the token', async () => {
    const { home, registry, sreg } = await makeWorld({ login: false })
    registry.tokens.set(TOKEN, 'alice')
    const { code, stdout } = await sreg(['login', '--token-stdin', '-j'], { input: lines(TOKEN) })
    expect({ code, user: JSON.parse(stdout).user }).toEqual({ code: 0, user: 'alice' })
    expect(registry.asked.map(({ name, payload }) => [name, payload])).toEqual([
      ['auth', { token: TOKEN }],
      ['whoami', {}],
    ])
    const kept = readFileSync(home.file('session'), 'utf8')
    expect(kept).toContain('alice')
    expect(kept + stdout).not.toContain(TOKEN)
  })

  test('that is wrong tells what to check', async () => {
    const { registry, sreg } = await makeWorld({ login: false })
    const { code, stderr } = await sreg(['login', '--token-stdin'], { input: lines(TOKEN) })
    expect({ code, asked: registry.asked.length }).toEqual({ code: 4, asked: 1 })
    expect(stderr).toContain('check the token')
    expect(stderr).not.toContain(TOKEN)
  })

  test('whose owner is not told keeps no session', async () => {
    const { home, registry, sreg } = await makeWorld({ login: false })
    registry.tokens.set(TOKEN, 'alice')
    registry.failures.set('whoami', 'INTERNAL')
    expect((await sreg(['login', '--token-stdin'], { input: TOKEN })).code).toBe(7)
    expect(existsSync(home.file('session'))).toBe(false)
    expect(registry.sessions.size).toBe(0)
  })

  test.each([
    [['login', 'alice', '--token-stdin'], 'needs no name'],
    [['login', '--token-stdin', '--password-stdin'], 'give one of'],
    [['login', '--token'], '--token'],
    [['login', '--otp', CODE], 'unknown option --otp'],
    [['login'], 'whose login is missing'],
    [['login', '--password-stdin'], 'whose login is missing'],
    [['login', 'alice'], '--password-stdin'],
  ])('%j is refused, and nothing is asked', async (args, message) => {
    const { registry, sreg } = await makeWorld({ login: false })
    const { code, stdout, stderr } = await sreg(args, { input: lines(TOKEN) })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain(message)
    expect(registry.asked).toEqual([])
  })
})

describe('SECREG_TOKEN', () => {
  const env = { SECREG_TOKEN: TOKEN }

  test('opens a session for one command, which ends with it and is kept nowhere', async () => {
    const { home, registry, sreg } = await makeWorld({ login: false })
    registry.tokens.set(TOKEN, 'alice')
    registry.put('/a', 'x')
    expect(await sreg(['get', '/a'], { env })).toEqual({ code: 0, stdout: 'x\n', stderr: '' })
    expect(registry.asked.map(({ name }) => name)).toEqual(['auth', 'get', 'logout'])
    expect(registry.sessions.size).toBe(0)
    expect(existsSync(home.file('session'))).toBe(false)
  })

  test('goes before the session of a login, which stays as it is', async () => {
    const { home, registry, sreg } = await makeWorld()
    registry.tokens.set(TOKEN, 'alice')
    const before = readFileSync(home.file('session'), 'utf8')
    const [kept] = registry.sessions
    expect((await sreg(['whoami'], { env })).code).toBe(0)
    expect(registry.asked.find(({ name }) => name === 'whoami')?.sessionId).not.toBe(kept)
    expect(readFileSync(home.file('session'), 'utf8')).toBe(before)
    expect([...registry.sessions]).toEqual([kept])
  })

  test('the session ends also when the command fails', async () => {
    const { registry, sreg } = await makeWorld({ login: false })
    registry.tokens.set(TOKEN, 'alice')
    expect((await sreg(['get', '/none'], { env })).code).toBe(2)
    expect(registry.sessions.size).toBe(0)
  })

  test('that is refused is said, without it; the session of a login does not step in', async () => {
    const { registry, sreg } = await makeWorld()
    for (const args of [
      ['get', '/a'],
      ['get', '/a', '--json'],
      ['whoami', '-v'],
    ]) {
      const { code, stdout, stderr } = await sreg(args, { env })
      expect({ code, stdout }).toEqual({ code: 4, stdout: '' })
      expect(stderr).toContain('SECREG_TOKEN')
      expect(stderr).not.toContain(TOKEN)
    }
    expect(registry.asked.every(({ name }) => name === 'auth')).toBe(true)
  })

  test('status tells what it tells anybody when it is refused', async () => {
    const { sreg } = await makeWorld({ login: false })
    expect((await sreg(['status'], { env })).code).toBe(0)
  })

  test('is not in the environment of the process any more once it was read', async () => {
    const { Context } = await import('../src/context.ts')
    const environment = { ...env, HOME: '/nonexistent' }
    const io = { env: environment, stdin: process.stdin, stdout: process.stdout }
    const invocation = { command: 'whoami', operands: [], options: new Map() }
    new Context(io as never, invocation as never)
    expect(environment).toEqual({ HOME: '/nonexistent' })
  })

  test('that is empty is refused: the session of a login may do more', async () => {
    const { registry, sreg } = await makeWorld()
    registry.put('/a', 'x')
    const { code, stdout, stderr } = await sreg(['get', '/a'], { env: { SECREG_TOKEN: '' } })
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' })
    expect(stderr).toBe('sreg: SECREG_TOKEN is empty\n  put a token into it, or unset it\n')
    expect(registry.asked).toEqual([])
  })
})
