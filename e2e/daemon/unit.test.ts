/** The systemd unit, and the messages to the service manager. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  cleanEnv,
  createTempHome,
  findProgram,
  requireProgram,
  runChild,
  startChild,
  waitFor,
} from '@secreg/testkit'
import { expect, test } from 'vitest'
import { SECREGD, Site } from '../lib/site.ts'

const UNIT = fileURLToPath(new URL('../../apps/daemon/systemd/secregd.service', import.meta.url))

/** Every assignment of the unit, comments left out. */
const assignments = readFileSync(UNIT, 'utf8')
  .split('\n')
  .filter((line) => /^[A-Z]\w*=/.test(line))

test('weakness 64: the unit makes its directories, reports readiness and reloads', async (context) => {
  for (const line of [
    'Type=notify',
    'NotifyAccess=all',
    'ExecReload=/bin/kill -HUP $MAINPID',
    'User=secreg',
    'RuntimeDirectory=secreg',
    'RuntimeDirectoryMode=0755',
    'StateDirectory=secreg',
    'StateDirectoryMode=0700',
    'LogsDirectory=secreg',
    'LogsDirectoryMode=0700',
    'LimitCORE=0',
  ]) {
    expect(assignments).toContain(line)
  }
  // V8 aborts at its start under it.
  expect(assignments.join()).not.toContain('MemoryDenyWriteExecute')
  const analyze = requireProgram(context, 'systemd-analyze')
  await using home = createTempHome()
  const copy = home.write(
    'secregd.service',
    readFileSync(UNIT, 'utf8').replace('/usr/bin/secregd', `${process.execPath} ${SECREGD}`),
  )
  const verified = await runChild(analyze, ['verify', copy])
  expect(verified.stderr + verified.stdout).toBe('')
  expect(verified.code).toBe(0)
  const security = await runChild(analyze, ['security', '--offline=true', '--threshold=10', copy])
  expect(security.stdout + security.stderr).toMatch(
    /Overall exposure level for secregd.service: [01]\.\d/,
  )
})

const MANAGER = `
import os, socket, sys
path = sys.argv[1]
server = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
server.bind(path)
print('bound', flush=True)
while True:
    for line in server.recv(4096).decode().split('\\n'):
        print(line, flush=True)
`

test('readiness, reload and stop are told to the service manager', async (context) => {
  const python = requireProgram(context, 'python3')
  requireProgram(context, 'systemd-notify')
  await using site = new Site()
  const path = site.home.file('notify')
  await using manager = startChild(python, ['-c', MANAGER, path])
  await manager.line(/^bound$/)
  const daemon = site.launch({ env: cleanEnv({ NOTIFY_SOCKET: path }) })
  const told = () =>
    manager
      .stdout()
      .split('\n')
      .filter((line) => /^(READY|RELOADING|STOPPING|STATUS)=/.test(line))
  // One message, of which the manager prints the lines one by one.
  const status = `STATUS=uninitialized; ${site.socket}`
  await waitFor(() => told().includes('READY=1') && told().includes(status), { timeoutMs: 30_000 })
  // By then it answers.
  expect(daemon.stderr()).toContain('"event":"ready"')
  daemon.signal('SIGHUP')
  await waitFor(() => told().filter((line) => line === 'READY=1').length === 2)
  expect(told().indexOf('RELOADING=1')).toBeGreaterThan(told().indexOf('READY=1'))
  expect((await daemon.kill('SIGTERM')).code).toBe(0)
  await waitFor(() => told().at(-1) === 'STOPPING=1')
})

test('without systemd-notify on the machine it runs all the same', async () => {
  await using site = new Site()
  const daemon = await site.start({
    env: { PATH: '/nonexistent', NOTIFY_SOCKET: site.home.file('nobody') },
  })
  expect(findProgram('systemd-notify', '/nonexistent').found).toBe(false)
  expect((await daemon.kill('SIGTERM')).code).toBe(0)
})
