/** Options of a client. */
import type { CircuitOptions } from './circuit.ts'
import { type Kv2Clock, systemClock } from './clock.ts'
import type { Kv2Observer } from './observer.ts'
import { encodeMount, encodeSegments, type Kv2Path } from './path.ts'
import { type Base, parseAllowedHosts, parseBase } from './server-address.ts'
import type { Kv2Transport } from './transport.ts'

/** A token of the server. */
export interface TokenCredentials {
  readonly token: string
}

/** Credentials of an AppRole. */
export interface AppRoleCredentials {
  readonly roleId: string
  readonly secretId: string
  /** Where the method is mounted. Default `approle`. */
  readonly authMount?: Kv2Path
}

/** Options of `createKv2Client`. */
export interface Kv2ClientOptions {
  /** Address of the server, http or https, such as `https://openbao.example.com:8200`; a path goes before every other. */
  readonly url: string
  /** Carries the requests; closed with the client. */
  readonly transport: Kv2Transport
  readonly auth: TokenCredentials | AppRoleCredentials
  /** Where the secrets are mounted. Default `secret`. */
  readonly mount?: Kv2Path
  /** Namespace, of printable ASCII. Default none. */
  readonly namespace?: string
  /** Milliseconds of one call, its login, retries and redirects included; 1 to 600,000. Default 30,000. */
  readonly timeoutMs?: number
  /** Longest answer that is read, bytes; 1,024 to 64 MiB. Default 2,097,152 (2 MiB). */
  readonly maxAnswerBytes?: number
  /** Calls under way at a time; those beyond are refused at once. 1 to 10,000. Default 50. */
  readonly maxConcurrent?: number
  /** Seconds that a token has left when it is renewed, or half of its time if that is less; 0 = never. Default 600. */
  readonly renewBelowSeconds?: number
  /** Default: 5 failures, 30,000 ms. */
  readonly circuit?: CircuitOptions
  /** Hosts that a redirect may lead to, `name` or `name:port`; the port is the server's unless told. Default its own. */
  readonly allowedRedirectHosts?: readonly string[]
  /** Send to a server that is not on this machine without TLS. Default false. */
  readonly allowPlainHttp?: boolean
  readonly observer?: Kv2Observer
  /** Default the platform's. */
  readonly clock?: Kv2Clock
  /** From 0 to 1; spreads retries. Default `Math.random`. */
  readonly random?: () => number
}

/** Options of one call. */
export interface Kv2CallOptions {
  /** Gives the call up; it is rejected with the reason of the signal. A write may have been done. */
  readonly signal?: AbortSignal
}

/** Credentials as they are sent. */
export type Credentials =
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'approle'; readonly path: string; readonly body: string }

/** Options with every default filled in. */
export interface Settings {
  readonly base: Base
  readonly allowedHosts: ReadonlySet<string>
  readonly transport: Kv2Transport
  readonly credentials: Credentials
  readonly namespace: string | undefined
  readonly timeoutMs: number
  readonly maxAnswerBytes: number
  readonly maxConcurrent: number
  readonly renewBelowMs: number
  readonly circuit: Required<CircuitOptions>
  readonly observer: Kv2Observer
  readonly clock: Kv2Clock
  readonly random: () => number
}

/** Defaults of {@link Kv2ClientOptions}. */
export const DEFAULTS: Readonly<{
  mount: string
  authMount: string
  timeoutMs: number
  maxAnswerBytes: number
  maxConcurrent: number
  renewBelowSeconds: number
  circuit: Readonly<Required<CircuitOptions>>
}> = Object.freeze({
  mount: 'secret',
  authMount: 'approle',
  timeoutMs: 30_000,
  maxAnswerBytes: 2 * 1024 * 1024,
  maxConcurrent: 50,
  renewBelowSeconds: 600,
  circuit: Object.freeze({ failures: 5, openMs: 30_000 }),
})

/** Check the options and fill in the defaults. No error quotes a credential. */
export function settingsOf(options: Kv2ClientOptions): Settings {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError('options: expected an object')
  }
  const { transport, namespace, circuit = {}, observer = {}, clock = systemClock } = options
  if (typeof transport?.send !== 'function') throw new TypeError('transport: expected a transport')
  if (namespace !== undefined) checkNamespace(namespace)
  const base = parseBase(options.url, options.allowPlainHttp ?? false)
  return {
    base,
    allowedHosts: parseAllowedHosts(options.allowedRedirectHosts, base),
    transport,
    credentials: credentialsOf(options.auth),
    namespace,
    timeoutMs: integer(options.timeoutMs ?? DEFAULTS.timeoutMs, 1, 600_000, 'timeoutMs'),
    maxAnswerBytes: integer(
      options.maxAnswerBytes ?? DEFAULTS.maxAnswerBytes,
      1024,
      64 * 1024 * 1024,
      'maxAnswerBytes',
    ),
    maxConcurrent: integer(
      options.maxConcurrent ?? DEFAULTS.maxConcurrent,
      1,
      10_000,
      'maxConcurrent',
    ),
    renewBelowMs:
      1000 *
      integer(options.renewBelowSeconds ?? DEFAULTS.renewBelowSeconds, 0, 1e9, 'renewBelowSeconds'),
    circuit: {
      failures: integer(circuit.failures ?? DEFAULTS.circuit.failures, 1, 1e6, 'circuit.failures'),
      openMs: integer(circuit.openMs ?? DEFAULTS.circuit.openMs, 1, 86_400_000, 'circuit.openMs'),
    },
    observer,
    clock,
    random: options.random ?? Math.random,
  }
}

function credentialsOf(auth: TokenCredentials | AppRoleCredentials): Credentials {
  if (typeof auth !== 'object' || auth === null) throw new TypeError('auth: expected an object')
  if ('token' in auth) {
    if ('roleId' in auth || 'secretId' in auth) {
      throw new TypeError('auth: expected a token or an AppRole, got both')
    }
    return { kind: 'token', token: checkToken(auth.token) }
  }
  const { roleId, secretId, authMount = DEFAULTS.authMount } = auth
  for (const [name, value] of Object.entries({ roleId, secretId })) {
    if (typeof value !== 'string' || value === '') {
      throw new TypeError(`auth.${name}: expected a string that is not empty`)
    }
  }
  const segments = encodeSegments(authMount, 'auth.authMount')
  if (segments === '') throw new RangeError('auth.authMount: expected a name')
  return {
    kind: 'approle',
    path: `auth/${segments}/login`,
    body: JSON.stringify({ role_id: roleId, secret_id: secretId }),
  }
}

function checkToken(token: unknown): string {
  if (typeof token !== 'string') throw new TypeError('auth.token: expected a string')
  if (!isToken(token)) throw new RangeError('auth.token: expected printable ASCII, no spaces')
  return token
}

/** What can be sent as a token: printable ASCII, 1 to 8,192 characters (the most that a server takes). */
export function isToken(value: unknown): value is string {
  return typeof value === 'string' && /^[!-~]{1,8192}$/.test(value)
}

function checkNamespace(namespace: unknown): void {
  if (typeof namespace !== 'string') throw new TypeError('namespace: expected a string')
  if (!/^[!-~]{1,1024}$/.test(namespace)) {
    throw new RangeError('namespace: expected printable ASCII, no spaces')
  }
}

/** The mount of the options, encoded. */
export function mountOf({ mount = DEFAULTS.mount }: Kv2ClientOptions): string {
  return encodeMount(mount)
}

export function integer(value: unknown, least: number, most: number, argument: string): number {
  if (typeof value !== 'number') throw new TypeError(`${argument}: expected a number`)
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new RangeError(`${argument}: expected an integer from ${least} to ${most}`)
  }
  return value
}
