/** Users of the system: their passwords open accounts through a helper, and passwords of accounts open the system. */
import { renameSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  createCanary,
  findCanary,
  requireProgram,
  runChild,
  type SkippableContext,
  skipTest,
  waitFor,
} from '@secreg/testkit'
import { expect, test, vi } from 'vitest'
import { isRunning, StandIn, writeHelper } from '../../apps/daemon/test/pam-stand-in.ts'
import { type Desk, openDesk, SREG } from '../cli/desk.ts'
import { codeOf } from '../lib/authenticator.ts'
import { ADMIN, PASSWORD } from '../lib/site.ts'
import { Wire } from '../lib/wire.ts'

// Each command line is a process of its own, and the machine may be busy. The tests mostly wait until a refusal may be
// answered, so they wait together.
vi.setConfig({ testTimeout: 180_000 })

/** Before this, no refusal is answered where a helper is configured, milliseconds. */
const FLOOR_MS = 3000
/** Clocks of two processes may differ by a tick. */
const TICK_MS = 5

const WRONG = { success: false, error: { reason: 'AUTH_FAILED' } }

/** A desk whose daemon asks a stand-in about users of the system. */
async function standInDesk(standIn: StandIn, more = ''): Promise<Desk> {
  return openDesk({ config: `[pam]\nhelper = ${JSON.stringify(standIn.path)}\n${more}` })
}

// biome-ignore lint/suspicious/noExplicitAny: an answer is whatever the server sent
async function logIn(desk: Desk, username: string, password: string, otp?: string): Promise<any> {
  using wire = await Wire.open(desk.site.socket)
  const request = { username, password, ...(otp === undefined ? {} : { otp }) }
  return (await wire.ask('auth', request)).body
}

/** What a login is answered, and after how long. */
async function timed(desk: Desk, username: string, password: string) {
  const fromMs = performance.now()
  const body = await logIn(desk, username, password)
  return { body, tookMs: performance.now() - fromMs }
}

test.concurrent('a user of the system logs in with the password that he has there', async () => {
  using standIn = new StandIn()
  await using desk = await standInDesk(standIn)
  desk.file('right', 'right\n')
  await desk.transcript(`
    $ sreg user add alice --system
    $ sreg user add look --system --roles operator
    $ sreg user show alice | grep Password
    Password{any}the system user's
    $ sreg login alice --password-stdin < right
    $ sreg whoami | grep -E 'User|Roles'
    User:           alice
    Roles:          user
    $ sreg set /user/alice/mine x
    $ sreg get /user/alice/mine
    x
    $ sreg login alice --password-stdin < password
    ! sreg: user name or password is wrong
    ! check the name and the password
    [4]
    $ sreg login "$ADMIN" --password-stdin < password
  `)
  // One password or the other, never both; the helper learns who, and nobody else learns the password.
  await desk.ok('sreg user add own --password-stdin', `${PASSWORD}\n`)
  for (const name of ['off', 'disabled']) await desk.ok(`sreg user add ${name} --system`)
  await desk.ok('sreg user system off off')
  await desk.ok('sreg user disable disabled')
  const canary = createCanary('system')
  const tries = [
    ['look', canary],
    ['own', 'right'],
    ['stranger', 'right'],
    ['alice', PASSWORD],
    ['off', 'right'],
    ['disabled', 'right'],
  ] as const
  const answers = await Promise.all(tries.map(([name, word]) => logIn(desk, name, word)))
  for (const [at, answer] of answers.entries()) {
    expect(answer, tries[at]?.join()).toMatchObject(WRONG)
  }
  const seen = standIn.seen()
  expect(seen.input).toBe(`look\0${canary}\0secreg\0\0`)
  expect(`${seen.cmdline}${seen.environ}`).not.toContain(canary)
  expect(findCanary(canary, desk.site.data, desk.site.audit)).toEqual([])
  expect(desk.daemon?.stderr()).not.toContain(canary)
  await desk.ok('sreg user system off on')
  await desk.ok('sreg user enable disabled')
  for (const name of ['off', 'disabled', 'alice']) {
    expect(await logIn(desk, name, 'right')).toMatchObject({ success: true })
  }
})

test.concurrent('refused, at fault, hanging, missing and too many: one answer, not sooner than any other', async () => {
  using standIn = new StandIn()
  await using desk = await standInDesk(standIn, 'timeout = 4\nmax_running = 3\n')
  const names = ['alice', 'fault', 'crash', 'hang', 'late']
  for (const name of names) await desk.ok(`sreg user add ${name} --system`)
  await desk.ok('sreg user add own --password-stdin', `${PASSWORD}\n`)
  const alike = async (tries: readonly (readonly [string, string])[]): Promise<void> => {
    const all = await Promise.all(tries.map(([name, word]) => timed(desk, name, word)))
    for (const [at, { body, tookMs }] of all.entries()) {
      expect(body, tries[at]?.join()).toEqual(all[0]?.body)
      expect(body).toMatchObject(WRONG)
      expect(tookMs, tries[at]?.join()).toBeGreaterThan(FLOOR_MS - TICK_MS)
    }
  }
  await alike([
    ['nobody', 'right'],
    ['-h', 'right'],
    ['own', 'wrong'],
    ['alice', 'wrong'],
    ['fault', 'right'],
    ['crash', 'right'],
  ])

  // One that hangs is killed with what it has started, and its place is free again.
  const hanging = Promise.all(['hang', 'hang', 'hang'].map((name) => timed(desk, name, 'right')))
  const processes = await standIn.hanging(3)
  expect(processes.every(isRunning)).toBe(true)
  // For whom no helper is free is refused without its being held against him.
  await alike(Array.from({ length: 6 }, () => ['alice', 'right'] as const))
  for (const { body, tookMs } of await hanging) {
    expect(body).toMatchObject(WRONG)
    expect(tookMs).toBeGreaterThan(2 * FLOOR_MS - TICK_MS)
  }
  await waitFor(() => !processes.some(isRunning))
  await waitFor(async () => (await logIn(desk, 'alice', 'right')).success)

  renameSync(standIn.path, `${standIn.path}.old`)
  await alike([
    ['late', 'right'],
    ['nobody', 'right'],
  ])
  const check = await desk.sh('sreg security check')
  expect(check.stdout).toMatch(/pam/i)
  renameSync(`${standIn.path}.old`, standIn.path)
  expect(await logIn(desk, 'alice', 'right')).toMatchObject({ success: true })
  const log = desk.daemon?.stderr() ?? ''
  for (const cause of ['it ended with 2', 'no answer within 4000 ms', 'it is not there']) {
    expect(log).toContain(cause)
  }
  expect(log).not.toContain('right')
  // They count: who makes the helper fail must not guess without end.
  for (let tries = 2; tries <= 5; tries += 2) {
    await alike(Array.from({ length: 2 }, () => ['fault', 'right'] as const))
  }
  expect(await logIn(desk, 'fault', 'right')).toMatchObject({
    error: { reason: 'AUTH_LOCKED_OUT' },
  })
})

const SYSTEM_PASSWORD = 'Heslo číslo 7 "$HOME" \\ *'

/** Refuse to go on without a view of the file system of one's own, in which /etc can be another one. */
async function requireOwnView(context: SkippableContext): Promise<void> {
  const probe = await runChild('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'none', '/mnt'])
  if (probe.code !== 0) skipTest(context, 'no private view of the file system (unshare -rm)')
}

test.concurrent('a user of the system logs in through pamtester and pam_unix', async (context) => {
  requireProgram(context, 'pamtester')
  await requireOwnView(context)
  const openssl = requireProgram(context, 'openssl')
  using standIn = new StandIn()
  const { home } = standIn
  const hash = (
    await runChild(openssl, ['passwd', '-6', '-stdin'], { input: `${SYSTEM_PASSWORD}\n` })
  ).stdout.trim()
  const users = ['alice', 'expired'] as const
  home.write('etc/passwd', users.map((name) => `${name}:x:0:0::/:/bin/sh\n`).join(''), 0o644)
  home.write(
    'etc/shadow',
    users
      .map((name) => `${name}:${hash}:19000:0:99999:7::${name === 'expired' ? '1' : ''}:\n`)
      .join(''),
  )
  home.write(
    'etc/pam.d/secreg',
    'auth required pam_unix.so nodelay\naccount required pam_unix.so\n',
    0o644,
  )
  const example = fileURLToPath(new URL('../../docs/pam/secreg-pam-pamtester.sh', import.meta.url))
  const mounts = `cd ${home.file('etc')} || exit 9
for file in passwd shadow pam.d; do mount --bind $file /etc/$file || exit 9; done
exec ${example}`
  const helper = writeHelper(home, 'pam', `#!/bin/sh\nexec unshare -rm /bin/sh -c '${mounts}'\n`)
  await using desk = await openDesk({ config: `[pam]\nhelper = ${JSON.stringify(helper)}` })
  for (const name of users) await desk.ok(`sreg user add ${name} --system`)
  await desk.ok('sreg login alice --password-stdin', `${SYSTEM_PASSWORD}\n`)
  expect(await desk.ok('sreg whoami')).toMatch(/User: +alice/)
  await desk.fails('sreg login alice --password-stdin', 4, /wrong/, `${SYSTEM_PASSWORD}x\n`)
  await desk.fails('sreg login expired --password-stdin', 4, /wrong/, `${SYSTEM_PASSWORD}\n`)
  expect(desk.daemon?.stderr()).not.toContain('cannot be asked')
})

test.concurrent('passwords of accounts open the system: sreg pam-auth behind pam_exec', async (context) => {
  const pamtester = requireProgram(context, 'pamtester')
  await requireOwnView(context)
  await using desk = await openDesk()
  const { home } = desk.site
  const command = `${process.execPath} ${SREG} pam-auth --socket ${desk.site.socket}`
  const exec = `pam_exec.so expose_authtok quiet seteuid ${command}`
  const permit = 'account required pam_permit.so\n'
  const services = {
    any: `auth required ${exec}\n${permit}`,
    staff: `auth required ${exec} --group staff --otp-appended\n${permit}`,
  }
  for (const [name, text] of Object.entries(services)) home.write(`pam.d/${name}`, text, 0o644)
  const attempt = async (service: keyof typeof services, user: string, typed: string) => {
    const args = ['-c', 'mount --bind "$0" /etc/pam.d && exec "$@"', home.file('pam.d'), pamtester]
    const run = await runChild(
      'unshare',
      ['-rm', '/bin/sh', ...args, service, user, 'authenticate'],
      {
        input: `${typed}\n`,
        env: { PATH: process.env['PATH'], SECREG_SOCKET: '/nonexistent', LC_ALL: 'C' },
      },
    )
    return run.code
  }
  const sessions = async (): Promise<number> =>
    JSON.parse(await desk.ok('sreg status --json')).sessions
  const password = 'Very-Strong-Phrase-9a'
  await desk.ok('sreg group add staff')
  await desk.ok('sreg user add alice --groups staff --password-stdin', `${password}\n`)
  await desk.ok('sreg user add bob --password-stdin', `${password}\n`)
  const before = await sessions()

  expect(await attempt('any', 'alice', password)).toBe(0)
  expect(await attempt('any', 'bob', password)).toBe(0)
  expect(await attempt('any', 'alice', `${password}x`)).toBe(1)
  expect(await attempt('any', 'nobody', password)).toBe(1)
  expect(await attempt('staff', 'bob', password)).toBe(1)
  expect(await attempt('staff', 'alice', password)).toBe(0)

  // With a second factor: the code behind the password, once.
  using alice = await Wire.login(desk.site.socket, 'alice', password)
  const { secret } = await alice.ok('mfa', { op: 'begin', password })
  await alice.ok('mfa', { op: 'confirm', code: codeOf(secret) })
  expect(await attempt('any', 'alice', password)).toBe(1)
  expect(await attempt('staff', 'alice', password)).toBe(1)
  const code = codeOf(secret, 1)
  expect(await attempt('staff', 'alice', `${password}${code}`)).toBe(0)
  expect(await attempt('staff', 'alice', `${password}${code}`)).toBe(1)
  alice.close()
  // What pam_exec has opened is closed again.
  await desk.ok(`sreg login ${ADMIN} --password-stdin < password`)
  expect(await sessions()).toBeLessThanOrEqual(before + 2)

  await desk.ok('sreg user disable bob')
  expect(await attempt('any', 'bob', password)).toBe(1)
  await desk.stop()
  expect(await attempt('any', 'alice', password)).toBe(1)
})
