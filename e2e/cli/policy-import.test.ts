/** Rules of other systems, put in force as they are: what they meant there, they mean here. */
import { expect, test, vi } from 'vitest'
import type { Desk } from './desk.ts'
import { openDeskOfTwo } from './desk-of-two.ts'

// Each command line is a process of its own, and the machine may be busy.
vi.setConfig({ testTimeout: 180_000 })

/** A desk of two, of whom bob is of group `ci`. */
async function deskOfCi(): Promise<Desk> {
  const desk = await openDeskOfTwo()
  await desk.ok('sreg group add ci')
  await desk.ok('sreg group join ci bob')
  return desk
}

type Case = readonly [action: string, resource: string, expected: 'allow' | 'deny', more?: object]

/** Try decisions for bob by `policy test`, which has to find each as expected. */
async function decides(desk: Desk, cases: readonly Case[]): Promise<void> {
  const requests = cases.map(([action, resource, expect, context]) => ({
    user: 'bob',
    action,
    resource,
    expect,
    ...(context === undefined ? {} : { context }),
  }))
  desk.file('cases.json', JSON.stringify({ requests }))
  const { stdout, stderr, code } = await desk.sh('sreg policy test cases.json')
  expect(stderr, stdout).toBe('')
  expect(code).toBe(0)
  // Turned round, each of them is found: the test itself can fail.
  const turned = requests.map((one) => ({
    ...one,
    expect: one.expect === 'allow' ? 'deny' : 'allow',
  }))
  desk.file('cases.json', JSON.stringify({ requests: turned }))
  const again = await desk.sh('sreg policy test cases.json')
  expect(again.code).toBe(1)
  expect(again.stderr).toContain(`${requests.length} of ${requests.length} not as expected`)
}

test('a Vault policy in HCL: the most specific pattern speaks alone', async () => {
  await using desk = await deskOfCi()
  desk.file(
    'ci.hcl',
    `# What the pipeline reads.
path "secret/data/ci/*" {
  capabilities = ["read"]
}
path "secret/metadata/ci/*" {
  capabilities = ["list"]
}
path "secret/data/ci/prod/*" {
  capabilities = ["deny"]
}
path "secret/data/ci/prod/public" {
  capabilities = ["read", "update"]
}
path "secret/data/ci/+/shared" {
  capabilities = ["create", "update"]
}
`,
  )
  desk.file('misspelt.hcl', 'path "secret/data/*" {\n  capabilities = ["raed"]\n}\n')
  desk.file('torn.hcl', 'path "secret/data/*" {\n  capabilities = ["read"\n')
  desk.file('number.hcl', 'path "secret/data/*" {\n  capabilities = ["read"]\n  depth = 3\n}\n')
  const to = '--format vault --principal group:ci --mount /kv/secret'
  await desk.transcript(`
    $ for key in db prod/db prod/public; do sreg set /kv/secret/ci/$key "of $key" --encrypt; done
    $ as-bob get /kv/secret/ci/db --decrypt
    ! sreg: permission denied
    ! "sreg policy explain" says why; ask an administrator
    [3]
    $ sreg policy import misspelt.hcl ${to}
    ! sreg: misspelt.hcl:2:19: {any}"raed" is not a capability{any}
    ! nothing was changed; correct the policy, then try again
    [1]
    $ sreg policy import torn.hcl ${to}
    ! sreg: torn.hcl:{number}:{number}: {any}
    ! nothing was changed; correct the policy, then try again
    [1]
    $ sreg policy import number.hcl ${to}
    ! sreg: number.hcl:3:{number}: {any}
    ! nothing was changed; correct the policy, then try again
    [1]
    $ sreg policy import ci.hcl --format vault --mount /kv/secret
    ! sreg: {any}
    ! {any}
    [1]
    $ sreg policy import ci.hcl --format vault --principal group:nobody --mount /kv/secret
    ! sreg: option --principal: principal "group:nobody" is nobody here: {any}
    ! {any}
    [1]
    $ sreg policy import ci.hcl ${to} --dry-run 2>/dev/null | head -n 1 | cut -c 1-3
    Who
    $ sreg policy list | grep -c vault
    0
    [1]
    $ sreg policy import ci.hcl ${to}
    $ sreg policy list | grep vault | cut -c 1-2
    ci
    $ as-bob get /kv/secret/ci/db --decrypt
    of db
    $ as-bob get /kv/secret/ci/prod/public --decrypt
    of prod/public
    $ as-bob get /kv/secret/ci/prod/db --decrypt
    ! sreg: permission denied
    ! "sreg policy explain" says why; ask an administrator
    [3]
    $ as-bob set /kv/secret/ci/db x --encrypt
    ! sreg: permission denied
    ! "sreg policy explain" says why; ask an administrator
    [3]
    $ as-bob set /kv/secret/ci/prod/public x --encrypt
    $ sreg policy explain read /kv/secret/ci/prod/db --user bob
    bob may not read /kv/secret/ci/prod/db: denied by policy
    Rule{any}
    ci/secret/data/ci/prod/*  deny    applies
    $ sreg policy explain read /kv/secret/ci/db --user bob --exit-code
    bob may read /kv/secret/ci/db
    Rule{any}
    ci/secret/data/ci/*  allow   applies
    $ sreg policy who-can decrypt /kv/secret/ci/db 2>/dev/null | grep -oE '^(user:bob|group:ci) '
    user:bob{any}
    group:ci{any}
  `)
  await decides(desk, [
    ['read', '/kv/secret/ci/db', 'allow'],
    ['decrypt', '/kv/secret/ci/db', 'allow'],
    ['list', '/kv/secret/ci/db', 'allow'],
    ['update', '/kv/secret/ci/db', 'deny'],
    ['read', '/kv/secret/ci/prod/db', 'deny'],
    // More specific than the deny, and so heard alone.
    ['read', '/kv/secret/ci/prod/public', 'allow'],
    ['update', '/kv/secret/ci/prod/public', 'allow'],
    // A wildcard segment is less specific than a name.
    ['create', '/kv/secret/ci/dev/shared', 'allow'],
    ['create', '/kv/secret/ci/prod/shared', 'deny'],
    ['read', '/kv/secret/other', 'deny'],
    ['read', '/elsewhere/ci/db', 'deny'],
  ])
  // A deny of ours is above the most specific allow of Vault, and another document of the mount joins the first.
  const deny = {
    id: 'frozen',
    rules: [
      {
        id: 'public',
        effect: 'deny',
        principals: ['group:ci'],
        actions: ['read'],
        resources: ['/kv/secret/ci/prod/public'],
      },
    ],
  }
  desk.file('frozen.json', JSON.stringify(deny))
  desk.file('more.hcl', 'path "secret/data/ci/prod/db" {\n  capabilities = ["read"]\n}\n')
  await desk.ok('sreg policy set frozen.json')
  await desk.ok(`sreg policy import more.hcl ${to}`)
  await decides(desk, [
    ['read', '/kv/secret/ci/prod/public', 'deny'],
    ['decrypt', '/kv/secret/ci/prod/public', 'allow'],
    ['read', '/kv/secret/ci/prod/db', 'allow'],
  ])
})

test('a capability of setec: patterns across slashes, and no deny', async () => {
  await using desk = await deskOfCi()
  const rules = [
    { action: ['get', 'info'], secret: ['prod/*'] },
    { action: ['put', 'activate'], secret: ['dev/bob/*'] },
  ]
  desk.file('cap.json', JSON.stringify({ 'tailscale.com/cap/secrets': rules }, undefined, 2))
  desk.file('wrong.json', JSON.stringify([{ action: ['get'], secret: '*' }], undefined, 2))
  await desk.transcript(`
    $ sreg policy import wrong.json --format setec --principal user:bob
    ! sreg: wrong.json:{number}:{number}: policy "wrong", /rules/0/secret: {any}
    ! nothing was changed; correct the policy, then try again
    [1]
    $ sreg policy import cap.json --format setec --principal user:bob --id team
    $ sreg policy list | grep -o '^team *setec'
    team {any}setec
  `)
  await decides(desk, [
    ['decrypt', '/setec/prod%2Fdb%2Fpassword', 'allow'],
    ['read', '/setec/prod%2Fdb%2Fpassword', 'allow'],
    ['delete', '/setec/prod%2Fdb%2Fpassword', 'deny'],
    ['update', '/setec/dev%2Fbob%2Fkey', 'allow'],
    ['activate', '/setec/dev%2Fbob%2Fkey', 'allow'],
    ['decrypt', '/setec/dev%2Fbob%2Fkey', 'deny'],
    ['update', '/setec/dev%2Falice', 'deny'],
    ['decrypt', '/setec/production', 'deny'],
    ['decrypt', '/prod/db', 'deny'],
  ])
})

test('access control lists of SecReg: owner, inheritance and its depth, conditions', async () => {
  await using desk = await deskOfCi()
  const group = { principal_type: 'group', principal_name: 'ci' }
  const permissions = [{ ...group, actions: ['read'] }]
  const acls = {
    '/app': { owner: 'root-of-tests', permissions, inheritance: { mode: 'all', depth: 1 } },
    '/app/closed': { owner: 'root-of-tests', permissions: [], inheritance: { mode: 'parent' } },
    '/team': {
      owner: 'bob',
      permissions: [
        {
          ...group,
          actions: ['delete'],
          conditions: [{ type: 'require_mfa', require_mfa: true }],
        },
      ],
      inheritance: { mode: 'none' },
    },
  }
  desk.file('acls.json', JSON.stringify({ acls }, undefined, 2))
  desk.file('wrong.json', JSON.stringify({ acls: { '/a': { owner: 'nobody-here' } } }))
  await desk.ok('sreg set /app/web shown')
  await desk.ok('sreg set /app/closed hidden')
  await desk.transcript(`
    $ sreg policy import wrong.json --format acl
    ! sreg: wrong.json:{number}:{number}: principal {any} is nobody here: {any}
    ! {any}
    [1]
    $ sreg policy import acls.json --format acl
    $ as-bob get /app/web
    shown
    $ as-bob get /app/closed
    ! sreg: permission denied
    ! "sreg policy explain" says why; ask an administrator
    [3]
    $ as-bob set /team his
    $ as-bob policy explain delete /team
    You may not delete /team: condition not met
    Rule{any}
    acls/team#0{any}does not apply: when mfa wants true
  `)
  await decides(desk, [
    ['read', '/app', 'allow'],
    ['read', '/app/web', 'allow'],
    ['read', '/app/web/deep', 'deny'],
    ['read', '/app/closed', 'deny'],
    // The nearest list speaks alone, also where it says nothing.
    ['read', '/app/closed/x', 'deny'],
    ['update', '/app/web', 'deny'],
    ['read', '/team', 'allow'],
    ['update', '/team', 'allow'],
    ['grant', '/team', 'allow'],
    ['read', '/team/x', 'deny'],
    ['delete', '/team', 'allow', { mfa: true }],
    ['delete', '/team', 'deny', { mfa: false }],
    ['delete', '/team', 'deny'],
  ])
})

test('permissions of libvirt: of one secret, of all, and two for one action', async () => {
  await using desk = await deskOfCi()
  const uuid = '11111111-1111-4111-8111-000000000001'
  const other = '22222222-2222-4222-8222-000000000002'
  const rules = [
    { permissions: ['secret:getattr', 'secret:read-secure'], secrets: [uuid] },
    { permissions: ['secret:write'], secrets: ['*'] },
  ]
  desk.file('virt.json', JSON.stringify({ rules }, undefined, 2))
  desk.file(
    'wrong.json',
    JSON.stringify({ rules: [{ permissions: ['secret:steal'] }] }, undefined, 2),
  )
  await desk.transcript(`
    $ sreg policy import wrong.json --format libvirt --principal user:bob
    ! sreg: wrong.json:{number}:{number}: {any}"secret:steal"{any}
    ! nothing was changed; correct the policy, then try again
    [1]
    $ sreg policy import virt.json --format libvirt --principal user:bob
  `)
  await decides(desk, [
    ['list', `/libvirt/${uuid}`, 'allow'],
    ['decrypt', `/libvirt/${uuid}`, 'allow'],
    ['decrypt', `/libvirt/${other}`, 'deny'],
    ['list', `/libvirt/${other}`, 'deny'],
    ['update', `/libvirt/${other}`, 'allow'],
    // To define is two permissions, of which he has one.
    ['create', `/libvirt/${other}`, 'deny'],
    ['decrypt', `/libvirt/${uuid}/x`, 'deny'],
    ['decrypt', `/elsewhere/${uuid}`, 'deny'],
  ])
})
