/** `sreg pam-auth` behind the real pam_exec, in a view of the file system with services of its own. */
import { requireProgram, runChild, type SkippableContext, skipTest } from '@secreg/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Built, build } from './built.ts'
import { PASSWORD } from './fake-registry.ts'
import { makeWorld, type World } from './harness.ts'

let built: Built
beforeAll(() => {
  built = build()
})
afterAll(() => built.remove())

/** Exit code of pamtester for alice and what is typed. */
type Try = (typed: string, service?: string, what?: string) => Promise<number | null>

/** Services that run the built command against the registry of a world. */
async function makeServices(context: SkippableContext, { home, env }: World): Promise<Try> {
  const pamtester = requireProgram(context, 'pamtester')
  const probe = await runChild('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'none', '/mnt'])
  if (probe.code !== 0) skipTest(context, 'no private view of the file system (unshare -rm)')
  const command = `${process.execPath} ${built.hot} pam-auth --socket ${env['SECREG_SOCKET']}`
  const exec = `pam_exec.so expose_authtok quiet seteuid ${command}`
  const permit = 'account required pam_permit.so\n'
  const services = {
    'secreg-test': `auth required ${exec}\n${permit}`,
    'secreg-staff': `auth required ${exec} --group staff\n${permit}`,
    'secreg-otp': `auth required ${exec} --otp-appended\n${permit}`,
    'secreg-account': `auth required pam_permit.so\naccount required ${exec}\n`,
    'secreg-deaf': `auth required ${exec.replace('expose_authtok ', '')}\n${permit}`,
    secreg: `auth required ${exec}\n${permit}`,
  }
  for (const [name, text] of Object.entries(services)) home.write(`pam.d/${name}`, text, 0o644)
  return async (typed, service = 'secreg-test', what = 'authenticate') => {
    const script = `mount --bind "$0" /etc/pam.d && exec "$@"`
    const args = ['-c', script, home.file('pam.d'), pamtester, service, 'alice', what]
    // The environment of the login program leads nowhere either.
    const run = await runChild('unshare', ['-rm', '/bin/sh', ...args], {
      input: `${typed}\n`,
      env: { PATH: process.env['PATH'], SECREG_SOCKET: '/nonexistent', LC_ALL: 'C' },
    })
    return run.code
  }
}

test('good and wrong passwords, the group, the code, and lines that are not for it', async (context) => {
  const world = await makeWorld({ login: false })
  const { registry } = world
  const attempt = await makeServices(context, world)
  expect(await attempt(PASSWORD)).toBe(0)
  expect(await attempt(`${PASSWORD}x`)).toBe(1)
  expect(await attempt('')).toBe(1)
  expect(registry.sessions.size).toBe(0)

  expect(await attempt(PASSWORD, 'secreg-staff')).toBe(1)
  registry.answers.set('whoami', WHO)
  expect(await attempt(PASSWORD, 'secreg-staff')).toBe(0)

  expect(await attempt(`${PASSWORD}123456`, 'secreg-otp')).toBe(0)
  expect(registry.asked.findLast(({ name }) => name === 'auth')?.payload).toEqual({
    username: 'alice',
    password: PASSWORD,
    otp: '123456',
  })

  const before = registry.asked.length
  expect(await attempt(PASSWORD, 'secreg-account', 'acct_mgmt')).toBe(1)
  expect(await attempt(PASSWORD, 'secreg-deaf')).toBe(1)
  expect(await attempt(PASSWORD, 'secreg')).toBe(1)
  expect(registry.asked).toHaveLength(before)
})

test('without a daemon nobody gets in', async (context) => {
  const world = await makeWorld({ login: false })
  const attempt = await makeServices(context, world)
  await world.registry[Symbol.asyncDispose]()
  expect(await attempt(PASSWORD)).toBe(1)
})

const WHO = {
  user: 'alice',
  account: 'a1',
  roles: [],
  groups: ['staff'],
  mfa: false,
  proof: 'credential',
  door: 'registry',
}
