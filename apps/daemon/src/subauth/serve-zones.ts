/** The subauth socket as it is configured, where it is. */
import type { ByteBudget, Config, Logger } from '@secreg/host'
import { SecregError } from '@secreg/protocol'
import { nativeProblem } from '@secreg/unix-socket'
import type { RegistryHost } from '../registry-host.ts'
import { openUsers } from '../users/open-users.ts'
import type { SystemUsers } from '../users/system-users.ts'
import type { SubauthLimits, SubauthServer } from './subauth-server.ts'

/** The socket that is served. */
export interface ServedZones {
  readonly server: SubauthServer
  /** Take a reloaded configuration. */
  configure(config: Config): void
}

/**
 * The users that the socket serves; undefined where there is none.
 *
 * @throws SecregError `ERR_INVALID_ARGUMENT` where it cannot be served on this machine, and why
 */
export async function zoneUsers(config: Config, log: Logger): Promise<SystemUsers | undefined> {
  if (config.subauth.socket === undefined) return undefined
  const problem = nativeProblem()
  if (problem !== undefined) throw new SecregError('INVALID_ARGUMENT', `subauth.socket: ${problem}`)
  const users = openUsers(config.subauth, log)
  await users.check()
  return users
}

export interface ServeZonesOptions {
  readonly config: Config
  readonly host: RegistryHost
  /** From {@link zoneUsers}. */
  readonly users: SystemUsers | undefined
  readonly budget: ByteBudget
  readonly log: Logger
}

/** @throws what `SubauthServer.listen` throws */
export async function serveZones(options: ServeZonesOptions): Promise<ServedZones | undefined> {
  const { config, host, users, budget, log } = options
  const { socket: path, mode, backlog, maxReplyBytes, maxRequestBytes } = config.subauth
  if (path === undefined || users === undefined) return undefined
  // Loaded where there is something to serve: most have none, and every start would pay for it.
  const { SubauthServer } = await import('./subauth-server.ts')
  const server = await SubauthServer.listen({
    host,
    users,
    budget,
    log,
    path,
    mode,
    backlog,
    maxReplyBytes,
    maxRequestBytes,
    ...limitsOf(config),
  })
  return {
    server,
    configure: (next) => {
      for (const key of LASTING) {
        if (next.subauth[key] === config.subauth[key]) continue
        log.warn('a key of subauth has changed: it holds from the next start on', {
          detail: NAMES[key],
        })
      }
      server.configure(limitsOf(next))
    },
  }
}

/** Keys that are read once, as the file has them. */
const NAMES = Object.freeze({
  socket: 'subauth.socket',
  mode: 'subauth.mode',
  backlog: 'subauth.backlog',
  maxRequestBytes: 'subauth.max_request_bytes',
  maxReplyBytes: 'subauth.max_reply_bytes',
  usersFile: 'subauth.users_file',
})
const LASTING = Object.keys(NAMES) as readonly (keyof typeof NAMES)[]

function limitsOf({ subauth, limits }: Config): SubauthLimits {
  return {
    maxConnections: subauth.maxConnections,
    maxConnectionsPerUid: limits.maxConnectionsPerUid,
    failureDelayMs: subauth.failureDelayMs,
    idleTimeoutMs: subauth.idleTimeoutSeconds * 1000,
  }
}
