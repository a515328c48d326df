import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, test } from 'vitest'
import { forgetSession, loadSession, saveSession, sessionPath } from '../src/session-file.ts'
import { FakeRegistry, PASSWORD } from './fake-registry.ts'
import { makeWorld, runSreg } from './harness.ts'

const modeOf = (path: string): number => lstatSync(path).mode & 0o777

describe('the session file', () => {
  test('lies in $SECREG_SESSION, else $XDG_RUNTIME_DIR, else ~/.cache', () => {
    expect(sessionPath({ SECREG_SESSION: '/x/s', XDG_RUNTIME_DIR: '/run/user/1' }).path).toBe(
      '/x/s',
    )
    expect(sessionPath({ XDG_RUNTIME_DIR: '/run/user/1' }).path).toBe('/run/user/1/secreg/session')
    expect(sessionPath({ HOME: '/home/a' }).path).toBe('/home/a/.cache/secreg/session')
    expect(sessionPath({ HOME: '/home/a', XDG_RUNTIME_DIR: 'relative' }).path).toBe(
      '/home/a/.cache/secreg/session',
    )
  })

  test('is private from its creation, whatever the umask, and so is its directory', async () => {
    const { home } = await makeWorld({ login: false })
    const env = { XDG_RUNTIME_DIR: home.path }
    const before = process.umask(0)
    try {
      saveSession(env, '/s', { session_id: 'abc', user: 'alice' })
    } finally {
      process.umask(before)
    }
    const { path } = sessionPath(env)
    expect(modeOf(path)).toBe(0o600)
    expect(modeOf(dirname(path))).toBe(0o700)
    expect(loadSession(env, '/s')).toEqual({ session_id: 'abc', user: 'alice' })
    chmodSync(dirname(path), 0o755)
    expect(() => loadSession(env, '/s')).toThrow('open to others')
    expect(() => saveSession(env, '/s', { session_id: 'x', user: 'a' })).toThrow('open to others')
  })

  test('keeps the sessions of two daemons apart, and goes with the last', async () => {
    const { home } = await makeWorld({ login: false })
    const env = { SECREG_SESSION: home.file('two') }
    saveSession(env, '/one', { session_id: '1', user: 'alice' })
    saveSession(env, '/two', { session_id: '2', user: 'bob' })
    saveSession(env, '__proto__', { session_id: '3', user: 'eve' })
    expect(loadSession(env, '/one')?.session_id).toBe('1')
    expect(loadSession(env, '/two')?.session_id).toBe('2')
    expect(loadSession(env, '/three')).toBeUndefined()
    for (const socket of ['/one', '/two', '__proto__']) forgetSession(env, socket)
    expect(existsSync(home.file('two'))).toBe(false)
  })

  test('of another mode, a link, or no file at all is refused: exit 4', async () => {
    const world = await makeWorld()
    world.registry.put('/a', 'x')
    const path = world.home.file('session')
    expect((await world.sreg(['get', '/a'])).code).toBe(0)
    chmodSync(path, 0o640)
    const open = await world.sreg(['get', '/a'])
    expect(open).toMatchObject({ code: 4, stdout: '' })
    expect(open.stderr).toContain('mode 0640')
    chmodSync(path, 0o600)
    symlinkSync(path, world.home.file('link'))
    const env = { SECREG_SESSION: world.home.file('link') }
    expect((await world.sreg(['get', '/a'], { env })).stderr).toContain('symbolic link')
    mkdirSync(world.home.file('directory'))
    const directory = { SECREG_SESSION: world.home.file('directory') }
    expect((await world.sreg(['get', '/a'], { env: directory })).code).toBe(4)
    expect(world.registry.asked).toHaveLength(1)
  })

  test.runIf(process.getuid?.() === 0)('of another owner is refused', async () => {
    const { chownSync } = await import('node:fs')
    const { home, sreg } = await makeWorld()
    chownSync(home.file('session'), 12_345, 12_345)
    const { code, stderr } = await sreg(['whoami'])
    expect(code).toBe(4)
    expect(stderr).toContain('belongs to another user')
  })

  test('that is damaged is the same as none, and a login replaces it', async () => {
    const { home, registry, sreg } = await makeWorld({ login: false })
    for (const text of ['', '{', '[]', 'null', '{"version":2}', '{"version":1,"sessions":[1]}']) {
      writeFileSync(home.file('session'), text, { mode: 0o600 })
      expect(await sreg(['get', '/a'])).toMatchObject({ code: 4, stdout: '' })
    }
    expect(
      (await sreg(['login', 'alice', '--password-stdin'], { input: `${PASSWORD}\n` })).code,
    ).toBe(0)
    registry.put('/a', 'x')
    expect((await sreg(['get', '/a'])).stdout).toBe('x\n')
  })
})

describe('login and logout', () => {
  test('login keeps the session, prints no credential, and logout removes it', async () => {
    const { home, registry, sreg } = await makeWorld({ login: false })
    const login = await sreg(['login', 'alice', '--password-stdin', '--json'], { input: PASSWORD })
    expect(JSON.parse(login.stdout)).toMatchObject({
      success: true,
      user: 'alice',
      roles: ['admin'],
    })
    const [session] = registry.sessions
    expect(readFileSync(home.file('session'), 'utf8')).toContain(session)
    expect(login.stdout + login.stderr).not.toContain(session)
    expect(await sreg(['logout'])).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(existsSync(home.file('session'))).toBe(false)
    expect(registry.sessions.size).toBe(0)
    expect((await sreg(['logout'])).stderr).toContain('not logged in')
  })

  test('a wrong password ends with 4 and keeps nothing', async () => {
    const { home, sreg } = await makeWorld({ login: false })
    const { code, stdout, stderr } = await sreg(['login', 'alice', '--password-stdin'], {
      input: 'a wrong password\n',
    })
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' })
    expect(stderr).not.toContain('a wrong password')
    expect(existsSync(home.file('session'))).toBe(false)
  })

  test('a session that cannot be kept is ended again', async () => {
    const { registry, sreg } = await makeWorld({ login: false })
    const env = { SECREG_SESSION: '/nonexistent/session' }
    const { code } = await sreg(['login', 'alice', '--password-stdin'], { input: PASSWORD, env })
    expect(code).toBe(2)
    expect(registry.sessions.size).toBe(0)
  })

  test('without a login: exit 4, and what to do', async () => {
    const { sreg } = await makeWorld({ login: false })
    for (const args of [
      ['get', '/a'],
      ['set', '/a', 'b'],
      ['list', '/'],
      ['audit'],
      ['export'],
      ['whoami'],
      ['lock'],
    ]) {
      const { code, stdout, stderr } = await sreg(args)
      expect({ code, stdout }).toEqual({ code: 4, stdout: '' })
      expect(stderr).toContain('run: sreg login NAME')
    }
  })

  test('a session that has ended is forgotten', async () => {
    const { home, registry, sreg } = await makeWorld()
    registry.sessions.clear()
    const { code, stderr } = await sreg(['get', '/a'])
    expect(code).toBe(4)
    expect(stderr).toContain('sreg login NAME')
    expect(existsSync(home.file('session'))).toBe(false)
  })

  test('a session goes only to the daemon that gave it', async () => {
    const world = await makeWorld()
    await using other = await FakeRegistry.start(world.home.file('other'))
    await world.sreg(['-s', other.path, 'get', '/a'])
    expect(other.asked.map(({ sessionId }) => sessionId)).toEqual([''])
  })

  test('a caller whom the daemon knows from the kernel needs no login', async () => {
    const { registry, sreg } = await makeWorld({ login: false })
    registry.kernelUser = 'alice'
    registry.put('/a', 'x')
    expect((await sreg(['get', '/a'])).stdout).toBe('x\n')
    const input = new Uint8Array(100_000)
    expect((await sreg(['set', '/b', '-', '--type', 'bytes'], { input })).code).toBe(0)
  })
})

describe('status', () => {
  test('weakness 58: without a daemon it fails, says so, and how to start it', async () => {
    const env = { HOME: '/nonexistent', SECREG_SOCKET: '/nonexistent/socket' }
    const { code, stdout, stderr } = await runSreg(['status'], env)
    expect({ code, stdout }).toEqual({ code: 6, stdout: '' })
    expect(stderr).toContain('no daemon listens at /nonexistent/socket')
    expect(stderr).toContain('secregd --config FILE')
    const json = await runSreg(['status', '--json'], env)
    expect(json.stdout).toBe('')
    expect(JSON.parse(json.stderr)).toMatchObject({
      code: 6,
      name: 'InvalidState',
      reason: 'UNREACHABLE',
    })
    for (const args of [['get', '/a'], ['list', '/'], ['export'], ['whoami'], ['audit']]) {
      expect(await runSreg(args, env)).toMatchObject({ code: 6, stdout: '' })
    }
  })

  test('weakness 58: a socket file that nobody serves, and one that is no socket', async () => {
    const { home, env } = await makeWorld()
    const file = home.write('plain', '')
    expect(await runSreg(['-s', file, 'status'], env)).toMatchObject({ code: 6, stdout: '' })
  })

  test('needs no login and tells more with one, and survives a dead session', async () => {
    const { registry, sreg } = await makeWorld()
    expect((await sreg(['status'])).stdout).toBe(
      [
        'Status:       running',
        'State:        unsealed',
        'Initialized:  yes',
        'Version:      0.1.0',
        'Uptime:       1m 3s',
        `Socket:       ${registry.path}`,
        'Keys:         0',
        'Size:         12.00 KB\n',
      ].join('\n'),
    )
    registry.sessions.clear()
    const dead = await sreg(['status', '--json'])
    expect(JSON.parse(dead.stdout)).toMatchObject({ state: 'unsealed' })
    registry.state = 'uninitialized'
    expect((await sreg(['status'])).stderr).toContain('sreg init')
    registry.state = 'sealed'
    expect((await sreg(['status'])).stderr).toContain('sreg unlock')
  })
})

test('logout removes the session also when the daemon is gone', async () => {
  const { home, registry, sreg } = await makeWorld()
  await registry[Symbol.asyncDispose]()
  expect((await sreg(['logout'])).code).toBe(6)
  expect(existsSync(home.file('session'))).toBe(false)
})
