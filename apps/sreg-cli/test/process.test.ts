import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createTempHome, runChild, startNode, waitFor } from '@secreg/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Built, build, onTerminal } from './built.ts'
import { PASSPHRASE, PASSWORD } from './fake-registry.ts'
import { makeWorld } from './harness.ts'

let built: Built
beforeAll(() => {
  built = build()
})
afterAll(() => built.remove())

const environment = (env: Record<string, string>): NodeJS.ProcessEnv => ({
  PATH: process.env['PATH'],
  ...env,
})

const sreg = (args: readonly string[], env: Record<string, string>, input?: string) =>
  runChild(process.execPath, [built.main, ...args], {
    env: environment(env),
    ...(input === undefined ? {} : { input }),
  })

describe('the built command', () => {
  test('weakness 57: value, newline and exit codes through real pipes', async () => {
    const { registry, env } = await makeWorld()
    registry.put('/a', 'hello')
    expect(await sreg(['get', '/a'], env)).toEqual({
      code: 0,
      signal: null,
      stdout: 'hello\n',
      stderr: '',
    })
    expect(await sreg(['get', '/b'], env)).toMatchObject({ code: 2, stdout: '' })
    expect(await sreg(['get', '/a', '--nothing'], env)).toMatchObject({ code: 1, stdout: '' })
    expect(await sreg(['set', '/c', '-'], env, 'piped\n')).toMatchObject({
      code: 0,
      stdout: '',
      stderr: '',
    })
    expect(registry.entries.get('/c')?.value).toBe('piped')
    expect(await sreg(['help', 'get'], env)).toMatchObject({ code: 0, stderr: '' })
  })

  test('what fails fails also where nobody reads why, whatever way it takes', async () => {
    const { registry, env } = await makeWorld()
    registry.answers.set('zone', { matches: false })
    const deaf = async (start: string, args: readonly string[]): Promise<unknown> => {
      const child = spawn(process.execPath, [start, ...args], { env: environment(env) })
      const closed = new Promise((resolve) => child.on('close', resolve))
      child.stdout.destroy()
      child.stderr.destroy()
      child.stdin.end(`${PASSWORD}x\n`)
      return await closed
    }
    for (const start of [built.main, built.hot]) {
      expect(await deaf(start, ['get', '/none'])).toBe(2)
      expect(await deaf(start, ['pam-auth', '--verbose'])).toBe(1)
      expect(await deaf(start, ['zone', 'check', 'mail', 'al', '--password-stdin'])).toBe(4)
    }
    expect(await deaf(built.subauth, ['--zones', '--socket=/nonexistent'])).toBe(6)
    expect(await deaf(built.subauth, ['--pam', '--zone=mail', '--verbose'])).toBe(1)
  })

  test('the short way in: the same answers, and the long way where more is needed', async () => {
    const { registry, env } = await makeWorld()
    registry.put('/a', 'one')
    registry.put('/a', 'two')
    const lines = [
      ['get', '/a', '--version', '1'],
      ['set', '/a', 'three', '--if-version', '9'],
      ['list', '/', '--limit', '1', '--json'],
      ['get', '/none', '--json'],
      ['get', '/a', '--versoin', '2'],
      ['get', '/a', '--version'],
      ['history', '/a', '--limit', '1'],
      ['--version'],
      ['get', '--help'],
    ]
    for (const line of lines) {
      const short = await runChild(process.execPath, [built.hot, ...line], {
        env: environment(env),
      })
      expect(short, line.join(' ')).toEqual(await sreg(line, env))
    }
  })

  test('weakness 58: status with no daemon', async () => {
    const { home, env } = await makeWorld()
    const result = await sreg(['status', '-s', home.file('nobody')], env)
    expect(result).toMatchObject({ code: 6, stdout: '' })
    expect(result.stderr).toContain('secregd --config FILE')
  })

  test('starts without what it does not need', () => {
    const text = built.startFiles()
    expect(text).toContain('FrameReader')
    for (const name of [
      'zod',
      'cliui',
      'y18n',
      'cli-progress',
      'dotenv',
      'xchacha',
      'node:crypto',
    ]) {
      expect(text).not.toMatch(new RegExp(`(?:node_modules/|src/.*|from ['"])${name}`))
    }
  })

  test('a reader that has seen enough is no failure, and no message', async () => {
    const { registry, env } = await makeWorld()
    for (let index = 0; index < 50_000; index++) registry.put(`/long/key/number/${index}`, 'x')
    const child = spawn(process.execPath, [built.main, 'list', '/', '--recursive'], {
      env: environment(env),
    })
    let stderr = ''
    child.stderr.on('data', (chunk) => {
      stderr += chunk
    })
    child.stdout.once('data', () => child.stdout.destroy())
    const code = await new Promise((resolve) => child.on('close', resolve))
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })

  test('no space for the output is a failure', async (context) => {
    const { registry, env } = await makeWorld()
    registry.put('/a', 'hello')
    const { existsSync } = await import('node:fs')
    if (!existsSync('/dev/full')) return context.skip('no /dev/full')
    const script = `exec "$0" "$@" > /dev/full`
    const result = await runChild(
      '/bin/sh',
      ['-c', script, process.execPath, built.main, 'get', '/a'],
      {
        env: environment(env),
      },
    )
    expect(result.code).toBe(7)
    expect(result.stderr).toContain('ENOSPC')
  })

  test('no secret in the arguments or the environment while it works', async () => {
    const { registry, env } = await makeWorld({ login: false })
    registry.silent.add('auth')
    const child = startNode(built.main, ['login', 'alice', '--password-stdin'], {
      env: environment(env),
      input: `${PASSWORD}\n`,
    })
    await waitFor(() => registry.asked.length > 0)
    const { readFileSync } = await import('node:fs')
    for (const file of ['cmdline', 'environ']) {
      expect(readFileSync(`/proc/${child.pid}/${file}`, 'utf8')).not.toContain(PASSWORD)
    }
    await child.kill('SIGTERM')
  })

  test('a signal in the middle of an import takes it back', async () => {
    const { home, registry, env } = await makeWorld()
    const file = home.write(
      't.json',
      JSON.stringify(Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`k${i}`, 'x']))),
    )
    registry.stallImports = true
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      registry.asked.length = 0
      const child = startNode(built.main, ['import', file, '--format', 'json'], {
        env: environment(env),
      })
      await waitFor(() => registry.asked.some(({ payload }) => payload['op'] === 'stage'))
      child.signal(signal)
      expect((await child.exit).signal).toBe(signal)
      const ops = registry.asked.map(({ payload }) => payload['op'])
      expect(ops).toContain('abort')
      expect(ops).not.toContain('commit')
      expect(registry.entries.size).toBe(0)
      expect(registry.imports.size).toBe(0)
    }
  })
})

describe('watch, as a process', () => {
  const event = { op: 'set', key: '/a', version: 1, type: 'string', encrypted: false } as const

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s ends it with 0', async (signal) => {
    const { registry, env } = await makeWorld()
    const child = startNode(built.main, ['watch', '/'], { env: environment(env) })
    await waitFor(() => registry.watches === 1)
    registry.push(101, [event])
    await waitFor(() => child.stdout() === '101 set /a 1\n')
    child.signal(signal)
    expect(await child.exit).toEqual({ code: 0, signal: null })
    expect(child.stderr()).toBe('')
  })

  test('a reader that has seen enough ends it without a message', async () => {
    const { registry, env } = await makeWorld()
    const child = spawn(process.execPath, [built.main, 'watch', '/'], { env: environment(env) })
    let stderr = ''
    child.stderr.on('data', (chunk) => {
      stderr += chunk
    })
    const closed = new Promise((resolve) => child.on('close', resolve))
    await waitFor(() => registry.watches === 1)
    child.stdout.once('data', () => child.stdout.destroy())
    let revision = 100
    // It notices at the first write after that.
    const pushing = setInterval(() => registry.push(++revision, [event]), 5)
    expect({ code: await closed, stderr }).toEqual({ code: 0, stderr: '' })
    clearInterval(pushing)
  })

  test('a signal ends it also while nobody reads what it prints', async () => {
    const { registry, env } = await makeWorld()
    const child = spawn(process.execPath, [built.main, 'watch', '/'], { env: environment(env) })
    const closed = new Promise((resolve) => child.on('exit', resolve))
    await waitFor(() => registry.watches === 1)
    const events = Array.from({ length: 20_000 }, (_, index) => ({ ...event, key: `/k/${index}` }))
    registry.push(101, events)
    child.stdout.pause()
    // Its first bytes have come, and the pipe has room for few more of them.
    await waitFor(() => child.stdout.readableLength > 0)
    child.kill('SIGTERM')
    expect(await closed).toBe(0)
    child.stdout.destroy()
  })

  test('a reader that is too slow makes it end with 6 and the command to go on', async () => {
    const { registry, env } = await makeWorld()
    const child = spawn(process.execPath, [built.main, 'watch', '/'], { env: environment(env) })
    let [stdout, stderr] = ['', '']
    child.stderr.on('data', (chunk) => {
      stderr += chunk
    })
    const closed = new Promise((resolve) => child.on('close', resolve))
    await waitFor(() => registry.watches === 1)
    // More than the client keeps for one who does not take it.
    const events = Array.from({ length: 20_000 }, (_, index) => ({ ...event, key: `/k/${index}` }))
    for (let revision = 101; revision <= 120; revision++) registry.push(revision, events)
    await waitFor(() => registry.asked.some(({ name }) => name === 'unwatch'))
    child.stdout.on('data', (chunk) => {
      stdout += chunk
    })
    expect(await closed).toBe(6)
    const last = Number(/^(\d+) /.exec(stdout.trimEnd().split('\n').at(-1) ?? '')?.[1])
    expect(last).toBeGreaterThan(100)
    expect(last).toBeLessThan(120)
    expect(stderr).toContain(`go on with: sreg watch / --since ${last} --generation g1`)
    // Every revision that was printed was printed whole.
    expect(stdout.split('\n')).toHaveLength(1 + 20_000 * (last - 100))
  })
})

describe('what cannot be undone is asked on a terminal', () => {
  test.each([
    [['purge', '/a'], '/a will be erased with all its history for ever.'],
    [['purge', '/a', '--recursive', '--json'], '/a and everything below it will be erased'],
    [['destroy', '/a', '1', '2'], 'versions 1, 2 of /a will be erased for ever.'],
  ])('%j', async (argv, question) => {
    const context = {
      skip: (note?: string): never => {
        throw new Error(note)
      },
    }
    const { registry, env } = await makeWorld()
    for (const value of ['1', '2', '3']) registry.put('/a', value)
    for (const answer of ['no\r', 'y\r', '\r']) {
      const refused = await onTerminal(context, [built.main, ...argv], env, [
        { expect: 'to go on: ', send: answer },
      ])
      expect(refused).toMatchObject({ code: 1, echoAfter: true })
      expect(refused.screen).toContain(question)
      expect(refused.screen).toContain('nothing was changed')
    }
    expect(registry.asked).toEqual([])
    const meant = await onTerminal(context, [built.main, ...argv], env, [
      { expect: 'to go on: ', send: 'yes\r' },
    ])
    expect(meant.code).toBe(0)
    expect(registry.asked.map(({ name }) => name)).toEqual(['versions'])
  })

  test('--yes asks nothing', async (context) => {
    const { registry, env } = await makeWorld()
    registry.put('/a', '1')
    const seen = await onTerminal(context, [built.main, 'purge', '/a', '--yes'], env, [])
    expect(seen.code).toBe(0)
    expect(registry.entries.size).toBe(0)
  })

  test('txn does not wait for JSON to be typed', async (context) => {
    const { env } = await makeWorld()
    const seen = await onTerminal(context, [built.main, 'txn'], env, [])
    expect(seen.code).toBe(1)
    expect(seen.screen).toContain('give a file')
  })
})

describe('weakness 61: a terminal is asked without echo', () => {
  test('login', async (context) => {
    const { registry, env } = await makeWorld({ login: false })
    const seen = await onTerminal(context, [built.main, 'login', 'alice'], env, [
      { expect: 'Password: ', send: `wrong\u007f\u007f\u0015${PASSWORD}\r` },
    ])
    expect(seen).toMatchObject({ code: 0, echoes: [false], echoAfter: true })
    expect(seen.screen).not.toContain(PASSWORD)
    expect(seen.screen).not.toContain('wrong')
    expect(seen.screen).toContain('logged in as alice (admin)')
    expect(registry.sessions.size).toBe(1)
  })

  test('a secret of a provider is typed twice', async (context) => {
    const { registry, env } = await makeWorld()
    const set = [built.main, 'secret', 'set', 'yaml://secret/env#KEY']
    const seen = await onTerminal(context, set, env, [
      { expect: 'Value: ', send: 'canary-19\r' },
      { expect: 'Value again: ', send: 'canary-19\r' },
    ])
    expect(seen).toMatchObject({ code: 0, echoAfter: true })
    expect(seen.screen).not.toContain('canary-19')
    expect(registry.secrets.store.get('yaml://secret/env')).toEqual([{ KEY: 'canary-19' }])
    const differing = await onTerminal(context, set, env, [
      { expect: 'Value: ', send: 'canary-19\r' },
      { expect: 'Value again: ', send: 'canary-20\r' },
    ])
    expect(differing.code).toBe(1)
    expect(registry.secrets.asked).toHaveLength(1)
  })

  test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
    'the echo is back after %s',
    async (signal) => {
      const { registry, env } = await makeWorld({ login: false })
      const context = {
        skip: (note?: string): never => {
          throw new Error(note)
        },
      }
      const seen = await onTerminal(context, [built.main, 'login', 'alice'], env, [
        { expect: 'Password: ', send: 'half a secret', signal },
      ])
      expect(seen.echoAfter).toBe(true)
      expect(seen.code).toBe(-{ SIGINT: 2, SIGTERM: 15, SIGHUP: 1 }[signal])
      expect(seen.screen).not.toContain('half')
      expect(registry.asked).toEqual([])
    },
  )

  test('control-C ends it like a signal, control-D like the end of the input', async (context) => {
    const { env } = await makeWorld({ login: false })
    const login = [built.main, 'login', 'alice']
    const interrupted = await onTerminal(context, login, env, [
      { expect: 'Password: ', send: 'abc\u0003' },
    ])
    expect(interrupted).toMatchObject({ code: -2, echoAfter: true })
    const ended = await onTerminal(context, login, env, [{ expect: 'Password: ', send: '\u0004' }])
    expect(ended).toMatchObject({ code: 1, echoAfter: true })
    const empty = await onTerminal(context, login, env, [{ expect: 'Password: ', send: '\r' }])
    expect(empty).toMatchObject({ code: 1, echoAfter: true })
  })

  test('init asks for everything, twice, also when it was typed ahead', async (context) => {
    const { registry, env } = await makeWorld({ login: false })
    registry.state = 'uninitialized'
    const seen = await onTerminal(context, [built.main, 'init'], env, [
      { expect: 'Name of the first administrator: ', send: 'roott\u007f\r' },
      { expect: 'Passphrase of the registry: ', send: `${PASSPHRASE}\r${PASSPHRASE}\r` },
      { expect: 'Password of root: ', send: `${PASSWORD}\r` },
      { expect: 'Password again: ', send: `${PASSWORD}\r` },
    ])
    expect(seen).toMatchObject({ code: 0, echoAfter: true })
    expect(seen.echoes).toEqual([false, false, false, false])
    expect(seen.screen).toContain('root')
    expect(seen.screen).not.toContain(PASSPHRASE)
    expect(seen.screen).not.toContain(PASSWORD)
    expect(registry.passphrase).toBe(PASSPHRASE)
    expect(registry.users.get('root')?.password).toBe(PASSWORD)
  })

  test('two that differ are refused', async (context) => {
    const { registry, env } = await makeWorld({ login: false })
    registry.state = 'uninitialized'
    const seen = await onTerminal(context, [built.main, 'init', '--admin', 'root'], env, [
      { expect: 'Passphrase of the registry: ', send: `${PASSPHRASE}\r` },
      { expect: 'Passphrase again: ', send: 'another one\r' },
    ])
    expect(seen).toMatchObject({ code: 1, echoAfter: true })
    expect(seen.screen).toContain('not the same')
    expect(registry.asked.map(({ name }) => name)).toEqual(['status'])
  })

  test('a share; shares as a proof, and a new passphrase twice', async (context) => {
    const { registry, env } = await makeWorld()
    const shares = ['SRS1-FAKE-1', 'SRS1-FAKE-2']
    registry.state = 'sealed'
    registry.shares = shares
    const share = await onTerminal(context, [built.main, 'unlock', '--share'], env, [
      { expect: 'Share: ', send: `${shares[0]}\r` },
    ])
    expect(share).toMatchObject({ code: 0, echoes: [false], echoAfter: true })
    expect(share.screen).toContain('1 of 3 shares are there')
    expect(share.screen).not.toContain(shares[0])
    const add = [built.main, 'protector', 'add', 'passphrase', '--proof-shares']
    const seen = await onTerminal(context, add, env, [
      { expect: 'Share 1 (nothing: that is all): ', send: `${shares[0]}\r` },
      { expect: 'Share 2 (nothing: that is all): ', send: `${shares[1]}\r` },
      { expect: 'Share 3 (nothing: that is all): ', send: '\r' },
      { expect: 'New passphrase: ', send: `${PASSPHRASE}\r` },
      { expect: 'New passphrase again: ', send: `${PASSPHRASE}\r` },
    ])
    expect(seen).toMatchObject({ code: 0, echoAfter: true, echoes: Array(5).fill(false) })
    for (const secret of [...shares, PASSPHRASE]) expect(seen.screen).not.toContain(secret)
    expect(registry.asked.at(-1)?.payload).toEqual({
      op: 'add',
      kind: 'passphrase',
      passphrase: PASSPHRASE,
      proof: { shares },
    })
    const plain = await onTerminal(context, [built.main, 'protector', 'add', 'passphrase'], env, [
      { expect: 'Passphrase of the registry now: ', send: `${PASSWORD}\r` },
      { expect: 'New passphrase: ', send: `${PASSPHRASE}\r` },
      { expect: 'New passphrase again: ', send: `${PASSPHRASE}\r` },
    ])
    expect(plain.code).toBe(0)
    expect(registry.asked.at(-1)?.payload).toMatchObject({ proof: { passphrase: PASSWORD } })
  })

  test('init --force asks whether it is meant', async (context) => {
    const { registry, env } = await makeWorld()
    const force = [built.main, 'init', '--force', '--admin', 'root']
    const refused = await onTerminal(context, force, env, [{ expect: 'to go on: ', send: 'yes\r' }])
    expect(refused.code).toBe(1)
    expect(registry.asked).toEqual([])
    const meant = await onTerminal(context, force, env, [
      { expect: 'to go on: ', send: 'move it aside\r' },
      { expect: 'Passphrase of the registry: ', send: `${PASSPHRASE}\r` },
      { expect: 'Passphrase again: ', send: `${PASSPHRASE}\r` },
      { expect: 'Password of root: ', send: `${PASSWORD}\r` },
      { expect: 'Password again: ', send: `${PASSWORD}\r` },
    ])
    expect(meant.code).toBe(0)
    expect(registry.asked.at(-1)?.payload).toMatchObject({ op: 'init', force: true })
  })

  test('an encrypted export asks twice and goes to the pipe, not the terminal', async (context) => {
    const { registry, env } = await makeWorld()
    registry.put('/secret', 'classified', 'string', true)
    const seen = await onTerminal(
      context,
      [built.main, 'export', '--encrypt'],
      env,
      [
        { expect: 'Passphrase of the export: ', send: `${PASSPHRASE}\r` },
        { expect: 'Passphrase again: ', send: `${PASSPHRASE}\r` },
      ],
      true,
    )
    expect(seen.code).toBe(0)
    expect(JSON.parse(seen.stdout).format).toBe('secreg-export-encrypted')
    expect(seen.screen).not.toContain('ciphertext')
    const refused = await onTerminal(context, [built.main, 'export', '--with-secrets'], env, [])
    expect(refused.code).toBe(1)
    expect(refused.screen).not.toContain('classified')
  })

  test('a progress bar on the terminal, none in a pipe', async (context) => {
    const { home, registry, env } = await makeWorld()
    await using tree = createTempHome()
    for (let index = 0; index < 20; index++) tree.write(`f${index}`, 'x')
    const shown = await onTerminal(
      context,
      [built.main, 'import', tree.path, '--prefix', '/t'],
      env,
      [],
    )
    expect(shown.code).toBe(0)
    expect(shown.screen).toMatch(/importing \[.*\] 100% 20\/20|importing/)
    expect(registry.entries.size).toBe(20)
    const piped = await sreg(['import', tree.path, '--prefix', '/t'], env)
    expect(piped.stderr).toBe('sreg: 0 imported, 20 unchanged\n')
    expect(home.path).not.toBe('')
  })
})

test('the transaction of the README is one', async () => {
  const { registry, env } = await makeWorld()
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const document = /```json\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''
  expect((await sreg(['txn', '--json'], env, document)).code).toBe(0)
  expect(registry.asked.at(-1)?.payload).toEqual(JSON.parse(document))
})

test('the example of the README runs', async () => {
  const { home, env } = await makeWorld()
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const example = /```console\n([\s\S]*?)```/.exec(readme)?.[1] ?? ''
  const steps = example.split(/^\$ /m).slice(1)
  expect(steps.length).toBeGreaterThan(4)
  home.write('bin/sreg', `#!/bin/sh\nexec "${process.execPath}" "${built.main}" "$@"\n`, 0o755)
  for (const step of steps) {
    const [command = '', ...shown] = step.trimEnd().split('\n')
    const { code, stdout, stderr } = await runChild('/bin/sh', ['-c', command], {
      env: { ...environment(env), PATH: `${home.file('bin')}:${process.env['PATH']}` },
    })
    const printed = `${stdout}${stderr}`.trimEnd().split('\n')
    const lines = code === 0 ? printed : [...printed, `[${code}]`]
    expect(lines.filter((line) => line !== '')).toEqual(shown)
  }
})
