import { describe, expect, test } from 'vitest'
import { makeWorld, type World } from './harness.ts'

const last = ({ registry }: World): unknown => registry.asked.at(-1)?.payload
const SECRET = '01234567.0123456789abcdef'

describe('zone', () => {
  test.each([
    [['list'], { op: 'list' }],
    [['add', 'mail'], { op: 'add', zone: 'mail' }],
    [
      [
        'add',
        'mail',
        '--description',
        'mail accounts',
        '--allow-passwd',
        '--allow-tokens',
        '--allow-passwd-auth',
        '--auto-create',
        '--http',
        '--max-temp-validity',
        '1h',
        '--trusted-uids',
        '33,106',
      ],
      {
        op: 'add',
        zone: 'mail',
        description: 'mail accounts',
        allow_passwd: true,
        allow_tokens: true,
        allow_passwd_auth: true,
        auto_create: true,
        http: true,
        max_temp_validity_s: 3600,
        trusted_uids: [33, 106],
      },
    ],
    [
      ['set', 'mail', '--no-auto-create', '--max-temp-validity', '0', '--trusted-uids', 'none'],
      { op: 'set', zone: 'mail', auto_create: false, max_temp_validity_s: 0, trusted_uids: [] },
    ],
    [['remove', 'mail', '--yes'], { op: 'remove', zone: 'mail' }],
    [['accounts', 'mail'], { op: 'accounts', zone: 'mail' }],
    [['accounts', 'mail', 'alice'], { op: 'accounts', zone: 'mail', login: 'alice' }],
    [['accounts', '*', 'alice'], { op: 'accounts', login: 'alice' }],
    [['create-account', 'mail', 'a.b@c'], { op: 'create-account', zone: 'mail', login: 'a.b@c' }],
    [['delete-account', 'mail', 'al'], { op: 'delete-account', zone: 'mail', login: 'al' }],
    [['delete-account', '*', 'al', '--yes'], { op: 'delete-account', zone: '*', login: 'al' }],
    [
      ['delete-token', 'mail', 'al', '*'],
      { op: 'delete-token', zone: 'mail', login: 'al', ident: '*' },
    ],
    [
      ['set-password', 'mail', 'al', '--password-stdin'],
      { op: 'set-password', zone: 'mail', login: 'al', password: 'a password' },
    ],
    [['delete-password', 'mail', 'al'], { op: 'delete-password', zone: 'mail', login: 'al' }],
    [
      ['allow-password', 'mail', 'al', 'on'],
      { op: 'allow-password', zone: 'mail', login: 'al', allow: true },
    ],
    [
      ['allow-password', 'mail', 'al', 'off'],
      { op: 'allow-password', zone: 'mail', login: 'al', allow: false },
    ],
  ])('%j', async (args, payload) => {
    const world = await makeWorld()
    world.registry.answers.set('zone', {})
    const { code, stderr } = await world.sreg(['zone', ...args], { input: 'a password\n' })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(last(world)).toEqual(payload)
  })

  test('change-token: only the comment changes, so that there is no secret to show', async () => {
    const world = await makeWorld()
    world.registry.answers.set('zone', { accounts: [] })
    const line = ['zone', 'change-token', 'mail', 'al', '0123', '--comment', 'phone']
    expect(await world.sreg(line)).toEqual({ code: 0, stdout: '', stderr: '' })
    const payload = {
      op: 'change-token',
      zone: 'mail',
      login: 'al',
      ident: '0123',
      comment: 'phone',
    }
    expect(last(world)).toEqual(payload)
  })

  test.each([
    [
      ['create-token', 'mail', 'al', '--comment', 'phone'],
      { op: 'create-token', zone: 'mail', login: 'al', comment: 'phone' },
    ],
    [
      ['create-temp', 'mail', 'al', '15m'],
      { op: 'create-temp', zone: 'mail', login: 'al', validity_s: 900 },
    ],
  ])('%j: the token alone on standard output', async (args, payload) => {
    const world = await makeWorld()
    world.registry.answers.set('zone', { secret: SECRET, ident: '01234567' })
    const { code, stdout, stderr } = await world.sreg(['zone', ...args])
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${SECRET}\n` })
    expect(stderr).toBe('sreg: the token 01234567 is shown this once\n')
    expect(last(world)).toEqual(payload)
    const json = await world.sreg(['zone', ...args, '--json'])
    expect(JSON.parse(json.stdout)).toEqual({ ident: '01234567', secret: SECRET })
    world.registry.answers.set('zone', { ident: '01234567' })
    expect(await world.sreg(['zone', ...args])).toMatchObject({ code: 7, stdout: '' })
  })

  test.each([
    [true, 0, 'matches\n'],
    [false, 4, 'does not match\n'],
    [undefined, 4, 'does not match\n'],
  ])('check that answers %j', async (matches, exit, text) => {
    const world = await makeWorld()
    world.registry.answers.set('zone', matches === undefined ? {} : { matches })
    const args = ['zone', 'check', 'mail', 'al', '--password-stdin']
    expect(await world.sreg(args, { input: 'a password' })).toEqual({
      code: exit,
      stdout: text,
      stderr: '',
    })
    expect(last(world)).toEqual({ op: 'check', zone: 'mail', login: 'al', password: 'a password' })
  })

  test.each([
    [['set', 'mail'], 'what to set is missing'],
    [['set', 'mail', '--http', '--no-http'], '--http and --no-http exclude each other'],
    [['set', 'mail', '--trusted-uids', 'root'], '--trusted-uids'],
    [['add', 'mail', '--max-temp-validity', '1y'], '--max-temp-validity'],
    [['remove', 'mail'], 'give --yes too'],
    [['delete-account', '*', 'al'], 'give --yes too'],
    [['create-temp', 'mail', 'al'], '<validity> is missing'],
    [['create-temp', 'mail', 'al', '0'], '<validity> must not be 0'],
    [['create-temp', 'mail', 'al', '900'], '<validity> must be a duration'],
    [['allow-password', 'mail', 'al', 'maybe'], 'must be one of on, off'],
    [['set-password', 'mail', 'al'], '--password-stdin'],
    [['set-password', 'mail', 'al', 'a password'], 'too many arguments'],
    [['check', 'mail', 'al'], '--password-stdin'],
    [['delete-token', 'mail', 'al'], '<ident> is missing'],
    [['accounts'], '<zone> is missing'],
    [['accounts', '*'], '<login> is missing'],
  ])('%j is refused, and nothing is asked', async (args, message) => {
    const { registry, sreg } = await makeWorld()
    const { code, stdout, stderr } = await sreg(['zone', ...args], { input: 'a password\n' })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain(message)
    expect(stderr).not.toContain('a password')
    expect(registry.asked).toEqual([])
  })

  test('lists that no name or comment can forge', async () => {
    const { registry, sreg } = await makeWorld()
    const zone = {
      zone: 'mail\u001b[2J',
      zone_id: 'z1',
      description: 'a\nb',
      allow_passwd: true,
      allow_tokens: false,
      allow_passwd_auth: true,
      auto_create: false,
      http: true,
      max_temp_validity_s: 3600,
      trusted_uids: [33, 106],
    }
    registry.answers.set('zone', { zones: [zone, { ...zone, zone: 'b', max_temp_validity_s: 0 }] })
    const zones = (await sreg(['zone', 'list'])).stdout
    expect(zones).not.toContain('\u001b')
    expect(zones.trimEnd().split('\n')).toHaveLength(3)
    expect(zones).toContain('allow-passwd, allow-passwd-auth, http  at most 1h 0m     33 106')
    const tokens = ['t1', 't2'].map((ident) => ({ ident, comment: 'x\u001b\ny', modified_at: 0 }))
    const account = {
      zone: 'mail',
      login: 'al\ueffe',
      password: true,
      allow_passwd_auth: false,
      tokens,
    }
    registry.answers.set('zone', {
      accounts: [account, { ...account, login: 'bo', password: false, tokens: [] }],
    })
    const accounts = (await sreg(['zone', 'accounts', 'mail'])).stdout
    expect(accounts).not.toContain('\u001b')
    expect(accounts.trimEnd().split('\n')).toHaveLength(4)
    expect(accounts).toMatch(/^al\ueffe +yes +no +t1 /m)
    expect(accounts).toMatch(/^bo +no +no$/m)
    expect(
      JSON.parse((await sreg(['zone', 'accounts', 'mail', '-j'])).stdout).accounts,
    ).toHaveLength(2)
  })

  test('zones of the configuration file, and what only an administrator is told', async () => {
    const { registry, sreg } = await makeWorld()
    const zone = {
      zone: 'mail',
      description: 'of the file',
      allow_passwd: true,
      allow_tokens: false,
      allow_passwd_auth: false,
      auto_create: false,
      http: false,
      max_temp_validity_s: 0,
    }
    registry.answers.set('zone', { zones: [{ ...zone, configured: true }, zone] })
    const lines = (await sreg(['zone', 'list'])).stdout.split('\n')
    expect(lines[0]).toMatch(/ Configuration {2}Description$/)
    expect(lines[1]).toMatch(/^mail {2}allow-passwd {2}none +file +of the file$/)
    expect(lines[2]).toMatch(/^mail {2}allow-passwd {2}none +of the file$/)
    registry.failures.set('zone', 'ZONE_REFUSED')
    const { code, stderr } = await sreg(['zone', 'set', 'mail', '--http'])
    expect(code).toBe(6)
    expect(stderr).toContain('the configuration file has')
    expect((await sreg(['zone', 'delete-password', 'mail', 'al'])).stderr).toContain(
      'shows what the zone allows',
    )
  })

  test('the accounts of one login name their zones, and tell when the password was set', async () => {
    const { registry, sreg } = await makeWorld()
    const account = {
      zone: 'mail',
      login: 'al',
      password: true,
      password_modified_at: new Date(2026, 0, 31, 9, 5).getTime(),
      allow_passwd_auth: true,
      tokens: ['t1', 't2'].map((ident) => ({ ident, comment: 'phone', modified_at: 0 })),
    }
    registry.answers.set('zone', { accounts: [account, { ...account, zone: 'web', tokens: [] }] })
    const all = (await sreg(['zone', 'accounts', '*', 'al'])).stdout
    expect(all).toMatch(/^Zone {2}Login {2}Password {13}Manages itself /)
    expect(all).toMatch(/^mail {2}al {5}2026-01-31 09:05:00 {2}yes {13}t1 /m)
    expect(all).toMatch(/^ {10,}t2 .+ phone$/m)
    expect(all).toMatch(/^web {3}al {5}2026-01-31 09:05:00 {2}yes$/m)
    expect((await sreg(['zone', 'accounts', 'mail', 'al'])).stdout).toMatch(/^al {5}2026/m)
  })

  test.each([
    ['ZONE_REFUSED', 6, 'sreg zone list'],
    ['NOT_FOUND', 2, 'run: sreg zone list'],
    ['IN_USE', 6, 'sreg policy list'],
  ] as const)('%s tells what to do', async (reason, exit, hint) => {
    const { registry, sreg } = await makeWorld()
    registry.failures.set('zone', reason)
    const { code, stderr } = await sreg(['zone', 'remove', 'mail', '--yes'])
    expect(code).toBe(exit)
    expect(stderr).toContain(hint)
  })
})
