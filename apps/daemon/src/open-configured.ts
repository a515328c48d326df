/** Opening the registry as it is configured: store, log, registry, and what reads the log beside it. */
import { mkdirSync } from 'node:fs'
import { AuditError, type AuditLog, type LogEvent, openLog } from '@secreg/audit'
import type { NewProtector } from '@secreg/crypto'
import type { ScryptPool } from '@secreg/crypto/node'
import type { Config, Logger } from '@secreg/host'
import { LIBVIRT_DIALECT } from '@secreg/libvirt/dialect'
import {
  type BackupSchedule,
  parsePrefix,
  SecregError,
  type StatusResponse,
} from '@secreg/protocol'
import {
  type AuditKeeping,
  asSecregError,
  openRegistry,
  type Registry,
  type RegistrySettings,
} from '@secreg/registry'
import { SETEC_DIALECT } from '@secreg/setec/dialect'
import { isStorageError, LevelEngine } from '@secreg/storage'
import { configuredCredential } from './configured-credential.ts'
import type { DiskSpace } from './disk-space.ts'
import { createHostPort } from './doctor/host-port.ts'
import type { Egress } from './egress/egress-process.ts'
import type { FaultRing } from './fault-ring.ts'
import { hostChecks } from './host-checks.ts'
import type { DaemonMetrics } from './metrics.ts'
import type { SystemLogin } from './pam/system-login.ts'
import { createPolicyAnalysis } from './policy-analysis.ts'
import { finishReplacement } from './replacement.ts'
import { cleanDiskSpools, openDiskSpool } from './restore-spool.ts'
import type { KernelWord } from './server/kernel-word.ts'
import { AuditSinks } from './sinks/audit-sinks.ts'
import type { SystemUsers } from './users/system-users.ts'

export interface RegistryHostOptions {
  readonly config: Config
  readonly log: Logger
  readonly version: string
  readonly scrypt: ScryptPool
  readonly kernel: KernelWord
  /** Users of the system; absent where no door asks for them. */
  readonly users?: SystemUsers
}

/** Write rules of the doors that this daemon serves. */
const DIALECTS = [SETEC_DIALECT, LIBVIRT_DIALECT] as const

/** Figures that only the process knows. */
export type HostFigures = () => Pick<StatusResponse, 'connections' | 'buffer_bytes' | 'sinks'>

/** What a registry is opened with, and asks for later: a reload replaces some of it. */
export interface LiveOptions extends RegistryHostOptions {
  readonly faults: FaultRing
  readonly metrics: DaemonMetrics
  readonly space: DiskSpace
  /** Does the work towards the outside. */
  readonly egress: () => Egress
  readonly closeEgress: () => Promise<void>
  /** Absent where the configuration names no helper: then nobody logs in with a password of the system. */
  readonly systemLogin: SystemLogin | undefined
  readonly live: {
    config: Config
    figures: HostFigures
    backups: () => BackupSchedule | undefined
  }
}

/** An open registry, and what reads its log. */
export interface Opened {
  readonly registry: Registry
  readonly sinks: AuditSinks
}

/** Open store, log and registry; what fails is told with the directory that it is about. */
export async function openConfigured(options: LiveOptions, config: Config): Promise<Opened> {
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

async function openParts(options: LiveOptions, config: Config): Promise<Opened> {
  const { log, faults, metrics, live, space, systemLogin } = options
  const engine = await LevelEngine.open(config.database.path, {
    cacheBytes: config.database.cacheSizeBytes,
  })
  let auditLog: AuditLog | undefined
  let sinks: AuditSinks | undefined
  try {
    await cleanDiskSpools(config.database.path)
    const { registry, recovery } = await openRegistry({
      engine,
      backupSchedule: () => live.backups(),
      dialects: DIALECTS,
      openSpool: (size) => openDiskSpool(config.database.path, size),
      auditKeeping: () => keepingOf(live.config, () => sinks),
      openLog: async (cursor, terms) => {
        mkdirSync(config.audit.path, { recursive: true, mode: 0o700 })
        auditLog = await openLog({
          directory: config.audit.path,
          segmentBytes: config.audit.segmentBytes,
          terms,
          ...(cursor === undefined ? {} : { cursor }),
          observer: (event) => tellOfLog(event, options),
        })
        return auditLog
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
      attemptLimits: attemptLimitsOf(config, options.kernel),
      policyAnalysis: createPolicyAnalysis(),
      ...(options.users === undefined ? {} : { systemUsers: options.users }),
      ...(systemLogin === undefined
        ? {}
        : {
            systemLogin: {
              verify: (login, password) => systemLogin.verify(login, password),
              failureDelayMs: SYSTEM_FAILURE_DELAY_MS,
            },
          }),
      hostChecks: () => hostChecks(config, options.kernel),
      host: createHostPort({
        config: () => live.config,
        faults,
        figures: () => ({
          ...live.figures(),
          ...(sinks === undefined ? {} : { sinks: sinks.status }),
        }),
        metrics,
        sinks: () => sinks,
        space,
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
    sinks = new AuditSinks({
      config,
      log: auditLog as unknown as AuditLog,
      logger: log,
      egress: options.egress,
      refs: () => registry.references,
    })
    return { registry, sinks }
  } catch (error) {
    await engine.close()
    throw error
  }
}

function keepingOf({ audit }: Config, sinks: () => AuditSinks | undefined): AuditKeeping {
  return {
    checkpointIntervalMs: audit.checkpointIntervalSeconds * 1000,
    retentionMs: audit.retentionDays * DAY_MS,
    removableUpTo: () => sinks()?.doneWith ?? 0,
    recordsCheckpoints: sinks()?.isNeeded ?? false,
  }
}

const DAY_MS = 86_400_000
/** What is told of a log only where somebody looks for it. */
const QUIET: ReadonlySet<LogEvent['type']> = new Set(['synced', 'rotated', 'archived'])

function tellOfLog(event: LogEvent, { faults, log }: LiveOptions): void {
  if (QUIET.has(event.type)) return
  const healthy = event.type === 'recovered'
  if (!healthy) faults.noteCode(`LOG_${event.type.replaceAll('-', '_').toUpperCase()}`)
  log[healthy ? 'info' : 'error'](`audit log: ${event.type}`)
}

/** Longer than PAM takes for a refusal by its own, two seconds and a little (pam_unix(8), pam_fail_delay(3)). */
const SYSTEM_FAILURE_DELAY_MS = 3000

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

export function settingsOf({ security, audit }: Config): RegistrySettings {
  return {
    requireMfa: security.requireMfa,
    sealedReads: security.sealedReads,
    lockOnTampering: security.lockOnTampering,
    encryptPrefixes: security.encryptPrefixes.map(parsePrefix),
    valueHashPrefixes: audit.valueHashPrefixes.map(parsePrefix),
    syncEveryRecord: !audit.asyncWrite,
  }
}

function attemptLimitsOf({ security }: Config, { problem }: KernelWord) {
  const windowMs = security.rateLimitWindowSeconds * 1000
  const lockMs = security.lockoutSeconds * 1000
  const failures = security.rateLimitAttempts
  const source = (times: number) => ({
    failures: times * failures,
    windowMs,
    lockMs,
    maxKeys: 10_000,
  })
  return {
    pair: { failures, windowMs, lockMs, maxKeys: 10_000 },
    // Where the kernel cannot be asked, all clients of the registry socket look alike, as do all who log in by PAM where it
    // can: their common limit must be out of reach of a few users' mistakes.
    source: source(problem === undefined ? 10 : 200),
    rootSource: source(200),
  }
}
