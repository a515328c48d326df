/** One life of the daemon: start, say that it is ready, reload and stop by signal. */
import {
  type Config,
  ConfigError,
  createLogger,
  createReadiness,
  formatFault,
  hardenProcess,
  installSignals,
  type LoadedConfig,
  type Logger,
} from '@secreg/host'
import { SecregError } from '@secreg/protocol'
import { compose, type Daemon } from './compose.ts'
import { ensureDevAdministrator } from './dev-administrator.ts'
import { type DevHome, openDevHome } from './dev-home.ts'
import { requireLibvirt } from './libvirt/serve-secrets.ts'
import { DEFAULT_CONFIG, load } from './load-config.ts'
import type { SecretsApiSettings } from './secrets-api/settings.ts'
import { type SecretsVariables, takeSecretsVariables } from './secrets-api/settings-variables.ts'
import { KERNEL_WORD } from './server/kernel-word.ts'
import { zoneUsers } from './subauth/serve-zones.ts'
import { version } from './version.ts'

export interface RunOptions {
  /** Configuration file; not together with {@link RunOptions.dev}. */
  readonly config?: string
  /** Directory of a development home. */
  readonly dev?: string
}

/**
 * Run until a signal stops it.
 *
 * @throws ConfigError, HostError, StorageError, AuditError, SecregError when it cannot start; nothing is left running
 */
export async function run(options: RunOptions): Promise<void> {
  const hardening = hardenProcess()
  const home = options.dev === undefined ? undefined : openDevHome(options.dev)
  const file = home?.config ?? options.config ?? DEFAULT_CONFIG
  const variables = takeSecretsVariables(process.env)
  const loaded = load(file)
  const { config: given } = loaded
  const secrets = await secretsSettings(loaded, variables)
  const log = createLogger({
    name: 'secregd',
    level: home === undefined ? given.log.level : 'warn',
    messageOf: (error) => (SecregError.is(error) ? error.message : undefined),
  })
  for (const warning of hardening.warnings) log.warn(warning)
  // Node.js would print the message and the line of code, and messages of the platform quote their input.
  process.on('uncaughtException', (error) => {
    log.fatal('internal fault', { error })
    log.flush()
    process.exit(INTERNAL_FAULT)
  })
  const config = home === undefined ? given : await servable(given, log)
  if (home !== undefined) await migrateDev(config, home, log)
  const readiness = createReadiness()
  const daemon = await compose({
    config,
    file,
    log,
    version,
    secrets,
    ...(home === undefined ? {} : { credential: credentialOf(home) }),
  })
  try {
    if (home !== undefined) {
      await initializeDev(daemon, home)
      await ensureDevAdministrator(daemon.host.registry, home, log)
    }
  } catch (error) {
    await daemon.close()
    throw error
  }
  const signals = installSignals({
    stop: async (signal) => {
      log.info('stopping', { signal })
      void readiness.stopping()
      await daemon.close()
      log.info('stopped')
      log.flush()
      signals.dispose()
      process.exit(0)
    },
    force: () => process.exit(1),
    reload: async () => {
      await readiness.reloading()
      await reload({ file, variables, daemon, log })
      await readiness.ready()
    },
    onError: (error, signal) => {
      log.error('a signal could not be handled', { signal, detail: nameOf(error) })
      if (signal !== 'SIGHUP') process.exit(1)
    },
  })
  log.info('ready', { file: config.socket.path, version })
  if (home !== undefined) announce(home, config, await daemon.http)
  await readiness.ready(`${daemon.host.registry.state}; ${config.socket.path}`)
}

/** What reads them is loaded where they are on: every start would pay for it. */
async function secretsSettings(
  loaded: LoadedConfig,
  variables: SecretsVariables,
): Promise<SecretsApiSettings | undefined> {
  if (!loaded.config.secrets.enabled) return undefined
  const { readSecretsSettings } = await import('./secrets-api/read-settings.ts')
  return readSecretsSettings(loaded, variables)
}

/**
 * A development home starts also where sockets of its first start cannot be served any more: on another machine, with
 * another Node.js.
 */
async function servable(config: Config, log: Logger): Promise<Config> {
  let { libvirt, subauth } = config
  try {
    await zoneUsers(config, log)
  } catch (error) {
    if (!SecregError.is(error)) throw error
    log.warn('the subauth socket is not served', { detail: error.message })
    subauth = { ...subauth, socket: undefined }
  }
  try {
    requireLibvirt(config, KERNEL_WORD)
  } catch (error) {
    if (!SecregError.is(error)) throw error
    log.warn('the libvirt sockets are not served', { detail: error.message })
    libvirt = { ...libvirt, socket: undefined, socketReadOnly: undefined }
  }
  return { ...config, libvirt, subauth }
}

/** EX_SOFTWARE of sysexits(3): unlike a wrong configuration, starting again can help. */
const INTERNAL_FAULT = 70

function credentialOf({ credentials }: DevHome) {
  return { kind: 'passphrase', passphrase: credentials.passphrase } as const
}

/** A home of an earlier version is brought along without a question: its passphrase is at hand. */
async function migrateDev({ database }: Config, home: DevHome, log: Logger): Promise<void> {
  const { migrateHome } = await import('./offline/migrate.ts')
  if (await migrateHome(database.path, credentialOf(home))) {
    log.warn('the store was migrated; the one of before is beside it', { file: database.path })
  }
}

async function initializeDev({ host }: Daemon, { credentials }: DevHome): Promise<void> {
  if (host.registry.state !== 'uninitialized') return
  await host.initialize({ door: 'internal', address: 'development home' }, undefined, {
    op: 'init',
    passphrase: credentials.passphrase,
    admin: credentials.login,
    admin_password: credentials.password,
  })
}

function announce(home: DevHome, config: Config, http: string | undefined): void {
  const { socket, admin } = home
  const subauth = config.subauth.socket
  const { socket: libvirt, socketReadOnly: libvirtReadOnly } = config.libvirt
  const ready = { ready: true, socket, subauth, libvirt, libvirtReadOnly, http, admin }
  process.stderr.write(`secregd: development home ${home.directory}; not for production\n`)
  process.stdout.write(`${JSON.stringify(ready)}\n`)
}

interface Reload {
  readonly file: string
  readonly variables: SecretsVariables
  readonly daemon: Daemon
  readonly log: Logger
}

/** A wrong file changes nothing: the daemon goes on with what it has. */
async function reload({ file, variables, daemon, log }: Reload): Promise<void> {
  try {
    const loaded = load(file)
    const { config } = loaded
    await daemon.configure(config, await secretsSettings(loaded, variables))
    log.level = config.log.level
    log.info('configuration reloaded', { file })
  } catch (error) {
    log.error('configuration not reloaded; the old one stays in force', {
      file,
      detail:
        error instanceof ConfigError ? error.faults.map(formatFault).join('; ') : nameOf(error),
    })
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error
}
