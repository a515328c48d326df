/** `sreg import --format setec`: secrets of a running server, with their numbers, into a real registry. */
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connectRegistry } from '@secreg/client'
import { Client } from '@secreg/setec'
import { setecPort } from '@secreg/setec/registry'
import { type SetecTestServer, startSetecServer } from '@secreg/setec/testing'
import { createCanary, findCanary, freePort, skipTest, waitFor } from '@secreg/testkit'
import { expect, test, vi } from 'vitest'
import { ADMIN, PASSWORD } from '../lib/site.ts'
import { type Desk, openDesk } from './desk.ts'

// Each command line is a process of its own, and the machine may be busy.
vi.setConfig({ testTimeout: 180_000 })

interface Shown {
  readonly name: string
  readonly active: number
  /** Number and value, base64. */
  readonly versions: readonly (readonly [number, string])[]
}

/** All that the registry shows as setec's secrets. */
async function shownBy(desk: Desk): Promise<readonly Shown[]> {
  await using registry = await connectRegistry({ socket: desk.site.socket })
  expect(await registry.auth({ username: ADMIN, password: PASSWORD })).toMatchObject({
    success: true,
  })
  const port = setecPort(registry)
  const shown: Shown[] = []
  for (const { Name: name, Versions: numbers, ActiveVersion: active } of await port.list()) {
    const versions = await Promise.all(
      numbers.map(async (number) => [number, (await port.get(name, number)).base64] as const),
    )
    shown.push({ name, active, versions })
  }
  return byName(shown)
}

async function countIn(desk: Desk): Promise<number> {
  return (await shownBy(desk)).reduce((sum, { versions }) => sum + versions.length, 0)
}

/** All that a server shows. */
async function shownAt(url: string): Promise<readonly Shown[]> {
  const client = new Client(url)
  const shown: Shown[] = []
  for (const { name, versions: numbers, activeVersion: active } of await client.list()) {
    const versions = await Promise.all(
      numbers.map(async (number) => {
        const { value } = await client.getVersion(name, number)
        return [number, Buffer.from(value).toString('base64')] as const
      }),
    )
    shown.push({ name, active, versions })
  }
  return byName(shown)
}

const byName = (shown: readonly Shown[]): readonly Shown[] =>
  [...shown].sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)))

const NAMES = [
  'plain',
  'web/db-password',
  '/',
  '//a//',
  '..',
  'nul\0',
  '*',
  'ü 🙂\u2028',
  ' ',
  '%2F',
]

async function fill({ db }: SetecTestServer, value: string): Promise<void> {
  for (const name of NAMES) {
    for (const version of [2, 3, 10, 4_294_967_295]) {
      await db.createVersion(name, version, `${value} ${version} ${name}`)
    }
    await db.activate(name, 3)
  }
  await db.createVersion(
    'bytes',
    1,
    Uint8Array.from({ length: 256 }, (_, index) => index),
  )
  await db.createVersion('empty', 1, '')
  await db.createVersion('large', 1, new Uint8Array(1024 * 1024).fill(7))
}

test('odd names, gaps, a lower number that is active: all is here as it was there', async () => {
  const canary = createCanary()
  await using server = await startSetecServer()
  await fill(server, canary)
  await using desk = await openDesk()
  desk.env['SOURCE'] = server.url
  await desk.transcript(`
    $ sreg import "$SOURCE" --format setec --dry-run
    Change  Versions             Secret
    {lines}
    create  2-3, 10, 4294967295  "web/db-password"
    {lines}
    ! sreg: 43 versions would be imported, 0 would stay; nothing was changed
    $ sreg list /setec
    $ sreg import "$SOURCE" --format setec
    ! sreg: 43 versions imported, 0 unchanged
    $ sreg import "$SOURCE" --format setec
    ! sreg: 0 versions imported, 43 unchanged
    $ sreg get /setec/web%2Fdb-password
    ! sreg: /setec/web%2Fdb-password is encrypted; --decrypt shows its value
    $ sreg import "$SOURCE" --format setec --dry-run
    ! sreg: 0 versions would be imported, 43 would stay; nothing was changed
  `)
  expect(await shownBy(desk)).toEqual(await shownAt(server.url))

  // What changes there while programs are moved comes after.
  await server.db.createVersion('web/db-password', 11, 'newer')
  await server.db.activate('*', 10)
  await desk.transcript(`
    $ sreg import "$SOURCE" --format setec
    ! sreg: 1 version imported, 43 unchanged; 2 activated
  `)
  expect(await shownBy(desk)).toEqual(await shownAt(server.url))

  await desk.stop()
  const files = desk.site.home.path
  expect(findCanary(canary, files)).toEqual([])
  expect(desk.daemon?.stderr()).not.toContain(canary)
})

test('a conflict is told, written by nothing, and the others are imported', async () => {
  const canary = createCanary()
  await using server = await startSetecServer()
  for (const version of [1, 2]) await server.db.createVersion('theirs', version, `t${version}`)
  for (const version of [1, 2]) await server.db.createVersion('ours', version, canary)
  await using desk = await openDesk()
  await desk.ok('sreg set /setec/ours - --type bytes', 'of the registry')
  desk.env['SOURCE'] = server.url
  await desk.transcript(
    `
    $ sreg import "$SOURCE" --format setec --force
    ! sreg: "ours": version 1: another value is here
    ! sreg: 2 versions imported, 0 unchanged; problems: 1
    [5]
    $ sreg import "$SOURCE" --format setec --json
    {"secrets":2,"imported":0,"unchanged":2,"activated":0,"skipped":{},"problems":[{"secret":"ours","key":"/setec/ours","reason":"ALREADY_EXISTS","message":"another value is here","versions":[1]}]}
    [5]
  `,
  )
  expect(await desk.ok('sreg get /setec/ours --decrypt --raw')).toBe('of the registry')
  await desk.transcript(`
    $ sreg purge /setec/ours --yes
    {lines}
    $ sreg import "$SOURCE" --format setec
    ! sreg: "ours": version 1: its number was used here before, and its value is gone
    ! sreg: 0 versions imported, 2 unchanged; problems: 1
    [5]
  `)
})

/** A way to a server that lets so many requests through and holds those behind them. */
async function gateBefore(url: string, requests: number): Promise<Gate> {
  let left = requests
  let held = 0
  const server: Server = createServer((incoming, answer) => {
    if (left-- <= 0) {
      held++
      return
    }
    const { method, headers, url: path } = incoming
    const onward = request(new URL(path ?? '/', url), { method, headers }, (response) => {
      answer.writeHead(response.statusCode ?? 500, response.headers)
      response.pipe(answer)
    })
    onward.on('error', () => answer.destroy())
    incoming.pipe(onward)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    held: () => held,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

interface Gate extends AsyncDisposable {
  readonly url: string
  held(): number
}

async function sixty(): Promise<SetecTestServer> {
  const server = await startSetecServer()
  for (let secret = 0; secret < 60; secret++) {
    for (let version = 1; version <= 6; version++) {
      await server.db.createVersion(`s${secret}`, version, `${secret}/${version}`)
    }
    await server.db.activate(`s${secret}`, 4)
  }
  return server
}

test('broken off by a signal, by kill -9 and by the daemon, and gone on with', async () => {
  await using server = await sixty()
  await using desk = await openDesk()
  const importedBy = async (requests: number, signal: NodeJS.Signals): Promise<string> => {
    await using gate = await gateBefore(server.url, requests)
    const child = desk.launch(['import', gate.url, '--format', 'setec'])
    await waitFor(() => gate.held() > 0, { what: 'a request that is held' })
    child.signal(signal)
    expect(await child.exit).toEqual({ code: null, signal })
    expect(child.stdout()).toBe('')
    return child.stderr()
  }
  const told = await importedBy(160, 'SIGINT')
  expect(told).toMatch(
    /^sreg: stopped: \d+ of 60 secrets are done, \d+ versions were imported; run it again, and it goes on from there\n$/,
  )
  const atLeast = Number(/(\d+) versions/.exec(told)?.[1])
  expect(atLeast).toBeGreaterThan(50)
  expect(await countIn(desk)).toBeGreaterThanOrEqual(atLeast)
  expect(await importedBy(250, 'SIGKILL')).toBe('')
  {
    await using gate = await gateBefore(server.url, 300)
    const child = desk.launch(['import', gate.url, '--format', 'setec'])
    await waitFor(() => gate.held() > 0, { what: 'a request that is held' })
    await desk.daemon?.kill('SIGKILL')
    child.signal('SIGTERM')
    await child.exit
  }
  await desk.start()
  await desk.ok('sreg unlock --password-stdin < passphrase')
  await desk.ok('sreg login "$ADMIN" --password-stdin < password')
  const partly = await countIn(desk)
  expect(partly).toBeGreaterThan(200)
  expect(partly).toBeLessThan(360)
  const last = await desk.sreg(['import', server.url, '--format', 'setec'])
  expect(last).toMatchObject({ code: 0, stdout: '' })
  expect(last.stderr).toContain(`sreg: ${360 - partly} versions imported, ${partly} unchanged`)
  expect(await shownBy(desk)).toEqual(await shownAt(server.url))
})

test('a wrong address, one that answers something else, and a credential', async () => {
  await using server = await startSetecServer({
    callers: { 'token-of-worth': [{ action: ['info', 'get'], secret: ['*'] }] },
  })
  await server.db.put('a', 'x')
  await using desk = await openDesk()
  const page = createServer((_, answer) => answer.end('<html>secrets</html>'))
  await new Promise<void>((resolve) => page.listen(0, '127.0.0.1', resolve))
  try {
    const { port } = page.address() as AddressInfo
    await desk.fails(
      `sreg import http://127.0.0.1:${port} --format setec`,
      1,
      /is no usable setec server: .*\n {2}check the address/,
    )
  } finally {
    page.closeAllConnections()
    page.close()
  }
  const closed = `http://127.0.0.1:${await freePort()}`
  await desk.fails(`sreg import ${closed} --format setec`, 6, /cannot be reached \(ECONNREFUSED\)/)
  await desk.fails('sreg import setec.example.com --format setec', 1, /address of the server/)
  await desk.fails(`sreg import ${server.url} --format setec`, 4, /does not know who asks/)
  const address = server.urlFor('token-of-worth')
  await desk.fails(`sreg import ${address} --format setec`, 1, /standard input/)
  desk.file('address', `${address}\n`)
  await desk.transcript(`
    $ sreg import - --format setec < address
    ! sreg: 1 version imported, 0 unchanged
    $ sreg get /setec/a --decrypt
    eA==
  `)
})

test('a server of setec itself', async (context) => {
  const url = process.env['SECREG_TEST_SETEC_URL'] ?? ''
  if (url === '') return skipTest(context, 'SECREG_TEST_SETEC_URL names no setec server')
  const client = new Client(url)
  const name = `secreg-test/${process.pid}/ü\0`
  try {
    for (const version of [3, 5, 4]) await client.createVersion(name, version, `v${version}`)
    await client.activate(name, 3)
    await using desk = await openDesk()
    expect(await desk.sreg(['import', url, '--format', 'setec'])).toMatchObject({ code: 0 })
    expect(await shownBy(desk)).toEqual(await shownAt(url))
    const again = await desk.sreg(['import', url, '--format', 'setec', '--json'])
    expect(JSON.parse(again.stdout)).toMatchObject({ imported: 0, problems: [] })
  } finally {
    await client.delete(name)
  }
})
