/** What only the gateway sees of a caller: believed where its key is set and the daemon's list names him, and nowhere else. */
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import { networkInterfaces } from 'node:os'
import {
  CertificateMaker,
  certificatePrincipal,
  type MadeCertificate,
  rawHttp,
  skipTest,
  waitFor,
  writeChain,
} from '@secreg/testkit'
import { expect, test } from 'vitest'
import { addUser, GatewaySite, makeToken } from '../lib/gateway-site.ts'
import { type Answered, type AskOptions, ask, bearer } from '../lib/http-ask.ts'
import type { Wire } from '../lib/wire.ts'

/** `tailnet:NAME=LOGIN` of each pair. */
const tailnet = (...pairs: string[]): string[] => pairs.map((pair) => `tailnet:${pair}`)

interface Prepared {
  readonly admin: Wire
  /** Token of bob. */
  readonly token: string
}

/** Start the daemon with alice and bob. */
async function prepare(site: GatewaySite): Promise<Prepared> {
  await site.start()
  const admin = await site.initialize()
  for (const user of ['alice', 'bob']) await addUser(admin, user)
  return { admin, token: (await makeToken(admin, 'bob')).secret }
}

/** Configure, and start a gateway that has taken it; the daemon knows `mayAssert` from its own start. */
async function gatewayWith(site: GatewaySite, mayAssert: readonly string[], http: string) {
  site.configure({ gateway: `may_assert = ${JSON.stringify(mayAssert)}`, http })
  return site.startGateway()
}

/** Who somebody is by a record of his login, `refused` and why, or `none` where there was no login. */
async function loginOf(site: GatewaySite, request: () => Promise<Answered>): Promise<unknown> {
  const before = site.records().length
  const { status, json } = await request()
  const [record, ...more] = site.records().slice(before)
  expect(more).toEqual([])
  if (record === undefined) return { status, reason: json.error?.reason, record: 'none' }
  const { action, outcome, reason, actor } = record.body
  expect(action).toBe('auth')
  expect(status === 200 ? json.user : json.error.reason).toBe(status === 200 ? actor.user : reason)
  return { status, outcome, ...(reason === undefined ? {} : { reason }), actor }
}

const allowed = (user: string, actor: object) => ({
  status: 200,
  outcome: 'ok',
  actor: expect.objectContaining({ user, door: 'http', mfa: false, ...actor }),
})
/** Asserted, and nobody: the record says what was tried, and names no account. */
const nobody = (address: string) => ({
  status: 401,
  outcome: 'denied',
  reason: 'AUTH_FAILED',
  actor: { door: 'http', address, proof: 'asserted', mfa: false },
})
const silent = (reason: string, status = 401) => ({ status, reason, record: 'none' })

test('tailscaled is asked who a peer is, and of whom the list names that is believed', async () => {
  const login = (LoginName: string) => ({ Node: {}, UserProfile: { LoginName } })
  const tags = (...Tags: string[]) => ({
    Node: { Tags },
    UserProfile: { LoginName: 'alice@e.org' },
  })
  const asserted = (address: string) => ({ proof: 'asserted', address })
  /** By address: what tailscaled says, and what comes of it. */
  const peers: Readonly<Record<string, readonly [answer: unknown, outcome: unknown]>> = {
    '127.2.0.1': [login('alice@e.org'), allowed('alice', asserted('127.2.0.1'))],
    '127.2.0.2': [tags('tag:web'), allowed('bob', asserted('127.2.0.2'))],
    '127.2.0.3': [tags('tag:web', 'tag:other'), allowed('bob', asserted('127.2.0.3'))],
    '127.2.0.4': [undefined, silent('AUTH_REQUIRED')],
    '127.2.0.5': [login('mallory@e.org'), nobody('127.2.0.5')],
    '127.2.0.6': [tags('tag:web', 'tag:db'), nobody('127.2.0.6')],
    '127.2.0.7': [login('tag:web'), silent('UNREACHABLE', 503)],
    '127.2.0.8': ['no answer of tailscaled', silent('UNREACHABLE', 503)],
  }
  await using site = new GatewaySite()
  const socket = site.home.file('t')
  const asked: IncomingMessage[] = []
  const tailscaled = createServer((request, response) => {
    asked.push(request)
    const { searchParams } = new URL(request.url ?? '', 'http://x')
    const [answer] = peers[searchParams.get('addr')?.split(':')[0] ?? ''] ?? []
    response.writeHead(answer === undefined ? 404 : 200).end(JSON.stringify(answer))
  })
  await new Promise<void>((resolve) => tailscaled.listen(socket, resolve))
  const mayAssert = tailnet('alice@e.org=alice', 'tag:web=bob', 'tag:db=alice')
  site.configure({ gateway: `may_assert = ${JSON.stringify(mayAssert)}` })
  const { admin, token } = await prepare(site)
  using _ = admin
  const whoami = (localAddress: string, options: AskOptions = {}) =>
    loginOf(site, () => ask(`${site.http}/registry/whoami`, { body: {}, localAddress, ...options }))

  await gatewayWith(site, mayAssert, '')
  expect(await whoami('127.2.0.1')).toEqual(silent('AUTH_REQUIRED'))
  expect(asked).toEqual([])

  await gatewayWith(site, mayAssert, `tailscale_whois = ${JSON.stringify(socket)}`)
  for (const [address, [, outcome]] of Object.entries(peers)) {
    expect(await whoami(address), address).toEqual(outcome)
    const { url, headers } = asked.at(-1) as IncomingMessage
    expect(url).toMatch(
      new RegExp(`^/localapi/v0/whois\\?proto=tcp&addr=${address.replaceAll('.', '\\.')}%3A\\d+$`),
    )
    expect(headers.host).toBe('local-tailscaled.sock')
  }
  // Who shows a credential is who the credential says, and tailscaled is not asked.
  const questions = asked.length
  const credential = { headers: bearer(token) }
  const bob = allowed('bob', { proof: 'credential', address: '127.2.0.1' })
  expect(await whoami('127.2.0.1', credential)).toEqual(bob)
  const wrong = await whoami('127.2.0.1', { headers: bearer('a'.repeat(40)) })
  expect(wrong).toMatchObject({ status: 401, reason: 'AUTH_FAILED' })
  expect(asked.length).toBe(questions)

  await new Promise((resolve) => tailscaled.close(resolve))
  expect(await whoami('127.2.0.9')).toEqual(silent('UNREACHABLE', 503))
  const elsewhere = allowed('bob', { proof: 'credential', address: '127.2.0.9' })
  expect(await whoami('127.2.0.9', credential)).toEqual(elsewhere)
})

/** An address of this machine that others reach it by. */
function outerAddress(): string | undefined {
  const all = Object.values(networkInterfaces()).flatMap((one) => one ?? [])
  return all.find(({ internal, family }) => !internal && family === 'IPv4')?.address
}

test('headers of tailscale serve count from this machine, where it is said to be in front', async (context) => {
  await using site = new GatewaySite()
  const mayAssert = tailnet('alice@e.org=alice')
  site.configure({ gateway: `may_assert = ${JSON.stringify(mayAssert)}` })
  const { admin, token } = await prepare(site)
  using _ = admin
  const address = '100.64.0.7'
  const serve = (login: string) => ({ 'Tailscale-User-Login': login, 'X-Forwarded-For': address })
  const whoami = (headers: AskOptions['headers'] = {}, host = '127.0.0.1') =>
    loginOf(site, () => ask(`http://${host}:${site.port}/registry/whoami`, { body: {}, headers }))

  await gatewayWith(site, mayAssert, '')
  expect(await whoami(serve('alice@e.org'))).toEqual(silent('AUTH_REQUIRED'))
  const own = allowed('bob', { proof: 'credential', address: '127.0.0.1' })
  expect(await whoami({ ...serve('alice@e.org'), ...bearer(token) })).toEqual(own)

  await gatewayWith(site, mayAssert, 'listen = "0.0.0.0:0"\ntailscale_serve = true')
  const seen = { proof: 'asserted', address }
  expect(await whoami(serve('alice@e.org'))).toEqual(allowed('alice', seen))
  expect(await whoami(serve('bob'))).toEqual(nobody(address))
  expect(await whoami(serve('root@e.org'))).toEqual(nobody(address))
  const shown = allowed('bob', { proof: 'credential', address })
  expect(await whoami({ ...serve('alice@e.org'), ...bearer(token) })).toEqual(shown)
  const refused = silent('INVALID_ARGUMENT', 400)
  expect(await whoami(serve('tag:web'))).toEqual(refused)
  const funnel = { 'Tailscale-Funnel-Request': '?1' }
  expect(await whoami({ ...serve('alice@e.org'), ...funnel })).toEqual(refused)
  const twice = [
    `POST /registry/whoami HTTP/1.1\r\nHost: 127.0.0.1:${site.port}\r\nConnection: close\r\n`,
    'Content-Type: application/json\r\nContent-Length: 2\r\n',
    'Tailscale-User-Login: alice@e.org\r\nTailscale-User-Login: alice@e.org\r\n\r\n{}',
  ]
  expect(await rawHttp(site.port, twice.join(''))).toMatch(/^HTTP\/1\.1 400 /)

  const outer = outerAddress()
  if (outer === undefined) skipTest(context, 'this machine has no address but those of loopback')
  expect(await whoami(serve('alice@e.org'), outer)).toEqual(silent('AUTH_REQUIRED'))
  const outside = allowed('bob', { proof: 'credential', address: outer })
  expect(await whoami({ ...serve('alice@e.org'), ...bearer(token) }, outer)).toEqual(outside)
})

test('class 25: a client certificate is who the list says, itself and not by name, when its authority is one', async (context) => {
  await using site = new GatewaySite()
  const maker = CertificateMaker.in(site.home, context)
  const authority = await maker.make('authority', { authority: true })
  const other = await maker.make('authority', { authority: true })
  const server = await maker.make('localhost', { issuer: authority, usage: 'serverAuth' })
  const alice = await maker.make('alice', { issuer: authority })
  const renewed = await maker.make('alice', { issuer: authority })
  const expired = await maker.make('alice', { issuer: authority, days: -1 })
  const rogues: Readonly<Record<string, MadeCertificate>> = {
    expired,
    'of another authority of that name': await maker.make('alice', { issuer: other }),
    'of its own': await maker.make('alice'),
    'of a server': server,
    'issued by a client': withIssuer(site, await maker.make('alice', { issuer: alice }), alice),
    'authority issued by a client': await maker.make('alice', { issuer: alice, authority: true }),
  }
  // Were they trusted, the list would let them in.
  const mayAssert = [alice, ...Object.values(rogues)].map(
    (made) => `${certificatePrincipal(made)}=alice`,
  )
  site.configure({ gateway: `may_assert = ${JSON.stringify(mayAssert)}` })
  const { admin, token } = await prepare(site)
  using _ = admin
  const quoted = Object.entries({ tls_cert: server.cert, tls_key: server.key }).map(
    ([key, path]) => `${key} = ${JSON.stringify(path)}`,
  )
  const clientCa = (path: string) =>
    [...quoted, `tls_client_ca = ${JSON.stringify(path)}`].join('\n')
  const whoami = (identity?: MadeCertificate, headers: AskOptions['headers'] = {}) =>
    loginOf(site, () =>
      ask(`${site.http}/registry/whoami`, {
        body: {},
        headers,
        ca: readFileSync(authority.cert),
        ...(identity === undefined
          ? {}
          : { cert: readFileSync(identity.cert), key: readFileSync(identity.key) }),
      }),
    )
  const address = '127.0.0.1'

  await gatewayWith(site, mayAssert, quoted.join('\n'))
  expect(await whoami(alice)).toEqual(silent('AUTH_REQUIRED'))

  // A certificate of a client is no authority of clients.
  for (const leaf of [alice, server]) {
    site.configure({ http: clientCa(leaf.cert) })
    const refused = site.launchGateway()
    expect((await refused.exit).code).toBe(1)
    expect(refused.stderr()).toContain('http.tls_client_ca: expected certificates of authorities')
  }

  await gatewayWith(site, mayAssert, clientCa(authority.cert))
  const seen = allowed('alice', { proof: 'asserted', address })
  expect(await whoami(alice)).toEqual(seen)
  expect(await whoami(renewed)).toEqual(nobody(address))
  const shown = allowed('bob', { proof: 'credential', address })
  expect(await whoami(alice, bearer(token))).toEqual(shown)
  const before = site.records().length
  for (const [what, rogue] of Object.entries(rogues)) {
    await expect(whoami(rogue), what).rejects.toThrow(/alert|reset|socket|EPIPE/i)
    await expect(whoami(rogue, bearer(token)), what).rejects.toThrow(/alert|reset|socket|EPIPE/i)
  }
  expect(site.records().length).toBe(before)
  // Who shows none is asked for something else.
  expect(await whoami(undefined)).toEqual(silent('AUTH_REQUIRED'))
  const another = await makeToken(admin, 'bob')
  expect(await whoami(undefined, bearer(another.secret))).toEqual(shown)

  await gatewayWith(site, mayAssert, `${clientCa(authority.cert)}\ntls_client_required = true`)
  await expect(whoami(undefined, bearer(token))).rejects.toThrow(/alert|reset|socket|EPIPE/i)
  expect(await whoami(alice)).toEqual(seen)

  // What the list does not say any more holds no longer, also of a session that is open.
  const next = [`${certificatePrincipal(renewed)}=alice`]
  site.configure({
    gateway: `may_assert = ${JSON.stringify(next)}`,
    http: clientCa(authority.cert),
  })
  site.children.at(-1)?.signal('SIGHUP')
  await waitFor(async () => (await askAs(site, authority, alice)).status === 401)
  expect((await askAs(site, authority, renewed)).json).toMatchObject({ user: 'alice' })
})

function askAs(
  site: GatewaySite,
  { cert }: MadeCertificate,
  identity: MadeCertificate,
): Promise<Answered> {
  return ask(`${site.http}/registry/whoami`, {
    body: {},
    ca: readFileSync(cert),
    cert: readFileSync(identity.cert),
    key: readFileSync(identity.key),
  })
}

/** With the certificate of its issuer in the same file, so that it is shown too. */
function withIssuer(
  site: GatewaySite,
  made: MadeCertificate,
  issuer: MadeCertificate,
): MadeCertificate {
  return { cert: writeChain(site.home.file('chain.pem'), made, issuer), key: made.key }
}
