/** The subauth socket of a daemon in this process, with clients of its own user. */
import { chmodSync, existsSync, lstatSync, mkdirSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { HostError } from '@secreg/host'
import { SubauthClient } from '@secreg/subauth/node'
import { createTempHome, skipTest, waitFor } from '@secreg/testkit'
import { connectSeqpacket, nativeProblem, type SeqpacketSocket } from '@secreg/unix-socket'
import { expect, onTestFinished, type TestContext, test as vitestTest } from 'vitest'
import { RESERVED_BYTES } from '../../src/subauth/subauth-connection.ts'
import { type RunningDaemon, runDaemon } from '../running-daemon.ts'

const OWN = userInfo()
const isRoot = OWN.uid === 0
/** Root is not counted by its uid. */
const KEY = isRoot ? 'subauth.max_connections' : 'limits.max_connections_per_uid'

function test(name: string, run: (context: TestContext) => Promise<void>): void {
  vitestTest(name, async (context) => {
    const problem = nativeProblem()
    if (problem !== undefined) skipTest(context, problem)
    await run(context)
  })
}

/** A file of users with whoever runs this, as root and as `tester`. */
function usersFile(): string {
  const home = createTempHome()
  onTestFinished(() => home.remove())
  const file = home.file('users')
  writeFileSync(file, `tester:x:${OWN.uid}:0::/:/bin/sh\nalice:x:4001:1::/:/bin/sh\n`)
  chmodSync(file, 0o644)
  return file
}

async function start(more = ''): Promise<RunningDaemon> {
  const running = await runDaemon(`subauth.socket = "HOME/sub"
subauth.users_file = "${usersFile()}"
${more}`)
  const admin = await running.initialize()
  await admin.zone({ op: 'add', zone: 'mail', allow_passwd: true, auto_create: true })
  return running
}

async function connect({ home }: RunningDaemon): Promise<SubauthClient> {
  const client = await SubauthClient.connect({ path: home.file('sub') })
  onTestFinished(() => client.close())
  return client
}

/** What comes on a connection until it is closed. */
async function heard(socket: SeqpacketSocket): Promise<string[]> {
  const texts: string[] = []
  socket.on('packet', ({ data }) => texts.push(data.toString()))
  socket.on('error', () => {})
  await new Promise<void>((resolve) => socket.on('close', () => resolve()))
  return texts
}

function raw({ home }: RunningDaemon): SeqpacketSocket {
  return connectSeqpacket({ path: home.file('sub') })
}

test('serves whoever connects, by the name that the kernel gives him', async () => {
  const running = await start()
  const client = await connect(running)
  await client.nop()
  await client.setPasswd({ zone: 'mail', passwd: 'correct horse battery' })
  expect(await client.accounts({})).toMatchObject({
    login: 'tester',
    accounts: [{ zone: 'mail' }],
  })
  await client.login({ zone: 'mail', passwd: 'correct horse battery' })
  expect(lstatSync(running.home.file('sub')).mode & 0o777).toBe(0o666)
  const { connections } = running.daemon.host.figures()
  expect(connections).toBe(2)
})

test('one connection too many is told so and closed, and the others go on', async () => {
  const running = await start(`${KEY} = 2`)
  const first = await connect(running)
  const second = await connect(running)
  await Promise.all([first.nop(), second.nop()])
  expect(await heard(raw(running))).toEqual(['{"error":"the server is busy; try again later"}'])
  await Promise.all([first.nop(), second.nop()])
  second.close()
  await waitFor(async () => {
    const next = await connect(running)
    return next.nop().then(
      () => true,
      () => false,
    )
  })
})

test('limits of a reloaded configuration hold for connections from then on', async () => {
  const running = await start()
  const first = await connect(running)
  await first.nop()
  const users = usersFile()
  const next = `subauth.socket = "HOME/sub"\nsubauth.users_file = "${users}"\n${KEY} = 1`
  await running.daemon.configure(running.configOf(next))
  expect(running.lines.filter(({ level }) => level === 'warn').at(-1)).toMatchObject({
    event: 'a key of subauth has changed: it holds from the next start on',
    detail: 'subauth.users_file',
  })
  await first.nop()
  expect(await heard(raw(running))).toHaveLength(1)
  first.close()
})

test('a packet that is too long is refused and ends its connection', async () => {
  const running = await start('subauth.max_request_bytes = 1024')
  const long = raw(running)
  const texts = heard(long)
  long.send(Buffer.from(JSON.stringify({ cmd: 'nop', more: 'x'.repeat(1024) })))
  expect(await texts).toEqual(['{"error":"the request is too long"}'])
  const idle = raw(running)
  idle.send(Buffer.from('{"cmd":"nop"}'))
  await new Promise((resolve) => idle.once('packet', resolve))
  idle.destroy()
})

/** Send a login whose text is larger than what a connection has for itself, and wait until it is under way. */
async function sendLogin(running: RunningDaemon, passwd: string): Promise<Promise<string[]>[]> {
  const socket = raw(running)
  const texts = heard(socket)
  const request = { cmd: 'login', zone: 'mail', login: 'tester', passwd, more: 'x'.repeat(6000) }
  socket.send(Buffer.from(JSON.stringify(request)))
  await waitFor(() => {
    const { buffer_bytes: bytes = 0, connections = 0 } = running.daemon.host.figures()
    return bytes > connections * RESERVED_BYTES
  })
  return [texts]
}

test('when it stops, what is under way is answered and the rest is closed', async () => {
  const running = await start()
  const client = await connect(running)
  await client.setPasswd({ zone: 'mail', passwd: 'correct horse battery' })
  const idle = heard(raw(running))
  const [texts] = await sendLogin(running, 'correct horse battery')
  await running.daemon.close()
  expect(await texts).toEqual(['{"error":""}'])
  expect(await idle).toEqual([])
  expect(existsSync(running.home.file('sub'))).toBe(false)
})

test('a refusal that is held back for a minute does not hold up the end', async () => {
  const running = await start('subauth.failure_delay_ms = 60000')
  const [texts] = await sendLogin(running, 'wrong')
  await running.daemon.close()
  expect(await texts).toEqual([])
})

test('what cannot be served refuses the start', async () => {
  const home = createTempHome()
  onTestFinished(() => home.remove())
  const users = usersFile()
  chmodSync(users, 0o666)
  await expect(
    runDaemon(`subauth.socket = "HOME/sub"\nsubauth.users_file = "${users}"`),
  ).rejects.toThrow('subauth.users_file: it can be written by its group or others')
  mkdirSync(home.file('open'))
  chmodSync(home.file('open'), 0o777)
  await expect(runDaemon(`subauth.socket = "${home.file('open/sub')}"`)).rejects.toSatisfy(
    (error) => HostError.is(error) && error.code === 'ERR_HOST_SOCKET_PATH',
  )
  expect(existsSync(home.file('open/sub'))).toBe(false)
})
