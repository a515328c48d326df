import { SubauthError } from '@secreg/subauth'
import { UnixSocketError } from '@secreg/unix-socket'
import { describe, expect, test } from 'vitest'
import { FakeServer } from './fake-server.ts'

const STDIN = { input: 'canary-word\n' }

describe('refused, and nothing is asked of the server', () => {
  test.each([
    [[], 'what to do is missing'],
    [['--zone=mail'], 'what to do is missing'],
    [['--zones', '--list'], '--zones and --list exclude each other'],
    [['--zones', '--zones'], '--zones is given twice'],
    [['--login', '--zone=a', '--zone=b'], '--zone is given twice'],
    [['--passwd'], '--passwd needs --zone'],
    [['--passwd=canary-word', '--zone=mail'], '--passwd takes no value'],
    [['--passwd', 'canary-word', '--zone=mail'], 'a value stands behind its option'],
    [['--passwd', '--zone=mail', '--', 'canary-word'], 'a value stands behind its option'],
    [['--auth-passwd=canary-word', '--delete-passwd', '--zone=mail'], 'takes no value'],
    [['--passwd', '--zone='], '--zone needs a value'],
    [['--passwd', '--zone'], '--zone needs a value'],
    [['--passwd', '--zone', '--user'], '--zone needs a value'],
    [['--passwd', '--zone=mail', '--user='], '--user needs a value'],
    [['--passwd', '--zon=mail'], 'unknown option --zon; did you mean --zone?'],
    [['--password=canary-word'], 'unknown option --password'],
    [['-x'], 'unknown option -x'],
    [['--list', '--zone=mail'], '--list takes no --zone'],
    [['--zones', '--user=al'], '--zones takes no --user'],
    [['--zones', '--verbose'], '--zones takes no --verbose'],
    [['--login', '--zone=mail', '--auth-passwd'], '--login takes no --auth-passwd'],
    [['--create-acct', '--zone=mail'], '--create-acct needs --user'],
    [['--create-acct', '--zone=mail', '--user=al', '--auth-passwd'], 'takes no --auth-passwd'],
    [['--delete-token', '--zone=mail'], '--delete-token needs --ident'],
    [['--change-token', '--zone=mail', '--ident=01af'], '--change-token needs --comment'],
    [['--create-token', '--zone=mail', '--ident=01af'], '--create-token takes no --ident'],
    [['--create-temp', '--zone=mail'], '--create-temp needs --validity'],
    [['--create-temp', '--zone=mail', '--validity=0'], '--validity must be a number from 1 on'],
    [['--create-temp', '--zone=mail', '--validity=0m'], '--validity must be a duration'],
    [['--create-temp', '--zone=mail', '--validity=-1'], '--validity must be a number'],
    [['--create-temp', '--zone=mail', '--validity=1.5'], '--validity must be a number'],
    [['--create-temp', '--zone=mail', '--validity=200000w'], '--validity must be a duration'],
    [['--allow-passwd-auth', '--zone=mail'], '--allow-passwd-auth needs a value'],
    [['--allow-passwd-auth=on', '--zone=mail'], 'must be one of yes, no'],
    [['--pam'], '--pam needs --zone'],
    [['--pam', '--zone=mail', '--user=root'], '--pam takes no --user'],
    [['--pam', '--zone=mail', '--zones'], '--zones and --pam exclude each other'],
    [['--passwd', '--zone=mail'], 'standard input is not a terminal'],
    [['--login', '--zone=mail'], 'standard input is not a terminal'],
    [['--delete-passwd', '--zone=mail', '--auth-passwd'], 'standard input is not a terminal'],
    [['--delete-passwd', '--zone=mail', '--password-stdin'], 'needs --auth-passwd here'],
    [['--zones', '--password-stdin'], '--zones takes no --password-stdin'],
  ])('%j', async (args, message) => {
    const server = new FakeServer()
    const { code, stdout, stderr } = await server.run(args, STDIN)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toContain(message)
    expect(stderr).not.toContain('canary-word')
    expect(server.connected).toEqual([])
  })

  test.each([
    ['', 'line 1 of standard input is missing or empty: new password'],
    ['\n', 'line 1 of standard input is missing or empty: new password'],
    ['x'.repeat(20_000), 'a secret must not exceed'],
  ])('a standard input of %j', async (input, message) => {
    const server = new FakeServer()
    const args = ['--passwd', '--zone=mail', '--password-stdin']
    const { code, stderr } = await server.run(args, { input })
    expect(code).toBe(1)
    expect(stderr).toContain(message)
    expect(server.asked).toEqual([])
  })
})

const unix = (systemCode: string): SubauthError =>
  new SubauthError('UNREACHABLE', {
    cause: new UnixSocketError('ERR_UNIX_SOCKET_SYSTEM', `connect: ${systemCode}`, { systemCode }),
  })

describe('failures of the server', () => {
  test.each([
    [unix('ENOENT'), 6, 'no server listens at /s'],
    [unix('ECONNREFUSED'), 6, 'no server listens at /s'],
    [unix('EACCES'), 6, 'the server at /s cannot be reached (EACCES)'],
    [unix('EPROTOTYPE'), 6, 'what listens at /s is no server of subauth'],
    [new SubauthError('UNREACHABLE'), 6, 'no connection to the server at /s'],
    [
      new SubauthError('UNREACHABLE', {
        cause: new UnixSocketError('ERR_UNIX_SOCKET_UNAVAILABLE', 'no native part: build it'),
      }),
      6,
      'no native part: build it',
    ],
    [new RangeError('path: expected 1 to 107 bytes'), 1, 'path: expected 1 to 107 bytes'],
  ])('connecting: %s', async (error, exit, message) => {
    const server = new FakeServer()
    server.unreachable = error
    const { code, stdout, stderr } = await server.run(['--zones', '--socket=/s'])
    expect({ code, stdout }).toEqual({ code: exit, stdout: '' })
    expect(stderr).toContain(message)
  })

  test.each([
    ['REFUSED', 3, 'no \\u{1b}[31m such\\u{0a}zone'],
    ['CONNECTION_LOST', 6, 'a change may have been made'],
    ['TIMEOUT', 6, 'a change may have been made'],
    ['ANSWER_INVALID', 7, 'the reply is not'],
    ['CLOSED', 7, 'closed'],
  ] as const)('%s', async (reason, exit, message) => {
    const server = new FakeServer()
    server.refuse(reason, { text: 'no \u001b[31m such\nzone' })
    const args = ['--delete-passwd', '--zone=mail']
    const { code, stdout, stderr } = await server.run(args)
    expect({ code, stdout }).toEqual({ code: exit, stdout: '' })
    expect(stderr).toContain(`subauth: `)
    expect(stderr).toContain(message)
    expect(stderr).not.toContain('\u001b')
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
    expect(server.closed).toBe(1)
    const json = await server.run([...args, '--json'])
    expect(json.stdout).toBe('')
    expect(json.stderr).not.toContain('\u001b')
    expect(JSON.parse(json.stderr)).toMatchObject({ code: exit, reason })
  })

  test('mistakes are one JSON object too', async () => {
    const { code, stderr } = await new FakeServer().run(['--json', '--passwd'])
    expect(code).toBe(1)
    expect(JSON.parse(stderr)).toEqual({
      code: 1,
      reason: 'INVALID_ARGUMENT',
      message: '--passwd needs --zone',
      hint: 'run: subauth --help',
    })
  })
})
