/**
 * URIs of libvirt, as far as they lead to a Unix socket on this machine:
 * `scheme[+unix]://[/path][?socket=…&mode=…&name=…&…]`.
 *
 * Source: libvirt, uri.html, "Transport configuration" and "Extra parameters".
 */

/** What a URI says. */
export interface LibvirtUri {
  /** Of the driver, without the transport; lower case. */
  readonly scheme: string
  readonly path: string
  /** What the server is told: the URI without what only the client needs; '' lets the server choose. */
  readonly name: string
  /** `socket=`: where the server listens. */
  readonly socket?: string
  /** `mode=`: whether to ask the daemon of the driver itself or the one for all drivers. Default auto. */
  readonly mode: 'auto' | 'direct' | 'legacy'
}

/** Parameters that libvirt's own client takes for itself. */
const CONSUMED: ReadonlySet<string> = new Set([
  'name',
  'command',
  'socket',
  'auth',
  'mode',
  'proxy',
  'netcat',
  'keyfile',
  'pkipath',
  'sshauth',
  'known_hosts',
  'known_hosts_verify',
  'no_sanity',
  'no_verify',
  'no_tty',
  'tls_priority',
])

const LONGEST_CHARS = 4096
const SHAPE: RegExp =
  /^([a-z][a-z0-9.-]*)(?:\+([a-z0-9]+))?:\/\/([^/?#]*)(\/[^?#]*)?(?:\?([^#]*))?$/iu

/**
 * @param uri - at most 4,096 characters; '' is the server's own choice
 * @throws TypeError when it is no string; RangeError when it is no URI of a Unix socket on this machine
 */
export function parseLibvirtUri(uri: string): LibvirtUri {
  if (typeof uri !== 'string') throw new TypeError(`uri: expected a string, got ${typeof uri}`)
  if (uri === '') return { scheme: '', path: '', name: '', mode: 'auto' }
  const shape = uri.length <= LONGEST_CHARS && !hasControl(uri) ? SHAPE.exec(uri) : null
  if (shape === null) throw new RangeError('uri: expected scheme://[/path][?parameters]')
  const [, scheme = '', transport = 'unix', host = '', path = '', query = ''] = shape
  if (transport.toLowerCase() !== 'unix' || host !== '') {
    throw new RangeError('uri: expected a Unix socket on this machine, got another transport')
  }
  const { own, passed } = parseQuery(query)
  const mode = own.get('mode') ?? 'auto'
  if (mode !== 'auto' && mode !== 'direct' && mode !== 'legacy') {
    throw new RangeError('uri: expected mode auto, direct or legacy, got another')
  }
  const lower = scheme.toLowerCase()
  const rest = passed.length > 0 ? `?${passed.join('&')}` : ''
  // The scheme remote names no driver: it is the server that knows what it serves.
  const name = own.get('name') ?? (lower === 'remote' ? '' : `${lower}://${path}${rest}`)
  const socket = own.get('socket')
  return { scheme: lower, path, name, mode, ...(socket === undefined ? {} : { socket }) }
}

function parseQuery(query: string): { own: Map<string, string>; passed: string[] } {
  const own = new Map<string, string>()
  const passed: string[] = []
  for (const part of query.split(/[&;]/u)) {
    if (part === '') continue
    const at = part.indexOf('=')
    const key = decoded(at === -1 ? part : part.slice(0, at))
    if (!CONSUMED.has(key)) passed.push(part)
    else if (!own.has(key)) own.set(key, at === -1 ? '' : decoded(part.slice(at + 1)))
  }
  return { own, passed }
}

function decoded(text: string): string {
  let plain: string | undefined
  try {
    plain = decodeURIComponent(text)
  } catch {
    // Not UTF-8, or no hexadecimal digits.
  }
  if (plain === undefined || hasControl(plain)) {
    throw new RangeError('uri: expected percent signs before two hexadecimal digits of UTF-8')
  }
  return plain
}

function hasControl(text: string): boolean {
  return /\p{Cc}/u.test(text)
}
