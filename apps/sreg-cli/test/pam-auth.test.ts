/** `sreg pam-auth` as pam_exec runs it. */
import { existsSync } from 'node:fs'
import { relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import { FakeRegistry, PASSWORD } from './fake-registry.ts'
import { makeWorld, type Outcome, type RunOptions, runSreg, type World } from './harness.ts'

const GOOD: Outcome = { code: 0, stdout: '', stderr: '' }
const REFUSED: Outcome = { code: 1, stdout: '', stderr: '' }
const PAM = { PAM_USER: 'alice', PAM_TYPE: 'auth', PAM_SERVICE: 'sshd' }

interface PamOptions {
  readonly args?: readonly string[]
  readonly env?: Record<string, string>
  readonly input?: RunOptions['input']
}

/** Run it at the socket of a world, without anything of a person's environment. */
function pamAuth({ registry }: World, options: PamOptions = {}): Promise<Outcome> {
  const { args = [], env = {}, input = `${PASSWORD}\0` } = options
  return runSreg(['pam-auth', '--socket', registry.path, ...args], { ...PAM, ...env }, { input })
}

const namesOf = ({ registry }: World): string[] => registry.asked.map(({ name }) => name)

test('a good password ends with 0, and the session with it', async () => {
  const world = await makeWorld({ login: false })
  expect(await pamAuth(world)).toEqual(GOOD)
  expect(await pamAuth(world, { input: PASSWORD })).toEqual(GOOD)
  expect(namesOf(world)).toEqual(['auth', 'whoami', 'logout', 'auth', 'whoami', 'logout'])
  expect(world.registry.sessions.size).toBe(0)
  expect(existsSync(world.home.file('session'))).toBe(false)
})

test.each([
  ['wrong', 'a wrong password\0'],
  ['with its end missing', `${PASSWORD.slice(0, -1)}\0`],
  ['with a newline', `${PASSWORD}\n`],
])('a password that is %s is refused without a word', async (_, input) => {
  const world = await makeWorld({ login: false })
  expect(await pamAuth(world, { input })).toEqual(REFUSED)
  expect(namesOf(world)).toEqual(['auth'])
})

describe('nothing is asked of the daemon', () => {
  test.each<[string, PamOptions]>([
    ['no password', { input: '' }],
    ['an empty password', { input: '\0' }],
    ['something behind the zero byte', { input: `${PASSWORD}\0x` }],
    ['a zero byte within', { input: `a\0${PASSWORD}\0` }],
    ['513 bytes', { input: 'x'.repeat(513) }],
    ['endless input', { input: new Uint8Array(1 << 20).fill(0x78) }],
    ['no text', { input: Uint8Array.of(0xff, 0) }],
    ['no user', { env: { PAM_USER: '' } }],
    ['a user with a newline', { env: { PAM_USER: 'alice\n' } }],
    ['a user that was no text', { env: { PAM_USER: 'al\ufffdice' } }],
    ['a user that is too long', { env: { PAM_USER: 'a'.repeat(65) } }],
    ['account', { env: { PAM_TYPE: 'account' } }],
    ['open_session', { env: { PAM_TYPE: 'open_session' } }],
    ['password', { env: { PAM_TYPE: 'password' } }],
    ['no type', { env: { PAM_TYPE: '' } }],
    ['the service that secregd asks', { env: { PAM_SERVICE: 'secreg' } }],
    ['the same in capitals', { env: { PAM_SERVICE: 'SecReg' } }],
    ['a code alone', { args: ['--otp-appended'], input: '123456\0' }],
  ])('%s', async (_, options) => {
    const world = await makeWorld({ login: false })
    expect(await pamAuth(world, options)).toEqual(REFUSED)
    expect(world.registry.asked).toEqual([])
  })

  test('512 bytes are not too many', async () => {
    const world = await makeWorld({ login: false })
    await pamAuth(world, { input: `${'x'.repeat(512)}\0` })
    expect(world.registry.asked[0]?.payload['password']).toHaveLength(512)
  })
})

test('the environment leads to no other daemon, and a relative socket to none', async () => {
  const world = await makeWorld({ login: false })
  await using other = await FakeRegistry.start(world.home.file('other'))
  const env = { SECREG_SOCKET: other.path, SECREG_SESSION: world.home.file('session') }
  expect(await pamAuth(world, { env })).toEqual(GOOD)
  const bare = await runSreg(['pam-auth'], { ...PAM, ...env }, { input: `${PASSWORD}\0` })
  expect(bare).toEqual(REFUSED)
  // pam_exec runs it wherever the user of su(1) is.
  for (const path of [other.path, world.registry.path]) {
    const socket = relative(process.cwd(), path)
    const args = ['pam-auth', '--socket', socket, '-v']
    const outcome = await runSreg(args, { ...PAM, ...env }, { input: `${PASSWORD}\0` })
    expect(outcome).toMatchObject({ code: 1, stderr: expect.stringContaining('not absolute') })
  }
  expect(other.asked).toEqual([])
})

test('without a daemon, and one that does not answer as it should', async () => {
  const world = await makeWorld({ login: false })
  const { registry } = world
  for (const answer of [{}, { success: true }, { success: 'yes', session_id: 'x' }]) {
    registry.answers.set('auth', answer)
    expect(await pamAuth(world)).toEqual(REFUSED)
  }
  registry.answers.clear()
  for (const name of ['auth', 'whoami']) {
    registry.failures.set(name, 'INTERNAL')
    expect(await pamAuth(world)).toEqual(REFUSED)
  }
  expect(registry.sessions.size).toBe(0)
  await registry[Symbol.asyncDispose]()
  expect(await pamAuth(world)).toEqual(REFUSED)
})

test('who is known from the kernel needs the password all the same', async () => {
  const world = await makeWorld({ login: false })
  const { registry } = world
  // As root runs it, and root may be an account of that name.
  registry.kernelUser = 'alice'
  expect(await pamAuth(world, { input: 'a wrong password' })).toEqual(REFUSED)
  for (const answer of [{ success: true }, { success: false, session_id: registry.session() }]) {
    registry.answers.set('auth', answer)
    expect(await pamAuth(world)).toEqual(REFUSED)
  }
})

test('whom the daemon takes for another user is refused', async () => {
  const world = await makeWorld({ login: false })
  const alice = world.registry.users.get('alice')
  if (alice !== undefined) world.registry.users.set('Alice', alice)
  expect(await pamAuth(world, { env: { PAM_USER: 'Alice' } })).toEqual(REFUSED)
  expect(world.registry.sessions.size).toBe(0)
})

test('a session that is good for nothing but enrolling lets nobody in', async () => {
  const world = await makeWorld({ login: false })
  world.registry.answers.set('whoami', { ...WHO, restricted: 'mfa-enrollment' })
  expect(await pamAuth(world)).toEqual(REFUSED)
})

const WHO = {
  user: 'alice',
  account: 'a1',
  roles: ['operator', 'auditor'],
  groups: ['staff', 'ops'],
  mfa: false,
  proof: 'credential',
  door: 'registry',
}

test.each<[readonly string[], Outcome]>([
  [['--group', 'staff'], GOOD],
  [['--group', 'other', '--group', 'ops'], GOOD],
  [['--role', 'auditor'], GOOD],
  [['--group', 'staff', '--role', 'operator'], GOOD],
  [['--group', 'other'], REFUSED],
  [['--group', 'operator'], REFUSED],
  [['--role', 'staff'], REFUSED],
  [['--group', 'Staff'], REFUSED],
  [['--group', 'staf'], REFUSED],
  [['--group', 'staff', '--role', 'admin'], REFUSED],
  [['--group', 'other', '--role', 'operator'], REFUSED],
])('%j', async (args, outcome) => {
  const world = await makeWorld({ login: false })
  world.registry.answers.set('whoami', WHO)
  expect(await pamAuth(world, { args })).toEqual(outcome)
  expect(world.registry.sessions.size).toBe(0)
})

test.each<[readonly string[], string, object]>([
  [['--otp-appended'], 'pass word123456', { password: 'pass word', otp: '123456' }],
  [['--otp-appended'], '9123456', { password: '9', otp: '123456' }],
  [['--otp-appended'], 'pass word12345', { password: 'pass word12345' }],
  [['--otp-appended'], 'pass word123456 ', { password: 'pass word123456 ' }],
  [['--otp-appended'], 'pass word123456\n', { password: 'pass word123456\n' }],
  [['--otp-appended'], 'pass word١٢٣٤٥٦', { password: 'pass word١٢٣٤٥٦' }],
  [[], 'pass word123456', { password: 'pass word123456' }],
])('%j: %j', async (args, typed, login) => {
  const world = await makeWorld({ login: false })
  await pamAuth(world, { args, input: `${typed}\0` })
  expect(world.registry.asked[0]).toMatchObject({ name: 'auth' })
  expect(world.registry.asked[0]?.payload).toEqual({ username: 'alice', ...login })
})

test('with --verbose it says why, in one line, and never what was typed', async () => {
  const world = await makeWorld({ login: false })
  world.registry.answers.set('auth', {
    success: false,
    error: { code: 4, message: 'no\nsreg: welcome\u001b[1A', reason: 'AUTH_FAILED' },
  })
  for (const options of [
    {},
    { input: 'canary-7\0x' },
    { input: 'canary-7', env: { PAM_TYPE: 'account' } },
    { input: 'canary-7', env: { PAM_USER: 'a\nb' } },
    { input: 'canary-7' },
  ]) {
    const { code, stdout, stderr } = await pamAuth(world, { ...options, args: ['-v'] })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^sreg: [A-Z_]+: .+\n$/)
    expect(stderr).not.toContain('\u001b')
    expect(stderr).not.toContain('canary-7')
  }
})

test('as anybody but root it refuses, so that a line without seteuid lets nobody in', async () => {
  const world = await makeWorld({ login: false })
  for (const uid of [1, 1000, Number.NaN]) {
    const args = ['pam-auth', '-v', '--socket', world.registry.path]
    const { code, stderr } = await runSreg(args, PAM, { input: `${PASSWORD}\0`, uid })
    expect(code).toBe(1)
    expect(stderr).toContain('seteuid')
  }
  expect(world.registry.asked).toEqual([])
})

test('a terminal is not asked', async () => {
  const world = await makeWorld({ login: false })
  const options = { input: PASSWORD, stdinTty: true }
  const args = ['pam-auth', '-v', '--socket', world.registry.path]
  const { code, stderr } = await runSreg(args, PAM, options)
  expect(code).toBe(1)
  expect(stderr).toContain('is a terminal')
})
