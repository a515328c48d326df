/** One PAM helper: what it is started with, how it can end, and that nothing of it stays. */
import { closeSync, openSync, readFileSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { createCanary, createTempHome, waitFor } from '@secreg/testkit'
import { expect, onTestFinished, test, vi } from 'vitest'
import { encodeHelperQuestion } from '../src/pam/helper-request.ts'
import { type HelperAnswer, runHelper } from '../src/pam/run-helper.ts'
import { isRunning, StandIn, writeHelper } from './pam-stand-in.ts'

const questionOf = (login: string, password: string): Buffer =>
  encodeHelperQuestion({ login, password, service: 'secreg', rhost: '' })

function standIn(): StandIn {
  const made = new StandIn()
  onTestFinished(() => made[Symbol.dispose]())
  return made
}

const UNAVAILABLE = (why: string): HelperAnswer => ({ answer: 'unavailable', why })

test.each<[string, string, HelperAnswer]>([
  ['alice', 'right', { answer: 'good' }],
  ['alice', 'wrong', { answer: 'refused' }],
  ['fault', 'right', UNAVAILABLE('it ended with 2')],
  ['crash', 'right', UNAVAILABLE('it was ended by SIGSEGV')],
  ['noise', 'right', { answer: 'good' }],
  ['noise', 'wrong', { answer: 'refused' }],
])('login %s with a %s password', async (login, password, answer) => {
  const { path } = standIn()
  expect(await runHelper(path, questionOf(login, password), 30_000).answer).toEqual(answer)
})

test('the question is wiped, whatever becomes of the helper', async () => {
  using home = createTempHome()
  const { path } = standIn()
  const paths = [
    path,
    home.file('gone'),
    home.write('plain', 'no program', 0o644),
    writeHelper(home, 'bad', '#!/nonexistent\n'),
    writeHelper(home, 'silent', '#!/bin/sh\nexit 3\n'),
    `${home.path}/a\0b`,
  ]
  for (const program of paths) {
    const question = questionOf('alice', 'right')
    const run = runHelper(program, question, 30_000)
    await run.answer
    await run.gone
    await waitFor(() => question.every((byte) => byte === 0))
  }
})

test.each([['gone'], ['plain'], ['bad'], ['a\0b']])(
  'what cannot be started is unavailable: %j',
  async (name) => {
    using home = createTempHome()
    home.write('plain', 'no program', 0o644)
    writeHelper(home, 'bad', '#!/nonexistent\n')
    const run = runHelper(home.file(name), questionOf('alice', 'right'), 30_000)
    expect(await run.answer).toEqual(UNAVAILABLE(expect.stringContaining('could not be started')))
    await run.gone
    run.kill()
  },
)

test('one that hangs is killed at the time-out, with everything that it has started', async () => {
  const made = standIn()
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  onTestFinished(() => void vi.useRealTimers())
  const run = runHelper(made.path, questionOf('hang', 'right'), 60_000)
  while (made.processes().length === 0) await setImmediate()
  const processes = made.processes()
  expect(processes.map(isRunning)).toEqual([true, true])
  vi.advanceTimersByTime(60_000)
  expect(await run.answer).toEqual(UNAVAILABLE('no answer within 60000 ms'))
  await run.gone
  vi.useRealTimers()
  await waitFor(() => !processes.some(isRunning))
})

test('one that is killed is unavailable, and its group is gone', async () => {
  const made = standIn()
  const run = runHelper(made.path, questionOf('hang', 'right'), 60_000)
  const processes = await made.hanging()
  run.kill()
  expect(await run.answer).toEqual(UNAVAILABLE('it was ended by SIGKILL'))
  await waitFor(() => !processes.some(isRunning))
})

test('one that never reads says its answer all the same', async () => {
  using home = createTempHome()
  // It often ends before the question is written: the write then fails with EPIPE.
  const good = writeHelper(home, 'good', '#!/bin/sh\nexec 0<&-\nexit 0\n')
  const bad = writeHelper(home, 'bad', '#!/bin/sh\nexec 0<&-\nexit 1\n')
  for (let round = 0; round < 20; round++) {
    const answers = await Promise.all(
      [good, bad].map((path) => runHelper(path, questionOf('alice', 'right'), 30_000).answer),
    )
    expect(answers).toEqual([{ answer: 'good' }, { answer: 'refused' }])
  }
})

test('the password is in no argument and no variable, and nothing of the daemon is passed on', async () => {
  const made = standIn()
  const canary = createCanary()
  process.env['SECREG_TEST_CANARY'] = canary
  onTestFinished(() => {
    delete process.env['SECREG_TEST_CANARY']
  })
  await runHelper(made.path, questionOf('look', canary), 30_000).answer
  const seen = made.seen()
  expect(seen.input).toBe(`look\0${canary}\0secreg\0\0`)
  expect(seen.cmdline + seen.environ).not.toContain(canary)
  expect(seen.environ.split('\0').sort()).toEqual([
    '',
    'LANG=C.UTF-8',
    'PATH=/usr/sbin:/usr/bin:/sbin:/bin',
  ])
  expect(seen.cwd).toBe('/')
  expect(seen.outputs).toEqual(['/dev/null', '/dev/null'])
})

test('no descriptor but its three is inherited', async () => {
  using home = createTempHome()
  const path = writeHelper(
    home,
    'fds',
    '#!/bin/sh\nfor fd in /proc/$$/fd/*; do readlink "$fd"; done > "$(dirname "$0")/list"\nexit 0\n',
  )
  const open = openSync(home.write('secret of the daemon', ''), 'r')
  onTestFinished(() => closeSync(open))
  await runHelper(path, questionOf('alice', 'right'), 30_000).answer
  const links = readFileSync(home.file('list'), 'utf8').trimEnd().split('\n')
  // Beside the list itself, which the shell has opened in place of its output, and its own script.
  const foreign = links.filter((link) => link !== home.file('list') && link !== path)
  expect(
    foreign.filter((link) => !/^(?:socket:\[\d+\]|\/dev\/null|pipe:\[\d+\])$/.test(link)),
  ).toEqual([])
  expect(links.filter((link) => link.startsWith('socket:'))).toHaveLength(1)
})
