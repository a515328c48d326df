/** What a person at a real terminal meets: questions without echo, and a bar while something takes its time. */
import { readFileSync, statSync } from 'node:fs'
import { expect, type TestContext, test, vi } from 'vitest'
import { onTerminal, type Screen, type Step } from '../../apps/sreg-cli/test/built.ts'
import { ADMIN, PASSPHRASE, PASSWORD } from '../lib/site.ts'
import { Desk, openDesk, SREG } from './desk.ts'

// Each command line is a process of its own, and the machine may be busy.
vi.setConfig({ testTimeout: 180_000 })

function type(
  context: TestContext,
  desk: Desk,
  args: readonly string[],
  steps: readonly Step[],
  pipeStdout = false,
): Promise<Screen> {
  const { SECREG_SOCKET = '', XDG_RUNTIME_DIR = '' } = desk.env
  const env = { SECREG_SOCKET, XDG_RUNTIME_DIR, TERM: 'xterm', TZ: 'UTC' }
  return onTerminal(context, [SREG, ...args], env, steps, pipeStdout)
}

test('weakness 61: init, login, passwd and unlock ask without echo', async (context) => {
  await using desk = new Desk()
  await desk.start()
  const init = await type(
    context,
    desk,
    ['init'],
    [
      { expect: 'Name of the first administrator: ', send: `${ADMIN}\r` },
      { expect: 'Passphrase of the registry: ', send: `${PASSPHRASE}\r` },
      { expect: 'Passphrase again: ', send: `${PASSPHRASE}\r` },
      { expect: `Password of ${ADMIN}: `, send: `${PASSWORD}\r` },
      { expect: 'Password again: ', send: `${PASSWORD}\r` },
    ],
  )
  expect(init).toMatchObject({ code: 0, echoAfter: true })
  const login = await type(
    context,
    desk,
    ['login', ADMIN],
    [{ expect: 'Password: ', send: `mistyped\u0015${PASSWORD}\r` }],
  )
  expect(login).toMatchObject({ code: 0, echoes: [false], echoAfter: true })
  expect(login.screen.replaceAll('\r', '')).toBe(
    `Password: \nsreg: logged in as ${ADMIN} (admin)\n`,
  )
  const next = 'Battery-Staple-9-Horse'
  const passwd = await type(
    context,
    desk,
    ['passwd'],
    [
      { expect: 'Old password: ', send: `${PASSWORD}\r` },
      { expect: 'New password: ', send: `${next}\r` },
      { expect: 'New password again: ', send: `${next}\r` },
    ],
  )
  expect(passwd).toMatchObject({ code: 0, echoAfter: true })
  await desk.ok('sreg login "$ADMIN" --password-stdin', `${next}\n`)
  await desk.ok('sreg lock')
  const unlock = await type(
    context,
    desk,
    ['unlock'],
    [{ expect: 'Passphrase: ', send: `${PASSPHRASE}\r` }],
  )
  expect(unlock).toMatchObject({ code: 0, echoes: [false], echoAfter: true })
  expect(await desk.ok('sreg status')).toContain('unsealed')
  const wrong = await type(
    context,
    desk,
    ['login', ADMIN],
    [{ expect: 'Password: ', send: `${PASSWORD}\r` }],
  )
  expect(wrong).toMatchObject({ code: 4, echoAfter: true })
  for (const { screen } of [init, login, passwd, unlock, wrong]) {
    for (const secret of [PASSPHRASE, PASSWORD, next, 'mistyped'])
      expect(screen).not.toContain(secret)
  }
})

test('weakness 61: the echo is back after a signal, and nothing was done', async (context) => {
  await using desk = new Desk()
  await desk.start()
  for (const [step, code] of [
    [{ send: 'half a pass', signal: 'SIGINT' }, -2],
    [{ send: 'half a pass\u0003' }, -2],
    [{ send: 'half a pass', signal: 'SIGTERM' }, -15],
    [{ send: '\u0004' }, 1],
  ] as const) {
    const seen = await type(
      context,
      desk,
      ['init', '--admin', ADMIN],
      [{ expect: 'Passphrase of the registry: ', ...step }],
    )
    expect(seen).toMatchObject({ code, echoes: [false], echoAfter: true })
    expect(seen.screen).not.toContain('half')
  }
  expect(await desk.ok('sreg status')).toContain('uninitialized')
})

test('nobody types a secret in vain: no daemon, or nothing to initialise, is told before the question', async (context) => {
  await using desk = new Desk()
  for (const args of [['init'], ['login', ADMIN], ['unlock'], ['passwd']]) {
    const seen = await type(context, desk, args, [])
    expect(seen).toMatchObject({ code: 6, echoAfter: true })
    expect(seen.screen).toMatch(/^sreg: no daemon listens at /)
  }
  await desk.open()
  const again = await type(context, desk, ['init'], [])
  expect(again.code).toBe(5)
  expect(again.screen).toMatch(
    /^sreg: the registry is initialised already\r\n {2}log in, or move it aside with: sreg init --force\r\n$/,
  )
})

test('a progress bar on a terminal, and nothing of it in a pipe', async (context) => {
  await using desk = await openDesk()
  for (let i = 0; i < 200; i++) desk.file(`tree/${i}`, 'x')
  const bar = await type(context, desk, ['import', desk.path('tree'), '--prefix', '/t'], [])
  expect(bar.code, bar.screen).toBe(0)
  expect(bar.screen).toMatch(/reading/)
  expect(bar.screen).toMatch(/importing \[/)
  // It vanishes when it is done, and leaves one line.
  expect(bar.screen.trimEnd()).toMatch(/sreg: 200 imported, 0 unchanged$/)
  const quiet = await desk.sh(`sreg import tree --prefix /u`)
  expect(quiet).toMatchObject({ code: 0, stdout: '', stderr: 'sreg: 200 imported, 0 unchanged\n' })
  const json = await type(
    context,
    desk,
    ['import', desk.path('tree'), '--prefix', '/v', '--json'],
    [],
  )
  expect(json.screen).toMatch(/^\{"imported":200,"unchanged":0,[^\n]*\}\r\n$/)
})

test('secrets do not go to a terminal unasked, keys cannot drive it', async (context) => {
  await using desk = await openDesk()
  await desk.ok('sreg set /s classified --encrypt')
  const refused = await type(context, desk, ['export', '--with-secrets'], [])
  expect(refused.code).toBe(1)
  expect(refused.screen).toContain('give --output FILE, or redirect')
  expect(refused.screen).not.toContain('classified')
  const sealed = await type(
    context,
    desk,
    ['export', '--encrypt', '--output', desk.path('out')],
    [
      { expect: 'Passphrase of the export: ', send: `${PASSPHRASE}\r` },
      { expect: 'Passphrase again: ', send: `${PASSPHRASE}\r` },
    ],
  )
  expect(sealed).toMatchObject({ code: 0, echoAfter: true })
  expect(statSync(desk.path('out')).mode & 0o777).toBe(0o600)
  expect(JSON.parse(readFileSync(desk.path('out'), 'utf8')).format).toBe('secreg-export-encrypted')
  await desk.ok("sreg set '/k/right\u202eleft' 1")
  const listed = await type(context, desk, ['list', '/k'], [])
  expect(listed.screen).toBe('/k/right\\u{202e}left\r\n')
})
