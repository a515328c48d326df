import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { PASSPHRASE, PASSWORD } from './fake-registry.ts'
import { makeWorld } from './harness.ts'

describe('weakness 61: secrets come from standard input or a terminal, never only from arguments', () => {
  test.each([
    [['init', '--admin', 'root']],
    [['init']],
    [['init', '--password-stdin']],
    [['login', 'alice']],
    [['unlock']],
    [['passwd']],
    [['user', 'add', 'bob']],
    [['user', 'password', 'alice']],
    [['export', '--encrypt']],
  ])('%j in a pipe: exit 1, a hint, and nothing is asked of the daemon', async (args) => {
    const { registry, sreg } = await makeWorld()
    const { code, stdout, stderr } = await sreg(args, { input: 'some secret\nother secret\n' })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain('--password-stdin')
    expect(registry.asked).toEqual([])
  })

  test('no option takes a secret', async () => {
    const { COMMANDS } = await import('../src/command-table.ts')
    const valued = [...COMMANDS.values()]
      .flatMap((command) => [command, ...(command.subcommands ?? [])])
      .flatMap(({ options }) => options.filter(({ value }) => value !== undefined))
      .map(({ name }) => name)
    expect(valued.filter((name) => /pass|secret|token|otp/.test(name))).toEqual([])
  })

  test.each([
    ['', 'line 1'],
    ['\n', 'line 1'],
    [`${PASSPHRASE}`, 'line 2'],
    [`${PASSPHRASE}\n\n`, 'line 2'],
    [Uint8Array.of(0xff, 0x0a, 0x41), 'not UTF-8'],
    ['x'.repeat(40_000), 'must not exceed'],
  ])('init with the input %j is refused', async (input, message) => {
    const { registry, sreg } = await makeWorld({ login: false })
    registry.state = 'uninitialized'
    const { code, stderr } = await sreg(['init', '--admin', 'root', '--password-stdin'], { input })
    expect(code).toBe(1)
    expect(stderr).toContain(message)
    expect(stderr).not.toContain(PASSPHRASE)
    expect(registry.asked).toEqual([])
  })
})

describe('init, unlock, lock', () => {
  test('init takes the passphrase and the password of the administrator', async () => {
    const { registry, sreg } = await makeWorld({ login: false })
    registry.state = 'uninitialized'
    const input = `${PASSPHRASE} č\n the password of root\nmore`
    const { code, stdout, stderr } = await sreg(['init', '--password-stdin', '--admin', 'root'], {
      input,
    })
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    expect(stderr).toContain('sreg login root')
    expect(registry.passphrase).toBe(`${PASSPHRASE} č`)
    expect(registry.users.get('root')?.password).toBe(' the password of root')
    expect(stdout + stderr).not.toContain('the password of root')
  })

  test('an initialised registry is left alone, unless --force --yes', async () => {
    const { registry, sreg } = await makeWorld()
    const args = ['init', '--admin', 'root', '--password-stdin']
    const input = `${PASSPHRASE}\n${PASSWORD}\n`
    const refused = await sreg(args, { input })
    expect(refused).toMatchObject({ code: 5, stdout: '' })
    expect(refused.stderr).toContain('--force')
    expect(await sreg([...args, '--force'], { input })).toMatchObject({ code: 1, stdout: '' })
    expect(registry.asked.filter(({ payload }) => payload['force'] === true)).toEqual([])
    expect((await sreg([...args, '--force', '--yes'], { input })).code).toBe(0)
    expect(registry.asked.at(-1)?.sessionId).not.toBe('')
  })

  test('lock and unlock', async () => {
    const { registry, sreg } = await makeWorld()
    expect((await sreg(['lock'])).code).toBe(0)
    expect(registry.state).toBe('sealed')
    const wrong = await sreg(['unlock', '--password-stdin'], { input: 'something else\n' })
    expect(wrong).toMatchObject({ code: 4, stdout: '' })
    const right = await sreg(['unlock', '--password-stdin', '-j'], { input: PASSPHRASE })
    expect(JSON.parse(right.stdout)).toEqual({ state: 'unsealed' })
    expect(registry.asked.at(-1)?.sessionId).toBe('')
  })
})

describe('accounts', () => {
  test('add, list, show, roles, password, disable, enable, remove', async () => {
    const { registry, sreg } = await makeWorld()
    const add = await sreg(
      ['user', 'add', 'bob', '--roles', 'operator, auditor,operator', '--password-stdin'],
      { input: `${PASSWORD}\n` },
    )
    expect(add).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(registry.users.get('bob')).toEqual({
      roles: ['operator', 'auditor'],
      disabled: false,
      password: PASSWORD,
    })
    expect(
      await sreg(['user', 'add', 'bob', '--password-stdin'], { input: PASSWORD }),
    ).toMatchObject({ code: 5 })
    const list = (await sreg(['user', 'list'])).stdout
    expect(list).toMatch(/^User {3}Roles {14}Groups {2}State {4}Ways in/)
    expect(list).toContain('operator, auditor')
    await sreg(['user', 'disable', 'bob'])
    expect((await sreg(['user', 'show', 'bob'])).stdout).toContain('disabled')
    await sreg(['user', 'enable', 'bob'])
    await sreg(['user', 'roles', 'bob', ''])
    expect(registry.users.get('bob')).toMatchObject({ roles: [], disabled: false })
    await sreg(['user', 'password', 'bob', '--password-stdin'], { input: 'another password\n' })
    expect(registry.users.get('bob')?.password).toBe('another password')
    expect((await sreg(['user', 'remove', 'bob'])).code).toBe(0)
    expect(await sreg(['user', 'show', 'bob'])).toMatchObject({ code: 2, stdout: '' })
    expect(JSON.parse((await sreg(['user', 'list', '--json'])).stdout).users).toHaveLength(1)
  })

  test('passwd takes the old and the new password', async () => {
    const { registry, sreg } = await makeWorld()
    const input = `${PASSWORD}\nthe next password\n`
    expect(await sreg(['passwd', '--password-stdin'], { input })).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    })
    expect(registry.users.get('alice')?.password).toBe('the next password')
    expect(await sreg(['passwd', '--password-stdin'], { input })).toMatchObject({ code: 4 })
  })

  test('weakness 62: the policy holds in every path that sets a password', async () => {
    const { registry, sreg } = await makeWorld()
    for (const name of ['seal', 'user', 'password']) registry.failures.set(name, 'PASSWORD_POLICY')
    const input = 'short\nshort\n'
    for (const args of [
      ['init', '--admin', 'root'],
      ['user', 'add', 'bob'],
      ['user', 'password', 'alice'],
      ['passwd'],
      ['export', '--encrypt'],
    ]) {
      const { code, stdout, stderr } = await sreg([...args, '--password-stdin', '--json'], {
        input,
      })
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
      expect(JSON.parse(stderr)).toMatchObject({ reason: 'PASSWORD_POLICY' })
    }
  })

  test('whoami', async () => {
    const { sreg } = await makeWorld()
    expect((await sreg(['whoami'])).stdout).toMatch(/^User: {11}alice\n/)
    expect(JSON.parse((await sreg(['-j', 'whoami'])).stdout)).toMatchObject({ user: 'alice' })
  })
})

describe('audit', () => {
  const record = (sequence: number, extra: object = {}): object => ({
    sequence,
    time: '2026-01-31T09:00:00.000Z',
    action: 'read',
    outcome: 'ok',
    paths: ['/a'],
    actor: { user: 'alice', door: 'registry', proof: 'credential', mfa: false },
    ...extra,
  })

  test('all filters go together', async () => {
    const { registry, sreg } = await makeWorld()
    const now = Date.UTC(2026, 0, 31)
    const args = [
      'audit',
      '--user',
      'alice',
      '--key',
      '/app',
      '--action',
      'read',
      '--since',
      '1h',
      '--until',
      '1700000000',
      '--failed',
      '--limit',
      '7',
    ]
    expect((await sreg(args, { now })).code).toBe(0)
    expect(registry.asked.at(-1)?.payload).toEqual({
      user: 'alice',
      key: '/app',
      action: 'read',
      since_ms: now - 3_600_000,
      until_ms: 1_700_000_000_000,
      failed: true,
      limit: 7,
    })
  })

  test('a table that no user name can forge', async () => {
    const { registry, sreg } = await makeWorld()
    registry.answers.set('audit', {
      records: [
        record(2, {
          actor: { user: 'eve\n2026-01-31 alice', door: 'registry' },
          outcome: 'denied',
          reason: 'ACCESS_DENIED',
        }),
        record(1, { paths: ['/\u001b[1A'], actor: { uid: 33, door: 'registry' } }),
      ],
    })
    const { stdout } = await sreg(['audit'])
    const lines = stdout.trimEnd().split('\n')
    expect(lines).toHaveLength(3)
    expect(lines[0]).toMatch(/^Timestamp {12}User/)
    expect(lines[1]).toContain('eve\\u{0a}2026')
    expect(lines[1]).toContain('denied: ACCESS_DENIED')
    expect(lines[2]).toContain('uid 33')
    expect(stdout).not.toContain('\u001b')
  })

  test('more records than one answer holds', async () => {
    const { registry, sreg } = await makeWorld()
    registry.answers.set('audit', {
      records: Array.from({ length: 1000 }, (_, index) => record(5000 - index)),
      next: 4001,
    })
    const { stdout } = await sreg(['audit', '--limit', '1500', '--json'])
    expect(JSON.parse(stdout).records).toHaveLength(1500)
    expect(registry.asked.at(-1)?.payload).toMatchObject({ before: 4001, limit: 500 })
  })

  test.each([['0'], ['-1'], ['ten'], ['99999999']])('--limit %s is refused', async (limit) => {
    const { sreg } = await makeWorld()
    expect(await sreg(['audit', `--limit=${limit}`])).toMatchObject({ code: 1, stdout: '' })
  })

  test('a time that is none is refused', async () => {
    const { sreg } = await makeWorld()
    expect((await sreg(['audit', '--since', 'soon'])).stderr).toContain('not a time: "soon"')
  })
})

test('security check and audit: findings on stdout, the exit code tells', async () => {
  const { registry, sreg } = await makeWorld()
  expect(await sreg(['security', 'check'])).toEqual({
    code: 0,
    stdout: 'Level  Check  Finding\nok     check  as it should be\n',
    stderr: '',
  })
  registry.answers.set('security', {
    ok: false,
    findings: [{ check: 'chain', level: 'fault', message: 'line 7 was changed' }],
  })
  expect(await sreg(['security', 'audit'])).toMatchObject({ code: 7 })
  const check = await sreg(['security', 'check', '--json'])
  expect(check.code).toBe(6)
  expect(JSON.parse(check.stdout).findings[0].message).toBe('line 7 was changed')
})

describe('secrets stay where they belong', () => {
  test('no secret in any output, whatever happens', async () => {
    const { home, registry, sreg } = await makeWorld()
    const canary = 'canary-5f2b-passphrase'
    const input = `${canary}\n${canary}\n${canary}\n`
    for (const reason of [undefined, 'AUTH_FAILED', 'INTERNAL', 'PAYLOAD_INVALID'] as const) {
      registry.failures.clear()
      if (reason !== undefined) {
        for (const name of ['seal', 'user', 'password', 'auth', 'set'])
          registry.failures.set(name, reason)
      }
      for (const args of [
        ['login', 'alice', '--password-stdin'],
        ['unlock', '--password-stdin'],
        ['passwd', '--password-stdin'],
        ['user', 'add', `u${reason}`, '--password-stdin'],
        ['set', '/a', '-', '--encrypt'],
      ]) {
        for (const more of [[], ['--json'], ['--verbose']]) {
          const { stdout, stderr } = await sreg([...args, ...more], { input, stderrTty: true })
          expect(stdout + stderr).not.toContain('canary-5f2b')
        }
      }
    }
    expect(existsSync(home.file('session'))).toBe(true)
  })
})

test('a message of the daemon cannot forge a line or drive the terminal', async () => {
  const { registry, sreg } = await makeWorld({ login: false })
  registry.answers.set('auth', {
    success: false,
    error: { code: 4, message: 'no\nsreg: all is well\u001b[1A', reason: 'AUTH_FAILED' },
  })
  const { code, stderr } = await sreg(['login', 'alice', '--password-stdin'], { input: PASSWORD })
  expect(code).toBe(4)
  expect(stderr).toMatch(/^sreg: no\\u\{0a\}sreg: all is well\\u\{1b\}\[1A\n {2}check/)
})
