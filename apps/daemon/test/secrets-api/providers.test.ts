/** Providers over a real egress child: against servers that do everything wrong, and a child that goes away. */
import { readFileSync, writeFileSync } from 'node:fs'
import { inspect } from 'node:util'
import type { Kv2Clock } from '@secreg/kv2'
import { Kv2Error } from '@secreg/kv2'
import { ProviderError, type SecretProvider, type SecretProviderName } from '@secreg/secrets-api'
import { CertificateMaker, createCanary, createTempHome, waitFor } from '@secreg/testkit'
import { type Kv2Fault, Kv2StandIn } from '@secreg/testkit/kv2'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { Egress, type EgressOptions } from '../../src/egress/egress-process.ts'
import { EgressError } from '../../src/egress/errors.ts'
import {
  createProviders,
  type ProviderPorts,
  type Providers,
} from '../../src/secrets-api/providers.ts'
import type { Kv2Settings, SecretsApiSettings } from '../../src/secrets-api/settings.ts'
import { buildEgress, type EgressProgram, pidOf } from '../egress-program.ts'
import { apiSettings, serverSettings } from './provider-settings.ts'

const MIB = 1024 * 1024
const ALWAYS = Number.POSITIVE_INFINITY
const PLACE = { mount: 'secret', segments: ['app', 'api'] }
const DATA = new Map([['k', 'v']])

let program: EgressProgram
let egress: Egress
beforeAll(async () => {
  program = await buildEgress({ kafkajs: false })
  egress = new Egress({ command: program.command })
})
afterAll(async () => {
  await egress.close()
  program[Symbol.dispose]()
})

const home = createTempHome()
afterAll(() => home.remove())

async function standIn(options: Parameters<typeof Kv2StandIn.start>[0] = {}): Promise<Kv2StandIn> {
  const server = await Kv2StandIn.start(options)
  onTestFinished(() => server.close())
  return server
}

function freshEgress(options: EgressOptions = {}): Egress {
  const fresh = new Egress({ command: program.command, ...options })
  onTestFinished(() => fresh.close())
  return fresh
}

function providersOf(
  settings: Partial<SecretsApiSettings>,
  ports: Partial<ProviderPorts> = {},
): Providers {
  const providers = createProviders(apiSettings(settings), {
    egress,
    registryOf: () => undefined,
    ...ports,
  })
  onTestFinished(() => providers.close())
  return providers
}

/** The provider of one server, with the root's token. */
function openbaoOf(
  server: Kv2StandIn,
  more: Partial<Kv2Settings> = {},
  ports: Partial<ProviderPorts> = {},
): SecretProvider {
  const openbao = serverSettings(server.url, { token: server.rootToken }, more)
  return mustHave(providersOf({ openbao }, ports), 'openbao')
}

function mustHave(providers: Providers, name: SecretProviderName): SecretProvider {
  const provider = providers.providerOf(name)
  if (provider === undefined) throw new Error(`no provider ${name}`)
  return provider
}

async function failureOf(call: Promise<unknown>): Promise<ProviderError> {
  try {
    await call
  } catch (error) {
    if (error instanceof ProviderError) return error
    throw error
  }
  throw new Error('it did not fail')
}

const outcomeUnknown = ({ cause }: ProviderError): boolean | undefined =>
  Kv2Error.is(cause) ? cause.outcomeUnknown : undefined

/** Real, and set forward at will. */
function movedClock(): Kv2Clock & { aheadMs: number } {
  return {
    aheadMs: 0,
    nowMs() {
      return performance.now() + this.aheadMs
    },
    after(delayMs, callback) {
      const timer = setTimeout(callback, delayMs)
      return () => clearTimeout(timer)
    },
  }
}

describe('a server that', () => {
  const status = (number: number, headers = {}): Kv2Fault => ({
    kind: 'status',
    status: number,
    headers,
  })
  test.each<[string, Kv2Fault, string, number, boolean]>([
    ['fails', status(500), 'PROVIDER_ERROR', 502, true],
    ['is behind a gateway that fails', status(502), 'PROVIDER_ERROR', 502, true],
    ['is not ready', status(503), 'PROVIDER_UNAVAILABLE', 503, true],
    ['throttles', status(429, { 'retry-after': '7' }), 'PROVIDER_BUSY', 429, false],
    ['denies', status(403), 'PROVIDER_ERROR', 502, false],
    ['finds fault', status(400), 'PROVIDER_ERROR', 502, false],
    ['cuts off', { kind: 'reset' }, 'PROVIDER_ERROR', 502, true],
    ['cuts off after the work', { kind: 'reset', done: true }, 'PROVIDER_ERROR', 502, true],
    ['lies about its length', { kind: 'truncate' }, 'PROVIDER_ERROR', 502, true],
    ['answers garbage', { kind: 'garbage' }, 'PROVIDER_ERROR', 502, true],
    ['answers 100 MiB', { kind: 'huge', bytes: 100 * MIB }, 'PROVIDER_ERROR', 502, true],
    [
      'sends on to nowhere',
      { kind: 'redirect', to: 'http://127.0.0.1:1' },
      'PROVIDER_ERROR',
      502,
      false,
    ],
  ])('%s, is told by its code, and works afterwards', async (_, fault, reason, code, unknown) => {
    const server = await standIn()
    const provider = openbaoOf(server)
    await provider.write(PLACE, DATA)
    const end = server.fail(fault, ALWAYS)
    const [read, write] = [
      await failureOf(provider.read(PLACE)),
      await failureOf(provider.write(PLACE, DATA)),
    ]
    for (const error of [read, write]) expect(error).toMatchObject({ reason, status: code })
    expect([outcomeUnknown(read), outcomeUnknown(write)]).toEqual([false, unknown])
    if (code === 429) expect(read.retryAfterSeconds).toBe(7)
    end()
    expect(await provider.read(PLACE)).toMatchObject({ kind: 'found' })
  })

  test('is down is known not to have done anything', async () => {
    const url = 'http://127.0.0.1:1'
    const openbao = serverSettings(url, { token: 'hvs.x' })
    const provider = mustHave(providersOf({ openbao }), 'openbao')
    const error = await failureOf(provider.write(PLACE, DATA))
    expect(error).toMatchObject({ reason: 'PROVIDER_ERROR', status: 502 })
    expect(outcomeUnknown(error)).toBe(false)
    expect(String((error.cause as Error).message)).toContain('(NOT_SENT)')
  })

  test('is sealed is not available, until it is open', async () => {
    const server = await standIn()
    const provider = openbaoOf(server)
    server.seal()
    expect(await failureOf(provider.read(PLACE))).toMatchObject({ reason: 'PROVIDER_UNAVAILABLE' })
    server.unseal()
    expect(await provider.read(PLACE)).toMatchObject({ kind: 'absent' })
  })

  test('is slow is given up in time, and so is its connection', async () => {
    const server = await standIn()
    const provider = openbaoOf(server, { timeoutMs: 200 })
    server.fail({ kind: 'hold', until: new Promise(() => {}) }, ALWAYS)
    const calls = [failureOf(provider.read(PLACE)), failureOf(provider.write(PLACE, DATA))]
    for (const error of await Promise.all(calls)) {
      expect(error).toMatchObject({ reason: 'PROVIDER_TIMEOUT', status: 502 })
    }
  })

  test('holds what nobody waits for any more is let go', async () => {
    const server = await standIn()
    const provider = openbaoOf(server)
    const closed = new Promise<void>((resolve) => {
      server.fail({ kind: 'hold', until: new Promise(() => {}) }, ALWAYS, ({ target }) => {
        if (target.includes('/data/')) resolve()
        return target.includes('/data/')
      })
    })
    const controller = new AbortController()
    const call = failureOf(provider.read(PLACE, { signal: controller.signal }))
    await closed
    controller.abort()
    expect(await call).toMatchObject({ reason: 'PROVIDER_TIMEOUT' })
  })

  test('has enough to do gets no more', async () => {
    const server = await standIn()
    const provider = openbaoOf(server, { maxConcurrent: 2 })
    let release = (): void => {}
    const until = new Promise<void>((resolve) => {
      release = resolve
    })
    server.fail({ kind: 'hold', until }, ALWAYS)
    const two = [provider.read(PLACE), provider.read(PLACE)]
    await waitFor(() => server.requests.length >= 2)
    expect(await failureOf(provider.read(PLACE))).toMatchObject({ reason: 'PROVIDER_BUSY' })
    release()
    await Promise.all(two)
  })
})

describe('a redirect', () => {
  test('to its own host is followed, and to one that is named', async () => {
    const active = await standIn()
    const standby = await standIn({ rootToken: active.rootToken })
    const named = openbaoOf(standby, { redirectHosts: [`127.0.0.1:${active.port}`] })
    for (const to of [standby, active]) {
      standby.fail({ kind: 'redirect', to: to.url })
      await named.write(PLACE, DATA)
    }
    standby.fail({ kind: 'redirect', to: standby.url })
    expect(await openbaoOf(standby).read(PLACE)).toMatchObject({ kind: 'found' })
    expect(active.requests.map(({ method }) => method)).toEqual(['POST'])
  })

  test('to another host, to another port, or without end is not, and the token does not get there', async () => {
    const other = await standIn()
    const server = await standIn()
    const provider = openbaoOf(server, { redirectHosts: ['active.example'] })
    for (const to of [
      other.url,
      other.url.replace('127.0.0.1', 'localhost'),
      server.url.replace('127.0.0.1', 'localhost'),
      `http://${server.rootToken}@127.0.0.1:${other.port}`,
    ]) {
      for (const code of [301, 302, 303, 307, 308]) {
        server.fail({ kind: 'redirect', to, status: code })
        const error = await failureOf(provider.write(PLACE, DATA))
        expect(error).toMatchObject({ reason: 'PROVIDER_ERROR' })
        expect(outcomeUnknown(error)).toBe(false)
      }
    }
    const before = server.requests.length
    const end = server.fail({ kind: 'redirect', to: server.url }, ALWAYS)
    expect(await failureOf(provider.write(PLACE, DATA))).toMatchObject({ reason: 'PROVIDER_ERROR' })
    end()
    expect(server.requests.length - before).toBe(3)
    expect(other.requests).toEqual([])
  })

  test('from TLS to none is not', async (context) => {
    const { server, ca } = await tlsStandIn(context)
    const plain = await standIn({ rootToken: server.rootToken })
    const redirectHosts = [`127.0.0.1:${plain.port}`]
    const provider = openbaoOf(server, { ca, redirectHosts })
    server.fail({ kind: 'redirect', to: plain.url })
    expect(await failureOf(provider.write(PLACE, DATA))).toMatchObject({ reason: 'PROVIDER_ERROR' })
    expect(plain.requests).toEqual([])
    await provider.write(PLACE, DATA)
  })
})

async function tlsStandIn(
  context: Parameters<typeof CertificateMaker.in>[1],
): Promise<{ readonly server: Kv2StandIn; readonly ca: string }> {
  const maker = CertificateMaker.in(home, context)
  const issuer = await maker.make('authority', { authority: true })
  const made = await maker.make('server', { issuer, usage: 'serverAuth' })
  const tls = { key: readFileSync(made.key, 'utf8'), cert: readFileSync(made.cert, 'utf8') }
  return { server: await standIn({ tls }), ca: readFileSync(issuer.cert, 'utf8') }
}

test('a server whose certificate is of somebody else gets nothing', async (context) => {
  const { server, ca } = await tlsStandIn(context)
  const error = await failureOf(openbaoOf(server).write(PLACE, DATA))
  expect(error).toMatchObject({ reason: 'PROVIDER_ERROR' })
  expect(outcomeUnknown(error)).toBe(false)
  expect((error.cause as Error).message).toContain('(TLS_FAILED)')
  expect(server.requests).toEqual([])
  await openbaoOf(server, { ca }).write(PLACE, DATA)
  await openbaoOf(server, { verifyTls: false }).write(PLACE, DATA)
})

describe('the circuit', () => {
  test('opens after five failures, is counted, and closes again; the other server has its own', async () => {
    const [server, other] = [await standIn(), await standIn()]
    const clock = movedClock()
    const opened: string[] = []
    const providers = providersOf(
      {
        openbao: serverSettings(server.url, { token: server.rootToken }),
        hashicorp: serverSettings(other.url, { token: other.rootToken }),
      },
      { clock, onCircuitOpen: (name) => opened.push(name) },
    )
    const [openbao, hashicorp] = [mustHave(providers, 'openbao'), mustHave(providers, 'hashicorp')]
    const end = server.fail({ kind: 'reset' }, ALWAYS)
    for (let calls = 0; calls < 5; calls++) {
      expect(opened).toEqual([])
      await failureOf(openbao.write(PLACE, DATA))
    }
    expect(opened).toEqual(['openbao'])
    const before = server.requests.length
    const refused = await failureOf(openbao.write(PLACE, DATA))
    expect(refused).toMatchObject({ reason: 'PROVIDER_UNAVAILABLE', status: 503 })
    expect(server.requests.length).toBe(before)
    await hashicorp.write(PLACE, DATA)
    clock.aheadMs += 30_000
    await failureOf(openbao.write(PLACE, DATA))
    expect(opened).toEqual(['openbao', 'openbao'])
    end()
    clock.aheadMs += 30_000
    await openbao.write(PLACE, DATA)
    await openbao.write(PLACE, DATA)
    expect(opened).toEqual(['openbao', 'openbao'])
  })

  test('is not opened by what one asks for, however large', async () => {
    const server = await standIn()
    const opened: string[] = []
    const provider = openbaoOf(server, {}, { onCircuitOpen: (name) => opened.push(name) })
    const large = new Map([['k', 'v'.repeat(5 * MIB)]])
    for (let calls = 0; calls < 6; calls++) {
      const error = await failureOf(provider.write(PLACE, large))
      expect(error).toMatchObject({ reason: 'PROVIDER_ERROR' })
      expect(outcomeUnknown(error)).toBe(false)
    }
    await provider.write(PLACE, DATA)
    expect(opened).toEqual([])
  })

  test('is not opened by a child that has no room, which is busy', async () => {
    const server = await standIn()
    const opened: string[] = []
    let isFull = true
    const provider = openbaoOf(
      server,
      {},
      {
        onCircuitOpen: (name) => opened.push(name),
        egress: {
          call: (...asked) => {
            if (isFull) throw new EgressError('ERR_EGRESS_BUSY', true)
            return egress.call(...asked)
          },
        },
      },
    )
    for (let calls = 0; calls < 6; calls++) {
      const error = await failureOf(provider.write(PLACE, DATA))
      expect(error).toMatchObject({ reason: 'PROVIDER_BUSY', status: 429 })
    }
    isFull = false
    await provider.write(PLACE, DATA)
    expect(opened).toEqual([])
  })
})

describe('a child that is killed', () => {
  test('leaves it open what became of writes, and the next call finds another', async () => {
    const server = await standIn()
    let timeMs = 0
    const egress = freshEgress({ now: () => timeMs })
    const opened: string[] = []
    const provider = openbaoOf(server, {}, { egress, onCircuitOpen: (name) => opened.push(name) })
    await provider.write(PLACE, DATA)
    const before = server.requests.length
    const end = server.fail({ kind: 'hold', until: new Promise(() => {}) }, ALWAYS)
    // As many as open the circuit when the server fails.
    const writes = Array.from({ length: 8 }, (_, at) =>
      failureOf(provider.write({ mount: 'secret', segments: [`key-${at}`] }, DATA)),
    )
    await waitFor(() => server.requests.length - before >= 8)
    const pid = pidOf(egress)
    process.kill(pid, 'SIGKILL')
    for (const error of await Promise.all(writes)) {
      expect(error).toMatchObject({ reason: 'PROVIDER_ERROR', status: 502 })
      expect(outcomeUnknown(error)).toBe(true)
    }
    end()
    const early = await failureOf(provider.write(PLACE, DATA))
    expect(early).toMatchObject({ reason: 'PROVIDER_ERROR' })
    expect(outcomeUnknown(early)).toBe(false)
    timeMs += 1000
    await provider.write(PLACE, DATA)
    expect(await provider.read(PLACE)).toMatchObject({ kind: 'found' })
    expect(egress.pid).not.toBe(pid)
    expect(opened).toEqual([])
  })
})

describe('an AppRole', () => {
  test('is logged in for once, and again when its token is none any more', async () => {
    const server = await standIn()
    const role = server.addRole({ ttlSeconds: 3600 })
    const openbao = serverSettings(server.url, role, { renewalThresholdSeconds: 600 })
    const provider = mustHave(providersOf({ openbao }), 'openbao')
    const logins = (): number =>
      server.requests.filter(({ target }) => target.endsWith('/login')).length
    await Promise.all(Array.from({ length: 20 }, () => provider.read(PLACE)))
    expect(logins()).toBe(1)
    server.revokeTokens()
    await provider.write(PLACE, DATA)
    expect(logins()).toBe(2)
    server.fail({ kind: 'status', status: 403 }, ALWAYS)
    expect(await failureOf(provider.read(PLACE))).toMatchObject({
      reason: 'PROVIDER_ERROR',
      status: 502,
    })
  })
})

test('each server gets its own credential and namespace, and no other', async () => {
  const [one, two] = [await standIn({ namespaces: ['team'] }), await standIn()]
  const providers = providersOf({
    openbao: serverSettings(one.url, { token: one.rootToken }, { namespace: 'team' }),
    hashicorp: serverSettings(two.url, { token: two.rootToken }),
  })
  await mustHave(providers, 'openbao').write(PLACE, DATA)
  await mustHave(providers, 'hashicorp').write(PLACE, DATA)
  for (const [server, token, namespace] of [
    [one, one.rootToken, 'team'],
    [two, two.rootToken, undefined],
  ] as const) {
    expect(server.requests).not.toHaveLength(0)
    for (const { headers } of server.requests) {
      expect([headers['x-vault-token'], headers['x-vault-namespace']]).toEqual([token, namespace])
    }
  }
})

describe('both names for one server', () => {
  test('have one login, one limit and one circuit', async () => {
    const server = await standIn()
    const role = server.addRole()
    const made = () => serverSettings(server.url, { ...role }, { maxConcurrent: 2 })
    const opened: string[] = []
    const providers = providersOf(
      { openbao: made(), hashicorp: made() },
      { onCircuitOpen: (name) => opened.push(name) },
    )
    const [openbao, hashicorp] = [mustHave(providers, 'openbao'), mustHave(providers, 'hashicorp')]
    expect([openbao.name, hashicorp.name]).toEqual(['openbao', 'hashicorp'])
    await openbao.write(PLACE, DATA)
    expect(await hashicorp.read(PLACE)).toMatchObject({ kind: 'found', version: 1 })
    expect(server.requests.filter(({ target }) => target.endsWith('/login'))).toHaveLength(1)
    let release = (): void => {}
    const until = new Promise<void>((resolve) => {
      release = resolve
    })
    const end = server.fail({ kind: 'hold', until }, ALWAYS)
    const two = [openbao.read(PLACE), hashicorp.read(PLACE)]
    expect(await failureOf(hashicorp.read(PLACE))).toMatchObject({ reason: 'PROVIDER_BUSY' })
    release()
    await Promise.all(two)
    end()
    server.fail({ kind: 'reset' }, ALWAYS)
    for (let calls = 0; calls < 5; calls++) await failureOf(openbao.write(PLACE, DATA))
    expect(opened).toEqual(['openbao'])
    expect(await failureOf(hashicorp.read(PLACE))).toMatchObject({ reason: 'PROVIDER_UNAVAILABLE' })
  })

  test('have one order of changes: of many that remove what they saw, one does', async () => {
    const server = await standIn()
    const made = () => serverSettings(server.url, { token: server.rootToken })
    const providers = providersOf({ openbao: made(), hashicorp: made() })
    const both = [mustHave(providers, 'openbao'), mustHave(providers, 'hashicorp')]
    for (let round = 0; round < 5; round++) {
      await both[0]?.write(PLACE, DATA)
      const { token } = (await both[1]?.read(PLACE)) ?? { token: '' }
      const removals = Array.from({ length: 10 }, (_, at) => both[at % 2]?.remove(PLACE, token))
      const ends = await Promise.allSettled(removals)
      expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    }
  })

  test('have not, where they are logged in otherwise', async () => {
    const server = await standIn()
    const tokens = [server.createToken(), server.createToken()]
    const [openbao, hashicorp] = tokens.map((token) => serverSettings(server.url, { token }))
    const providers = providersOf({ openbao, hashicorp })
    await mustHave(providers, 'openbao').read(PLACE)
    await mustHave(providers, 'hashicorp').read(PLACE)
    expect(server.requests.map(({ headers }) => headers['x-vault-token'])).toEqual(tokens)
  })
})

test('nothing of a credential, a value or an answer is in any error', async () => {
  const [token, secretId, value, text] = Array.from({ length: 4 }, () => String(createCanary()))
  const server = await standIn({ rootToken: token ?? '' })
  const { roleId } = server.addRole()
  const asked = [
    openbaoOf(server),
    mustHave(
      providersOf({ openbao: serverSettings(server.url, { roleId, secretId: secretId ?? '' }) }),
      'openbao',
    ),
  ]
  const faults: Kv2Fault[] = [
    { kind: 'status', status: 400, errors: [text ?? ''] },
    { kind: 'status', status: 500, errors: [text ?? ''], headers: { 'x-text': text ?? '' } },
    { kind: 'garbage', text: text ?? '' },
    { kind: 'redirect', to: `http://${text}.example` },
    { kind: 'reset' },
  ]
  for (const provider of asked) {
    for (const fault of faults) {
      const end = server.fail(fault, ALWAYS)
      const error = await failureOf(provider.write(PLACE, new Map([['k', value ?? '']])))
      end()
      const shown = `${inspect(error, { depth: 10, showHidden: true, getters: true })} ${error.stack}`
      for (const canary of [token, secretId, value, text]) expect(shown).not.toContain(canary)
    }
  }
})

describe('settings', () => {
  const auth = { token: 'hvs.credential' }
  const make = (more: Partial<Kv2Settings>, isDevelopment: boolean) => () =>
    providersOf({
      isDevelopment,
      environment: isDevelopment ? 'dev' : 'prod',
      hashicorp: serverSettings('https://kv.example:8200', auth, more),
    })

  test('that give up TLS are of a development alone', () => {
    for (const more of [{ url: 'http://kv.example:8200' }, { verifyTls: false }]) {
      expect(make(more, false)).toThrow(RangeError)
      expect(make(more, true)).not.toThrow()
    }
  })

  test.each<[string, Partial<Kv2Settings>]>([
    ['no address', { url: 'hvs.credential' }],
    ['no address, and hosts', { url: 'hvs.credential', redirectHosts: ['a'] }],
    ['a token of two lines', { auth: { token: 'hvs.credential\nx' } }],
    ['hosts that are none', { redirectHosts: ['hvs.credential/'] }],
    ['no time', { timeoutMs: 0 }],
  ])('with %s are refused, and not quoted', (_, more) => {
    let error: unknown
    try {
      make(more, true)()
    } catch (thrown) {
      error = thrown
    }
    expect(error).toBeInstanceOf(RangeError)
    expect(inspect(error, { showHidden: true })).not.toContain('hvs.credential')
  })
})

test('what is not set up is not there, and YAML is read from its file', async () => {
  const none = providersOf({})
  for (const name of ['yaml', 'openbao', 'hashicorp'] as const) {
    expect(none.providerOf(name), name).toBeUndefined()
  }
  const yamlPath = home.file('dev.yaml')
  writeFileSync(yamlPath, 'secret:\n  app:\n    k: v\n', { mode: 0o600 })
  const yaml = mustHave(providersOf({ yamlPath }), 'yaml')
  const place = { mount: 'secret', segments: ['app'] }
  expect(await yaml.read(place)).toMatchObject({ kind: 'found', data: DATA })
  const closed = mustHave(
    providersOf({ yamlPath, environment: 'prod', isDevelopment: false }),
    'yaml',
  )
  expect(await failureOf(closed.read(place))).toMatchObject({ reason: 'PROVIDER_NOT_CONFIGURED' })
})

describe('the registry', () => {
  test('is asked as the principal sees it', async () => {
    const [alice, bob] = [{}, {}]
    const seen: object[] = []
    const listed = async (): Promise<never> => {
      throw new ProviderError('SECRET_NOT_FOUND')
    }
    const providers = providersOf(
      {},
      {
        registryOf: (principal) => {
          seen.push(principal)
          if (principal === bob) return undefined
          return {
            get: listed,
            set: listed,
            txn: listed,
            versions: listed,
            history: listed,
            meta: listed,
            list: listed,
          }
        },
      },
    )
    const hers = providers.providerOf('secreg', alice)
    expect(await failureOf(hers?.list(PLACE) ?? Promise.resolve())).toMatchObject({
      reason: 'SECRET_NOT_FOUND',
    })
    expect(await providers.providerOf('secreg', bob)?.read(PLACE)).toMatchObject({ kind: 'absent' })
    expect(seen).toEqual([alice, bob])
  })

  test('shows and takes nothing without one, but tells what it can do', async () => {
    const providers = providersOf({}, { registryOf: () => expect.unreachable() })
    const nobodys = mustHave(providers, 'secreg')
    expect(nobodys.capabilities).toMatchObject({ versions: true, customMetadata: true, list: true })
    expect(await nobodys.read(PLACE)).toMatchObject({ kind: 'absent' })
    expect(await nobodys.readVersion(PLACE, 1)).toMatchObject({ kind: 'absent' })
    expect(await nobodys.metadata(PLACE)).toBeUndefined()
    expect(await nobodys.list(PLACE)).toEqual([])
    const calls = [
      nobodys.write(PLACE, DATA),
      nobodys.patchMetadata(PLACE, new Map([['owner', 'x']])),
    ]
    for (const error of await Promise.all(calls.map(failureOf))) {
      expect(error).toMatchObject({ reason: 'PROVIDER_ERROR' })
    }
  })
})

test('closed, they end what is under way, and leave the child to others', async () => {
  const server = await standIn()
  const openbao = serverSettings(server.url, { token: server.rootToken })
  const providers = providersOf({ openbao })
  const provider = mustHave(providers, 'openbao')
  await provider.read(PLACE)
  server.fail({ kind: 'hold', until: new Promise(() => {}) }, ALWAYS)
  const before = server.requests.length
  const call = failureOf(provider.read(PLACE))
  await waitFor(() => server.requests.length > before)
  const { pid } = egress
  await providers.close()
  expect(await call).toMatchObject({ reason: 'PROVIDER_UNAVAILABLE', status: 503 })
  expect(await failureOf(provider.read(PLACE))).toMatchObject({ reason: 'PROVIDER_UNAVAILABLE' })
  expect(egress.pid).toBe(pid)
})
