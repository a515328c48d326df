/** The libvirt sockets as they are configured, where there are any. */
import { type ByteBudget, type Config, type Logger, resolveGroup } from '@secreg/host'
import { SecregError } from '@secreg/protocol'
import type { RegistryHost } from '../registry-host.ts'
import type { KernelWord } from '../server/kernel-word.ts'
import type { LibvirtServer, LibvirtServerLimits, LibvirtSocketFile } from './libvirt-server.ts'

/** The sockets that are served. */
export interface ServedSecrets {
  readonly server: LibvirtServer
  /** Take a reloaded configuration. */
  configure(config: Config): void
}

/**
 * Require that the sockets can be served on this machine, where they are configured.
 *
 * @throws SecregError `ERR_INVALID_ARGUMENT` and why: without the kernel's word everybody would be the same nobody
 */
export function requireLibvirt({ libvirt }: Config, { problem }: KernelWord): void {
  const key = libvirt.socket === undefined ? 'libvirt.socket_read_only' : 'libvirt.socket'
  if ((libvirt.socket ?? libvirt.socketReadOnly) === undefined || problem === undefined) return
  throw new SecregError('INVALID_ARGUMENT', `${key}: ${problem}`)
}

export interface ServeSecretsOptions {
  readonly config: Config
  readonly host: RegistryHost
  readonly kernel: KernelWord
  readonly budget: ByteBudget
  readonly log: Logger
}

/** @throws SecregError `ERR_INVALID_ARGUMENT`, and what `LibvirtServer.listen` throws */
export async function serveSecrets(
  options: ServeSecretsOptions,
): Promise<ServedSecrets | undefined> {
  const { config, log } = options
  requireLibvirt(config, options.kernel)
  const sockets = await socketsOf(config)
  if (sockets.length === 0) return undefined
  // Loaded where there is something to serve: most have none, and every start would pay for it.
  const { LibvirtServer } = await import('./libvirt-server.ts')
  const server = await LibvirtServer.listen({ ...options, sockets, ...limitsOf(config) })
  return {
    server,
    configure: (next) => {
      for (const key of LASTING) {
        if (next.libvirt[key] === config.libvirt[key]) continue
        log.warn('a key of libvirt has changed: it holds from the next start on', {
          detail: NAMES[key],
        })
      }
      server.configure(limitsOf(next))
    },
  }
}

/** Keys that are read once, as the file has them. */
const NAMES = Object.freeze({
  socket: 'libvirt.socket',
  socketReadOnly: 'libvirt.socket_read_only',
  mode: 'libvirt.mode',
  modeReadOnly: 'libvirt.mode_read_only',
  group: 'libvirt.group',
  backlog: 'libvirt.backlog',
})
const LASTING = Object.keys(NAMES) as readonly (keyof typeof NAMES)[]

async function socketsOf({ libvirt }: Config): Promise<readonly LibvirtSocketFile[]> {
  const { socket, socketReadOnly, mode, modeReadOnly, group, backlog } = libvirt
  const gid = group === undefined ? undefined : await resolveGroup(group)
  const common = { backlog, ...(gid === undefined ? {} : { gid }) }
  return [
    ...(socket === undefined ? [] : [{ path: socket, mode, readOnly: false, ...common }]),
    ...(socketReadOnly === undefined
      ? []
      : [{ path: socketReadOnly, mode: modeReadOnly, readOnly: true, ...common }]),
  ]
}

function limitsOf({ libvirt, limits }: Config): LibvirtServerLimits {
  return {
    maxConnections: libvirt.maxConnections,
    maxConnectionsPerUid: limits.maxConnectionsPerUid,
    maxUnopenedPerUid: libvirt.maxUnopened,
    openTimeoutMs: libvirt.openTimeoutSeconds * 1000,
    frameTimeoutMs: limits.readTimeoutSeconds * 1000,
    keepaliveIntervalMs: libvirt.keepaliveIntervalSeconds * 1000,
    keepaliveCount: libvirt.keepaliveCount,
    privateValues: libvirt.privateValues,
  }
}
