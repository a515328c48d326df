/**
 * A registry whose Secrets API is on, as processes: daemon and gateway, with stand-ins of all that is outside of them in
 * this process. `OPEN` and `GUARDED` are the environments A and B of the cases.
 */
import { createHash, randomBytes } from 'node:crypto'
import { cleanEnv, createCanary, findCanary, KafkaStandIn, waitFor } from '@secreg/testkit'
import { Kv2StandIn } from '@secreg/testkit/kv2'
import { expect } from 'vitest'
import { GatewaySite, type StartedGatewaySite } from './gateway-site.ts'
import { SecretsCaller } from './secrets-call.ts'
import { TestIssuer } from './secrets-issuer.ts'
import { RecordingPdp } from './secrets-pdp.ts'
import { type Canaries, createCanaries, Kv2Desk, yamlSeed } from './secrets-store.ts'
import { runSite } from './site.ts'
import type { Wire } from './wire.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export const SALT = 'test-tenant-salt-0123456789abcdef'

/** Environment A; what is of the site itself comes in addition. */
export const OPEN: Environment = Object.freeze({
  ENVIRONMENT: 'test',
  SECRETS_API_REQUIRE_AUTH: 'false',
  SECRETS_ENFORCE_SCOPES: 'false',
  ENABLE_AUTHORIZATION: 'false',
  TENANT_ID: 'dev',
  TENANT_ALLOWED_MOUNTS: 'secret',
  TENANT_SALT: SALT,
  SECRETS_DEV_ENDPOINTS: 'true',
  // Of the first call, the start of the process that asks is a part.
  VAULT_TIMEOUT: '20',
})

/** Environment B. */
export const GUARDED: Environment = Object.freeze({
  ...OPEN,
  SECRETS_API_REQUIRE_AUTH: 'true',
  SECRETS_ENFORCE_SCOPES: 'true',
  ENABLE_AUTHORIZATION: 'true',
})

export interface IssuerOptions {
  readonly name: string
  /** Its keys are read from a file, which the site writes. */
  readonly file?: true
  /** Claim that names the tenant. */
  readonly tenantClaim?: string
}

export interface SecretsDeskOptions {
  /** Default {@link OPEN}. */
  readonly env?: Environment
  readonly issuers?: readonly IssuerOptions[]
  /** Mounts of further tenants. */
  readonly tenants?: Readonly<Record<string, readonly string[]>>
  readonly pdp?: boolean
  /** How much one subject may ask is as by default; else it is as good as unlimited. */
  readonly limited?: true
  /** First part of the topics. */
  readonly kafka?: string
  /** Key and certificate of the server of KV version 2, and of the authority that it is checked against; PEM. */
  readonly tls?: { readonly key: string; readonly cert: string; readonly ca: string }
  /** Further keys of `[secrets]`, of `[audit]`, of `[http]`, and further tables. */
  readonly secrets?: string
  readonly audit?: string
  readonly http?: string
  readonly config?: string
  /** Called before the daemon starts; what it answers is disposed of at the end. */
  readonly prepare?: (site: GatewaySite) => Promise<AsyncDisposable>
}

/** Everything outside of the daemon and the gateway. */
interface Outside {
  readonly standIn: Kv2StandIn
  /** PEM. */
  readonly ca: string | undefined
  readonly issuers: readonly TestIssuer[]
  readonly pdp: RecordingPdp | undefined
  readonly pdpToken: string
  readonly broker: KafkaStandIn | undefined
}

export class SecretsDesk implements AsyncDisposable {
  readonly running: StartedGatewaySite
  readonly canaries: Canaries = createCanaries()
  readonly caller: SecretsCaller
  readonly kv: Kv2Desk
  /** Texts that came in other ways, such as on a stream. */
  readonly heard: string[] = []
  /** Further texts that must be nowhere. */
  readonly unheard: string[] = []
  readonly #outside: Outside
  readonly #prepared: AsyncDisposable | undefined
  #admin: Wire

  constructor(running: StartedGatewaySite, outside: Outside, prepared?: AsyncDisposable) {
    this.#prepared = prepared
    this.running = running
    this.#outside = outside
    this.#admin = running.admin
    this.caller = new SecretsCaller(() => running.site.http)
    this.kv = new Kv2Desk(outside.standIn, outside.ca)
  }

  /** The administrator on the registry socket. */
  get admin(): Wire {
    return this.#admin
  }

  get yamlFile(): string {
    return this.running.site.home.file('dev.yaml')
  }

  get http(): string {
    return this.running.site.http
  }

  get standIn(): Kv2StandIn {
    return this.#outside.standIn
  }

  /** The first one. */
  get issuer(): TestIssuer {
    return this.issuerAt(0)
  }

  issuerAt(index: number): TestIssuer {
    const issuer = this.#outside.issuers[index]
    if (issuer === undefined) throw new Error('the site has no such issuer')
    return issuer
  }

  get pdp(): RecordingPdp {
    const { pdp } = this.#outside
    if (pdp === undefined) throw new Error('the site has no decision point')
    return pdp
  }

  get broker(): KafkaStandIn {
    const { broker } = this.#outside
    if (broker === undefined) throw new Error('the site has no broker')
    return broker
  }

  /** The secrets as the cases begin with them. */
  async seed(): Promise<void> {
    await this.kv.seed(this.canaries)
    this.running.site.home.write('dev.yaml', yamlSeed(this.canaries))
  }

  /**
   * Stop the daemon, and start it in another environment; the registry opens itself.
   *
   * @param signal - default SIGTERM
   */
  async restart(env: Environment, signal?: NodeJS.Signals): Promise<void> {
    const { site } = this.running
    this.#admin.close()
    for (const child of site.children) await child.kill(signal ?? 'SIGTERM')
    await site.start({ env: environmentOf(env, this.#outside, site) })
    this.#admin = await site.admin()
    await site.ready()
  }

  /** Wait until the daemon has the keys of every issuer: on a busy machine, its first question may take too long. */
  async knowIssuers(): Promise<void> {
    for (const issuer of this.#outside.issuers) {
      await waitFor(
        async () => {
          const { status, text } = await this.caller.ask('GET', '/audit', {
            token: issuer.token('first', []),
            query: { limit: '1' },
          })
          return status !== 503 || !text.includes('ISSUER_UNAVAILABLE')
        },
        { timeoutMs: 20_000, intervalMs: 200, what: `keys of ${issuer.name}` },
      )
    }
  }

  async metrics(): Promise<string> {
    return (await this.admin.ok('maintain', { op: 'metrics' })).metrics
  }

  /** Value of a metric, all its labels together; 0 where it is not there. */
  async metric(name: string, labels = ''): Promise<number> {
    const lines = (await this.metrics()).matchAll(/^(\w+)(?:\{([^}]*)\})? (\S+)$/gm)
    let sum = 0
    for (const [, found = '', having = '', value] of lines) {
      if (found.endsWith(name) && having.includes(labels)) sum += Number(value)
    }
    return sum
  }

  /** Nothing that was seeded, and no credential, is anywhere but where it was told. */
  async expectNoLeak(): Promise<void> {
    const { running, canaries } = this
    const { site } = running
    const outputs = [...site.children, ...site.gateways].flatMap((child) => [
      child.stdout(),
      child.stderr(),
    ])
    const published = this.#published()
    const asked = (this.#outside.pdp?.requests ?? []).map(({ body }) => JSON.stringify(body))
    const texts = {
      outputs,
      published,
      asked,
      heard: this.heard,
      answers: this.caller.told,
      metrics: [await this.metrics()],
    }
    const secrets = {
      yaml: canaries.yaml,
      kv: canaries.kv,
      password: 's3cr3t',
      provider: this.standIn.rootToken,
      pdp: this.#outside.pdpToken,
      salt: SALT,
      'hash of yaml': sha256(canaries.yaml),
      'hash of kv': sha256(canaries.kv),
      ...Object.fromEntries(this.unheard.map((text, at) => [`text ${at}`, text])),
    }
    for (const [where, list] of Object.entries(texts)) {
      for (const [what, secret] of Object.entries(secrets)) {
        const found = list.find((text) => text.includes(secret))
        expect(found, `${what} in ${where}`).toBe(undefined)
      }
      for (const { minted } of this.#outside.issuers) {
        const whole = list.join('\n')
        const token = minted.find((one) => whole.includes(one.slice(one.lastIndexOf('.'))))
        expect(token, `a token in ${where}`).toBe(undefined)
      }
    }
    for (const name of ['secret/', 'app/test', 'payments', '+kv2:', 'yaml:']) {
      expect(
        published.find((text) => text.includes(name)),
        'a name that is published',
      ).toBe(undefined)
    }
    const inTheLog = [canaries.yaml, canaries.kv, this.standIn.rootToken, ...this.unheard]
    for (const secret of [...inTheLog, ...inTheLog.map(sha256)]) {
      expect(findCanary(secret, site.audit), 'a secret in the log').toEqual([])
    }
  }

  #published(): string[] {
    const { broker } = this.#outside
    return (broker?.topics ?? []).flatMap((topic) =>
      (broker?.records(topic) ?? []).map(
        ({ key, value, headers }) => `${key} ${value} ${JSON.stringify(headers)}`,
      ),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.caller.close()
    this.#admin.close()
    await this.#prepared?.[Symbol.asyncDispose]()
    await this.running[Symbol.asyncDispose]()
    await closeOutside(this.#outside)
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

async function closeOutside({ standIn, issuers, pdp, broker }: Outside): Promise<void> {
  await standIn.close()
  for (const issuer of issuers) await issuer[Symbol.asyncDispose]()
  await pdp?.stop()
  await broker?.stop()
}

/** The tables of the configuration that the site needs. */
function tablesOf(
  { issuers = [], tenants = {}, kafka, limited, secrets = '', config = '' }: SecretsDeskOptions,
  outside: Outside,
  site: GatewaySite,
): string {
  const issuerTables = issuers.map(({ name, file, tenantClaim }, index) => {
    const { issuer, jwksUrl, jwks } = outside.issuers[index] as TestIssuer
    const keys =
      file === undefined
        ? `jwks_url = "${jwksUrl}"`
        : `jwks_file = "${site.home.write(`${name}.json`, JSON.stringify(jwks))}"`
    return `[secrets.issuers.${name}]
issuer = "${issuer}"
${keys}
${tenantClaim === undefined ? '' : `tenant_claim = "${tenantClaim}"`}`
  })
  const tenantTables = Object.entries(tenants).map(
    ([name, mounts]) => `[secrets.tenants.${name}]\nallowed_mounts = ${JSON.stringify(mounts)}`,
  )
  const kafkaTable =
    kafka === undefined
      ? ''
      : `[kafka]\nbrokers = ["${outside.broker?.address}"]\ntls = false\ntopic_prefix = "${kafka}"`
  const key = site.home.write('unlock-key', randomBytes(32))
  const unlock = `[unlock]\nkey_file = "${key}"`
  return [
    unlock,
    '[secrets]',
    'enabled = true',
    limited ? '' : 'rate_limit = 100000\nrate_burst = 100000',
    secrets,
    ...issuerTables,
    ...tenantTables,
    kafkaTable,
    config,
  ].join('\n')
}

/** Start a site, and seed it. */
export async function openSecretsDesk(options: SecretsDeskOptions = {}): Promise<SecretsDesk> {
  const { tls } = options
  const outside: Outside = {
    standIn: await Kv2StandIn.start(tls === undefined ? {} : { tls }),
    ca: tls?.ca,
    issuers: await Promise.all((options.issuers ?? []).map(({ name }) => TestIssuer.start(name))),
    pdp: options.pdp ? await RecordingPdp.start() : undefined,
    pdpToken: createCanary('pdp'),
    broker: options.kafka === undefined ? undefined : await KafkaStandIn.start(),
  }
  try {
    const { audit, http, env = OPEN } = options
    const site = new GatewaySite()
    site.configure({
      ...(audit === undefined ? {} : { audit }),
      ...(http === undefined ? {} : { http }),
      config: tablesOf(options, outside, site),
    })
    const prepared = await options.prepare?.(site)
    const started = await runSite(site, { env: environmentOf(env, outside, site) })
    try {
      const gateway = await site.startGateway()
      const desk = new SecretsDesk({ ...started, gateway }, outside, prepared)
      await desk.seed()
      await desk.knowIssuers()
      return desk
    } catch (error) {
      await started[Symbol.asyncDispose]()
      throw error
    }
  } catch (error) {
    await closeOutside(outside)
    throw error
  }
}

/** The whole environment of the daemon. */
function environmentOf(
  env: Environment,
  { standIn, ca, pdp, pdpToken }: Outside,
  site: GatewaySite,
): NodeJS.ProcessEnv {
  return cleanEnv({
    YAML_VAULT_PATH: site.home.file('dev.yaml'),
    VAULT_URL: standIn.url,
    VAULT_TOKEN: standIn.rootToken,
    ...(ca === undefined ? {} : { VAULT_CACERT: site.home.write('ca.pem', ca) }),
    ...(pdp === undefined ? {} : { AUTHZEN_PDP_URL: pdp.url, AUTHZEN_PDP_TOKEN: pdpToken }),
    ...env,
  })
}
