/** Starting: configuration, the development home, and a store and log that do not belong together. */
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { cleanEnv, createTempHome, runNode, startChild, startNode, waitFor } from '@secreg/testkit'
import { expect, test } from 'vitest'
import { nativeDoors } from '../lib/dev-doors.ts'
import { SECREGD, Site, startSite } from '../lib/site.ts'
import { Wire } from '../lib/wire.ts'

test('a mistake in the configuration: file, line, closest key, exit 1, and nothing is made', async () => {
  const cases: [string, RegExp][] = [
    [
      '[limits]\nmax_conections = 5',
      /config\.toml:\d+: unknown key .*did you mean "limits\.max_connections"/,
    ],
    [
      '[limits]\nmax_connections = "many"',
      /config\.toml:\d+: limits\.max_connections: expected an integer/,
    ],
    [
      '[limit]\nmax_connections = 5',
      /config\.toml:\d+: unknown key .*did you mean "limits\.max_connections"/,
    ],
    ['encrypt_prefixes = ["/a//b"]', /config\.toml:\d+: /],
    ['[limits', /config\.toml:\d+(:\d+)?: not valid TOML/],
    ['[log]\nlevel = "loud"', /log\.level: expected "fatal" or/],
  ]
  for (const [config, message] of cases) {
    await using site = new Site({ config })
    for (const args of [
      ['--config', site.config],
      ['--check', site.config],
    ]) {
      const { code, stdout, stderr } = await runNode(SECREGD, args)
      expect(code, config).toBe(1)
      expect(stdout).toBe('')
      expect(stderr).toMatch(message)
    }
    expect(readdirSync(site.home.path)).toEqual(['config.toml'])
  }
  // All mistakes are told at once.
  await using site = new Site({ config: '[limits]\na = 1\nb = 2' })
  const { stderr } = await runNode(SECREGD, ['--check', site.config])
  expect(stderr.match(/unknown key/g)).toHaveLength(2)
})

test('--check says ok, and touches nothing', async () => {
  await using site = new Site()
  const { code, stdout } = await runNode(SECREGD, ['--check', site.config])
  expect([code, stdout]).toEqual([0, `${site.config}: ok\n`])
  expect(readdirSync(site.home.path)).toEqual(['config.toml'])
  const missing = await runNode(SECREGD, ['--check', site.home.file('absent.toml')])
  expect(missing.code).toBe(1)
  expect(missing.stderr).toContain('absent.toml')
})

test('wrong arguments: exit 1, a message, and nothing is started', async () => {
  await using home = createTempHome()
  const dev = home.file('dev')
  for (const args of [
    ['--bogus'],
    ['extra'],
    ['--dev', dev, '--config', 'x'],
    ['--config'],
    ['--dev', dev, '--check', 'x'],
  ]) {
    const { code, stdout, stderr } = await runNode(SECREGD, args)
    expect(code, args.join(' ')).toBe(1)
    expect(stdout).toBe('')
    expect(stderr).toMatch(/^secregd: ./)
  }
  expect(existsSync(dev)).toBe(false)
  expect((await runNode(SECREGD, ['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  expect((await runNode(SECREGD, ['--help'])).stdout).toContain('--dev')
})

test('a second start on the same development home finds everything', async () => {
  await using home = createTempHome()
  const directory = home.file('new', 'home')
  const read = (path: string) => JSON.parse(readFileSync(path, 'utf8'))
  await using first = startNode(SECREGD, ['--dev', directory])
  const ready = JSON.parse(await first.line(/"ready":true/, { timeoutMs: 40_000 }))
  expect(ready).toEqual({
    ready: true,
    socket: `${directory}/registry.sock`,
    ...nativeDoors(directory),
    http: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
    admin: `${directory}/admin.json`,
  })
  const credentials = read(ready.admin)
  {
    using wire = await Wire.login(ready.socket, credentials.login, credentials.password)
    await wire.ok('set', { key: '/a', value: 'secret', encrypt: true })
  }
  await first.kill('SIGTERM')
  expect(readdirSync(directory).sort()).toEqual(['admin.json', 'audit', 'config.toml', 'data'])
  await using second = startNode(SECREGD, ['--dev', directory])
  // The system chooses the port anew.
  const again = JSON.parse(await second.line(/"ready":true/, { timeoutMs: 40_000 }))
  expect({ ...again, http: ready.http }).toEqual(ready)
  expect(read(ready.admin)).toEqual(credentials)
  using wire = await Wire.login(ready.socket, credentials.login, credentials.password)
  expect(await wire.ok('get', { key: '/a', decrypt: true })).toMatchObject({ value: 'secret' })
  expect(second.stderr()).toContain('not for production')
})

test('a development home starts also where its socket for zones cannot be served any more', async () => {
  await using home = createTempHome()
  const directory = home.file('home')
  {
    await using first = startNode(SECREGD, ['--dev', directory])
    await first.line(/"ready":true/, { timeoutMs: 40_000 })
  }
  const config = `${directory}/config.toml`
  const own = '[subauth]\nsocket = "/nowhere/at/all.sock"\nusers_file = "/nowhere"\n'
  const text = readFileSync(config, 'utf8')
  writeFileSync(config, `${text.split('\n[subauth]', 1)[0]}\n${own}`)
  await using second = startNode(SECREGD, ['--dev', directory])
  const ready = JSON.parse(await second.line(/"ready":true/, { timeoutMs: 40_000 }))
  expect(ready).toMatchObject({ ready: true, socket: `${directory}/registry.sock` })
  expect(ready).not.toHaveProperty('subauth')
  expect(second.stderr()).toContain('the subauth socket is not served')
})

test('a development home that is open to others is refused', async () => {
  await using home = createTempHome()
  const directory = home.file('open')
  mkdirSync(directory)
  chmodSync(directory, 0o755)
  const { code, stderr } = await runNode(SECREGD, ['--dev', directory])
  expect(code).toBe(1)
  expect(stderr).toContain('expected mode 0700')
  expect(readdirSync(directory)).toEqual([])
})

test('a data directory that was rolled back is refused, and the log stays as it is', async () => {
  await using running = await startSite()
  const { site, daemon, admin } = running
  await admin.ok('set', { key: '/a', value: 'old' })
  await daemon.kill('SIGTERM')
  cpSync(site.data, `${site.data}.copy`, { recursive: true })
  const again = await site.start()
  using wire = await site.unlock()
  await wire.ok('set', { key: '/a', value: 'new' })
  await again.kill('SIGTERM')
  const newer = `${site.data}.newer`
  renameSync(site.data, newer)
  renameSync(`${site.data}.copy`, site.data)
  const log = readFileSync(`${site.audit}/00000001.jsonl`)
  const refused = site.launch()
  expect((await refused.exit).code).toBe(7)
  expect(refused.stderr()).toMatch(
    /data: the data directory was rolled back: the audit log knows revision \d+, the store ends at \d+/,
  )
  expect(readFileSync(`${site.audit}/00000001.jsonl`)).toEqual(log)
  expect(existsSync(site.socket)).toBe(false)
  // With its own data it starts.
  rmSync(site.data, { recursive: true })
  renameSync(newer, site.data)
  await site.start()
  using last = await site.unlock()
  expect(await last.ok('get', { key: '/a' })).toMatchObject({ value: 'new' })
})

test('an audit log that was cut, edited or removed is refused', async () => {
  await using running = await startSite()
  const { site, daemon, admin } = running
  for (let i = 0; i < 20; i++) await admin.ok('set', { key: `/a/${i}`, value: 'x' })
  await daemon.kill('SIGTERM')
  const segment = `${site.audit}/00000001.jsonl`
  const whole = readFileSync(segment)
  const last = whole.lastIndexOf(10, whole.length - 2) + 1
  const changes: [string, () => void][] = [
    ['cut by a line', () => truncateSync(segment, last)],
    ['cut by a byte', () => truncateSync(segment, whole.length - 1)],
    ['emptied', () => truncateSync(segment, 0)],
    ['removed', () => rmSync(segment)],
    [
      'the last line edited',
      () =>
        writeFileSync(
          segment,
          whole.subarray(0, last) + `${whole.subarray(last)}`.replace('"ok"', '"no"'),
        ),
    ],
    ['a line with another number added', () => appendFileSync(segment, whole.subarray(last))],
  ]
  for (const [what, change] of changes) {
    change()
    const refused = site.launch()
    expect((await refused.exit).code, what).toBe(7)
    expect(refused.stderr(), what).toContain(site.audit)
    expect(refused.stderr(), what).not.toContain('mode')
    expect(existsSync(site.socket), what).toBe(false)
    writeFileSync(segment, whole, { mode: 0o600 })
  }
  // A line that a crash left half written is no tampering: it was never answered for.
  appendFileSync(segment, '{"seq":999,"ti')
  const healed = await site.start()
  expect(readFileSync(segment).subarray(0, whole.length)).toEqual(whole)
  await healed.kill('SIGTERM')
  // An older line is found by the check of the whole log.
  writeFileSync(segment, whole.toString().replace('/a/3"', '/b/3"'))
  await site.start()
  using wire = await site.unlock()
  const { ok, findings } = await wire.ok('security', { op: 'audit' })
  expect(ok).toBe(false)
  expect(findings[0].message).toMatch(/^record \d+: /)
})

test('weakness 26: files are 0600 and directories 0700 from their creation, whatever the umask', async () => {
  for (const umask of ['000', '022']) {
    await using running = await startSite({ umask })
    const { site, admin } = running
    await admin.ok('set', { key: '/a', value: 'x', encrypt: true })
    // Enough for the store to begin new files while it runs.
    const value = 'A'.repeat(1024 * 1024)
    const files = readdirSync(site.data)
    for (let i = 0; i < 8; i++) await admin.ok('set', { key: `/big/${i}`, value, type: 'bytes' })
    await waitFor(() => readdirSync(site.data).some((name) => !files.includes(name)))
    await admin.ok('user', { op: 'add', user: 'eve', password: 'Builder-of-things-1' })
    check(site.data)
    check(site.audit)
    await admin
      .ok('security', { op: 'check' })
      .then(({ findings }) =>
        expect(findings.filter(({ level }: { level: string }) => level === 'fault')).toEqual([]),
      )
  }
  await using home = createTempHome()
  const directory = home.file('dev')
  await using dev = startChild(
    '/bin/sh',
    ['-c', 'umask 000; exec "$0" "$@"', process.execPath, SECREGD, '--dev', directory],
    { env: cleanEnv() },
  )
  await dev.line(/"ready":true/, { timeoutMs: 40_000 })
  check(directory)
})

function check(directory: string): void {
  expect((statSync(directory).mode & 0o7777).toString(8), directory).toBe('700')
  const entries = readdirSync(directory, { withFileTypes: true })
  expect(entries.length, directory).toBeGreaterThan(0)
  for (const entry of entries) {
    const path = `${directory}/${entry.name}`
    if (entry.isDirectory()) {
      check(path)
      continue
    }
    // What the store has removed meanwhile had its mode as well.
    const facts = statSync(path, { throwIfNoEntry: false })
    if (facts !== undefined) expect((facts.mode & 0o7777).toString(8), path).toBe('600')
  }
}
