/** `subauth --pam` as pam_exec runs it. */
import { SubauthError } from '@secreg/subauth'
import { expect, test } from 'vitest'
import { DEFAULT_SUBAUTH_SOCKET } from '../../src/subauth/client.ts'
import type { Outcome, RunOptions } from '../harness.ts'
import { FakeServer } from './fake-server.ts'

const PAM = { PAM_USER: 'alice', PAM_TYPE: 'auth', PAM_SERVICE: 'dovecot' }
const ACCEPTED: Outcome = { code: 0, stdout: '', stderr: '' }
const REFUSED: Outcome = { code: 1, stdout: '', stderr: '' }
const UNAVAILABLE: Outcome = { code: 6, stdout: '', stderr: '' }

interface PamOptions {
  readonly args?: readonly string[]
  readonly env?: Record<string, string>
  readonly run?: RunOptions
}

function pam(server: FakeServer, { args = [], env = {}, run = {} }: PamOptions = {}) {
  const options = { input: 'canary-word\0', ...run }
  return server.run(['--pam', '--zone=mail', ...args], options, { ...PAM, ...env })
}

test('a password or token that the server accepts ends with 0, without a word', async () => {
  const server = new FakeServer()
  expect(await pam(server)).toEqual(ACCEPTED)
  expect(await pam(server, { run: { input: 'canary-word' } })).toEqual(ACCEPTED)
  const login = ['login', { zone: 'mail', login: 'alice', passwd: 'canary-word' }]
  expect(server.asked).toEqual([login, login])
  expect(server.closed).toBe(2)
  // What the server refuses is not accepted, whatever it says.
  for (const text of ['login failed', '0', 'success']) {
    server.refuse('REFUSED', { text })
    expect(await pam(server)).toEqual(REFUSED)
  }
  expect(server.closed).toBe(5)
})

test.each<[string, PamOptions]>([
  ['no password', { run: { input: '' } }],
  ['an empty password', { run: { input: '\0' } }],
  ['something behind the zero byte', { run: { input: 'canary-word\0x' } }],
  ['513 bytes', { run: { input: 'x'.repeat(513) } }],
  ['no text', { run: { input: Uint8Array.of(0xff, 0) } }],
  ['a terminal', { run: { stdinTty: true } }],
  ['no user', { env: { PAM_USER: '' } }],
  ['a user with a newline', { env: { PAM_USER: 'alice\n' } }],
  ['a user that is too long', { env: { PAM_USER: 'a'.repeat(65) } }],
  ['account', { env: { PAM_TYPE: 'account' } }],
  ['password', { env: { PAM_TYPE: 'password' } }],
  ['no type', { env: { PAM_TYPE: '' } }],
  ['a user of su(1)', { run: { uid: 1000 } }],
  ['no uid', { run: { uid: Number.NaN } }],
  ['a relative socket', { args: ['--socket=s'] }],
])('%s: refused, and the server is not asked', async (_, options) => {
  const server = new FakeServer()
  expect(await pam(server, options)).toEqual(REFUSED)
  const { code, stdout, stderr } = await pam(server, {
    ...options,
    args: [...(options.args ?? []), '--verbose'],
  })
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(/^subauth: INVALID_ARGUMENT: .+\n$/)
  expect(stderr).not.toContain('canary-word')
  expect(server.connected).toEqual([])
})

test('nothing is known without a right answer', async () => {
  const server = new FakeServer()
  for (const reason of ['CONNECTION_LOST', 'TIMEOUT', 'ANSWER_INVALID', 'CLOSED'] as const) {
    server.refuse(reason)
    expect(await pam(server)).toEqual(UNAVAILABLE)
  }
  server.failure = new TypeError('a fault of ours')
  expect(await pam(server)).toEqual(UNAVAILABLE)
  server.unreachable = new SubauthError('UNREACHABLE')
  expect(await pam(server)).toEqual(UNAVAILABLE)
  const { stderr } = await pam(server, { args: ['--verbose'] })
  expect(stderr).toBe(
    `subauth: UNREACHABLE: no connection to the server at ${DEFAULT_SUBAUTH_SOCKET}\n`,
  )
})

test('the environment leads to no other server', async () => {
  const server = new FakeServer()
  expect(await pam(server, { env: { SUBAUTH_SOCKET: '/other' } })).toEqual(ACCEPTED)
  expect(await pam(server, { args: ['--socket=/given'] })).toEqual(ACCEPTED)
  expect(server.connected.map(([path]) => path)).toEqual([DEFAULT_SUBAUTH_SOCKET, '/given'])
  // A login program waits less long than a person.
  expect(server.connected.every(([, timeoutMs]) => timeoutMs === 20_000)).toBe(true)
})

test('the service that secregd asks may ask a zone: that asks no PAM', async () => {
  expect(await pam(new FakeServer(), { env: { PAM_SERVICE: 'secreg' } })).toEqual(ACCEPTED)
})

test('what the server says cannot drive a terminal', async () => {
  const server = new FakeServer()
  server.refuse('REFUSED', { text: 'a\u001b[2J\nb' })
  const { code, stderr } = await pam(server, { args: ['--verbose'] })
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: 'subauth: REFUSED: a\\u{1b}[2J\\u{0a}b\n',
  })
})
