/** Commands and logins by the kernel's word on the user of the process. */
import { existsSync, readFileSync } from 'node:fs'
import { waitFor } from '@secreg/testkit'
import { describe, expect, test } from 'vitest'
import { makeWorld, type World } from './harness.ts'

const CODE = '492039'
const namesOf = ({ registry }: World): string[] => registry.asked.map(({ name }) => name)

describe('a command without a session', () => {
  test('works as the mapped account, in a session that ends with it and is kept nowhere', async () => {
    const world = await makeWorld({ login: false })
    const { home, registry, sreg } = world
    registry.kernelUser = 'alice'
    const { code, stdout } = await sreg(['whoami'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^User: +alice$/m)
    expect(stdout).toMatch(/^Proof: +kernel$/m)
    expect(namesOf(world)).toEqual(['auth', 'whoami', 'logout'])
    expect(registry.asked[0]?.payload).toEqual({ kernel: true, bound: true })
    expect(registry.sessions.size).toBe(0)
    expect(existsSync(home.file('session'))).toBe(false)
  })

  test('ends its session also when it fails', async () => {
    const { registry, sreg } = await makeWorld({ login: false })
    registry.kernelUser = 'alice'
    expect((await sreg(['get', '/none'])).code).toBe(2)
    await waitFor(() => registry.sessions.size === 0)
  })

  test('of a user who is nobody is told to log in, and asks for nothing else', async () => {
    const world = await makeWorld({ login: false })
    const { code, stdout, stderr } = await world.sreg(['get', '/a'])
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' })
    expect(stderr).toBe('sreg: log in first\n  run: sreg login NAME\n')
    expect(namesOf(world)).toEqual(['auth'])
  })

  test('whose account has a second factor is told how to show it', async () => {
    const world = await makeWorld({ login: false })
    world.registry.kernelUser = 'alice'
    world.registry.codes.set('alice', CODE)
    const { code, stderr } = await world.sreg(['get', '/a'])
    expect(code).toBe(4)
    expect(stderr).toContain('run: sreg login --kernel')
    expect(namesOf(world)).toEqual(['auth'])
  })

  test('asks without one where something else is wrong, and is told what', async () => {
    const world = await makeWorld({ login: false })
    const error = { code: 6, name: 'InvalidState', message: 'sealed', reason: 'SEALED', errno: 1 }
    world.registry.answers.set('auth', { success: false, error })
    expect((await world.sreg(['get', '/a'])).code).toBe(4)
    expect(namesOf(world)).toEqual(['auth', 'get'])
  })
})

describe('the kernel is not asked', () => {
  test.each([
    ['while a session is kept', { login: true }, {}],
    ['where a token is given, good or not', { login: false }, { SECREG_TOKEN: 'canary-token' }],
  ])('%s', async (_, options, env) => {
    const { registry, sreg } = await makeWorld(options)
    registry.kernelUser = 'alice'
    registry.put('/a', 'x')
    await sreg(['get', '/a'], { env })
    expect(registry.asked.length).toBeGreaterThan(0)
    expect(registry.asked.some(({ payload }) => payload['kernel'] !== undefined)).toBe(false)
  })

  test('for the session that has ended: who it was need not be who the kernel knows', async () => {
    const { registry, sreg } = await makeWorld()
    registry.kernelUser = 'alice'
    registry.put('/a', 'x')
    registry.sessions.clear()
    expect((await sreg(['get', '/a'])).code).toBe(4)
    expect((await sreg(['get', '/a'])).stdout).toBe('x\n')
  })

  test('for what anybody may know', async () => {
    const world = await makeWorld({ login: false })
    world.registry.kernelUser = 'alice'
    expect((await world.sreg(['status'])).code).toBe(0)
    expect(namesOf(world)).toEqual(['status'])
  })
})

describe('login --kernel', () => {
  test('keeps the session, and needs neither terminal nor standard input', async () => {
    const world = await makeWorld({ login: false })
    const { home, registry, sreg } = world
    registry.kernelUser = 'alice'
    const { code, stdout } = await sreg(['login', '--kernel', '--json'])
    expect({ code, user: JSON.parse(stdout).user }).toEqual({ code: 0, user: 'alice' })
    expect(readFileSync(home.file('session'), 'utf8')).toContain('alice')
    await sreg(['whoami'])
    expect(namesOf(world)).toEqual(['auth', 'whoami', 'whoami'])
  })

  test('takes the code of a second factor from standard input, where one is needed', async () => {
    const { registry, sreg } = await makeWorld({ login: false })
    registry.kernelUser = 'alice'
    registry.codes.set('alice', CODE)
    const refused = await sreg(['login', '--kernel'])
    expect(refused.code).toBe(1)
    expect(refused.stderr).toContain('--password-stdin')
    const login = ['login', '--kernel', '--password-stdin']
    const wrong = await sreg(login, { input: '000000\n' })
    expect(wrong.code).toBe(4)
    expect(wrong.stderr).toContain('check the code')
    expect((await sreg(login, { input: '492 039\n' })).code).toBe(0)
    expect(registry.asked.at(-2)?.payload).toEqual({ kernel: true, otp: CODE })
  })

  test('says who can map a user that is nobody', async () => {
    const { home, sreg } = await makeWorld({ login: false })
    const { code, stderr } = await sreg(['login', '--kernel'])
    expect(code).toBe(4)
    expect(stderr).toContain('no account is mapped to the user of this process')
    expect(stderr).toContain('sreg user uids NAME UID')
    expect(existsSync(home.file('session'))).toBe(false)
  })

  test.each([
    [['login', 'alice', '--kernel'], 'needs no name'],
    [['login', '--kernel', '--token-stdin'], 'give one of'],
  ])('%j', async (args, message) => {
    const { registry, sreg } = await makeWorld({ login: false })
    const { code, stderr } = await sreg(args)
    expect(code).toBe(1)
    expect(stderr).toContain(message)
    expect(registry.asked).toEqual([])
  })
})
