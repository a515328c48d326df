/** Logins of users of the system: what is refused unasked, how many are asked at once, and what the log is told. */
import { chmodSync, renameSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { type Config, parseConfig } from '@secreg/host'
import { SecregError } from '@secreg/protocol'
import { createCanary, waitFor } from '@secreg/testkit'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createSystemLogin, type SystemLogin } from '../src/pam/system-login.ts'
import { isRunning, StandIn } from './pam-stand-in.ts'

interface World {
  readonly standIn: StandIn
  readonly login: SystemLogin
  /** Lines of the log. */
  readonly lines: string[]
}

function makeWorld(settings: Partial<Config['pam']> = {}): World {
  const standIn = new StandIn()
  const lines: string[] = []
  const note =
    (level: string) =>
    (event: string, fields: object = {}): void => {
      lines.push(`${level} ${event} ${JSON.stringify(fields)}`)
    }
  const { pam } = parseConfig(`pam.helper = "${standIn.path}"`, 'f').config
  const login = createSystemLogin({
    settings: { ...pam, timeoutSeconds: 30, ...settings },
    log: { error: note('error'), info: note('info') },
  })
  onTestFinished(() => {
    login.close()
    standIn[Symbol.dispose]()
  })
  return { standIn, login, lines }
}

/** Reason that something fails with. */
async function reasonOf(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work
    return undefined
  } catch (error) {
    return SecregError.is(error) ? error.reason : String(error)
  }
}

test('good and refused', async () => {
  const { login, lines } = makeWorld()
  expect(await login.verify('alice', 'right')).toBe(true)
  expect(await login.verify('alice', 'wrong')).toBe(false)
  expect(lines).toEqual([])
})

test('the helper is told the service of the configuration, and where the user comes from', async () => {
  const { standIn, login } = makeWorld({ service: 'login' })
  await login.verify('look', 'heslo č', '192.0.2.7')
  expect(standIn.seen().input).toBe('look\0heslo č\0login\x00192.0.2.7\0')
})

test('what no user of a system can have is refused, and no helper is started', async () => {
  const { login } = makeWorld({ helper: '/nonexistent/helper' })
  for (const [name, password] of [
    ['', 'right'],
    ['a\0right\0', 'right'],
    ['-h', 'right'],
    ['../shadow', 'right'],
    ['alice', ''],
    ['alice', 'right\0'],
    ['alice', '\0'],
    ['alice', 'x'.repeat(513)],
  ] as const) {
    expect(await login.verify(name, password)).toBe(false)
  }
})

test.each([
  ['fault', 'it ended with 2'],
  ['crash', 'it was ended by SIGSEGV'],
])('login %s: no answer is not a wrong password', async (name, why) => {
  const { login, lines } = makeWorld()
  expect(await reasonOf(login.verify(name, 'right'))).toBe('PAM_UNAVAILABLE')
  expect(lines).toEqual([`error the PAM helper cannot be asked {"detail":"${why}"}`])
})

test('a cause is told once, and its end too', async () => {
  const { login, lines } = makeWorld()
  for (let round = 0; round < 3; round++) {
    expect(await reasonOf(login.verify('fault', 'right'))).toBe('PAM_UNAVAILABLE')
  }
  expect(await login.verify('alice', 'wrong')).toBe(false)
  expect(lines).toEqual([
    'error the PAM helper cannot be asked {"detail":"it ended with 2"}',
    'info the PAM helper answers again {}',
  ])
})

test('a helper that hangs: unavailable at the time-out, killed, and its place is free again', async () => {
  const { standIn, login, lines } = makeWorld({ timeoutSeconds: 4, maxRunning: 1 })
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const reason = reasonOf(login.verify('hang', 'right'))
  while (standIn.processes().length === 0) await setImmediate()
  const processes = standIn.processes()
  expect(await reasonOf(login.verify('alice', 'right'))).toBe('BUSY')
  vi.advanceTimersByTime(4000)
  expect(await reason).toBe('PAM_UNAVAILABLE')
  vi.useRealTimers()
  expect(lines).toEqual([
    'error the PAM helper cannot be asked {"detail":"no answer within 4000 ms"}',
  ])
  await waitFor(() => !processes.some(isRunning))
  // Its place is free once the daemon has waited for it, too.
  expect(await waitFor(() => login.verify('alice', 'right'))).toBe(true)
})

test('a helper that becomes unsafe is not used any more, and used again once it is safe', async () => {
  const { standIn, login, lines } = makeWorld()
  expect(await login.verify('alice', 'right')).toBe(true)
  chmodSync(standIn.path, 0o777)
  expect(await reasonOf(login.verify('alice', 'right'))).toBe('PAM_UNAVAILABLE')
  chmodSync(standIn.path, 0o755)
  expect(await login.verify('alice', 'right')).toBe(true)
  renameSync(standIn.path, `${standIn.path}.old`)
  expect(await reasonOf(login.verify('alice', 'right'))).toBe('PAM_UNAVAILABLE')
  expect(lines.map((line) => /"detail":"(.*)"/.exec(line)?.[1])).toEqual([
    'its group or others can write it',
    undefined,
    'it is not there',
  ])
})

test('as many helpers run as may, one more login is told to try again', async () => {
  const { login } = makeWorld({ maxRunning: 2 })
  // All at once: none may slip by while another is being looked for.
  const reasons = await Promise.all(
    Array.from({ length: 6 }, () => reasonOf(login.verify('alice', 'right'))),
  )
  expect(reasons.filter((reason) => reason === undefined)).toHaveLength(2)
  expect(reasons.filter((reason) => reason === 'BUSY')).toHaveLength(4)
  expect(await login.verify('alice', 'right')).toBe(true)
})

test('what fails gives its place back', async () => {
  const { standIn, login } = makeWorld({ maxRunning: 1 })
  for (let round = 0; round < 3; round++) {
    expect(await reasonOf(login.verify('fault', 'right'))).toBe('PAM_UNAVAILABLE')
  }
  chmodSync(standIn.path, 0o644)
  for (let round = 0; round < 3; round++) {
    expect(await reasonOf(login.verify('alice', 'right'))).toBe('PAM_UNAVAILABLE')
  }
  chmodSync(standIn.path, 0o755)
  expect(await reasonOf(login.verify('alice', 'right', 'a\nb'))).toContain('RangeError')
  expect(await login.verify('alice', 'right')).toBe(true)
})

test('closed, it kills what runs and starts nothing', async () => {
  const { standIn, login, lines } = makeWorld()
  const reason = reasonOf(login.verify('hang', 'right'))
  const processes = await standIn.hanging()
  const late = reasonOf(login.verify('alice', 'right'))
  login.close()
  expect(await Promise.all([reason, late])).toEqual(['SHUTTING_DOWN', 'SHUTTING_DOWN'])
  await waitFor(() => !processes.some(isRunning))
  expect(await reasonOf(login.verify('alice', 'right'))).toBe('SHUTTING_DOWN')
  expect(lines).toEqual([])
})

test('the check at the start tells the log what is wrong, and nothing when all is well', async () => {
  const { standIn, login, lines } = makeWorld()
  await login.check()
  expect(lines).toEqual([])
  chmodSync(standIn.path, 0o666)
  await login.check()
  await login.check()
  expect(lines).toHaveLength(1)
})

test('without a helper nobody of the system can log in', async () => {
  const { login } = makeWorld({ helper: undefined })
  expect(await reasonOf(login.verify('alice', 'right'))).toBe('PAM_UNAVAILABLE')
})

test('no line of the log and no error holds login or password', async () => {
  const worlds = [makeWorld(), makeWorld({ timeoutSeconds: 1 })] as const
  const canary = createCanary()
  const errors: unknown[] = []
  for (const [name, { login }] of [
    [canary, worlds[0]],
    ['fault', worlds[0]],
    ['crash', worlds[0]],
    ['noise', worlds[0]],
    ['hang', worlds[1]],
  ] as const) {
    await login.verify(name, canary).catch((error: unknown) => errors.push(error))
  }
  expect(errors).toHaveLength(3)
  const told = errors.map((error) => (error as Error).stack)
  expect(JSON.stringify([worlds.map(({ lines }) => lines), told])).not.toContain(canary)
})
