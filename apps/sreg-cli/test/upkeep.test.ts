/** doctor, compact and support-bundle. */
import { existsSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { runNode } from '@secreg/testkit'
import { describe, expect, test } from 'vitest'
import { makeWorld, type World } from './harness.ts'

const FINDINGS = [
  { check: 'seal', level: 'ok', message: 'the registry is unsealed' },
  { check: 'backup', level: 'warning', message: 'none was made', advice: 'run: sreg backup' },
]

async function findingsOf({ sreg }: Pick<World, 'sreg'>, args: readonly string[] = []) {
  const { code, stdout } = await sreg(['doctor', '--json', ...args])
  const { ok, findings } = JSON.parse(stdout) as {
    ok: boolean
    findings: { check: string; level: string; message: string; advice?: string }[]
  }
  expect(ok).toBe(code === 0)
  return { code, findings }
}

describe('doctor', () => {
  test('prints what is found, and what to do below it', async () => {
    const { registry, sreg } = await makeWorld()
    registry.answers.set('maintain', { ok: true, findings: FINDINGS })
    expect(await sreg(['doctor'])).toEqual({
      code: 0,
      stdout: [
        'Level    Check   Finding',
        'ok       seal    the registry is unsealed',
        'warning  backup  none was made',
        '                   run: sreg backup',
        '',
      ].join('\n'),
      stderr: '',
    })
    expect(JSON.parse((await sreg(['doctor', '--json'])).stdout)).toEqual({
      ok: true,
      findings: FINDINGS,
    })
  })

  test('ends with 6 when something is at fault', async () => {
    const { registry, sreg } = await makeWorld()
    const findings = [{ check: 'store', level: 'fault', message: 'failed', advice: 'make room' }]
    registry.answers.set('maintain', { ok: false, findings })
    expect(await sreg(['doctor'])).toMatchObject({ code: 6, stderr: '' })
  })

  test('a message cannot drive the terminal', async () => {
    const { registry, sreg } = await makeWorld()
    const findings = [{ check: 'x', level: 'ok', message: 'a\u001b[2Jb', advice: 'c\u001b[2Jd' }]
    registry.answers.set('maintain', { ok: true, findings })
    expect((await sreg(['doctor'])).stdout).not.toContain('\u001b')
  })

  test.each([
    ['AUTH_REQUIRED', 'login', 'sreg login'],
    ['SESSION_INVALID', 'login', 'sreg login'],
    ['ACCESS_DENIED', 'login', 'administrator'],
    ['AUDIT_FAILED', 'login', 'log of secregd'],
    ['MESSAGE_UNKNOWN', 'login', 'log of secregd'],
  ] as const)('%s: tells what is seen from outside', async (refusal, check, advice) => {
    const world = await makeWorld()
    world.registry.failures.set('maintain', refusal)
    const { code, findings } = await findingsOf(world)
    expect(code).toBe(0)
    expect(findings.map((each) => each.check)).toEqual(['socket', 'daemon', check])
    expect(findings.at(-1)).toMatchObject({ level: 'warning' })
    expect(findings.at(-1)?.advice).toContain(advice)
  })

  test.each([
    ['sealed', 'warning', 'sreg unlock'],
    ['uninitialized', 'warning', 'sreg init'],
    ['unsealed', 'ok', undefined],
  ] as const)('without a login: the daemon that answers is %s', async (state, level, advice) => {
    const world = await makeWorld()
    world.registry.state = state
    world.registry.failures.set('maintain', 'AUTH_REQUIRED')
    const { findings } = await findingsOf(world)
    const daemon = findings.find(({ check }) => check === 'daemon')
    expect(daemon).toMatchObject({ level, message: expect.stringContaining(state) })
    if (advice !== undefined) expect(daemon?.advice).toContain(advice)
  })

  test('no socket, something else in its place, a stale one', async () => {
    const world = await makeWorld()
    const look = async (path: string) => findingsOf(world, ['--socket', path])
    const gone = await look(world.home.file('gone'))
    expect(gone).toMatchObject({ code: 6, findings: [{ check: 'socket', level: 'fault' }] })
    expect(gone.findings[0]?.advice).toContain('secregd --config')
    const below = await look(world.home.file('file', 'socket'))
    writeFileSync(world.home.file('file'), '')
    expect(below.code).toBe(6)
    const file = await look(world.home.file('file'))
    expect(file.findings[0]?.message).toContain('is not a socket')
    expect((await look(world.home.file('file', 'socket'))).findings[0]?.message).toContain(
      'is not there',
    )
    symlinkSync(world.home.file('gone'), world.home.file('link'))
    expect((await look(world.home.file('link'))).findings[0]?.message).toContain('is not a socket')
    const stale = world.home.file('stale')
    await leaveStale(stale)
    const found = await look(stale)
    expect(found).toMatchObject({
      code: 6,
      findings: [
        { check: 'socket', level: 'ok' },
        { check: 'daemon', level: 'fault', message: expect.stringContaining('stale') },
      ],
    })
  })
})

/** Leave a socket file behind that nobody listens on, as a kill does. */
async function leaveStale(path: string): Promise<void> {
  const script = `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`
  await runNode('-e', [script])
  expect(existsSync(path)).toBe(true)
}

describe('compact', () => {
  const done = { job: 3, done: true, started_at: 0, bytes_before: 4096, bytes_after: 1024 }

  test('prints the sizes', async () => {
    const { registry, sreg } = await makeWorld()
    registry.answers.set('maintain', { compaction: done })
    const shown = await sreg(['compact'], { now: 65_000 })
    expect(shown).toEqual({
      code: 0,
      stdout: 'Before:  4.00 KB\nAfter:   1.00 KB\nTook:    1m 5s\n',
      stderr: '',
    })
    expect(JSON.parse((await sreg(['compact', '--json'])).stdout)).toEqual({ compaction: done })
  })

  test('asks for the one that runs by its number until it is done', async () => {
    const { registry, sreg } = await makeWorld()
    let left = 3
    registry.answering.set('maintain', () => {
      left--
      return { compaction: left > 0 ? { job: 3, done: false, started_at: 0 } : done }
    })
    const shown = await sreg(['compact'])
    expect(shown.code).toBe(0)
    expect(shown.stderr).toBe('sreg: it goes on in the background when you stop waiting\n')
    const asked = registry.asked.filter(({ name }) => name === 'maintain')
    expect(asked.map(({ payload }) => payload)).toEqual([
      { op: 'compact' },
      { op: 'compact', job: 3 },
      { op: 'compact', job: 3 },
    ])
  })

  test('an answer without it is a fault of the daemon', async () => {
    const { registry, sreg } = await makeWorld()
    registry.answers.set('maintain', {})
    expect(await sreg(['compact'])).toMatchObject({ code: 7, stdout: '' })
  })
})

describe('support-bundle', () => {
  const support = { version: '0.1.0', findings: [], accounts: { total: 1 } }

  test('writes a private file and says to look at it', async () => {
    const { home, registry, sreg } = await makeWorld()
    registry.answers.set('maintain', { support })
    const file = home.file('support.json')
    const shown = await sreg(['support-bundle', '--output', file], { now: 0 })
    expect(shown).toMatchObject({ code: 0, stdout: '' })
    expect(shown.stderr).toContain('look at it before you send it')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
      format: 'secreg-support',
      version: 1,
      created: '1970-01-01T00:00:00.000Z',
      sreg: { version: expect.any(String), node: process.version },
      secregd: support,
    })
    const again = await sreg(['support-bundle', '--output', '-'])
    expect(JSON.parse(again.stdout).secregd).toEqual(support)
  })

  test('needs to know where to', async () => {
    const { sreg } = await makeWorld()
    expect(await sreg(['support-bundle'])).toMatchObject({ code: 1, stdout: '' })
  })

  test('writes nothing when the daemon refuses, and follows no link', async () => {
    const { home, registry, sreg } = await makeWorld()
    const file = home.file('support.json')
    registry.failures.set('maintain', 'ACCESS_DENIED')
    expect(await sreg(['support-bundle', '--output', file])).toMatchObject({ code: 3 })
    expect(existsSync(file)).toBe(false)
    registry.failures.clear()
    registry.answers.set('maintain', { support })
    symlinkSync(home.file('elsewhere'), file)
    expect(await sreg(['support-bundle', '--output', file])).toMatchObject({ code: 1 })
    expect(existsSync(home.file('elsewhere'))).toBe(false)
  })

  test('cannot drive the terminal', async () => {
    const { registry, sreg } = await makeWorld()
    registry.answers.set('maintain', { support: { ...support, odd: 'a\u009b2Jb\u202e' } })
    const { stdout } = await sreg(['support-bundle', '--output', '-'])
    expect(stdout).toMatch(/^[\n -~]*$/)
    expect(JSON.parse(stdout).secregd.odd).toBe('a\u009b2Jb\u202e')
  })
})
