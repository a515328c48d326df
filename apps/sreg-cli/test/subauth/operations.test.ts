import { describe, expect, test } from 'vitest'
import { DEFAULT_SUBAUTH_SOCKET } from '../../src/subauth/client.ts'
import { FakeServer } from './fake-server.ts'

const TOKEN = '01af-0123456789abcdefghij'
const STDIN = { input: 'present word\nnew word\n' }

describe('what is asked of the server', () => {
  test.each([
    [['--passwd', '--zone=mail'], 'setPasswd', { zone: 'mail', passwd: 'present word' }],
    [
      ['--passwd', '--zone', 'mail', '--user', 'al', '--auth-passwd'],
      'setPasswd',
      { zone: 'mail', login: 'al', authPasswd: 'present word', passwd: 'new word' },
    ],
    [['--delete-passwd', '--zone=mail'], 'deletePasswd', { zone: 'mail' }],
    [
      ['--delete-passwd', '--zone=mail', '--auth-passwd'],
      'deletePasswd',
      { zone: 'mail', authPasswd: 'present word' },
    ],
    [
      ['--change-token', '--zone=mail', '--ident=01af', '--comment=phone'],
      'changeToken',
      { zone: 'mail', ident: '01af', comment: 'phone' },
    ],
    [
      ['--change-token', '--zone=mail', '--ident=01af', '--comment='],
      'changeToken',
      { zone: 'mail', ident: '01af', comment: '' },
    ],
    [
      ['--delete-token', '--zone=mail', '--ident=*', '--user=al'],
      'deleteToken',
      { zone: 'mail', login: 'al', ident: '*' },
    ],
    [['--allow-passwd-auth=yes', '--zone=mail'], 'allowPasswdAuth', { zone: 'mail', allow: true }],
    [
      ['--zone=mail', '--auth-passwd', '--allow-passwd-auth', 'no'],
      'allowPasswdAuth',
      { zone: 'mail', allow: false, authPasswd: 'present word' },
    ],
  ])('%j', async (args, name, fields) => {
    const server = new FakeServer()
    const stdin = args.includes('--auth-passwd') || args.includes('--passwd')
    const line = stdin ? [...args, '--password-stdin'] : args
    const { code, stdout, stderr } = await server.run(line, STDIN)
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    expect(stderr).toMatch(/^subauth: .+\n$/)
    expect(server.asked).toEqual([[name, fields]])
    expect(server.closed).toBe(1)
    expect(await server.run([...line, '--json'], STDIN)).toEqual({
      code: 0,
      stdout: '{"success":true}\n',
      stderr: '',
    })
  })

  test.each([
    ['create-acct', 'createAccount', 'mail'],
    ['delete-acct', 'deleteAccount', 'mail'],
    ['delete-acct', 'deleteAccount', '*'],
  ])('--%s: %s of %s', async (operation, name, zone) => {
    const server = new FakeServer()
    expect(await server.run([`--${operation}`, `--zone=${zone}`, '--user=al'])).toMatchObject({
      code: 0,
      stdout: '',
    })
    expect(server.asked).toEqual([[name, zone, 'al']])
  })

  test.each([
    [
      ['--create-token', '--zone=mail', '--comment=phone', '--user=al'],
      'createToken',
      { zone: 'mail', login: 'al', comment: 'phone' },
    ],
    [['--create-token', '--zone=mail'], 'createToken', { zone: 'mail' }],
    [
      ['--create-temp', '--zone=mail', '--validity=15m'],
      'createTemp',
      { zone: 'mail', validity: 900 },
    ],
    [
      ['--create-temp', '--zone=mail', '--validity=900'],
      'createTemp',
      { zone: 'mail', validity: 900 },
    ],
  ])('%j: the token alone on standard output', async (args, name, fields) => {
    const server = new FakeServer()
    const ident = name === 'createToken' ? { ident: '01af' } : {}
    server.answers.set(name, { token: TOKEN, ...ident })
    const { code, stdout, stderr } = await server.run(args)
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${TOKEN}\n` })
    expect(stderr).toMatch(/^subauth: the token( 01af)? is shown this once\n$/)
    expect(server.asked).toEqual([[name, fields]])
    const json = await server.run([...args, '--json'])
    expect(JSON.parse(json.stdout)).toEqual({ ...ident, secret: TOKEN })
    expect(json.stderr).toBe('')
    server.answers.set(name, { token: `${TOKEN}\u001b]0;x\u0007`, ...ident })
    expect(await server.run(args)).toMatchObject({ code: 7, stdout: '' })
  })

  test('login', async () => {
    const server = new FakeServer()
    const args = ['--login', '--zone=mail', '--user=al', '--password-stdin']
    expect(await server.run(args, STDIN)).toEqual({ code: 0, stdout: 'accepted\n', stderr: '' })
    expect(server.asked).toEqual([['login', { zone: 'mail', login: 'al', passwd: 'present word' }]])
    expect((await server.run([...args, '--json'], STDIN)).stdout).toBe('{"matches":true}\n')
    server.refuse('REFUSED', { text: 'login failed' })
    expect(await server.run(args, STDIN)).toEqual({
      code: 3,
      stdout: '',
      stderr: 'subauth: login failed\n',
    })
  })
})

describe('listings', () => {
  const zone = {
    zone: 'mail',
    description: 'post\u001b[2J\n',
    allowPasswd: true,
    allowTokens: false,
    allowPasswdAuth: false,
    maxTempValidityS: 3600,
  }

  test('zones', async () => {
    const server = new FakeServer()
    server.answers.set('zones', [zone, { ...zone, zone: 'web', maxTempValidityS: 0 }])
    const { code, stdout, stderr } = await server.run(['--zones'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.split('\n')).toEqual([
      'Zone  Password  Tokens  Managed by password  Temporary tokens  Description',
      'mail  yes       no      no                   at most 1h 0m     post\\u{1b}[2J\\u{0a}',
      'web   yes       no      no                   no                post\\u{1b}[2J\\u{0a}',
      '',
    ])
    const json = (await server.run(['--zones', '--json'])).stdout
    expect(json).not.toContain('\u001b')
    expect(JSON.parse(json).zones[0]).toEqual({
      zone: 'mail',
      description: zone.description,
      allow_passwd: true,
      allow_tokens: false,
      allow_passwd_auth: false,
      max_temp_validity_s: 3600,
    })
  })

  test('accounts', async () => {
    const server = new FakeServer()
    const modifiedAtS = new Date(2026, 0, 31, 9, 5).getTime() / 1000
    const tokens = [
      { type: 'passwd', modifiedAtS },
      { type: 'token', ident: '01af', comment: 'phone\u202e', modifiedAtS },
      { type: 'token', ident: '02', comment: '', modifiedAtS },
    ]
    const accounts = [
      { zone: 'mail', allowPasswdAuth: true, tokens },
      { zone: 'web', allowPasswdAuth: false, tokens: [] },
    ]
    server.answers.set('accounts', { login: 'al', accounts })
    const { code, stdout } = await server.run(['--list'])
    expect(code).toBe(0)
    expect(stdout).not.toContain('\u202e')
    const at = '2026-01-31 09:05:00'
    expect(stdout.split('\n').slice(1)).toEqual([
      `mail  al     ${at}  yes             01af   ${at}  phone\\u{202e}`,
      `${' '.repeat(50)}02     ${at}`,
      'web   al     no                   no',
      '',
    ])
    expect(server.asked).toEqual([['accounts', {}]])
    const json = JSON.parse((await server.run(['--list', '--user=al', '--json'])).stdout)
    expect(server.asked.at(-1)).toEqual(['accounts', { login: 'al' }])
    expect(json.login).toBe('al')
    expect(json.accounts).toEqual([
      {
        zone: 'mail',
        login: 'al',
        password: true,
        password_modified_at: modifiedAtS * 1000,
        allow_passwd_auth: true,
        tokens: [
          { ident: '01af', comment: 'phone\u202e', modified_at: modifiedAtS * 1000 },
          { ident: '02', comment: '', modified_at: modifiedAtS * 1000 },
        ],
      },
      { zone: 'web', login: 'al', password: false, allow_passwd_auth: false, tokens: [] },
    ])
  })
})

test('the socket: the option, then the environment, then the usual one', async () => {
  const server = new FakeServer()
  server.answers.set('zones', [])
  const env = { SUBAUTH_SOCKET: '/env' }
  await server.run(['--zones', '--socket=/given'], {}, env)
  await server.run(['--zones'], {}, env)
  await server.run(['--zones'], {}, { SUBAUTH_SOCKET: '' })
  await server.run(['--zones'])
  expect(server.connected.map(([path]) => path)).toEqual([
    '/given',
    '/env',
    DEFAULT_SUBAUTH_SOCKET,
    DEFAULT_SUBAUTH_SOCKET,
  ])
})
