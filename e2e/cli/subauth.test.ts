/** What people do with their accounts in zones: `subauth`, and `sreg zone` of who administers them. */
import { createCanary, requireProgram, runChild, skipTest, startChild } from '@secreg/testkit'
import { expect, type TestContext, test, vi } from 'vitest'
import { onTerminal, type Screen, type Step } from '../../apps/sreg-cli/test/built.ts'
import { OPEN_ZONE } from '../lib/subauth-site.ts'
import { openSubauthDesk, SUBAUTH, type SubauthDesk } from './subauth-desk.ts'

// Each command line is a process of its own, and the machine may be busy.
vi.setConfig({ testTimeout: 180_000 })

const ZONES = {
  mail: { ...OPEN_ZONE, desc: 'post' },
  closed: { allow_passwd: true },
} as const
const WORD = 'correct horse battery'
const NEXT = 'staple of another day'
const TOKEN = /^[0-9a-f]{4}-[0-9A-Za-z]+\n$/

test('a person makes a password and tokens, and removes them', async (context) => {
  await using desk = await openSubauthDesk(context, { zones: ZONES })
  const alice = (args: string, input?: string) => desk.as('alice', args.split(' '), input)

  const zones = await alice('--zones')
  expect(zones).toMatchObject({ code: 0, stderr: '' })
  expect(zones.stdout).toMatch(/^mail {4}yes {7}yes {5}yes {18}at most 1h 0m {5}post$/m)
  expect(zones.stdout).toMatch(/^closed {2}yes {7}no {6}no {19}no$/m)
  expect((await alice('--list --json')).stdout).toBe('{"login":"alice","accounts":[]}\n')

  expect(await alice('--passwd --zone=mail', `${WORD}\n`)).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('give --password-stdin'),
  })
  expect(await alice('--passwd --zone=mail --password-stdin', `${WORD}\n`)).toEqual({
    code: 0,
    signal: null,
    stdout: '',
    stderr: 'subauth: the password is set\n',
  })
  const login = (secret: string) => alice('--login --zone=mail --password-stdin', secret)
  expect(await login(WORD)).toMatchObject({ code: 0, stdout: 'accepted\n' })
  expect(await login(`${WORD}x`)).toMatchObject({ code: 3, stdout: '' })

  const made = await alice('--create-token --zone=mail --comment=phone')
  expect(made.stdout).toMatch(TOKEN)
  const token = made.stdout.trim()
  const ident = token.slice(0, 4)
  expect(made.stderr).toBe(`subauth: the token ${ident} is shown this once\n`)
  expect(await login(token)).toMatchObject({ code: 0 })
  await alice(`--change-token --zone=mail --ident=${ident} --comment=tablet`)
  const listed = await alice('--list')
  expect(listed.stdout).toMatch(
    new RegExp(`^mail +alice +20[^ ]+ [^ ]+ +no +${ident} +20[^ ]+ [^ ]+ +tablet$`, 'm'),
  )

  const temp = await alice('--create-temp --zone=mail --validity=15m')
  expect(temp).toMatchObject({ code: 0, stderr: 'subauth: the token is shown this once\n' })
  expect(await login(temp.stdout.trim())).toMatchObject({ code: 0 })
  expect(await alice('--create-temp --zone=mail --validity=2h')).toMatchObject({
    code: 3,
    stdout: '',
    stderr: 'subauth: validity: longer than the zone allows\n',
  })

  expect(await alice(`--delete-token --zone=mail --ident=${ident}`)).toMatchObject({ code: 0 })
  expect(await login(token)).toMatchObject({ code: 3 })
  expect(await login(temp.stdout.trim())).toMatchObject({ code: 0 })
  expect(await alice('--delete-token --zone=mail --ident=*')).toMatchObject({ code: 0 })
  expect(await login(temp.stdout.trim())).toMatchObject({ code: 3 })
  expect(await alice('--delete-passwd --zone=mail')).toMatchObject({ code: 0 })
  expect(await login(WORD)).toMatchObject({ code: 3 })
  expect(await alice('--passwd --zone=closed --password-stdin', WORD)).toMatchObject({ code: 3 })
})

test('nobody reaches the account of another, but with its password where that is allowed', async (context) => {
  await using desk = await openSubauthDesk(context, { zones: ZONES })
  const run = (person: 'alice' | 'bob' | 'root', args: string, input?: string) =>
    desk.as(person, args.split(' '), input)
  await run('alice', '--passwd --zone=mail --password-stdin', WORD)
  const refused = { code: 3, stdout: '', stderr: 'subauth: not permitted\n' }
  const tries = [
    ['--passwd --zone=mail --user=alice --password-stdin', NEXT],
    ['--delete-passwd --zone=mail --user=alice'],
    ['--create-token --zone=mail --user=alice'],
    ['--list --user=alice'],
    ['--login --zone=mail --user=alice --password-stdin', WORD],
    ['--create-acct --zone=closed --user=bob'],
    ['--delete-acct --zone=* --user=bob'],
  ] as const
  await Promise.all(
    tries.map(async ([args, input]) => {
      expect(await run('bob', args, input), args).toMatchObject(refused)
    }),
  )
  const byPassword = '--passwd --zone=mail --user=alice --auth-passwd --password-stdin'
  expect(await run('bob', byPassword, `${WORD}\n${NEXT}\n`)).toMatchObject({ code: 3 })
  expect(await run('alice', '--allow-passwd-auth=yes --zone=mail')).toMatchObject({ code: 0 })
  expect(await run('bob', byPassword, `${WORD}x\n${NEXT}\n`)).toMatchObject({ code: 3 })
  expect(await run('bob', byPassword, `${WORD}\n${NEXT}\n`)).toMatchObject({ code: 0 })
  const login = '--login --zone=mail --user=alice --password-stdin'
  expect(await run('root', login, NEXT)).toMatchObject({ code: 0 })
  expect(await run('root', login, WORD)).toMatchObject({ code: 3 })

  expect(await run('root', '--create-acct --zone=closed --user=bob')).toMatchObject({ code: 0 })
  const own = '--passwd --zone=closed --password-stdin'
  expect(await run('bob', own, NEXT)).toMatchObject({ code: 0 })
  expect(await run('root', '--delete-acct --zone=* --user=bob')).toMatchObject({ code: 0 })
  expect(await run('bob', own, NEXT)).toMatchObject({ code: 3 })
})

test('who administers the registry sees the same accounts, and leaves the zones of the file alone', async (context) => {
  await using desk = await openSubauthDesk(context, { zones: ZONES })
  await desk.as('alice', ['--passwd', '--zone=mail', '--password-stdin'], WORD)
  expect(await desk.ok('sreg zone list')).toMatch(/^mail +allow-passwd, .+ file +post$/m)
  await desk.ok('sreg zone add own --allow-passwd')
  expect(await desk.ok('sreg zone list')).toMatch(/^own +allow-passwd +none$/m)
  for (const change of ['set mail --http', 'remove mail --yes']) {
    await desk.fails(`sreg zone ${change}`, 6, /the configuration file/)
  }
  await desk.ok('sreg zone create-account own alice')
  const rows = (await desk.ok("sreg zone accounts '*' alice")).split('\n')
  expect(rows[1]).toMatch(/^mail {2}alice {2}20[^ ]+ [^ ]+ {2}no$/)
  expect(rows[2]).toMatch(/^own {3}alice {2}no +no$/)
  expect(await desk.ok('sreg zone check mail alice --password-stdin', `${WORD}\n`)).toBe(
    'matches\n',
  )
  await desk.ok('sreg zone create-token mail alice --comment shared > token')
  const check = 'sreg zone check mail alice --password-stdin < token'
  expect(await desk.ok(check)).toBe('matches\n')
  const login = 'subauth --login --zone=mail --user=alice --password-stdin < token'
  expect(await desk.ok(login)).toBe('accepted\n')
  await desk.ok("sreg zone delete-token mail alice '*'")
  await desk.fails(login, 3, /login failed/)
  await desk.ok('sreg zone allow-password mail alice on')
  expect(JSON.parse(await desk.ok('subauth --list --user=alice --json')).accounts[0]).toMatchObject(
    {
      zone: 'mail',
      allow_passwd_auth: true,
      tokens: [],
    },
  )
  await desk.ok("sreg zone delete-account '*' alice --yes")
  expect(await desk.ok("sreg zone accounts '*' alice --json")).toBe('{"accounts":[]}\n')
})

function type(
  context: TestContext,
  desk: SubauthDesk,
  args: readonly string[],
  steps: readonly Step[],
): Promise<Screen> {
  const env = { SUBAUTH_SOCKET: desk.door, TERM: 'xterm', TZ: 'UTC' }
  return onTerminal(context, [SUBAUTH, ...args], env, steps)
}

test('a terminal: twice for a new password, without echo, and not in vain', async (context) => {
  await using desk = await openSubauthDesk(context, { zones: ZONES })
  const [own, user] = ['--zone=mail', '--user=alice']
  const made = await type(
    context,
    desk,
    ['--passwd', own, user],
    [
      { expect: 'New password: ', send: `${WORD}\r` },
      { expect: 'New password again: ', send: `${WORD}\r` },
    ],
  )
  expect(made).toMatchObject({ code: 0, echoes: [false, false], echoAfter: true })
  const differing = await type(
    context,
    desk,
    ['--passwd', own, user],
    [
      { expect: 'New password: ', send: `${NEXT}\r` },
      { expect: 'New password again: ', send: `${NEXT}x\r` },
    ],
  )
  expect(differing).toMatchObject({ code: 1, echoAfter: true })
  const login = await type(
    context,
    desk,
    ['--login', own, user],
    [{ expect: 'Password or token: ', send: `${WORD}\r` }],
  )
  expect(login.code).toBe(0)
  expect(login.screen.replaceAll('\r', '')).toBe('Password or token: \naccepted\n')
  const changed = await type(
    context,
    desk,
    ['--passwd', own, user, '--auth-passwd'],
    [
      { expect: 'Password of the account: ', send: `${WORD}\r` },
      { expect: 'New password: ', send: `${NEXT}\r` },
      { expect: 'New password again: ', send: `${NEXT}\r` },
    ],
  )
  // The account does not allow it: nobody is root where a password decides.
  expect(changed).toMatchObject({ code: 3, echoAfter: true })
  for (const { screen } of [made, differing, login, changed]) {
    for (const secret of [WORD, NEXT]) expect(screen).not.toContain(secret)
  }
  await desk.stop()
  const none = await type(context, desk, ['--passwd', own, user], [])
  expect(none.code).toBe(6)
  expect(none.screen).toMatch(/^subauth: no server listens at /)
})

/** Exit code of one whose standard error nobody reads. */
async function deaf(
  desk: SubauthDesk,
  args: readonly string[],
  input: string,
  env: NodeJS.ProcessEnv = {},
): Promise<number | null> {
  const child = startChild(process.execPath, [SUBAUTH, ...args], {
    cwd: '/',
    env: { ...desk.env, ...env },
    input,
  })
  child.process.stderr?.destroy()
  return (await child.exit).code
}

test('sealed, stopped, and with nobody to tell it to: never accepted', async (context) => {
  await using desk = await openSubauthDesk(context, { zones: ZONES })
  const canary = createCanary('zone').replaceAll('-', '')
  await desk.as('alice', ['--passwd', '--zone=mail', '--password-stdin'], canary)
  const login = ['--login', '--zone=mail', '--user=alice', '--password-stdin']
  const pam = ['--pam', '--zone=mail', `--socket=${desk.door}`, '--verbose']
  const pamEnv = { PAM_TYPE: 'auth', PAM_USER: 'alice' }
  expect(await desk.as('root', login, canary)).toMatchObject({ code: 0 })
  expect(await deaf(desk, login, canary)).toBe(0)
  expect(await deaf(desk, login, `${canary}x`)).toBe(3)
  expect(await deaf(desk, pam, canary, pamEnv)).toBe(0)
  expect(await deaf(desk, pam, `${canary}x`, pamEnv)).toBe(1)
  await desk.ok('sreg lock')
  expect(await desk.as('root', login, canary)).toMatchObject({
    code: 3,
    stdout: '',
    stderr: 'subauth: the server does not serve this now; try again later\n',
  })
  expect(await deaf(desk, pam, canary, pamEnv)).toBe(1)
  await desk.stop()
  expect(await desk.as('root', login, canary)).toMatchObject({ code: 6, stdout: '' })
  expect(await deaf(desk, pam, canary, pamEnv)).toBe(6)
  expect(desk.daemon?.stderr()).not.toContain(canary)
})

test('a zone opens a service of the system: subauth --pam behind pam_exec', async (context) => {
  const pamtester = requireProgram(context, 'pamtester')
  const probe = await runChild('unshare', ['-rm', 'mount', '-t', 'tmpfs', 'none', '/mnt'])
  if (probe.code !== 0) skipTest(context, 'no private view of the file system (unshare -rm)')
  await using desk = await openSubauthDesk(context, { zones: ZONES })
  const { home } = desk.site
  const service = (zone: string): string =>
    `auth required pam_exec.so expose_authtok quiet seteuid ${process.execPath} ${SUBAUTH} --pam --zone=${zone} --socket=${desk.door}
account required pam_permit.so
`
  home.write('pam.d/mail', service('mail'), 0o644)
  home.write('pam.d/closed', service('closed'), 0o644)
  home.write('pam.d/deaf', service('mail').replace('expose_authtok ', ''), 0o644)
  const attempt = async (name: string, user: string, typed: string): Promise<number | null> => {
    const args = ['-c', 'mount --bind "$0" /etc/pam.d && exec "$@"', home.file('pam.d'), pamtester]
    const run = await runChild('unshare', ['-rm', '/bin/sh', ...args, name, user, 'authenticate'], {
      input: `${typed}\n`,
      // The environment of the login program leads nowhere.
      env: { PATH: process.env['PATH'], SUBAUTH_SOCKET: '/nonexistent', LC_ALL: 'C' },
    })
    return run.code
  }
  await desk.as('alice', ['--passwd', '--zone=mail', '--password-stdin'], WORD)
  const { stdout: token } = await desk.as('alice', ['--create-token', '--zone=mail'])
  expect(await attempt('mail', 'alice', WORD)).toBe(0)
  expect(await attempt('mail', 'alice', token.trim())).toBe(0)
  expect(await attempt('mail', 'alice', `${WORD}x`)).toBe(1)
  expect(await attempt('mail', 'alice', '')).toBe(1)
  expect(await attempt('mail', 'bob', WORD)).toBe(1)
  expect(await attempt('closed', 'alice', WORD)).toBe(1)
  expect(await attempt('deaf', 'alice', WORD)).toBe(1)
  await desk.as('alice', ['--delete-token', '--zone=mail', '--ident=*'])
  expect(await attempt('mail', 'alice', token.trim())).toBe(1)
  await desk.stop()
  expect(await attempt('mail', 'alice', WORD)).toBe(1)
})
