import { describe, expect, test } from 'vitest'
import { makeWorld, type World } from './harness.ts'

const ESC = '\u001b'
const last = ({ registry }: World): unknown => registry.asked.at(-1)?.payload
const userInfo = (user: string, more: object = {}): object => ({
  user,
  account: 'a1',
  roles: [],
  groups: [],
  disabled: false,
  system: false,
  password: true,
  mfa: false,
  uids: [],
  tokens: 0,
  created_at: 1_700_000_000_000,
  modified_at: 1_700_000_000_000,
  ...more,
})

describe('user', () => {
  test.each([
    [
      [
        'add',
        'bob',
        '--roles',
        'operator, auditor,operator',
        '--groups',
        'web',
        '--password-stdin',
      ],
      {
        op: 'add',
        user: 'bob',
        password: 'a password',
        roles: ['operator', 'auditor'],
        groups: ['web'],
      },
    ],
    [
      ['add', 'web', '--no-password', '--uids', '33,0,4294967294'],
      { op: 'add', user: 'web', uids: [33, 0, 4_294_967_294] },
    ],
    [['add', 'root', '--system'], { op: 'add', user: 'root', system: true }],
    [['rename', 'bob', 'robert'], { op: 'rename', user: 'bob', name: 'robert' }],
    [['roles', 'bob', 'deployer'], { op: 'roles', user: 'bob', roles: ['deployer'] }],
    [['groups', 'bob', 'a,b,a'], { op: 'groups', user: 'bob', groups: ['a', 'b'] }],
    [['groups', 'bob', ''], { op: 'groups', user: 'bob', groups: [] }],
    [['uids', 'bob', '33 , 34,33'], { op: 'uids', user: 'bob', uids: [33, 34] }],
    [['uids', 'bob', ''], { op: 'uids', user: 'bob', uids: [] }],
    [['system', 'bob', 'on'], { op: 'system', user: 'bob', system: true }],
    [['system', 'bob', 'off'], { op: 'system', user: 'bob', system: false }],
    [['revoke', 'bob'], { op: 'revoke', user: 'bob' }],
  ])('%j', async (args, payload) => {
    const world = await makeWorld()
    world.registry.answers.set('user', {})
    expect(await world.sreg(['user', ...args], { input: 'a password\n' })).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    })
    expect(last(world)).toEqual(payload)
  })

  test.each([
    [['add', 'bob', '--uids', '-1'], '--uids'],
    [['add', 'bob', '--uids', '4294967295'], '--uids'],
    [['add', 'bob', '--uids', 'www-data'], '--uids'],
    [['add', 'bob', '--roles', 'Admin'], 'cannot be the name of a role'],
    [['add', 'bob', '--groups', 'a b'], 'cannot be the name of a group'],
    [['add', 'bob', '--system', '--password-stdin'], 'no password to read'],
    [['add', 'bob', '--no-password', '--password-stdin'], 'no password to read'],
    [['uids', 'bob', '1e3'], '<uids>'],
    [['system', 'bob', 'yes'], 'must be one of on, off'],
    [['rename', 'bob'], '<name> is missing'],
    [['groups', 'bob'], '<groups> is missing'],
    [['remov', 'bob'], 'did you mean remove?'],
  ])('%j is refused, and nothing is asked', async (args, message) => {
    const { registry, sreg } = await makeWorld()
    const { code, stdout, stderr } = await sreg(['user', ...args], { input: 'a password\n' })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain(message)
    expect(registry.asked).toEqual([])
  })

  test('a role that nobody has made, with the one that was probably meant', async () => {
    const { registry, sreg } = await makeWorld()
    registry.failures.set('user', 'NOT_FOUND')
    const wrong = await sreg(['user', 'roles', 'alice', 'amdin'])
    expect(wrong).toMatchObject({ code: 2, stdout: '' })
    expect(wrong.stderr).toContain('did you mean admin?\n  run: sreg role list, sreg group list')
    const other = await sreg(['user', 'groups', 'alice', 'amdin'])
    expect(other.stderr).not.toContain('did you mean')
  })

  test.each([
    ['USER_NOT_FOUND', 2, 'run: sreg user list'],
    ['USER_EXISTS', 5, 'choose another name'],
    ['LAST_ADMINISTRATOR', 6, 'let somebody else administer first'],
    ['GRANT_EXCEEDED', 3, 'nobody grants what he lacks'],
    ['ACCESS_DENIED', 3, 'ask an administrator'],
  ] as const)('%s tells what to do', async (reason, exit, hint) => {
    const { registry, sreg } = await makeWorld()
    registry.failures.set('user', reason)
    const { code, stderr } = await sreg(['user', 'remove', 'bob'])
    expect(code).toBe(exit)
    expect(stderr).toContain(hint)
  })

  test('show tells every way in', async () => {
    const { registry, sreg } = await makeWorld()
    const info = { mfa: true, uids: [33, 34], tokens: 1, groups: ['web'], system: true }
    registry.answers.set('user', { users: [userInfo('bob', info)] })
    const { stdout } = await sreg(['user', 'show', 'bob'])
    expect(stdout).toContain("Password:       the system user's\n")
    expect(stdout).toContain('Second factor:  yes\n')
    expect(stdout).toContain('Uids:           33, 34\n')
    expect((await sreg(['user', 'list'])).stdout).toContain(
      'system password, password, second factor, uid 33 34, 1 token',
    )
  })

  test('a list in pages is read to its end, and no further', async () => {
    const { registry, sreg } = await makeWorld()
    const pages = new Map<unknown, object>([
      [undefined, { users: [userInfo('a'), userInfo('b')], next: 'b' }],
      ['b', { users: [userInfo('c', { tokens: 1 })], next: 'c' }],
      ['c', { users: [], next: 'd' }],
    ])
    registry.answering.set('user', () => pages.get(registry.asked.at(-1)?.payload['after']) ?? {})
    const names = async (): Promise<string[]> => {
      const { users } = JSON.parse((await sreg(['user', 'list', '-j'])).stdout)
      return users.map(({ user }: { user: string }) => user)
    }
    expect(await names()).toEqual(['a', 'b', 'c'])
    expect(registry.asked).toHaveLength(3)
    registry.answers.set('token', { tokens: [] })
    await sreg(['token', 'list', '--all'])
    expect(registry.asked.at(-1)?.payload).toEqual({ op: 'list', user: 'c' })
    pages.set('b', { users: [userInfo('b')], next: 'b' })
    expect(await names()).toEqual(['a', 'b', 'b'])
  })

  test('names cannot forge a line or drive the terminal', async () => {
    const { registry, sreg } = await makeWorld()
    const evil = `eve\nroot  admin${ESC}[1A\u202e`
    registry.answers.set('user', { users: [userInfo(evil, { roles: [evil], groups: [evil] })] })
    for (const args of [
      ['user', 'list'],
      ['user', 'show', 'eve'],
      ['user', 'list', '-j'],
    ]) {
      const { stdout } = await sreg(args)
      expect(stdout).not.toContain(ESC)
      expect(stdout).not.toContain('\u202e')
      expect(stdout).not.toMatch(/^root/m)
    }
  })
})

describe.each(['group', 'role'] as const)('%s', (kind) => {
  const info = { name: 'web', members: ['alice', 'bob'], policies: ['p1'], description: 'servers' }

  test.each([
    [['list'], { op: 'list' }],
    [['show', 'web'], { op: 'show', name: 'web' }],
    [['add', 'web'], { op: 'add', name: 'web' }],
    [
      ['add', 'web', '--description', 'web servers'],
      { op: 'add', name: 'web', description: 'web servers' },
    ],
    [['describe', 'web', ''], { op: 'describe', name: 'web', description: '' }],
    [['remove', 'web'], { op: 'remove', name: 'web' }],
    [['join', 'web', 'alice'], { op: 'join', name: 'web', user: 'alice' }],
    [['leave', 'web', 'alice'], { op: 'leave', name: 'web', user: 'alice' }],
  ])('%j', async (args, payload) => {
    const world = await makeWorld()
    world.registry.answers.set('group', { groups: [info] })
    const { code, stderr } = await world.sreg([kind, ...args])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(last(world)).toEqual({ ...payload, kind })
  })

  test.each([
    [['add', 'Web'], 'cannot be the name'],
    [['add', ''], 'cannot be the name'],
    [['show'], 'is missing'],
    [['join', 'web'], '<username> is missing'],
    [['add', 'web', 'web servers'], 'too many arguments'],
    [[], 'needs one of list, show, add'],
  ])('%j is refused, and nothing is asked', async (args, message) => {
    const { registry, sreg } = await makeWorld()
    const { code, stdout, stderr } = await sreg([kind, ...args])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain(message)
    expect(registry.asked).toEqual([])
  })

  test('list and show, for people and programs; changes print nothing', async () => {
    const { registry, sreg } = await makeWorld()
    const evil = { ...info, name: `x${ESC}[2J`, description: 'a\nb', built_in: true }
    registry.answers.set('group', { groups: [info, evil] })
    const title = kind === 'role' ? 'Role' : 'Group'
    const list = (await sreg([kind, 'list'])).stdout
    expect(list).toMatch(
      new RegExp(`^${title} +Members  Policies  Description\nweb +2 +p1 +servers\n`),
    )
    expect(list).toContain('x\\u{1b}[2J')
    expect(list.trimEnd().split('\n')).toHaveLength(3)
    expect((await sreg([kind, 'show', 'web'])).stdout).toContain('alice, bob')
    const json = JSON.parse((await sreg([kind, 'list', '--json'])).stdout)
    expect(json[`${kind}s`]).toHaveLength(2)
    expect(JSON.parse((await sreg([kind, 'add', 'web', '-j'])).stdout)).toEqual({ success: true })
    expect((await sreg([kind, 'add', 'web'])).stdout).toBe('')
  })

  test('one that policies name is kept, and told where to look', async () => {
    const { registry, sreg } = await makeWorld()
    registry.failures.set('group', 'IN_USE')
    const { code, stderr } = await sreg([kind, 'remove', 'web'])
    expect(code).toBe(6)
    expect(stderr).toContain(`sreg ${kind} show NAME`)
  })
})

describe('whoami', () => {
  test('tells groups, token, boundary, and what the session is good for', async () => {
    const { registry, sreg } = await makeWorld()
    registry.answers.set('whoami', {
      user: 'alice',
      account: 'a1',
      roles: ['admin'],
      groups: ['web', `x${ESC}`],
      mfa: true,
      proof: 'credential',
      door: 'registry',
      token: 't123',
      boundary: ['ci', 'web'],
      restricted: 'mfa-enrollment',
    })
    const { code, stdout, stderr } = await sreg(['whoami'])
    expect(code).toBe(0)
    expect(stdout).toBe(
      [
        'User:           alice',
        'Account:        a1',
        'Roles:          admin',
        'Groups:         web, x\\u{1b}',
        'Second factor:  yes',
        'Proof:          credential',
        'Token:          t123',
        'Boundary:       ci, web',
        'Good for:       setting up a second factor only\n',
      ].join('\n'),
    )
    expect(stderr).toContain('run: sreg mfa enroll')
    expect(JSON.parse((await sreg(['whoami', '-j'])).stdout).boundary).toEqual(['ci', 'web'])
  })
})
