import { describe, expect, test } from 'vitest'
import { makeWorld, type World } from './harness.ts'

const SECRET = 'srt_0123456789abcdef.secret'
const token = (ident: string, more: object = {}): object => ({
  token: ident,
  user: 'alice',
  boundary: 'full',
  created_at: 1_700_000_000_000,
  ...more,
})
const last = ({ registry }: World): unknown => registry.asked.at(-1)?.payload

describe('token create', () => {
  test.each([
    [['--full'], { boundary: 'full' }],
    [['--boundary', 'ci'], { boundary: ['ci'] }],
    [['--boundary', 'ci', '--boundary', 'web', '--boundary', 'ci'], { boundary: ['ci', 'web'] }],
    [
      ['--full', '--user', 'web', '--label', 'build', '--expires', '90d', '--uses', '3'],
      { boundary: 'full', user: 'web', label: 'build', expires_in_s: 90 * 86_400, uses: 3 },
    ],
  ])('%j: the token alone on standard output', async (args, payload) => {
    const world = await makeWorld()
    world.registry.answers.set('token', { tokens: [token('t1')], secret: SECRET })
    const { code, stdout, stderr } = await world.sreg(['token', 'create', ...args])
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${SECRET}\n` })
    expect(stderr).toBe('sreg: the token t1 is shown this once; it never expires\n')
    expect(last(world)).toEqual({ op: 'create', ...payload })
  })

  test('with --json in the object, and nothing beside it', async () => {
    const { registry, sreg } = await makeWorld()
    const made = token('t1', { expires_at: 1_800_000_000_000, uses_left: 3 })
    registry.answers.set('token', { tokens: [made], secret: SECRET })
    const { stdout, stderr } = await sreg(['token', 'create', '--full', '--json'])
    expect(JSON.parse(stdout)).toEqual({ token: made, secret: SECRET })
    expect(stderr).toBe('')
    expect((await sreg(['token', 'create', '--full'])).stderr).toMatch(/it expires 2027-01-15/)
  })

  test.each([
    [[], 'what the token is good for is missing'],
    [['--full', '--boundary', 'ci'], 'give one of --boundary and --full'],
    [['--full', '--expires', '0'], '--expires must not be 0'],
    [['--full', '--expires', '90'], '--expires must be a duration'],
    [['--full', '--uses', '0'], '--uses must be a number'],
    [['--full', '--uses', 'many'], '--uses must be a number'],
    [['--full', '--label', 'a', '--label', 'b'], 'is given twice'],
    [['--full', 'alice'], 'too many arguments'],
    [['--boundary'], 'option --boundary needs a value'],
  ])('%j is refused, and nothing is asked', async (args, message) => {
    const { registry, sreg } = await makeWorld()
    const { code, stdout, stderr } = await sreg(['token', 'create', ...args])
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain(message)
    expect(registry.asked).toEqual([])
  })

  test.each([[undefined], [''], [`${SECRET}\nrm -rf /`], [`${SECRET}\u001b[2J`]])(
    'an answer with the token %j is none',
    async (secret) => {
      const { registry, sreg } = await makeWorld()
      registry.answers.set('token', {
        tokens: [token('t1')],
        ...(secret === undefined ? {} : { secret }),
      })
      expect(await sreg(['token', 'create', '--full'])).toMatchObject({ code: 7, stdout: '' })
      expect(await sreg(['token', 'create', '--full', '-j'])).toMatchObject({ code: 7, stdout: '' })
    },
  )

  test('a session that a token has opened is told to log in with the password', async () => {
    const { registry, sreg } = await makeWorld()
    registry.failures.set('token', 'PASSWORD_SESSION_REQUIRED')
    const { code, stderr } = await sreg(['token', 'create', '--full'])
    expect(code).toBe(3)
    expect(stderr).toContain('log in with your password')
  })
})

describe('token list and revoke', () => {
  test('those of oneself, of an account, or of every account', async () => {
    const world = await makeWorld()
    const { registry, sreg } = world
    registry.answering.set('token', () => {
      const { user = 'alice' } = registry.asked.at(-1)?.payload ?? {}
      return {
        tokens: [token(`t-${user}`, { user, label: 'a\nb', boundary: ['ci'], uses_left: 2 })],
      }
    })
    const list = (await sreg(['token', 'list'])).stdout
    expect(last(world)).toEqual({ op: 'list' })
    expect(list).toMatch(/^Token +User +Good for +Uses left +Created +Expires +Label\n/)
    expect(list).toContain('a\\u{0a}b')
    await sreg(['token', 'list', '--user', 'bob'])
    expect(last(world)).toEqual({ op: 'list', user: 'bob' })
    const base = { account: 'a', roles: [], groups: [], disabled: false, system: false }
    const more = { password: true, mfa: false, uids: [], created_at: 0, modified_at: 0 }
    const users = ['alice', 'bob', 'carol'].map((user, index) => ({
      user,
      ...base,
      ...more,
      tokens: index,
    }))
    registry.answers.set('user', { users })
    const all = JSON.parse((await sreg(['token', 'list', '--all', '-j'])).stdout)
    expect(all.tokens.map((one: { user: string }) => one.user)).toEqual(['bob', 'carol'])
    expect(await sreg(['token', 'list', '--all', '--user', 'bob'])).toMatchObject({ code: 1 })
  })

  test('create: a policy that there is not leads to those that there are', async () => {
    const { registry, sreg } = await makeWorld()
    registry.failures.set('token', 'NOT_FOUND')
    const { code, stderr } = await sreg(['token', 'create', '--boundary', 'none'])
    expect(code).toBe(2)
    expect(stderr).toContain('run: sreg policy list')
  })

  test('revoke', async () => {
    const world = await makeWorld()
    world.registry.answers.set('token', { tokens: [] })
    expect(await world.sreg(['token', 'revoke', 't1'])).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(last(world)).toEqual({ op: 'revoke', token: 't1' })
    world.registry.failures.set('token', 'NOT_FOUND')
    expect((await world.sreg(['token', 'revoke', 't1'])).stderr).toContain('run: sreg token list')
  })
})
