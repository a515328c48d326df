/** The registry that the doors talk to: opened here, and replaced as a whole by `init --force`. */
import { existsSync, mkdirSync, renameSync } from 'node:fs'
import { AuditError, openLog } from '@secreg/audit'
import type { Credential, NewProtector } from '@secreg/crypto'
import type { ScryptPool } from '@secreg/crypto/node'
import type { Config, Logger } from '@secreg/host'
import {
  type BackupSchedule,
  type Caller,
  parsePrefix,
  type SealResponse,
  SecregError,
  type StatusResponse,
} from '@secreg/protocol'
import type { RequestOf } from '@secreg/protocol/messages'
import { asSecregError, openRegistry, type Peer, type Registry } from '@secreg/registry'
import { isStorageError, LevelEngine } from '@secreg/storage'
import type { SessionHandle } from '@secreg/zones'
import { configuredCredential } from './configured-credential.ts'
import { createHostPort } from './doctor/host-port.ts'
import { FaultRing } from './fault-ring.ts'
import { hostChecks } from './host-checks.ts'
import { DaemonMetrics } from './metrics.ts'
import { createSystemLogin, type SystemLogin } from './pam/system-login.ts'
import { createPolicyAnalysis } from './policy-analysis.ts'
import { finishReplacement } from './replacement.ts'
import { cleanDiskSpools, openDiskSpool } from './restore-spool.ts'

export interface RegistryHostOptions {
  readonly config: Config
  readonly log: Logger
  readonly version: string
  readonly scrypt: ScryptPool
}

/** A connection's session handle, and the registry that it belongs to. */
export interface HostSessionHandle {
  readonly registry: Registry
  readonly handle: SessionHandle
}

/** Figures that only the process knows. */
export type HostFigures = () => Pick<StatusResponse, 'connections' | 'buffer_bytes'>

/** What a registry is opened with, and asks for later: a reload replaces some of it. */
interface LiveOptions extends RegistryHostOptions {
  readonly faults: FaultRing
  readonly metrics: DaemonMetrics
  /** Absent where the configuration names no helper: then nobody logs in with a password of the system. */
  readonly systemLogin: SystemLogin | undefined
  readonly live: {
    config: Config
    figures: HostFigures
    backups: () => BackupSchedule | undefined
  }
}

export class RegistryHost {
  readonly version: string
  readonly #options: LiveOptions
  #config: Config
  #registry: Registry
  #replacing = false

  private constructor(options: LiveOptions, registry: Registry) {
    this.#options = options
    this.#config = options.config
    this.#registry = registry
    this.version = options.version
  }

  /** Open store, log and registry as configured; it is sealed or uninitialised then. */
  static async open(options: RegistryHostOptions): Promise<RegistryHost> {
    const live = { config: options.config, figures: () => ({}), backups: () => undefined }
    const all: LiveOptions = {
      ...options,
      faults: new FaultRing(),
      metrics: new DaemonMetrics(),
      systemLogin: systemLoginOf(options),
      live,
    }
    await all.systemLogin?.check()
    return new RegistryHost(all, await openConfigured(all, options.config))
  }

  get figures(): HostFigures {
    return this.#options.live.figures
  }

  set figures(figures: HostFigures) {
    this.#options.live.figures = figures
  }

  /** What the schedule of backups does. */
  set backupSchedule(schedule: () => BackupSchedule | undefined) {
    this.#options.live.backups = schedule
  }

  get registry(): Registry {
    return this.#registry
  }

  sessionHandle(known?: HostSessionHandle): HostSessionHandle {
    if (known?.registry === this.#registry) return known
    return { registry: this.#registry, handle: this.#registry.sessionHandle() }
  }

  /** Unseal without a person: by key file or systemd credential. */
  async unlock(credential: Credential): Promise<SealResponse> {
    return this.#registry.unlock({ door: 'internal', address: 'start' }, credential)
  }

  /** Take what a reloaded configuration may change while the registry runs. */
  configure(config: Config): void {
    this.#config = config
    this.#options.live.config = config
    this.#registry.configure(settingsOf(config))
  }

  status(caller: Caller | undefined): StatusResponse {
    const status = this.#registry.status(caller)
    if (caller === undefined) return status
    const { socket, database, audit } = this.#config
    return {
      ...status,
      ...this.figures(),
      socket: socket.path,
      database: database.path,
      audit: audit.path,
    }
  }

  /** Initialise; with `force`, move an existing registry and its log aside first (specs: row 42). */
  async initialize(
    peer: Peer,
    caller: Caller | undefined,
    request: Extract<RequestOf<'seal'>, { op: 'init' }>,
  ): Promise<SealResponse> {
    if (this.#replacing) throw new SecregError('BUSY', 'the registry is being replaced')
    if (request.force !== true || this.#registry.state === 'uninitialized') {
      return this.#registry.initialize(peer, request)
    }
    if (caller === undefined) {
      throw new SecregError('AUTH_REQUIRED', 'log in as an administrator to replace the registry')
    }
    await this.#registry.authorizeReplacement(caller, request)
    this.#replacing = true
    try {
      await this.#registry.close()
      const suffix = `.replaced-${new Date().toISOString().replaceAll(/[-:.]/g, '')}`
      const { database, audit } = this.#config
      for (const path of [database.path, audit.path]) {
        if (existsSync(path)) renameSync(path, path + suffix)
      }
      this.#options.log.warn('the registry was moved aside', { file: database.path + suffix })
      this.#registry = await openConfigured(this.#options, this.#config)
    } finally {
      this.#replacing = false
    }
    return this.#registry.initialize(peer, request)
  }

  async close(): Promise<void> {
    this.#options.systemLogin?.close()
    await this.#registry.close()
    this.#options.metrics.close()
  }
}

/** Open store, log and registry; what fails is told with the directory that it is about. */
async function openConfigured(options: LiveOptions, config: Config): Promise<Registry> {
  try {
    const finished = finishReplacement(config.database.path)
    if (finished !== undefined)
      options.log.warn('finished what was interrupted', { detail: finished.reason })
    return await openParts(options, config)
  } catch (cause) {
    if (AuditError.is(cause)) {
      throw new SecregError('AUDIT_FAILED', about(config.audit.path, cause), { cause })
    }
    if (isStorageError(cause) || SecregError.is(cause)) {
      const { reason } = asSecregError(cause)
      throw new SecregError(reason, about(config.database.path, cause), { cause })
    }
    throw cause
  }
}

function about(directory: string, { message }: Error): string {
  return message.includes(directory) ? message : `${directory}: ${message}`
}

async function openParts(options: LiveOptions, config: Config): Promise<Registry> {
  const { log, faults, metrics, live, systemLogin } = options
  const engine = await LevelEngine.open(config.database.path, {
    cacheBytes: config.database.cacheSizeBytes,
  })
  try {
    await cleanDiskSpools(config.database.path)
    const { registry, recovery } = await openRegistry({
      engine,
      backupSchedule: () => live.backups(),
      openSpool: (size) => openDiskSpool(config.database.path, size),
      auditDirectory: config.audit.path,
      openLog: (cursor) => {
        mkdirSync(config.audit.path, { recursive: true, mode: 0o700 })
        return openLog({
          directory: config.audit.path,
          ...(cursor === undefined ? {} : { cursor }),
          observer: (event) => {
            if (event.type === 'synced' || event.type === 'rotated') return
            const healthy = event.type === 'recovered'
            if (!healthy) faults.noteCode(`LOG_${event.type.replaceAll('-', '_').toUpperCase()}`)
            log[healthy ? 'info' : 'error'](`audit log: ${event.type}`)
          },
        })
      },
      scrypt: options.scrypt.scrypt,
      protectors: () => protectorsOf(config),
      scryptParams: { N: 2 ** config.security.scryptLogN, r: 8, p: 1 },
      settings: settingsOf(config),
      version: options.version,
      sessionLimits: {
        idleMs: config.session.timeoutSeconds * 1000,
        lifetimeMs: config.session.absoluteTimeoutSeconds * 1000,
        perAccount: config.session.maxPerUser,
      },
      attemptLimits: attemptLimitsOf(config),
      policyAnalysis: createPolicyAnalysis(),
      ...(systemLogin === undefined
        ? {}
        : {
            systemLogin: {
              verify: (login, password) => systemLogin.verify(login, password),
              failureDelayMs: SYSTEM_FAILURE_DELAY_MS,
            },
          }),
      hostChecks: () => hostChecks(config),
      host: createHostPort({
        config: () => live.config,
        faults,
        figures: () => live.figures(),
        metrics,
      }),
      onFault: (fault) => {
        faults.note(fault)
        log.error('a fault that no caller was told of', { detail: detailOf(fault) })
      },
    })
    if (recovery.appended > 0) {
      log.warn(
        'records of committed changes were missing in the audit log and have been appended',
        {
          count: recovery.appended,
        },
      )
    }
    return registry
  } catch (error) {
    await engine.close()
    throw error
  }
}

/** Longer than PAM takes for a refusal by its own, two seconds and a little (pam_unix(8), pam_fail_delay(3)). */
const SYSTEM_FAILURE_DELAY_MS = 3000

function systemLoginOf({ config, log }: RegistryHostOptions): SystemLogin | undefined {
  if (config.pam.helper === undefined) return undefined
  return createSystemLogin({ settings: config.pam, log })
}

/** Beside the passphrase, whatever the configuration names from the start can unseal a new registry. */
async function protectorsOf(config: Config): Promise<NewProtector[]> {
  const credential = await configuredCredential(config)
  if (credential === undefined) return []
  if (credential.kind === 'key-file') return [{ kind: 'key-file', bytes: credential.bytes }]
  const name = config.unlock.systemdCredential ?? ''
  return [{ kind: 'systemd-credential', name, bytes: credential.bytes }]
}

/** Our own messages name no secret; of anything else only its kind is told. */
function detailOf(fault: unknown): string {
  if (SecregError.is(fault)) return fault.message
  return fault instanceof Error ? fault.name : 'unknown'
}

function settingsOf({ security }: Config) {
  return {
    requireMfa: security.requireMfa,
    sealedReads: security.sealedReads,
    lockOnTampering: security.lockOnTampering,
    encryptPrefixes: security.encryptPrefixes.map(parsePrefix),
  }
}

function attemptLimitsOf({ security }: Config) {
  const windowMs = security.rateLimitWindowSeconds * 1000
  const lockMs = security.lockoutSeconds * 1000
  const failures = security.rateLimitAttempts
  return {
    pair: { failures, windowMs, lockMs, maxKeys: 10_000 },
    // All clients of the registry socket look alike until the kernel's word on them is known here, so their common
    // limit must be out of reach of a few users' mistakes.
    source: { failures: 200 * failures, windowMs, lockMs, maxKeys: 10_000 },
  }
}
