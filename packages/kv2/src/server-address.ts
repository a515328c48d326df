/** Where requests go, and where redirects may lead. */
import { Kv2Error } from './errors.ts'

/** Address of a server. */
export interface Base {
  readonly protocol: 'http:' | 'https:'
  /** Name and port, the port always given. */
  readonly host: string
  /** Scheme, name and port as in URLs, then a path without a slash at its end. */
  readonly prefix: string
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/
const PORTS: Readonly<Record<string, string>> = Object.freeze({ 'http:': '80', 'https:': '443' })

/** @throws TypeError, RangeError which quote nothing of it */
export function parseBase(text: unknown, allowPlainHttp: boolean): Base {
  if (typeof text !== 'string') throw new TypeError('url: expected a string')
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new RangeError('url: expected an http or https URL')
  }
  if (url.username !== '' || url.password !== '' || /[?#]/.test(text)) {
    throw new RangeError('url: expected no user, query or fragment')
  }
  if (url.protocol === 'http:' && !allowPlainHttp && !LOOPBACK.test(url.hostname)) {
    throw new RangeError('url: expected https, or allowPlainHttp')
  }
  return {
    protocol: url.protocol,
    host: hostOf(url),
    prefix: `${url.protocol}//${url.host}${url.pathname.replace(/\/+$/, '')}`,
  }
}

/** Hosts with their ports. */
export function parseAllowedHosts(hosts: unknown, base: Base): ReadonlySet<string> {
  if (hosts === undefined) return new Set([base.host])
  if (!Array.isArray(hosts)) throw new TypeError('allowedRedirectHosts: expected a list')
  const port = base.host.slice(base.host.lastIndexOf(':'))
  return new Set(
    hosts.map((host: unknown) => {
      const named = typeof host === 'string' && /^(?:[\w.-]+|\[[\da-f:.]+\])(?::\d+)?$/i.test(host)
      const full = named ? (/:\d+$/.test(host) ? host : `${host}${port}`) : ''
      const text = `${base.protocol}//${full}`
      if (!named || !URL.canParse(text)) {
        throw new RangeError('allowedRedirectHosts: expected names, or names with a port')
      }
      return hostOf(new URL(text))
    }),
  )
}

/**
 * Where a redirect leads, which must be the same request at an allowed host: a standby sends its clients to the active
 * node, and nothing may make one request into another.
 *
 * @param from - address of the request
 * @throws Kv2Error `ERR_KV2_REDIRECT_REFUSED`
 */
export function followRedirect(
  location: string | undefined,
  from: string,
  base: Base,
  allowed: ReadonlySet<string>,
): string {
  const before = new URL(from)
  const named = location !== undefined && location !== '' && URL.canParse(location, from)
  const after = named ? new URL(location, from) : before
  if (
    after === before ||
    after.protocol !== base.protocol ||
    !allowed.has(hostOf(after)) ||
    after.username !== '' ||
    after.password !== '' ||
    after.hash !== '' ||
    after.search !== before.search ||
    !isSamePath(after.pathname, before.pathname)
  ) {
    throw new Kv2Error('ERR_KV2_REDIRECT_REFUSED')
  }
  // The path is the one that was encoded here.
  return `${after.protocol}//${after.host}${before.pathname}${before.search}`
}

function hostOf({ hostname, port, protocol }: URL): string {
  return `${hostname}:${port === '' ? PORTS[protocol] : port}`
}

/** Go encodes fewer characters than we do. */
function isSamePath(a: string, b: string): boolean {
  try {
    return decodeURIComponent(a) === decodeURIComponent(b)
  } catch {
    return false
  }
}
