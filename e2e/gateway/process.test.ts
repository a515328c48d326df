/** The gateway as a process: with the daemon and without, under way and renewed, and in a development home. */
import { X509Certificate } from 'node:crypto'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { type ClientRequest, request } from 'node:http'
import { connect as connectTcp } from 'node:net'
import { join } from 'node:path'
import { connect } from 'node:tls'
import {
  CertificateMaker,
  createTempHome,
  freePort,
  RawConnection,
  rawRequest,
  startNode,
  waitFor,
} from '@secreg/testkit'
import { expect, test } from 'vitest'
import { SECRETS_EVENTS_PATH } from '../../apps/http-gateway/src/routes/secrets-endpoints.ts'
import { nativeDoors } from '../lib/dev-doors.ts'
import { addUser, GatewaySite, makeToken, startGatewaySite } from '../lib/gateway-site.ts'
import { ask, bearer, SETEC_GUARD } from '../lib/http-ask.ts'
import { processTree } from '../lib/process-image.ts'
import { SECREGD } from '../lib/site.ts'

/** Processes are started meanwhile, on a machine that does much else. */
const LONG = { timeoutMs: 30_000 }

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test('a supervised one starts with the daemon, is started again when it is killed, and stops with it', async () => {
  await using site = new GatewaySite()
  const port = await freePort()
  const http = `listen = "127.0.0.1:${port}"`
  site.configure({ gateway: 'supervise = true', http })
  const daemon = await site.start()
  using admin = await site.initialize()
  await addUser(admin, 'alice')
  const { secret } = await makeToken(admin, 'alice')
  const whoami = () =>
    ask(`http://127.0.0.1:${port}/registry/whoami`, { body: {}, headers: bearer(secret) })
  const serves = () => waitFor(async () => (await whoami()).json.user === 'alice', LONG)
  await serves()
  // Primary and worker.
  const first = processTree(daemon.pid).slice(1)
  expect(first.length).toBe(2)
  const [primary = 0] = first
  process.kill(primary, 'SIGKILL')
  await waitFor(() => !first.some(isRunning), LONG)
  await serves()
  const second = processTree(daemon.pid).slice(1)
  expect(second).not.toContain(primary)

  // A worker that is killed is replaced too, by its primary.
  process.kill(second.at(-1) ?? 0, 'SIGKILL')
  await waitFor(() => {
    const now = processTree(daemon.pid).slice(1)
    return now.length === 2 && now[0] === second[0] && now[1] !== second[1]
  }, LONG)
  await serves()

  const last = processTree(daemon.pid).slice(1)
  expect((await daemon.kill('SIGTERM')).code).toBe(0)
  expect(last.filter(isRunning)).toEqual([])
  await expect(whoami()).rejects.toThrow('ECONNREFUSED')

  // Nor does it outlive a daemon that is killed.
  const killed = await site.start()
  await waitFor(async () => (await ask(`http://127.0.0.1:${port}/health`)).status === 200, LONG)
  const left = processTree(killed.pid).slice(1)
  expect(left.length).toBe(2)
  await killed.kill('SIGKILL')
  await waitFor(() => !left.some(isRunning), LONG)
})

/** Begin a request whose body is to follow, and wait until it is being read. */
async function begin(url: string, headers: Readonly<Record<string, string>>) {
  const asked: ClientRequest = request(url, {
    method: 'POST',
    agent: false,
    headers: { ...headers, 'Content-Type': 'application/json', Expect: '100-continue' },
  })
  const answer = new Promise<{ status: number; text: string }>((resolve, reject) => {
    asked.once('error', reject)
    asked.once('response', (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
      })
      response.once('error', reject)
      response.once('end', () => resolve({ status: response.statusCode ?? 0, text }))
    })
  })
  await new Promise<void>((resolve) => asked.once('continue', resolve).flushHeaders())
  return { asked, answer }
}

/** Whether a port takes connections. */
function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectTcp(port, '127.0.0.1')
    socket.once('error', () => resolve(false))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}

test('SIGTERM: what is under way is answered, nothing new is taken, and then it ends', async () => {
  await using running = await startGatewaySite({ http: 'drain = 30\nworkers = 2' })
  const { site, admin, gateway } = running
  await addUser(admin, 'alice')
  const { secret } = await makeToken(admin, 'alice')
  const { asked, answer } = await begin(`${site.http}/registry/whoami`, bearer(secret))
  // So much that the rest has time.
  asked.write(`{"some":"${'thing'.repeat(20_000)}`)
  gateway.child.signal('SIGTERM')
  await waitFor(async () => !(await accepts(site.port)), LONG)
  expect(gateway.child.exited).toBe(false)
  asked.end('"}')
  const { status, text } = await answer
  expect([status, JSON.parse(text).user]).toEqual([200, 'alice'])
  expect(await gateway.child.exit).toEqual({ code: 0, signal: null })
})

test('SIGTERM: what does not end in time is cut off', async () => {
  await using running = await startGatewaySite({ http: 'drain = 0' })
  const { site, admin, gateway } = running
  await addUser(admin, 'alice')
  const { secret } = await makeToken(admin, 'alice')
  const { answer } = await begin(`${site.http}/registry/whoami`, bearer(secret))
  const cut = expect(answer).rejects.toThrow()
  gateway.child.signal('SIGTERM')
  await cut
  expect(await gateway.child.exit).toEqual({ code: 0, signal: null })
})

/** Certificate that a server shows. */
function shownBy(port: number, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', ca: readFileSync(ca) }, () => {
      resolve(socket.getPeerX509Certificate()?.fingerprint256 ?? '')
      socket.destroy()
    })
    socket.once('error', reject)
  })
}

test('SIGHUP: a renewed certificate is shown from then on; a broken one is not taken', async (context) => {
  await using site = new GatewaySite()
  const maker = CertificateMaker.in(site.home, context)
  const authority = await maker.make('authority', { authority: true })
  const [first, renewed] = [
    await maker.make('localhost', { issuer: authority, usage: 'serverAuth' }),
    await maker.make('localhost', { issuer: authority, usage: 'serverAuth' }),
  ] as const
  const place = { cert: site.home.file('cert.pem'), key: site.home.file('key.pem') }
  const install = (made: typeof place): void => {
    copyFileSync(made.cert, place.cert)
    copyFileSync(made.key, place.key)
  }
  const fingerprintOf = ({ cert }: typeof place): string =>
    new X509Certificate(readFileSync(cert)).fingerprint256
  install(first)
  const [cert, key] = [JSON.stringify(place.cert), JSON.stringify(place.key)]
  site.configure({ http: `workers = 2\ntls_cert = ${cert}\ntls_key = ${key}` })
  const { child, port } = await site.startGateway()
  // Two connections, so that each worker is asked.
  const shown = async () =>
    new Set([await shownBy(port, authority.cert), await shownBy(port, authority.cert)])
  expect(await shown()).toEqual(new Set([fingerprintOf(first)]))

  writeFileSync(place.cert, 'no certificate')
  child.signal('SIGHUP')
  await child.line(/not reloaded/, { from: 'stderr' })
  expect(await shown()).toEqual(new Set([fingerprintOf(first)]))

  install(renewed)
  child.signal('SIGHUP')
  await waitFor(
    async () => [...(await shown())].every((one) => one === fingerprintOf(renewed)),
    LONG,
  )
  expect(
    (await ask(`https://127.0.0.1:${port}/health`, { ca: readFileSync(authority.cert) })).status,
  ).toBe(200)
})

/** A request to each route, with what it is answered if not 200. */
type Tried = readonly [path: string, body?: object | undefined, status?: number]

/** In an order in which each can be done; of each start of a development home its own names. */
function everyRoute(start: number): readonly Tried[] {
  const key = `/dev/of-${start}`
  const secret = { Name: `dev/of-${start}` }
  const Value = Buffer.from('hello').toString('base64')
  const subject = { type: 'user', id: 'dev' }
  const resource = { type: 'secret', id: key }
  return [
    ['/registry/set', { key, value: 'hello' }],
    ['/registry/get', { key }],
    ['/registry/list', { prefix: '/dev' }],
    ['/registry/history', { key }],
    ['/registry/versions', { op: 'rollback', key, version: 1 }],
    ['/registry/meta', { op: 'get', key }],
    ['/registry/search', { prefix: '/dev' }],
    ['/registry/transfer', { op: 'copy', from: key, to: `${key}-copy` }],
    ['/registry/txn', { then: [{ op: 'get', key }] }],
    ['/registry/delete', { key: `${key}-copy` }],
    ['/registry/whoami', {}],
    ['/registry/status', {}],
    ['/api/put', { ...secret, Value }],
    ['/api/get', secret],
    ['/api/info', secret],
    ['/api/list', {}],
    ['/api/create-version', { ...secret, Version: 7, Value }],
    ['/api/activate', { ...secret, Version: 1 }],
    ['/api/delete-version', { ...secret, Version: 7 }],
    ['/api/delete', secret],
    ...everySecretsRoute(`yaml://secret/of-${start}`),
    ['/access/v1/evaluation', { subject, action: { name: 'read' }, resource }],
    ['/access/v1/evaluations', { subject, resource, evaluations: [{ action: { name: 'list' } }] }],
    ['/access/v1/search/action', { subject, resource }],
    ['/.well-known/authzen-configuration'],
    ['/'],
    ['/metrics'],
    ['/openapi.json'],
    ['/health'],
    ['/ready'],
  ]
}

/** Those of the Secrets API; what is for KV version 2 alone, where there is none. */
function everySecretsRoute(uri: string): readonly Tried[] {
  const [to, key] = [`${uri}-copy`, encodeURIComponent(`${uri}#a`)]
  return [
    ['/api/secrets', { uri: `${uri}#a`, value: 'hello' }],
    [`/api/secrets/value?uri=${key}`],
    ['/api/secrets/rotate', { uri: `${uri}#a`, value: 'hello again' }],
    [`/api/secrets/keys?uri=${uri}`],
    [`/api/secrets/metadata?prefix=${uri}`],
    ['/api/secrets/search?q=of-'],
    ['/api/secrets/copy', { fromUri: uri, toUri: to }],
    ['/api/secrets/move', { fromUri: to, toUri: `${to}-moved` }],
    ['/api/secrets/bulk', { operations: [{ op: 'delete', uri: `${to}-moved` }] }],
    ['/api/secrets/audit'],
    [`/api/secrets/metadata/detail?uri=${uri}`, undefined, 501],
    [`/api/secrets/versions?uri=${uri}`, undefined, 501],
    ['/api/secrets/metadata/owner', { uri, owner: 'somebody' }, 501],
    ['/api/secrets/undelete', { uri, versions: [1] }, 501],
    ['/api/secrets/destroy-versions', { uri, versions: [1] }, 501],
  ]
}

/** What a stream begins with. */
async function beginOf(port: number, path: string, token: string): Promise<string> {
  using connection = await RawConnection.open(port)
  connection.send(rawRequest('GET', path, { Authorization: `Bearer ${token}` }))
  await waitFor(() => connection.text.includes('id: '), LONG)
  return connection.text
}

test('a development home says where HTTP is, and the token of its administrator opens every route', async () => {
  await using home = createTempHome()
  const dir = home.file('dev')
  const kept = { Name: 'kept', Value: Buffer.from('of the first start').toString('base64') }
  let credentials: string | undefined
  for (const start of [1, 2]) {
    await using daemon = startNode(SECREGD, ['--dev', dir])
    const { http, ...ready } = JSON.parse(await daemon.line(/"ready":true/, { timeoutMs: 40_000 }))
    expect(http).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    const admin = join(dir, 'admin.json')
    const socket = join(dir, 'registry.sock')
    expect(ready).toEqual({ ready: true, socket, ...nativeDoors(dir), admin })
    const text = readFileSync(admin, 'utf8')
    credentials ??= text
    expect(text).toBe(credentials)
    const headers = { ...bearer(JSON.parse(text).token), ...SETEC_GUARD }
    const call = (path: string, body?: object) =>
      ask(`${http}${path}`, { headers, ...(body === undefined ? {} : { body }) })

    if (start === 1) await call('/api/put', kept)
    const found = (await call('/api/get', { Name: 'kept' })).json
    expect(found).toEqual({ Value: kept.Value, Version: 1 })
    const routes = everyRoute(start)
    for (const [path, body, expected = 200] of routes) {
      const { status, text } = await call(path, body)
      expect(status, `${path}: ${text}`).toBe(expected)
    }
    const { port } = new URL(http)
    const stream = await beginOf(Number(port), SECRETS_EVENTS_PATH, JSON.parse(text).token)
    expect(stream).toContain('\r\nContent-Type: text/event-stream\r\n')
    const { paths } = (await call('/openapi.json')).json
    const told = [...routes.map(([path]) => path.split('?')[0]), SECRETS_EVENTS_PATH]
    expect(told.sort()).toEqual(Object.keys(paths).sort())
    // It is the token that opens them.
    expect((await ask(`${http}/registry/whoami`, { body: {} })).status).toBe(401)

    expect((await daemon.kill('SIGTERM')).code).toBe(0)
    await expect(ask(`${http}/health`)).rejects.toThrow('ECONNREFUSED')
  }
})
