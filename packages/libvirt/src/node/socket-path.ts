/**
 * Where the server of a URI listens.
 *
 * Source: libvirt, daemons.html, "Sockets" and uri.html, "Unix socket connection".
 */
import { join } from 'node:path'
import type { LibvirtUri } from '../client/libvirt-uri.ts'

/** What is known of this machine and process. */
export interface SocketSurroundings {
  /** Effective uid. */
  readonly uid: number
  readonly env: Readonly<Record<string, string | undefined>>
  readonly exists: (path: string) => boolean
}

const DIRECT = 'virtsecretd-sock'
const LEGACY = 'libvirt-sock'

/**
 * The socket that `socket=` names, else the one of libvirt's secret daemon if there is one, else the one of its daemon
 * for all drivers.
 *
 * @returns an absolute path, or whatever `socket=` says
 * @throws RangeError for a session without `XDG_RUNTIME_DIR`, `XDG_CACHE_HOME` and `HOME`
 */
export function socketPathOf(
  uri: LibvirtUri,
  readOnly: boolean,
  surroundings: SocketSurroundings,
): string {
  if (uri.socket !== undefined && uri.socket !== '') return uri.socket
  // Root has no session of its own, and a session no socket for those who only read.
  const session = uri.path === '/session' && surroundings.uid !== 0
  const directory = session ? sessionDirectory(surroundings.env) : '/run/libvirt'
  const suffix = readOnly && !session ? '-ro' : ''
  const direct = join(directory, `${DIRECT}${suffix}`)
  const legacy = join(directory, `${LEGACY}${suffix}`)
  if (uri.mode === 'direct') return direct
  if (uri.mode === 'legacy' || uri.scheme !== 'secret') return legacy
  return surroundings.exists(direct) ? direct : legacy
}

function sessionDirectory(env: SocketSurroundings['env']): string {
  const home = env['HOME'] || undefined
  const cache = env['XDG_CACHE_HOME'] || (home === undefined ? undefined : join(home, '.cache'))
  const runtime = env['XDG_RUNTIME_DIR'] || cache
  if (runtime === undefined) {
    throw new RangeError('uri: expected a session with XDG_RUNTIME_DIR or HOME, got none')
  }
  return join(runtime, 'libvirt')
}
