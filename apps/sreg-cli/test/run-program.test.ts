import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { runChild, startChild, waitFor } from '@secreg/testkit'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type Built, build, onTerminal } from './built.ts'
import { refused } from './fake/fake-secrets.ts'
import { makeWorld, type World } from './harness.ts'

let built: Built
beforeAll(() => {
  built = build()
})
afterAll(() => built.remove())

const API = 'openbao+kv2://secret/app/api'

/** Prints its environment as JSON. */
const SHOW = [process.execPath, '-e', 'process.stdout.write(JSON.stringify(process.env))']

const environment = (world: World, more: Record<string, string>): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'],
  ...world.env,
  ...more,
})

function sregRun(
  world: World,
  command: readonly string[],
  env: Record<string, string> = {},
  options: { readonly input?: string; readonly switches?: readonly string[] } = {},
) {
  const words = ['run', ...(options.switches ?? []), '--', ...command]
  return runChild(process.execPath, [built.main, ...words], {
    env: environment(world, env),
    ...(options.input === undefined ? {} : { input: options.input }),
  })
}

describe('the environment of the program', () => {
  test('each pointer becomes its variable; nothing else changes', async () => {
    const world = await makeWorld()
    world.registry.secrets.put(API, { token: 't 1\n"é', port: 80, list: [1, 'a'] })
    const { code, stdout, stderr } = await sregRun(world, SHOW, {
      TOKEN_POINTER: `${API}#token`,
      PORT_POINTER: `${API}#port`,
      LIST_POINTER: `${API}#list`,
      ALL_POINTER: `${API}?version=1`,
      KEPT: 'as it is',
      _POINTER: 'no name',
      POINTER: 'none',
    })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(JSON.parse(stdout)).toEqual({
      PATH: process.env['PATH'],
      ...world.env,
      KEPT: 'as it is',
      _POINTER: 'no name',
      POINTER: 'none',
      TOKEN: 't 1\n"é',
      PORT: '80',
      LIST: '[1,"a"]',
      ALL: '{"token":"t 1\\n\\"é","port":80,"list":[1,"a"]}',
    })
  })

  test('a secret that several variables name is read once; a token of sreg is not handed on', async () => {
    const world = await makeWorld()
    world.registry.secrets.put(API, { token: 't1' })
    world.registry.tokens.set('sreg_given', 'alice')
    const { stdout } = await sregRun(world, SHOW, {
      A_POINTER: `${API}#token`,
      B_POINTER: `${API}#token`,
      SECREG_TOKEN: 'sreg_given',
    })
    expect(JSON.parse(stdout)).toMatchObject({ A: 't1', B: 't1' })
    expect(stdout).not.toContain('sreg_given')
    expect(world.registry.secrets.asked).toHaveLength(1)
  })

  test('without pointers, no daemon is asked', async () => {
    const world = await makeWorld({ login: false })
    const result = await sregRun(world, ['echo', 'hello'], { SECREG_SOCKET: '/nonexistent' })
    expect(result).toEqual({ code: 0, signal: null, stdout: 'hello\n', stderr: '' })
  })

  test('many are read at once, and never more than eight', async () => {
    const world = await makeWorld()
    const { secrets } = world.registry
    let [running, most] = [0, 0]
    const together = deferred()
    secrets.before = async () => {
      most = Math.max(most, ++running)
      if (running === 8) together.resolve()
      await together.promise
      running--
    }
    const env: Record<string, string> = {}
    for (let index = 0; index < 40; index++) {
      secrets.put(`yaml://secret/s${index}`, { v: `value-${index}` })
      env[`S${index}_POINTER`] = `yaml://secret/s${index}#v`
    }
    const { code, stdout } = await sregRun(world, SHOW, env)
    expect(code).toBe(0)
    const shown = JSON.parse(stdout)
    for (let index = 0; index < 40; index++) expect(shown[`S${index}`]).toBe(`value-${index}`)
    expect(most).toBe(8)
  })

  test('somebody who is busy is asked again', async () => {
    const world = await makeWorld()
    const { secrets } = world.registry
    secrets.put(API, { token: 't1' })
    secrets.answers.set(
      `${API}#token`,
      refused('RATE_LIMITED', { status: 429, headers: { 'Retry-After': '0' } }),
    )
    secrets.before = async () => {
      if (secrets.asked.length === 3) secrets.answers.clear()
    }
    const env = { TOKEN_POINTER: `${API}#token` }
    const { code, stdout } = await sregRun(world, SHOW, env)
    expect({ code, asked: secrets.asked.length }).toEqual({ code: 0, asked: 3 })
    expect(JSON.parse(stdout)).toMatchObject({ TOKEN: 't1' })
  })

  test.each([
    ['0', 5],
    ['6', 1],
  ])('who stays busy, with Retry-After %s, is asked %i times', async (seconds, times) => {
    const world = await makeWorld()
    const { secrets } = world.registry
    const headers = { 'Retry-After': seconds }
    secrets.answers.set('*', refused('PROVIDER_BUSY', { status: 429, headers }))
    const result = await sregRun(world, SHOW, { TOKEN_POINTER: `${API}#token` })
    expect(result).toMatchObject({ code: 6, stdout: '' })
    expect(result.stderr).toContain(`try again in ${seconds} s`)
    expect(secrets.asked).toHaveLength(times)
  })

  test('no secret in the arguments or the environment of sreg', async () => {
    const world = await makeWorld()
    world.registry.secrets.put(API, { token: 'canary-51f0' })
    const child = startChild(
      process.execPath,
      [built.main, 'run', '--', process.execPath, '-e', 'console.log("up");process.stdin.resume()'],
      { env: environment(world, { TOKEN_POINTER: `${API}#token` }), keepInput: true },
    )
    await child.line(/up/)
    for (const name of ['cmdline', 'environ']) {
      expect(readFileSync(`/proc/${child.pid}/${name}`, 'utf8')).not.toContain('canary-51f0')
    }
    child.process.stdin?.end()
    expect((await child.exit).code).toBe(0)
  })
})

describe('all or nothing', () => {
  const marker = ['sh', '-c', 'echo started']

  test.each([
    ['SECRET_NOT_FOUND', 404, 2],
    ['SECRET_AUTHZ_FAILED', 403, 3],
    ['UNAUTHENTICATED', 401, 4],
    ['PROVIDER_UNAVAILABLE', 503, 6],
    ['ILLEGAL_SEGMENT', 400, 1],
    ['AUDIT_UNAVAILABLE', 503, 7],
  ])('%s: exit by its class, the variable named, no value told', async (code, status, exit) => {
    const world = await makeWorld()
    const { secrets } = world.registry
    secrets.put(API, { token: 'canary-77aa' })
    secrets.answers.set('yaml://secret/bad#x', refused(code, { status }))
    const env = { BAD_POINTER: 'yaml://secret/bad#x', GOOD_POINTER: `${API}#token` }
    const plain = await sregRun(world, marker, env)
    expect(plain).toMatchObject({ code: exit, stdout: '' })
    expect(plain.stderr).toContain('sreg: BAD_POINTER: ')
    expect(plain.stderr).not.toContain('canary-77aa')
    const json = await sregRun(world, marker, env, { switches: ['--json'] })
    expect(json).toMatchObject({ code: exit, stdout: '' })
    expect(JSON.parse(json.stderr)).toMatchObject({ code: exit, reason: code })
  })

  test.each([
    ['a NUL', 'a\0canary-77aa', 'NUL'],
    ['half of a pair', 'canary-77aa\ud800', 'well-formed'],
    ['null', null, 'null'],
  ])('%s in a value', async (_, value, told) => {
    const world = await makeWorld()
    world.registry.secrets.put(API, { token: value })
    const result = await sregRun(world, marker, { TOKEN_POINTER: `${API}#token` })
    expect(result).toMatchObject({ code: 1, stdout: '' })
    expect(result.stderr).toContain(`TOKEN_POINTER: the secret`)
    expect(result.stderr).toContain(told)
    expect(result.stderr).not.toContain('canary-77aa')
  })

  test('a variable that is set too, even to nothing, and a pointer to nothing', async () => {
    const world = await makeWorld()
    world.registry.secrets.put(API, { token: 't1' })
    for (const more of [{ TOKEN: '' }, { TOKEN: 'canary-77aa' }]) {
      const result = await sregRun(world, marker, { TOKEN_POINTER: `${API}#token`, ...more })
      expect(result).toMatchObject({ code: 1, stdout: '' })
      expect(result.stderr).toContain('TOKEN_POINTER: TOKEN is set too')
      expect(result.stderr).not.toContain('canary-77aa')
    }
    const empty = await sregRun(world, marker, { TOKEN_POINTER: '' })
    expect(empty).toMatchObject({ code: 1, stdout: '' })
    expect(empty.stderr).toContain('TOKEN_POINTER: it is empty')
    expect(world.registry.secrets.asked).toEqual([])
  })

  test('nobody is logged in, or nobody is there', async () => {
    const env = { TOKEN_POINTER: `${API}#token` }
    const world = await makeWorld({ login: false })
    expect(await sregRun(world, marker, env)).toMatchObject({ code: 4, stdout: '' })
    const away = { ...env, SECREG_SOCKET: '/nonexistent' }
    expect(await sregRun(world, marker, away)).toMatchObject({ code: 6, stdout: '' })
  })
})

describe('the end of the program is that of sreg', () => {
  test.each([
    [['sh', '-c', 'exit 0'], 0],
    [['sh', '-c', 'exit 3'], 3],
    [['sh', '-c', 'exit 255'], 255],
    [['sh', '-c', 'kill -TERM $$'], 143],
    [['sh', '-c', 'kill -KILL $$'], 137],
    [['sh', '-c', 'kill -USR1 $$'], 138],
    [['/nonexistent/program'], 127],
    [['no-such-program-of-ours'], 127],
    [['/'], 126],
  ])('%j ends with %i', async (command, code) => {
    const world = await makeWorld()
    const result = await sregRun(world, command)
    expect(result).toMatchObject({ code, stdout: '' })
    if (code === 126 || code === 127) {
      expect(result.stderr).toMatch(/^sreg: \S/)
      const json = await sregRun(world, command, {}, { switches: ['-j'] })
      expect(JSON.parse(json.stderr)).toMatchObject({ code })
    } else expect(result.stderr).toBe('')
  })

  test('what is too large for the system is told, and not what it was', async () => {
    const world = await makeWorld()
    world.registry.secrets.put(API, { token: 'canary-77aa'.repeat(20_000) })
    const result = await sregRun(world, ['true'], { TOKEN_POINTER: `${API}#token` })
    expect(result).toMatchObject({ code: 126, stdout: '' })
    expect(result.stderr).toContain('too large')
    expect(result.stderr).not.toContain('canary-77aa')
  })

  test('a file that is no program cannot be started', async () => {
    const world = await makeWorld()
    const file = world.home.write('data', 'canary-77aa', 0o600)
    const result = await sregRun(world, [file])
    expect(result).toMatchObject({ code: 126, stdout: '' })
    expect(result.stderr).not.toContain('canary-77aa')
  })

  test('an empty name is refused', async () => {
    const world = await makeWorld()
    expect(await sregRun(world, [''])).toMatchObject({ code: 1, stdout: '' })
  })

  test('standard streams are those of sreg', async () => {
    const world = await makeWorld()
    const script = 'cat; echo err >&2'
    expect(await sregRun(world, ['sh', '-c', script], {}, { input: 'piped' })).toEqual({
      code: 0,
      signal: null,
      stdout: 'piped',
      stderr: 'err\n',
    })
  })
})

/** Tells each signal it gets; ends at SIGTERM, with how many SIGINT there were. */
const LISTEN = `
  let ints = 0
  for (const name of ['SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH'])
    process.on(name, () => console.log('got ' + name))
  process.on('SIGINT', () => console.log('got SIGINT ' + ++ints))
  process.on('SIGTERM', () => { console.log('ints ' + ints); process.exit(40 + ints) })
  setInterval(() => {}, 1e6)
  console.log('listening')
`

describe('signals', () => {
  test('without a terminal, each is passed on once', async () => {
    const world = await makeWorld()
    const child = spawn(
      process.execPath,
      [built.main, 'run', '--', process.execPath, '-e', LISTEN],
      // A session of its own has no terminal.
      { env: environment(world, {}), detached: true, stdio: ['ignore', 'pipe', 'inherit'] },
    )
    onTestFinished(() => {
      if (child.exitCode === null) process.kill(-Number(child.pid), 'SIGKILL')
    })
    let out = ''
    child.stdout.on('data', (chunk) => {
      out += chunk
    })
    const closed = new Promise<number | null>((resolve) => child.once('close', resolve))
    const told = (text: string) => waitFor(() => out.includes(text))
    await told('listening')
    for (const name of ['SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2', 'SIGWINCH'] as const) {
      child.kill(name)
      await told(`got ${name}\n`)
    }
    child.kill('SIGINT')
    await told('got SIGINT 1')
    child.kill('SIGTERM')
    expect(await closed).toBe(41)
    expect(out.split('\n').filter((line) => line.startsWith('got')).length).toBe(6)
  })

  test('what a terminal sends, the program gets once', async (context) => {
    const world = await makeWorld()
    const { code, screen } = await onTerminal(
      context,
      [built.main, 'run', '--', process.execPath, '-e', LISTEN],
      world.env,
      [
        { expect: 'listening', echo: true, send: '\u0003' },
        { expect: 'got SIGINT 1', echo: true, signal: 'SIGTERM' },
      ],
    )
    expect(screen).toContain('ints 1')
    expect(screen).not.toContain('SIGINT 2')
    expect(code).toBe(41)
  })

  test('a program that gives up at ^C, and its terminal', async (context) => {
    const world = await makeWorld()
    const { code } = await onTerminal(
      context,
      [
        built.main,
        'run',
        '--',
        'sh',
        '-c',
        'echo ready; read line; echo "read $line"; kill -INT $$',
      ],
      world.env,
      [{ expect: 'ready', echo: true, send: 'hello\n' }],
    )
    expect(code).toBe(130)
  })
})

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve: () => void = () => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}
