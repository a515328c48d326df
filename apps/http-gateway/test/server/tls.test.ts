import { readFileSync } from 'node:fs'
import { connect, type TLSSocket } from 'node:tls'
import {
  CertificateMaker,
  createTempHome,
  type MadeCertificate,
  RawConnection,
  rawRequest,
  type SkippableContext,
  type TempHome,
  writeChain,
} from '@secreg/testkit'
import { describe, expect, it } from 'vitest'
import { readTls, TlsError } from '../../src/server/tls.ts'
import { startGateway } from '../support/test-gateway.ts'

interface Trial {
  readonly home: TempHome
  readonly maker: CertificateMaker
  readonly authority: MadeCertificate
  readonly server: MadeCertificate
}

async function prepare(context: SkippableContext, home: TempHome): Promise<Trial> {
  const maker = CertificateMaker.in(home, context)
  const authority = await maker.make('authority', { authority: true })
  const server = await maker.make('localhost', { issuer: authority, usage: 'serverAuth' })
  return { home, maker, authority, server }
}

interface Dial {
  readonly ca: string
  readonly identity?: MadeCertificate | undefined
  /** File with the chain that the client shows instead of its certificate alone. */
  readonly shown?: string
  readonly maxVersion?: 'TLSv1.1' | 'TLSv1.2' | 'TLSv1.3'
}

/** What one request is answered with; undefined when the connection is refused. */
async function ask(port: number, dial: Dial, request: string): Promise<string | undefined> {
  const { identity, shown = identity?.cert, maxVersion } = dial
  const socket: TLSSocket = connect({
    port,
    host: '127.0.0.1',
    servername: 'localhost',
    ca: readFileSync(dial.ca),
    ...(identity === undefined || shown === undefined
      ? {}
      : { key: readFileSync(identity.key), cert: readFileSync(shown) }),
    ...(maxVersion === undefined
      ? {}
      : { minVersion: 'TLSv1', maxVersion, ciphers: 'ALL@SECLEVEL=0' }),
  })
  let text = ''
  socket.setEncoding('latin1')
  socket.on('data', (chunk: string) => {
    text += chunk
  })
  socket.on('error', () => {})
  socket.on('secureConnect', () => socket.write(request))
  await new Promise<void>((resolve) => socket.once('close', () => resolve()))
  return text === '' ? undefined : text
}

const HEALTH = rawRequest('GET', '/health', { Host: 'localhost', Connection: 'close' })
const WHOAMI = rawRequest(
  'POST',
  '/registry/whoami',
  { Host: 'localhost', 'Content-Type': 'application/json', Connection: 'close' },
  '{}',
)

describe('TLS', () => {
  it('tells browsers to stay with it, and answers to every name of its certificate', async (context) => {
    await using home = createTempHome()
    const { authority, server } = await prepare(context, home)
    await using running = await startGateway({ http: { tlsCert: server.cert, tlsKey: server.key } })
    const dial = { ca: authority.cert }
    const answer = await ask(running.port, dial, HEALTH.replace('localhost', 'vault.example'))
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r$/m)
    expect(answer).toMatch(/^strict-transport-security: max-age=31536000\r$/im)
    expect(answer).toMatch(/^content-security-policy: default-src 'none'/im)
    expect(await ask(running.port, { ...dial, maxVersion: 'TLSv1.2' }, HEALTH)).toMatch(/ 200 OK/)
    expect(await ask(running.port, { ...dial, maxVersion: 'TLSv1.1' }, HEALTH)).toBeUndefined()
  })

  it('does not answer in the clear', async (context) => {
    await using home = createTempHome()
    const { server } = await prepare(context, home)
    await using running = await startGateway({ http: { tlsCert: server.cert, tlsKey: server.key } })
    using client = await RawConnection.open(running.port)
    client.send(HEALTH)
    await client.whenClosed()
    expect(client.text).not.toMatch(/200 OK/)
  })

  it('takes a new certificate for new connections, and keeps the old one when that is no good', async (context) => {
    await using home = createTempHome()
    const { maker, authority, server } = await prepare(context, home)
    const other = await maker.make('other', { authority: true })
    const renewed = await maker.make('localhost', { issuer: other, usage: 'serverAuth' })
    await using running = await startGateway({ http: { tlsCert: server.cert, tlsKey: server.key } })
    const socket = connect({
      port: running.port,
      host: '127.0.0.1',
      servername: 'localhost',
      ca: readFileSync(authority.cert),
    })
    using kept = new RawConnection(socket)
    kept.send(rawRequest('GET', '/health'))
    expect((await kept.answer()).status).toBe(200)

    expect(() =>
      readTls({
        tlsCert: renewed.cert,
        tlsKey: server.key,
        tlsClientCa: undefined,
        tlsClientRequired: false,
      }),
    ).toThrow(TlsError)
    expect(await ask(running.port, { ca: authority.cert }, HEALTH)).toMatch(/ 200 OK/)

    const files = readTls({
      tlsCert: renewed.cert,
      tlsKey: renewed.key,
      tlsClientCa: undefined,
      tlsClientRequired: false,
    })
    if (files === undefined) throw new Error('no files')
    running.gateway.server.useTls(files)
    expect(await ask(running.port, { ca: other.cert }, HEALTH)).toMatch(/ 200 OK/)
    expect(await ask(running.port, { ca: authority.cert }, HEALTH)).toBeUndefined()
    kept.send(rawRequest('GET', '/health'))
    expect((await kept.answer()).status).toBe(200)
  })
})

describe('client certificates', () => {
  it('are asserted by their fingerprint; who shows none is asked for something else', async (context) => {
    await using home = createTempHome()
    const { maker, authority, server } = await prepare(context, home)
    const clients = await maker.make('clients', { authority: true })
    await using running = await startGateway({
      http: { tlsCert: server.cert, tlsKey: server.key, tlsClientCa: clients.cert },
    })
    const ca = authority.cert
    const identity = await maker.make('alice', { issuer: clients })
    const renewed = await maker.make('alice', { issuer: clients })
    expect(await ask(running.port, { ca, identity }, WHOAMI)).toMatch(/^HTTP\/1\.1 200 /)
    expect(await ask(running.port, { ca, identity: renewed }, WHOAMI)).toMatch(/^HTTP\/1\.1 200 /)
    const asserted = running.relay.logins.map(({ assertions }) => assertions)
    expect(asserted).toEqual([
      [expect.stringMatching(/^cert:sha256:[0-9a-f]{64}$/)],
      [expect.stringMatching(/^cert:sha256:[0-9a-f]{64}$/)],
    ])
    expect(asserted[0]).not.toEqual(asserted[1])
    expect(await ask(running.port, { ca }, HEALTH)).toMatch(/^HTTP\/1\.1 200 /)
    expect(await ask(running.port, { ca }, WHOAMI)).toMatch(/^HTTP\/1\.1 401 /)
    expect(running.relay.logins).toHaveLength(2)
  })

  it('may be required: then no connection is served without one', async (context) => {
    await using home = createTempHome()
    const { maker, authority, server } = await prepare(context, home)
    await using running = await startGateway({
      http: {
        tlsCert: server.cert,
        tlsKey: server.key,
        tlsClientCa: authority.cert,
        tlsClientRequired: true,
      },
    })
    const ca = authority.cert
    expect(await ask(running.port, { ca }, HEALTH)).toBeUndefined()
    const identity = await maker.make('alice', { issuer: authority })
    expect(await ask(running.port, { ca, identity }, HEALTH)).toMatch(/^HTTP\/1\.1 200 /)
  })

  for (const [what, options] of [
    ['of another authority', {}],
    ['that has expired', { days: -1 }],
    ['for servers', { usage: 'serverAuth' }],
  ] as const) {
    it(`${what} are refused`, async (context) => {
      await using home = createTempHome()
      const { maker, authority, server } = await prepare(context, home)
      const other = await maker.make('authority', { authority: true })
      await using running = await startGateway({
        http: { tlsCert: server.cert, tlsKey: server.key, tlsClientCa: authority.cert },
      })
      const issuer = what === 'of another authority' ? other : authority
      const identity = await maker.make('alice', { issuer, ...options })
      expect(await ask(running.port, { ca: authority.cert, identity }, WHOAMI)).toBeUndefined()
      expect(running.relay.logins).toEqual([])
    })
  }

  it('that a client has issued with its own are refused', async (context) => {
    await using home = createTempHome()
    const { maker, authority, server } = await prepare(context, home)
    await using running = await startGateway({
      http: { tlsCert: server.cert, tlsKey: server.key, tlsClientCa: authority.cert },
    })
    const leaf = await maker.make('alice', { issuer: authority })
    const identity = await maker.make('admin', { issuer: leaf })
    const shown = writeChain(home.file('chain.pem'), identity, leaf)
    const ca = authority.cert
    expect(await ask(running.port, { ca, identity, shown }, WHOAMI)).toBeUndefined()
    expect(await ask(running.port, { ca, identity: leaf }, WHOAMI)).toMatch(/^HTTP\/1\.1 200 /)
    expect(running.relay.logins).toHaveLength(1)
  })

  it('of an intermediate authority are accepted with its certificate', async (context) => {
    await using home = createTempHome()
    const { maker, authority, server } = await prepare(context, home)
    await using running = await startGateway({
      http: { tlsCert: server.cert, tlsKey: server.key, tlsClientCa: authority.cert },
    })
    const middle = await maker.make('middle', { issuer: authority, authority: true })
    const identity = await maker.make('alice', { issuer: middle })
    const shown = writeChain(home.file('chain.pem'), identity, middle)
    const answer = await ask(running.port, { ca: authority.cert, identity, shown }, WHOAMI)
    expect(answer).toMatch(/^HTTP\/1\.1 200 /)
  })
})

describe('the files', () => {
  it('of authorities hold nothing else', async (context) => {
    await using home = createTempHome()
    const { maker, authority, server } = await prepare(context, home)
    const leaf = await maker.make('alice', { issuer: authority })
    const http = { tlsCert: server.cert, tlsKey: server.key, tlsClientRequired: false }
    const mixed = writeChain(home.file('mixed.pem'), authority, leaf)
    for (const tlsClientCa of [leaf.cert, mixed, server.key, home.file('absent.pem')]) {
      expect(() => readTls({ ...http, tlsClientCa })).toThrow(/^http\.tls_client_ca: /)
    }
    expect(readTls({ ...http, tlsClientCa: authority.cert })?.clientCa).toBeDefined()
  })

  it('come together or not at all', () => {
    const none = {
      tlsCert: undefined,
      tlsKey: undefined,
      tlsClientCa: undefined,
      tlsClientRequired: false,
    }
    expect(readTls(none)).toBeUndefined()
    expect(() => readTls({ ...none, tlsCert: '/x' })).toThrow(/expected both or none/)
    expect(() => readTls({ ...none, tlsKey: '/x' })).toThrow(/expected both or none/)
    expect(() => readTls({ ...none, tlsClientCa: '/x' })).toThrow(/expected none without/)
    expect(() => readTls({ ...none, tlsClientRequired: true })).toThrow(
      /expected http.tls_client_ca/,
    )
    expect(() => readTls({ ...none, tlsCert: '/nowhere/x', tlsKey: '/nowhere/y' })).toThrow(
      'http.tls_cert: cannot be read: ENOENT',
    )
  })
})
