/** Accounts that change hands: names that are used again, the last administrator, and who may make whom what. */
import { test, vi } from 'vitest'
import { openDeskOfTwo } from './desk-of-two.ts'

// Each command line is a process of its own, and the machine may be busy.
vi.setConfig({ testTimeout: 180_000 })

test('renamed, removed and made again: his own stays with him, and nobody inherits', async () => {
  await using desk = await openDeskOfTwo()
  desk.file(
    'his.toml',
    `id = "his"
[[rules]]
id = "r"
effect = "allow"
principals = ["user:bob"]
actions = ["read"]
resources = ["/shared"]
`,
  )
  await desk.transcript(`
    $ sreg set /shared x
    $ sreg policy set his.toml
    $ as-bob set /user/bob/own x
    $ as-bob token create --full > token
    ! {any}
    $ sreg user rename bob robert
    $ as-bob whoami | grep User
    User:           robert
    $ as-bob get /shared
    x
    $ as-bob get /user/bob/own
    x
    $ sreg policy get his | grep user:
    {any}"user:robert"
    $ SECREG_TOKEN=$(cat token) sreg get /shared
    x
    $ as-bob login bob --password-stdin < his
    ! sreg: user name or password is wrong
    ! check the name and the password
    [4]
    $ sreg user add bob --password-stdin < his
    ! sreg: /user/bob is the subtree of another user, who had this name before: see the policy {any}
    [5]
    $ sreg user rename robert bob
    $ as-bob get /user/bob/own
    x
    $ sreg user rename bob robert
    $ sreg user remove robert
    $ SECREG_TOKEN=$(cat token) sreg get /shared
    ! sreg: the token is not valid
    ! the token in SECREG_TOKEN is mistyped, revoked, used up or has expired
    [4]
    $ as-bob get /shared
    ! sreg: the session is unknown or has ended; log in again
    ! run: sreg login NAME
    [4]
    $ sreg user add bob --password-stdin < his
    ! sreg: there are keys at or below /user/bob, which would belong to the new user: purge them first (sreg purge /user/bob --recursive)
    [5]
    $ sreg purge /user/bob --recursive --yes
    $ sreg user add bob --password-stdin < his
    $ as-bob login bob --password-stdin < his
    $ as-bob get /shared
    ! sreg: permission denied
    ! "sreg policy explain" says why; ask an administrator
    [3]
    $ as-bob token list
    Token{any}
    $ sreg policy get his | grep -c user:bob
    0
    [1]
    $ SECREG_TOKEN=$(cat token) sreg get /shared
    ! sreg: the token is not valid
    ! the token in SECREG_TOKEN is mistyped, revoked, used up or has expired
    [4]
  `)
})

test('the last administrator stays one, by whatever command', async () => {
  await using desk = await openDeskOfTwo()
  const refused = [
    'sreg user remove "$ADMIN"',
    'sreg user disable "$ADMIN"',
    'sreg user roles "$ADMIN" user',
    'sreg user system "$ADMIN" on',
    'sreg role leave admin "$ADMIN"',
    'sreg policy delete role-admin',
  ]
  desk.file(
    'deny.json',
    JSON.stringify({
      id: 'lock-out',
      rules: [
        {
          id: 'r',
          effect: 'deny',
          principals: ['role:admin'],
          actions: ['account'],
          resources: ['/'],
        },
      ],
    }),
  )
  const admin = JSON.parse(await desk.ok('sreg policy get role-admin --json')).document
  const rules = admin.rules.filter(({ id }: { id: string }) => id !== 'administration')
  desk.file('less.json', JSON.stringify({ ...admin, rules }))
  for (const line of [...refused, 'sreg policy set deny.json', 'sreg policy set less.json']) {
    await desk.fails(line, 6, /administer/)
  }
  // Nor by one who is disabled, or has no password; by another one who could do it, yes.
  await desk.ok('sreg user add spare --no-password --roles admin')
  await desk.fails('sreg user remove "$ADMIN"', 6, /administer/)
  await desk.ok('sreg user roles bob admin')
  await desk.ok('sreg user disable bob')
  await desk.fails('sreg user remove "$ADMIN"', 6, /administer/)
  await desk.ok('sreg user enable bob')
  await desk.ok('as-bob login bob --password-stdin < his')
  await desk.ok('sreg user disable "$ADMIN"')
  await desk.fails('sreg whoami', 4, /log in again/)
  await desk.fails('as-bob user remove bob', 6, /administer/)
})

test('nobody grants what he lacks: roles, groups, policies, passwords of others', async () => {
  await using desk = await openDeskOfTwo()
  // One who administers accounts and policies, and reads nothing.
  desk.file(
    'clerk.json',
    JSON.stringify({
      id: 'clerk',
      rules: [
        {
          id: 'r',
          effect: 'allow',
          principals: ['user:bob'],
          actions: ['account', 'policy', 'policy-read', 'grant'],
          resources: ['/', '/**'],
        },
      ],
    }),
  )
  desk.file(
    'greedy.json',
    JSON.stringify({
      id: 'greedy',
      rules: [
        {
          id: 'r',
          effect: 'allow',
          principals: ['*'],
          actions: ['read'],
          resources: ['/app/**'],
        },
      ],
    }),
  )
  await desk.ok('sreg policy set clerk.json')
  await desk.ok('sreg set /app/key x')
  const lines = [
    'as-bob policy set greedy.json',
    'as-bob user roles bob admin',
    'as-bob user roles bob operator',
    'as-bob user add friend --roles operator --no-password',
    'as-bob role join admin bob',
    'as-bob user password "$ADMIN" --password-stdin < his',
    'as-bob user uids "$ADMIN" 1000',
    'as-bob token create --user "$ADMIN" --full',
    'as-bob mfa reset "$ADMIN"',
  ]
  for (const line of lines) await desk.fails(line, 3, /./)
  await desk.fails('as-bob get /app/key', 3, /permission denied/)
  await desk.ok('as-bob user add friend --no-password')
  await desk.ok('as-bob policy list')
})
