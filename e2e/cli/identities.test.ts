/** Who may do what, as an administrator and those whom he lets in live it: accounts, groups, policies, tokens, codes. */
import { waitFor } from '@secreg/testkit'
import { expect, type TestContext, test, vi } from 'vitest'
import { onTerminal, type Screen, type Step } from '../../apps/sreg-cli/test/built.ts'
import { codeAt, codeOf } from '../lib/authenticator.ts'
import { PASSPHRASE, PASSWORD } from '../lib/site.ts'
import { type Desk, SREG } from './desk.ts'
import { HIS, openDeskOfTwo } from './desk-of-two.ts'

// Each command line is a process of its own, and the machine may be busy.
vi.setConfig({ testTimeout: 180_000 })

/** A command of bob at a terminal. */
function type(
  context: TestContext,
  desk: Desk,
  args: readonly string[],
  steps: readonly Step[],
): Promise<Screen> {
  const { SECREG_SOCKET = '', XDG_RUNTIME_DIR = '' } = desk.env
  const SECREG_SESSION = desk.path('bob/session')
  const env = { SECREG_SOCKET, XDG_RUNTIME_DIR, SECREG_SESSION, TERM: 'xterm', TZ: 'UTC' }
  return onTerminal(context, [SREG, ...args], env, steps)
}

/** Set a second factor up by commands; answers its secret, the code that was used up, and the recovery codes. */
async function enroll(
  desk: Desk,
  sreg: string,
  password: string,
): Promise<{ secret: string; used: string; codes: string[] }> {
  const begun = await desk.ok(`${sreg} mfa enroll --password-stdin --json`, `${password}\n`)
  const { secret } = JSON.parse(begun) as { secret: string }
  const used = codeOf(secret)
  const shown = await desk.ok(`${sreg} mfa confirm --password-stdin`, `${used}\n`)
  return { secret, used, codes: shown.trim().split('\n') }
}

test('the codes of these tests are those of RFC 6238', () => {
  const key = Buffer.from('12345678901234567890')
  // Appendix B, SHA-1, the last six digits of eight.
  const vectors = [
    [59, '287082'],
    [1111111109, '081804'],
    [1111111111, '050471'],
    [1234567890, '005924'],
    [2000000000, '279037'],
    [20000000000, '353130'],
  ] as const
  for (const [seconds, code] of vectors) {
    expect(codeAt(key, Math.floor(seconds / 30))).toBe(code)
  }
})

const WEB = `# Who runs the site reads what it needs.
id = "web"

[[rules]]
id = "read"
effect = "allow"
principals = ["group:web"]
actions = ["list", "read", "watch"]
resources = ["/app/web/**"]

[[rules]]
id = "secrets"
effect = "allow"
principals = ["group:web"]
actions = ["decrypt"]
resources = ["/app/web/**"]
when = { mfa = true }
`

test('from nobody to a user who sees what he should, and is told why he sees no more', async () => {
  await using desk = await openDeskOfTwo()
  desk.file('action.toml', WEB.replace('"watch"', '"wtach"'))
  desk.file('member.toml', `${WEB}wenn = { mfa = true }\n`)
  desk.file('torn.toml', `${WEB}notes = ["a"\n`)
  desk.file('stranger.toml', WEB.replace('group:web"', 'group:webb"'))
  desk.file('condition.toml', WEB.replace('mfa = true', 'mfa = "yes"'))
  desk.file('web.toml', WEB)
  await desk.transcript(`
    $ sreg set /app/web/title "Hello"
    $ sreg set /app/web/password "swordfish" --encrypt
    $ as-bob whoami
    User:           bob
    Account:        {hex}
    Roles:          user
    Second factor:  no
    Proof:          credential
    $ sreg user add bob --password-stdin < his
    ! sreg: user bob exists already
    ! choose another name, or see: sreg user show NAME
    [5]
    $ sreg user add eve --groups web --password-stdin < his
    ! sreg: {any}
    ! {any}
    [2]
    $ sreg group add web --description "who runs the site"
    $ sreg policy set action.toml
    ! sreg: action.toml:8:28: policy "web", rule "read", /rules/0/actions/2: "wtach" is not an action: list, read-metadata, {any}
    ! nothing was changed; correct the policy, then try again
    [1]
    $ sreg policy set member.toml
    ! sreg: member.toml:18:1: policy "web", rule "secrets", /rules/1/wenn: unknown member "wenn"; {any}
    ! nothing was changed; correct the policy, then try again
    [1]
    $ sreg policy set torn.toml
    ! sreg: torn.toml:{number}:{number}: {any}
    ! nothing was changed; correct the policy, then try again
    [1]
    $ sreg policy set condition.toml
    ! sreg: condition.toml:17:{number}: policy "web", rule "secrets", /rules/1/when/mfa: expected true or false
    ! nothing was changed; correct the policy, then try again
    [1]
    $ sreg policy set stranger.toml
    ! sreg: {any}principal "group:webb" is nobody here: {any}
    ! {any}
    [1]
    $ sreg policy get web
    ! sreg: no such policy
    ! run: sreg policy list
    [2]
    $ sreg policy set web.toml --dry-run
    Who        Actions            Where        For example  Before  After
    group:web  list, read, watch  /app/web/**  /app/web/x   deny    allow (web/read)
    group:web  decrypt            /app/web/**  /app/web/x   deny    conditional (web/secrets)
    $ sreg policy set web.toml
    $ sreg policy diff web.toml
    nothing would be decided otherwise
    $ sreg policy set web.toml --if-revision 0
    ! sreg: {any}
    ! {any}
    [6]
    $ sreg policy get web --format toml | sreg policy diff - --format toml
    nothing would be decided otherwise
    $ as-bob get /app/web/title
    ! sreg: permission denied
    ! "sreg policy explain" says why; ask an administrator
    [3]
    $ as-bob policy explain read /app/web/title
    You may not read /app/web/title: no rule allows it
    $ as-bob policy explain read /app/web/title --exit-code
    You may not read /app/web/title: no rule allows it
    [3]
    $ as-bob group join web bob
    ! sreg: permission denied
    ! "sreg policy explain" says why; ask an administrator
    [3]
    $ sreg group join web bob
    $ as-bob get /app/web/title
    Hello
    $ as-bob list /app
    /app/web/
    $ as-bob get /app/web/password --decrypt
    ! sreg: permission denied
    ! "sreg policy explain" says why; ask an administrator
    [3]
    $ as-bob policy explain decrypt /app/web/password
    You may not decrypt /app/web/password: condition not met
    Rule         Effect  Here
    web/secrets  allow   does not apply: when mfa wants true
    $ as-bob policy explain decrypt /app/web/password --mfa
    You may decrypt /app/web/password
    Rule         Effect  Here
    web/secrets  allow   applies
    $ sreg policy explain read /app/web/title --user bob
    bob may read /app/web/title
    Rule      Effect  Here
    web/read  allow   applies
    $ as-bob policy explain read /app/web/title --user root-of-tests
    ! sreg: permission denied
    ! "sreg policy explain" says why; ask an administrator
    [3]
    $ as-bob policy what-can | grep -o '/app/web.*'
    /app/web/**              list, read, watch {any}
    /app/web/**              decrypt {any}
    $ sreg policy who-can read /app/web/title | grep -oE '^(user:bob|group:web) '
    user:bob{any}
    group:web{any}
    $ sreg group show web
    Group:        web
    Description:  who runs the site
    Members:      bob
    Policies:     web
    Created:      {time}
    $ sreg group remove web
    ! sreg: group web is in use: policies name it: web
    ! {any}
    [6]
    $ sreg policy lint --exit-code
    nothing found
  `)

  // A session that lives on: what is open ends with the right to it, and a new one begins without a new login.
  const watch = desk.launch(['watch', '/app/web'], undefined, {
    SECREG_SESSION: desk.path('bob/session'),
  })
  await waitFor(async () => {
    await desk.ok('sreg set /app/web/title "Good morning"')
    return watch.stdout().includes('/app/web/title')
  })
  await desk.ok('sreg group leave web bob')
  await desk.ok('sreg set /app/web/later x')
  await desk.fails('as-bob get /app/web/title', 3, /permission denied/)
  await desk.ok('sreg group join web bob')
  expect(await desk.ok('as-bob get /app/web/title')).toBe('Good morning\n')
  await desk.ok('sreg user disable bob')
  expect((await watch.exit).code).not.toBe(0)
  expect(watch.stdout()).not.toContain('/app/web/later')
  await desk.fails('as-bob get /app/web/title', 4, /log in/)
  await desk.fails('as-bob login bob --password-stdin < his', 4, /wrong/)
})

test('a token for a program: bounded, counted, in a pipe, revoked', async () => {
  await using desk = await openDeskOfTwo()
  desk.file(
    'ci.json',
    JSON.stringify({
      id: 'ci',
      rules: [
        {
          id: 'read',
          effect: 'allow',
          principals: ['boundary:ci'],
          actions: ['read'],
          resources: ['/user/bob/ci/**'],
        },
      ],
    }),
  )
  await desk.ok('sreg policy set ci.json')
  const create = 'as-bob token create --boundary ci --label build --expires 90d'
  await desk.transcript(`
    $ as-bob set /user/bob/ci/target production
    $ as-bob set /user/bob/diary secret
    $ as-bob token create
    ! sreg: what the token is good for is missing
    ! give --boundary POLICY, or --full: whatever its owner may
    [1]
    $ as-bob token create --boundary none
    ! sreg: no such policy: "none"
    ! run: sreg policy list
    [2]
    $ ${create} > token
    ! sreg: the token {hex} is shown this once; it expires {time}
    $ wc -l < token
    1
    $ SECREG_TOKEN=$(cat token) sreg get /user/bob/ci/target
    production
    $ SECREG_TOKEN=$(cat token) sreg get /user/bob/diary
    ! sreg: permission denied
    ! "sreg policy explain" says why; ask an administrator
    [3]
    $ SECREG_TOKEN=$(cat token) sreg set /user/bob/ci/target test
    ! sreg: permission denied
    ! "sreg policy explain" says why; ask an administrator
    [3]
    $ SECREG_TOKEN=$(cat token) sreg policy explain read /user/bob/diary
    You may not read /user/bob/diary: outside the boundary of the token
    {lines}
    $ SECREG_TOKEN=$(cat token) sreg whoami | grep -E 'User|Boundary'
    User:           bob
    Boundary:       ci
    $ SECREG_TOKEN=$(cat token) sreg token create --full
    ! sreg: {any}
    ! log in with your password: sreg login NAME
    [3]
    $ SECREG_TOKEN=$(cat token) sreg passwd --password-stdin < secrets
    ! sreg: {any}
    ! {any}
    [3]
    $ SECREG_TOKEN=$(tr a-f b-g < token) sreg get /user/bob/ci/target
    ! sreg: the token is not valid
    ! the token in SECREG_TOKEN is mistyped, revoked, used up or has expired
    [4]
    $ SECREG_TOKEN= as-bob get /user/bob/ci/target
    ! sreg: SECREG_TOKEN is empty
    ! put a token into it, or unset it
    [4]
    $ cat token | SECREG_SESSION="$PWD/run/by-token" sreg login --token-stdin
    $ SECREG_SESSION="$PWD/run/by-token" sreg get /user/bob/ci/target
    production
    $ as-bob token create --full --uses 3 > counted
    ! sreg: the token {hex} is shown this once; it never expires
    $ SECREG_TOKEN=$(cat counted) sreg whoami | grep Token
    Token:          {hex}
    $ for i in 1 2 3 4; do SECREG_TOKEN=$(cat counted) sreg set /user/bob/n$i x 2>/dev/null; echo $?; done
    0
    0
    0
    4
    $ as-bob list /user/bob
    /user/bob/ci/
    /user/bob/diary
    /user/bob/n1
    /user/bob/n2
    /user/bob/n3
    $ as-bob token list
    Token             User  Good for  Uses left  Created              Expires              Label
    {hex}  bob   ci {any}build
    $ sreg policy delete ci
    ! sreg: the policy bounds tokens, among them {hex}: revoke them first (sreg token list --all)
    [6]
    $ as-bob token revoke "$(as-bob token list --json | grep -o '[0-9a-f]\\{16\\}' | head -n 1)"
    $ SECREG_TOKEN=$(cat token) sreg get /user/bob/ci/target
    ! sreg: the token is not valid
    ! the token in SECREG_TOKEN is mistyped, revoked, used up or has expired
    [4]
    $ SECREG_SESSION="$PWD/run/by-token" sreg get /user/bob/ci/target
    ! sreg: the session is unknown or has ended; log in again
    ! run: sreg login NAME
    [4]
    $ sreg policy delete ci
    $ as-bob token create --full > last
    ! sreg: the token {hex} is shown this once; it never expires
    $ sreg user revoke bob
    $ SECREG_TOKEN=$(cat last) sreg whoami
    ! sreg: the token is not valid
    ! the token in SECREG_TOKEN is mistyped, revoked, used up or has expired
    [4]
    $ as-bob whoami
    ! sreg: the session is unknown or has ended; log in again
    ! run: sreg login NAME
    [4]
  `)
})

test('a second factor: set up and used in a pipe, lost, and taken away by an administrator', async () => {
  await using desk = await openDeskOfTwo()
  await desk.fails('as-bob mfa enroll --password-stdin', 4, /password/, 'not-his-password\n')
  await desk.fails('as-bob mfa confirm --password-stdin', 6, /mfa status/, '123456\n')
  const { secret, used, codes } = await enroll(desk, 'as-bob', HIS)
  expect(codes).toHaveLength(10)
  const logIn = (...lines: string[]) =>
    desk.sh('as-bob login bob --password-stdin', `${[HIS, ...lines].join('\n')}\n`)
  const [first = '', second = '', third = ''] = codes
  expect((await logIn()).code).toBe(1)
  expect((await logIn()).stderr).toMatch(/code of the authenticator/)
  // The code that has confirmed it is used up.
  expect((await logIn(used)).code).toBe(4)
  const next = codeOf(secret, 1)
  expect(await logIn(`${next.slice(0, 3)} ${next.slice(3)}`)).toMatchObject({ code: 0, stderr: '' })
  expect(await desk.ok('as-bob whoami')).toMatch(/Second factor: +yes/)
  expect((await logIn(next)).code).toBe(4)
  expect((await logIn(first.toLowerCase())).code).toBe(0)
  expect((await logIn(first)).code).toBe(4)
  expect(await desk.ok('as-bob mfa status')).toMatch(/on\nRecovery codes left: +9\n/)
  const renewed = await desk.ok('as-bob mfa recovery --password-stdin', `${second}\n`)
  expect((await logIn(third)).code).toBe(4)
  const [fresh = ''] = renewed.split('\n')
  expect((await logIn(fresh)).code).toBe(0)
  await desk.fails('as-bob mfa enroll --password-stdin', 6, /already/, `${HIS}\n`)

  await desk.fails('as-bob mfa reset root-of-tests', 3, /permission denied/)
  await desk.ok('sreg mfa reset bob')
  await desk.fails('as-bob whoami', 4, /log in again/)
  expect((await logIn()).code).toBe(0)
  expect(await desk.ok('as-bob mfa status')).toMatch(/Second factor: +off/)
})

test('a second factor at a terminal: nothing that is typed is seen, the code is drawn', async (context) => {
  await using desk = await openDeskOfTwo()
  // The code is known only once the secret is on the screen, so that enrolling takes two commands here.
  const begun = await type(
    context,
    desk,
    ['mfa', 'enroll'],
    [
      { expect: 'Password: ', send: `${HIS}\r` },
      { expect: 'Code of the authenticator: ', send: '000000\r' },
    ],
  )
  expect(begun).toMatchObject({ code: 4, echoAfter: true, echoes: [false, false] })
  expect(begun.screen).toMatch(/[█▀▄]{10}/)
  expect(begun.screen).toContain('sreg mfa confirm')
  const secret = /Secret: +([A-Z2-7]{32})/.exec(begun.screen)?.[1] ?? ''
  const confirmed = await type(
    context,
    desk,
    ['mfa', 'confirm'],
    [{ expect: 'Code of the authenticator: ', send: `${codeOf(secret)}\r` }],
  )
  expect(confirmed).toMatchObject({ code: 0, echoes: [false] })
  const codes = confirmed.screen.match(/[A-Z2-7]{4}(?:-[A-Z2-7]{4}){3}/g) ?? []
  expect(codes).toHaveLength(10)
  const login = await type(
    context,
    desk,
    ['login', 'bob'],
    [
      { expect: 'Password: ', send: `${HIS}\r` },
      { expect: 'or a recovery code: ', send: `${codes[0]}\r` },
    ],
  )
  expect(login).toMatchObject({ code: 0, echoes: [false, false] })
  expect(login.screen).toContain('logged in as bob')
  for (const { screen } of [begun, confirmed, login]) expect(screen).not.toContain(HIS)
  expect(login.screen).not.toContain(codes[0])
})

test('a registry that demands a second factor demands it of its administrator', async () => {
  await using desk = await openDeskOfTwo()
  await desk.ok('sreg set /a x')
  const { secret } = await enroll(desk, 'as-bob', HIS)
  await desk.stop()
  desk.site.configure({ config: 'require_mfa = true' })
  await desk.start()
  await desk.ok('sreg unlock --password-stdin', `${PASSPHRASE}\n`)
  const must = `! sreg: this registry demands a second factor: set one up (sreg mfa enroll), and log in again
    ! run: sreg mfa enroll; once that is done: sreg login NAME
    [3]`
  await desk.transcript(`
    $ sreg login "$ADMIN" --password-stdin < password
    ! sreg: you need a second factor before anything else; run: sreg mfa enroll
    $ sreg whoami | grep -E 'Roles|Good'
    Roles:          admin
    Good for:       setting up a second factor only
    ! sreg: run: sreg mfa enroll
    $ sreg get /a
    ${must}
    $ sreg user list
    ${must}
    $ sreg policy list
    ${must}
    $ sreg token create --full
    ${must}
    $ sreg passwd --password-stdin < secrets
    ${must}
    $ sreg user system root-of-tests on
    ${must}
    $ sreg lock
    ${must}
  `)
  // Who had one goes on as before.
  await desk.ok('as-bob login bob --password-stdin', `${HIS}\n${codeOf(secret, 1)}\n`)
  await desk.ok('as-bob set /user/bob/a x')
  const own = await enroll(desk, 'sreg', PASSWORD)
  await desk.fails('sreg get /a', 3, /log in again/)
  await desk.ok('sreg login "$ADMIN" --password-stdin', `${PASSWORD}\n${codeOf(own.secret, 1)}\n`)
  expect(await desk.ok('sreg get /a')).toBe('x\n')
  // A new user is in the same place, and no administrator can let himself off by his own hand.
  await desk.ok('sreg user add carol --password-stdin < his')
  await desk.fails('sreg mfa reset root-of-tests', 1, /mfa remove/)
  const carol = 'SECREG_SESSION="$PWD/run/carol" sreg'
  await desk.ok(`${carol} login carol --password-stdin < his`)
  await desk.fails(`${carol} set /user/carol/a x`, 3, /second factor/)
})
