/** sreg audit: questions, and what is printed of records. */
import { describe, expect, test } from 'vitest'
import { makeWorld } from './harness.ts'

const EVE = {
  user: 'eve\n2026-01-31 alice',
  door: 'registry',
  proof: 'kernel',
  mfa: false,
} as const

describe('sreg audit', () => {
  test('every filter goes into the request, under the name of the protocol', async () => {
    const { registry, sreg } = await makeWorld()
    const filters = {
      user: 'alice',
      key: '/app',
      action: 'read',
      outcome: 'denied',
      door: 'http',
      account: 'a'.repeat(32),
      session: 's1',
      correlation: 'deploy 7',
    }
    const args = Object.entries(filters).flatMap(([name, value]) => [`--${name}`, value])
    const more = ['--ident', 't1', '--until', '1700000000', '--scan', '--failed']
    expect((await sreg(['audit', ...args, ...more])).code).toBe(0)
    expect(registry.asked.at(-1)?.payload).toEqual({
      ...filters,
      token: 't1',
      until_ms: 1_700_000_000_000,
      scan: true,
      failed: true,
      limit: 100,
    })
  })

  test.each([
    [['--outcome', 'bad'], 'option --outcome must be one of ok, denied, failed'],
    [['--door', 'window'], 'option --door must be one of registry, http'],
    [['--until', '1h', '--follow'], '--until and --follow exclude each other'],
    [['verfy'], 'unknown command "audit verfy"; did you mean verify?'],
    [['/app'], 'unknown command "audit /app"'],
  ])('%j is refused', async (args, message) => {
    const { registry, sreg } = await makeWorld()
    const { code, stdout, stderr } = await sreg(['audit', ...args])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain(message)
    expect(registry.asked).toEqual([])
  })

  test('--verbose tells the numbers of records', async () => {
    const { registry, sreg } = await makeWorld()
    registry.log.add()
    registry.log.add({ paths: ['/x', '/y', '/z', '/zz'] })
    const { stdout } = await sreg(['audit', '--verbose'])
    const lines = stdout.trimEnd().split('\n')
    expect(lines[0]).toMatch(/^Record {2}Timestamp/)
    expect(lines[1]).toMatch(/^2 {7}2026.* \/x \/y \/z \/zz +ok$/)
    expect(lines[2]).toMatch(/^1 {7}2026/)
  })

  test('--json is one object; with --lines, an object a line', async () => {
    const { registry, sreg } = await makeWorld()
    for (let n = 0; n < 3; n++) registry.log.add()
    const whole = await sreg(['audit', '--json'])
    expect(JSON.parse(whole.stdout).records).toHaveLength(3)
    const { stdout } = await sreg(['audit', '--json', '--lines', '--limit', '2'])
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line).sequence),
    ).toEqual([3, 2])
  })

  test('--lines reads page by page to its limit', async () => {
    const { registry, sreg } = await makeWorld()
    for (let n = 0; n < 1200; n++) registry.log.add()
    const { stdout } = await sreg(['audit', '--lines', '--limit', '1100'])
    expect(stdout.trimEnd().split('\n')).toHaveLength(1100)
    expect(registry.asked.map(({ payload }) => payload)).toEqual([
      { limit: 1000 },
      { limit: 100, before: 201 },
    ])
  })

  test('no name, path or detail can forge a line or drive the terminal', async () => {
    const { registry, sreg } = await makeWorld()
    registry.log.add({ actor: EVE, paths: ['/\u001b[1A\u202e'], detail: 'a\u2028b' })
    for (const more of [[], ['--lines'], ['--verbose'], ['--json', '--lines'], ['--json']]) {
      const { stdout } = await sreg(['audit', ...more])
      expect(stdout).toMatch(/^[\n -~]*$/)
      expect(stdout.trimEnd().split('\n').length).toBeLessThanOrEqual(2)
    }
    const { stdout } = await sreg(['audit', '--json'])
    expect(JSON.parse(stdout).records[0].actor.user).toBe(EVE.user)
  })
})

test('status tells the last checkpoint and the sinks', async () => {
  const { registry, sreg } = await makeWorld()
  registry.answers.set('status', {
    status: 'running',
    state: 'unsealed',
    initialized: true,
    version: '0.1.0',
    last_checkpoint: { sequence: 41, at: Date.UTC(2026, 0, 31, 9) },
    sinks: [
      { name: 'syslog', state: 'idle', sequence: 44, lag: 0 },
      {
        name: 'kafka',
        state: 'retrying',
        sequence: 40,
        lag: 4,
        since: Date.UTC(2026, 0, 31, 9),
        error: 'refused\u001b[1A',
      },
    ],
  })
  const { stdout } = await sreg(['status'])
  expect(stdout).toMatch(/^Checkpoint: {3}2026-01-31 \d\d:00:00, record 41$/m)
  expect(stdout).toMatch(/^Sink syslog: {2}idle, up to record 44$/m)
  expect(stdout).toMatch(
    /^Sink kafka: {3}retrying since 2026-01-31 \d\d:00:00, up to record 40, 4 behind: refused\\u\{1b\}\[1A$/m,
  )
})
