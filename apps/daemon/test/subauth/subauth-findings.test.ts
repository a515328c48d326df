import { chmodSync, mkdirSync, unlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { type Config, parseConfig } from '@secreg/host'
import { createTempHome, type TempHome } from '@secreg/testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { hostChecks } from '../../src/host-checks.ts'
import { subauthFindings } from '../../src/subauth/subauth-findings.ts'

let home: TempHome
let server: Server
let socket: string
beforeEach(async () => {
  home = createTempHome()
  socket = home.file('sub')
  server = createServer()
  await new Promise<void>((resolve) => server.listen(socket, resolve))
  chmodSync(socket, 0o666)
})
afterEach(async () => {
  await new Promise((resolve) => server.close(resolve))
  home.remove()
})

const configOf = (more = ''): Config =>
  parseConfig(`[subauth]\nsocket = "${socket}"\n${more}`, 'f').config

const levelsOf = async (config: Config): Promise<string[]> =>
  (await subauthFindings(config)).map(({ check, level }) => `${check}: ${level}`)

test('a socket for everybody is as it should be', async () => {
  expect(await levelsOf(configOf())).toEqual(['subauth socket: ok'])
  expect(await subauthFindings(parseConfig('', 'f').config)).toEqual([])
})

test('another mode, and something else in its place, are faults', async () => {
  chmodSync(socket, 0o777)
  expect(await subauthFindings(configOf())).toMatchObject([
    { level: 'fault', message: `${socket} has mode 0777, configured is 0666` },
  ])
  unlinkSync(socket)
  expect(await levelsOf(configOf())).toEqual(['subauth socket: fault'])
  writeFileSync(socket, '')
  expect(await levelsOf(configOf())).toEqual(['subauth socket: fault'])
})

test('what is for tests is told', async () => {
  const more = 'users_file = "/u"\nfailure_delay_ms = 0'
  expect(await levelsOf(configOf(more))).toEqual([
    'subauth socket: ok',
    'subauth users: warning',
    'subauth delay: warning',
  ])
})

test('a directory of its own is looked at too', async () => {
  mkdirSync(home.file('open'))
  chmodSync(home.file('open'), 0o777)
  socket = home.file('open/sub')
  const kernel = { problem: undefined, credentialsOf: () => undefined }
  const found = await hostChecks(configOf(), kernel)
  const directories = found.filter(({ check }) => check === 'socket directory')
  expect(directories).toContainEqual(
    expect.objectContaining({
      level: 'fault',
      message: `others can put a socket of their own into ${home.file('open')}`,
    }),
  )
})
