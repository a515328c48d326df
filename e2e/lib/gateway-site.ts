/** A registry with its gateway: daemon and gateway as processes of their own, over one configuration. */
import { fileURLToPath } from 'node:url'
import { type Child, type ChildOptions, startNode, waitFor } from '@secreg/testkit'
import { runSite, Site, type SiteOptions, type StartedSite, type StartOptions } from './site.ts'
import type { Wire } from './wire.ts'

/** The program, as `npx secreg-gateway` runs it. */
export const GATEWAY: string = fileURLToPath(
  new URL('../../apps/http-gateway/bin/secreg-gateway.js', import.meta.url),
)

/** TOML without table heads: further keys of `[gateway]` and `[http]`. */
export interface GatewaySiteOptions extends SiteOptions {
  readonly gateway?: string
  /** Where none of them says otherwise: `listen = "127.0.0.1:0"`, `workers = 1`, `drain = 0`. */
  readonly http?: string
}

export type GatewayStartOptions = Pick<ChildOptions, 'env' | 'uid' | 'gid'>

/** A running gateway. */
export interface Gateway {
  readonly child: Child
  /** Its address, such as `http://127.0.0.1:40123`. */
  readonly http: string
  readonly port: number
}

const DEFAULTS = { listen: '"127.0.0.1:0"', workers: '1', drain: '0' }

/** A site whose configuration has a gateway, and no process yet. */
export class GatewaySite extends Site {
  /** Every gateway that was started here. */
  readonly gateways: Child[] = []
  #last: Gateway | undefined

  constructor(options: GatewaySiteOptions = {}) {
    super(options)
  }

  /** Socket that the daemon serves gateways on. */
  get gatewaySocket(): string {
    return this.home.file('g')
  }

  /** Address of the gateway that was started last. */
  get http(): string {
    if (this.#last === undefined) throw new Error('no gateway was started')
    return this.#last.http
  }

  get port(): number {
    return Number(new URL(this.http).port)
  }

  /** Address that shows a token: `http://127.0.0.1:40123/t/TOKEN`. */
  at(token: string): string {
    return `${this.http}/t/${token}`
  }

  override configure(options: GatewaySiteOptions = {}): void {
    const { gateway = '', http = '', config = '' } = options
    const defaults = Object.entries(DEFAULTS)
      .filter(([key]) => !new RegExp(`^\\s*${key}\\s*=`, 'm').test(http))
      .map(([key, value]) => `${key} = ${value}`)
    super.configure({
      ...options,
      config: `${config}
[gateway]
socket = ${JSON.stringify(this.gatewaySocket)}
${gateway}
[http]
${defaults.join('\n')}
${http}`,
    })
  }

  /** Start a gateway and wait until it says that it serves; it does so without a daemon as well. */
  async startGateway(options: GatewayStartOptions = {}): Promise<Gateway> {
    const child = this.launchGateway(options)
    const ready = await child.line(/"ready":true/, { timeoutMs: 60_000 })
    const { http } = JSON.parse(ready) as { http: string }
    this.#last = { child, http, port: Number(new URL(http).port) }
    return this.#last
  }

  /** Wait until the gateway has found the daemon again, which it does after a pause, and the registry is open. */
  async ready(): Promise<void> {
    await waitFor(async () => (await fetch(`${this.http}/ready`)).ok, {
      timeoutMs: 60_000,
      what: 'the gateway to be ready',
    })
  }

  /** Start a gateway and wait for nothing. */
  launchGateway(options: GatewayStartOptions = {}): Child {
    const child = startNode(GATEWAY, ['--config', this.config], options)
    this.gateways.push(child)
    return child
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.gateways.map((child) => child.kill('SIGTERM')))
    await super[Symbol.asyncDispose]()
  }
}

export interface StartedGatewaySite extends StartedSite<GatewaySite> {
  readonly gateway: Gateway
}

/** Start a daemon, initialise it, and start its gateway. */
export async function startGatewaySite(
  options: GatewaySiteOptions & StartOptions = {},
): Promise<StartedGatewaySite> {
  const started = await runSite(new GatewaySite(options), options)
  try {
    return { ...started, gateway: await started.site.startGateway() }
  } catch (error) {
    await started[Symbol.asyncDispose]()
    throw error
  }
}

/** Make an account without a password. */
export async function addUser(admin: Wire, user: string, more: object = {}): Promise<void> {
  await admin.ok('user', { op: 'add', user, ...more })
}

export interface TokenOptions {
  /** Ids of policies; default `full`: whatever the account may. */
  readonly boundary?: 'full' | readonly string[]
  readonly uses?: number
  readonly expires_in_s?: number
}

/** Make an access token of an account; answers it, and the ident that the log names it by. */
export async function makeToken(
  admin: Wire,
  user: string,
  { boundary = 'full', ...more }: TokenOptions = {},
): Promise<{ readonly secret: string; readonly ident: string }> {
  const { secret, tokens } = await admin.ok('token', { op: 'create', user, boundary, ...more })
  return { secret, ident: tokens[0].token }
}

/** Make an account without a password, which may do everything with entries below `/USER`; answers a token of it. */
export async function makeCaller(admin: Wire, user: string, more: object = {}): Promise<string> {
  await addUser(admin, user, more)
  await admin.ok('policy', {
    op: 'set',
    document: {
      id: `of-${user}`,
      rules: [
        {
          id: 'own',
          effect: 'allow',
          principals: [`user:${user}`],
          actions: ['list', 'read-metadata', 'read', 'decrypt', 'create', 'update', 'delete'],
          resources: [`/${user}/**`],
        },
      ],
    },
  })
  return (await makeToken(admin, user)).secret
}

/** Put rules of setec in force for principals, as policy `id`. */
export async function setSetecRules(
  admin: Wire,
  id: string,
  principals: readonly string[],
  rules: readonly object[],
): Promise<void> {
  const document = { id, source: 'setec', principals, mount: '/setec', rules }
  await admin.ok('policy', { op: 'set', document })
}
