/** The administrator of a development home, for clients without his password. */
import { readFileSync } from 'node:fs'
import { createLogger } from '@secreg/host'
import type { Peer } from '@secreg/registry'
import { createTempHome } from '@secreg/testkit'
import { expect, onTestFinished, test } from 'vitest'
import { ensureDevAdministrator } from '../src/dev-administrator.ts'
import { openDevHome } from '../src/dev-home.ts'
import { runDaemon } from './running-daemon.ts'

const UID = 4711
const at = (uid: number): Peer => ({ door: 'registry', address: 'local', uid })

async function site() {
  const { daemon } = await runDaemon()
  const { registry } = daemon.host
  const directory = createTempHome()
  onTestFinished(() => directory.remove())
  const lines: string[] = []
  const log = createLogger({ name: 'test', destination: { write: (line) => lines.push(line) } })
  const open = () => openDevHome(directory.path)
  const { login: admin, password: admin_password, passphrase } = open().credentials
  const seal = { op: 'init', passphrase, admin, admin_password } as const
  await registry.initialize(at(UID), seal)
  const ensure = (uid: number | undefined) => ensureDevAdministrator(registry, open(), log, uid)
  const enter = async (uid: number) => {
    const answer = await registry.login(at(uid), { kernel: true })
    const session = registry.sessionHandle(at(uid)).resolve(answer.session_id ?? '')
    const caller = session && registry.callerOf(session, at(uid))
    return caller === undefined ? undefined : registry.as(caller)
  }
  return { open, ensure, enter, lines }
}

test('he is the user who has started it, and has a token; once', async () => {
  const { ensure, enter, open } = await site()
  await ensure(UID)
  const { token, login } = open().credentials
  expect(token).toBeDefined()
  const api = await enter(UID)
  expect(await api?.whoami()).toMatchObject({ user: login, proof: 'kernel' })
  await ensure(UID)
  expect(await api?.whoami(), 'nothing was changed, no session ended').toBeDefined()
  expect(open().credentials.token).toBe(token)
})

test('a home that was made before gets it too, beside the uids that he has', async () => {
  const { ensure, enter, open } = await site()
  await ensure(undefined)
  expect(open().credentials.token).toBeDefined()
  expect(await enter(UID)).toBeUndefined()
  await ensure(UID)
  await ensure(UID + 1)
  for (const uid of [UID, UID + 1]) expect(await enter(uid), String(uid)).toBeDefined()
})

test('the user as whom all unknown ones arrive is nobody', async () => {
  const { ensure, enter } = await site()
  await ensure(65_534)
  expect(await enter(65_534)).toBeUndefined()
})

test('where another account has the uid, that is left alone, and the home starts', async () => {
  const { ensure, enter, lines } = await site()
  await ensure(UID)
  const api = await enter(UID)
  await api?.user({ op: 'add', user: 'other', uids: [UID + 1] })
  await ensure(UID + 1)
  expect(await (await enter(UID + 1))?.whoami()).toMatchObject({ user: 'other' })
  expect(lines).toEqual([])
  await api?.user({ op: 'disable', user: 'other' })
  await ensure(UID + 1)
  expect(await enter(UID + 1)).toBeUndefined()
  expect(lines.join()).toContain('is not the administrator')
})

test('nothing that is kept for it tells a secret to the log', async () => {
  const { ensure, lines, open } = await site()
  await ensure(UID)
  const { password, passphrase, token = '' } = open().credentials
  for (const secret of [password, passphrase, token]) expect(lines.join()).not.toContain(secret)
  expect(readFileSync(open().admin, 'utf8')).toContain(token)
})
