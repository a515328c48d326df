/** The parts of the daemon, put together and taken apart in the right order. */
import { type Credential, isCryptoError, wipe } from '@secreg/crypto'
import { createScryptPool } from '@secreg/crypto/node'
import {
  ByteBudget,
  type Config,
  type Logger,
  parseMetricsAddress,
  resolveGroup,
  resolveUser,
} from '@secreg/host'
import { SecregError } from '@secreg/protocol'
import { BackupScheduler } from './backups/scheduler.ts'
import { configuredCredential } from './configured-credential.ts'
import { GatewayProcess } from './gateway/gateway-process.ts'
import { gatewayProgram } from './gateway/gateway-program.ts'
import { serveSecrets } from './libvirt/serve-secrets.ts'
import { MetricsServer } from './metrics-server.ts'
import { RegistryHost } from './registry-host.ts'
import { ServedSecretsApi } from './secrets-api/serve-secrets-api.ts'
import type { SecretsApiSettings } from './secrets-api/settings.ts'
import { GatewayGrants, type GatewayUsers } from './server/gateway-grants.ts'
import { KERNEL_WORD, type KernelWord, WITHOUT_KERNEL_WORD } from './server/kernel-word.ts'
import { RegistryServer } from './server/registry-server.ts'
import { serveZones, zoneUsers } from './subauth/serve-zones.ts'
import type { SystemUsers } from './users/system-users.ts'

/** A running daemon. */
export interface Daemon {
  readonly host: RegistryHost
  /** Address of the gateway that it supervises, once that serves; undefined where there is none. */
  readonly http: Promise<string | undefined>
  /** Take a reloaded configuration; it holds as a whole once this has ended. */
  configure(config: Config, secrets?: SecretsApiSettings): Promise<void>
  /** Answer what was asked, make everything durable and close. */
  close(): Promise<void>
}

export interface ComposeOptions {
  readonly config: Config
  /** File that the configuration was read from. */
  readonly file: string
  readonly log: Logger
  readonly version: string
  /** Of the Secrets API; absent where it is off. */
  readonly secrets?: SecretsApiSettings | undefined
  /** Users of the system; default those that the configuration names, where a door asks for them. */
  readonly users?: SystemUsers
  /** Unseals with this at once; a wrong one stops the start. */
  readonly credential?: Credential
  /** Default the kernel of this machine, where the native part of `@secreg/unix-socket` is there to ask it. */
  readonly kernel?: KernelWord
}

/** Time for answers that are under way when the daemon stops. */
const GRACE_MS = 1000
/** Connections of gateways: one of each of their workers. */
const GATEWAY_CONNECTIONS = 256

/** Start everything; when a part fails, what was started before it is closed again. */
export async function compose(options: ComposeOptions): Promise<Daemon> {
  const { config, kernel = KERNEL_WORD, log, version } = options
  if (kernel.problem !== undefined) log.warn(WITHOUT_KERNEL_WORD, { detail: kernel.problem })
  const scrypt = createScryptPool()
  const closers: (() => Promise<unknown>)[] = [async () => scrypt.close()]
  const closeAll = async (): Promise<void> => {
    for (const close of closers.reverse()) await close()
  }
  try {
    const users = options.users ?? (await zoneUsers(config, log))
    const host = await RegistryHost.open({
      config,
      log,
      version,
      scrypt,
      kernel,
      ...(users === undefined ? {} : { users }),
    })
    closers.push(() => host.close())
    await unseal(host, options)
    const budget = new ByteBudget(config.limits.bufferBytes)
    const doors: { close(graceMs: number): Promise<void> }[] = []
    closers.push(() => Promise.all(doors.map((door) => door.close(GRACE_MS))))
    const server = await RegistryServer.listen({
      host,
      budget,
      kernel,
      ...serverOptionsOf(config),
      ...(await socketOf(config)),
    })
    doors.push(server)
    const gateway = await serveGateways(host, config, budget, kernel)
    if (gateway !== undefined) doors.push(gateway.server)
    const zones = await serveZones({ config, host, users, budget, log })
    if (zones !== undefined) doors.push(zones.server)
    const secrets = await serveSecrets({ config, host, kernel, budget, log })
    if (secrets !== undefined) doors.push(secrets.server)
    const { egress, secretsObserver: observer } = host
    const secretsApi = new ServedSecretsApi({ host, egress, observer, log })
    await secretsApi.configure(options.secrets)
    // Beside the doors, so that whoever waits for events does not hold them up.
    doors.push({ close: () => secretsApi.close() })
    host.figures = () => ({
      connections:
        server.connections + (zones?.server.connections ?? 0) + (secrets?.server.connections ?? 0),
      buffer_bytes: budget.usedBytes,
    })
    const backups = new BackupScheduler({
      registry: () => host.registry,
      settings: config.backup,
      log,
    })
    closers.push(() => backups.close())
    host.backupSchedule = () => backups.schedule
    const metrics = await serveMetrics(host, config)
    if (metrics !== undefined) closers.push(() => metrics.close())
    const supervised = startGateway(options)
    if (supervised !== undefined) closers.push(() => supervised.close(GRACE_MS))
    return {
      host,
      http: supervised?.ready ?? Promise.resolve(undefined),
      configure: async (next, nextSecrets) => {
        await secretsApi.configure(nextSecrets)
        gateway?.configure(next)
        zones?.configure(next)
        secrets?.configure(next)
        supervised?.reload()
        if (next.metrics.listen !== config.metrics.listen) {
          log.warn('metrics.listen has changed: it holds from the next start on')
        }
        if (next.gateway.user !== config.gateway.user) {
          log.warn('gateway.user has changed: it holds from the next start on')
        }
        backups.configure(next.backup)
        server.configure(serverOptionsOf(next))
        return host.configure(next)
      },
      close: closeAll,
    }
  } catch (error) {
    await closeAll()
    throw error
  }
}

/** The socket of gateways, where there is one. */
async function serveGateways(
  host: RegistryHost,
  config: Config,
  budget: ByteBudget,
  kernel: KernelWord,
) {
  const { socket: path, group } = config.gateway
  if (path === undefined) return undefined
  const users = gatewayUsers(config, kernel)
  const grants = new GatewayGrants(config.gateway, users)
  const gid = group === undefined ? undefined : await resolveGroup(group)
  const limits = (from: Config) => ({
    ...serverOptionsOf(from),
    framing: 'length' as const,
    maxConnections: GATEWAY_CONNECTIONS,
    maxConnectionsPerUid: GATEWAY_CONNECTIONS,
    // It waits for callers, however long.
    idleTimeoutMs: Number.POSITIVE_INFINITY,
  })
  const server = await RegistryServer.listen({
    host,
    budget,
    grants,
    kernel,
    ...limits(config),
    path,
    mode: gid === undefined ? 0o600 : 0o660,
    backlog: config.socket.backlog,
    ...(gid === undefined ? {} : { gid }),
  })
  return {
    server,
    configure: (next: Config): void => {
      server.configure(limits(next))
      for (const binding of grants.configure(next.gateway)) host.registry.closeBinding(binding)
    },
  }
}

/** @throws SecregError `ERR_INVALID_ARGUMENT` where `gateway.user` cannot be kept to; HostError for an unknown user */
function gatewayUsers({ gateway }: Config, { problem }: KernelWord): GatewayUsers {
  const own = process.geteuid?.()
  if (gateway.user === undefined) return { named: undefined, own }
  if (problem !== undefined) throw new SecregError('INVALID_ARGUMENT', `gateway.user: ${problem}`)
  const named = resolveUser(gateway.user)
  if (gateway.supervise && named !== own) {
    const message = 'gateway.user: expected the user of the daemon, as whom a gateway is supervised'
    throw new SecregError('INVALID_ARGUMENT', message)
  }
  return { named, own }
}

/** @throws SecregError `ERR_INVALID_ARGUMENT` where one is to be supervised that cannot be */
function startGateway({ config, file, log }: ComposeOptions): GatewayProcess | undefined {
  if (!config.gateway.supervise) return undefined
  const program = gatewayProgram()
  if (program === undefined) {
    throw new SecregError(
      'INVALID_ARGUMENT',
      'gateway.supervise: @secreg/http-gateway is not installed beside the daemon',
    )
  }
  return new GatewayProcess({ program, file, log })
}

function serveMetrics(
  host: RegistryHost,
  { metrics: { listen } }: Config,
): Promise<MetricsServer> | undefined {
  const address = listen === undefined ? undefined : parseMetricsAddress(listen)
  if (address === undefined) return undefined
  const contentType = host.metricsType
  return MetricsServer.listen({ address, contentType, text: () => host.metricsText() })
}

async function socketOf({ socket }: Config) {
  const gid = socket.group === undefined ? undefined : await resolveGroup(socket.group)
  return {
    path: socket.path,
    mode: socket.mode,
    backlog: socket.backlog,
    ...(gid === undefined ? {} : { gid }),
  }
}

function serverOptionsOf({ socket, limits, session, security }: Config) {
  return {
    framing: socket.framing,
    maxConnections: limits.maxConnections,
    maxConnectionsPerUid: limits.maxConnectionsPerUid,
    readTimeoutMs: limits.readTimeoutSeconds * 1000,
    authTimeoutMs: limits.authTimeoutSeconds * 1000,
    idleTimeoutMs: session.timeoutSeconds * 1000,
    clockSkewMs: security.maxClockSkewSeconds * 1000,
  }
}

/**
 * By what the start was given, else the key file, else the systemd credential; without any it stays sealed. Nothing that is
 * kept for recovery is tried.
 */
async function unseal(host: RegistryHost, options: ComposeOptions): Promise<void> {
  if (host.registry.state !== 'sealed') return
  const { config, log } = options
  try {
    const credential = options.credential ?? (await configuredCredential(config))
    if (credential === undefined) {
      log.warn('sealed: run sreg unlock')
      return
    }
    await host.unlock(credential).finally(() => {
      if ('bytes' in credential) wipe(credential.bytes)
    })
    log.info('unsealed')
  } catch (error) {
    if (options.credential !== undefined) throw error
    // A person with a passphrase can still unlock it, so the daemon stays, and says why it is sealed.
    log.error('sealed: what the configuration names does not unlock it; run sreg unlock', {
      ...(SecregError.is(error) || isCryptoError(error) ? { code: error.code } : {}),
    })
  }
}
