/** A registry with its socket for accounts in zones, and callers there that are not ours. */
import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { requireProgram, type SkippableContext, skipTest, type TempHome } from '@secreg/testkit'
import { nativeProblem } from '@secreg/unix-socket'
import { runSite, Site, type SiteOptions, type StartedSite, type StartOptions } from './site.ts'
import { SubauthCaller } from './subauth-caller.ts'

/** Users that `subauth.users_file` names; uid 60001 is nobody's. */
export const USERS = { root: 0, alice: 1001, bob: 1002, carol: 1003 } as const
export const STRANGER = 60_001

/** Switches of a zone as the configuration names them; what is left out is off. */
export interface ZoneKeys {
  readonly desc?: string
  readonly allow_passwd?: boolean
  readonly allow_tokens?: boolean
  readonly allow_passwd_auth?: boolean
  readonly auto_create?: boolean
  readonly max_temp_validity?: number
  readonly trusted_uids?: readonly number[]
}

export type Users = Readonly<Record<string, number>>
export type Zones = Readonly<Record<string, ZoneKeys>>

/** All that a zone can be. */
export const OPEN_ZONE: ZoneKeys = {
  allow_passwd: true,
  allow_tokens: true,
  allow_passwd_auth: true,
  auto_create: true,
  max_temp_validity: 3600,
}

export interface SubauthSiteOptions extends SiteOptions {
  /** TOML without table heads: further keys of `[subauth]`. */
  readonly subauth?: string
  /** Default: `wiki`, with everything on. */
  readonly zones?: Zones
  /** Name and uid of each, in this order; default {@link USERS}. `system`: those of this machine. */
  readonly users?: Users | 'system'
}

/** A site whose configuration has the socket, and no process yet. */
export class SubauthSite extends Site {
  readonly #callers: SubauthCaller[] = []

  constructor(options: SubauthSiteOptions = {}) {
    super(options)
  }

  get door(): string {
    return `${placeBeside(this.home)}/subauth.sock`
  }

  override configure(options: SubauthSiteOptions = {}): void {
    const { config = '', subauth = '', users = USERS, zones = { wiki: OPEN_ZONE } } = options
    mkdirSync(placeBeside(this.home), { recursive: true })
    chmodSync(placeBeside(this.home), 0o755)
    const usersFile = this.home.file('users')
    if (users !== 'system') this.setUsers(users)
    // A start that is no first one opens the registry by itself.
    const keyFile = this.home.file('key')
    if (!existsSync(keyFile)) this.home.write('key', randomBytes(32))
    const delay = /^\s*failure_delay_ms\s*=/m.test(subauth) ? '' : 'failure_delay_ms = 0'
    super.configure({
      ...options,
      config: `${/^\s*rate_limit_attempts\s*=/m.test(config) ? '' : 'rate_limit_attempts = 10000'}
${config}
[unlock]
key_file = ${JSON.stringify(keyFile)}
[subauth]
socket = ${JSON.stringify(this.door)}
${users === 'system' ? '' : `users_file = ${JSON.stringify(usersFile)}`}
${delay}
${subauth}
${Object.entries(zones).map(zoneTable).join('\n')}`,
    })
  }

  /** Write other users into the file. */
  setUsers(users: Users): void {
    const lines = Object.entries(users).map(([name, uid]) => `${name}:x:${uid}:${uid}::/:/bin/sh\n`)
    this.home.write('users', lines.join(''))
  }

  /** A process of a user that asks at the socket; it ends with the site. */
  async caller(context: SkippableContext, real: number, effective = real): Promise<SubauthCaller> {
    const python = requireForeignCallers(context)
    const caller = await SubauthCaller.start(python, this.door, real, effective)
    this.#callers.push(caller)
    return caller
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#callers.map((caller) => caller[Symbol.asyncDispose]()))
    await super[Symbol.asyncDispose]()
    rmSync(placeBeside(this.home), { recursive: true, force: true })
  }
}

/** Where other users reach the socket, as the home is nobody else's. */
function placeBeside({ path }: TempHome): string {
  return `${path}-open`
}

function zoneTable([name, keys]: readonly [string, ZoneKeys]): string {
  const lines = Object.entries(keys).map(([key, value]) => `${key} = ${JSON.stringify(value)}`)
  return `[zones.${JSON.stringify(name)}]\n${lines.join('\n')}\n`
}

/** Make a site, start its daemon and initialise it. */
export function startSubauthSite(
  options: SubauthSiteOptions & StartOptions = {},
): Promise<StartedSite<SubauthSite>> {
  return runSite(new SubauthSite(options), options)
}

/** Path of Python; the test is skipped where processes of other users cannot ask by it. */
export function requireForeignCallers(context: SkippableContext): string {
  if (process.getuid?.() !== 0) skipTest(context, 'processes of other users need root')
  const problem = nativeProblem()
  if (problem !== undefined) skipTest(context, problem)
  return requireProgram(context, 'python3')
}

/** A file of `e2e/subauth`. */
export function subauthFile(name: string): string {
  return fileURLToPath(new URL(`../subauth/${name}`, import.meta.url))
}
