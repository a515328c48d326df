/** Put a registry together over an engine and a log, after bringing both to the same state (DESIGN §2, step 7). */
import type { AuditLog, LogCursor, TermSource } from '@secreg/audit'
import type { NewProtector, Scrypt, ScryptParams, SealHeader } from '@secreg/crypto'
import { nodeBackend } from '@secreg/crypto/node'
import type { BackupSchedule, Dialect } from '@secreg/protocol'
import { type Engine, VolatileOverlay } from '@secreg/storage'
import {
  type AttemptLimits,
  createPasswordHasher,
  DEFAULT_SESSION_LIMITS,
  type SessionLimits,
} from '@secreg/zones'
import { createAuditEvidence } from './audit/audit-evidence.ts'
import { type AuditKeeping, DEFAULT_KEEPING } from './audit/keeper.ts'
import { AUDIT_TERMS } from './audit/terms.ts'
import { Authorizer } from './authorizer.ts'
import { BackupNotes } from './backup/backup-notes.ts'
import { readLastChange } from './change.ts'
import { Compactor } from './compactor.ts'
import type { Core, RegistrySettings } from './core.ts'
import { Counters } from './counters.ts'
import type { HostPort } from './doctor/host-port.ts'
import { Eraser } from './eraser.ts'
import { ExpiryClock } from './expiry-clock.ts'
import { Housekeeping } from './housekeeping.ts'
import { Identity } from './identity.ts'
import { Journal, type JournalRecovery } from './journal.ts'
import { KeyState } from './key-state.ts'
import { SEAL_KEY, TIME_KEY } from './keys.ts'
import { Mounts } from './mounts.ts'
import type { HostChecks } from './operations/security.ts'
import { ANALYSIS_HERE, type PolicyAnalysis } from './policy/analysis.ts'
import { Polls } from './polls.ts'
import { Registry } from './registry.ts'
import { decodeRenumbering, NUMBERS_KEY } from './renumbering.ts'
import { type OpenSpool, openMemorySpool } from './restore/spool.ts'
import { decodeHeader } from './seal-row.ts'
import { parseMark } from './sweeper.ts'
import { WatchHub } from './watch/hub.ts'
import { createMayTell } from './watch/may-tell.ts'
import { type PipelineStep, Writer } from './writer.ts'
import { type SystemUsers, ZoneTools } from './zones/zone-tools.ts'

export interface OpenRegistryOptions {
  /** Owned by the registry from now on. */
  readonly engine: Engine
  /** Opens the log with the cursor that the store knows and the words of records; owned by the registry. */
  readonly openLog: (cursor: LogCursor | undefined, terms: TermSource) => Promise<AuditLog>
  /** How the audit log is kept; default a checkpoint every five minutes, and every segment. */
  readonly auditKeeping?: () => AuditKeeping
  /** Runs off the main thread, with a bounded queue. */
  readonly scrypt: Scrypt
  readonly scryptParams: ScryptParams
  /** What the configuration names to unseal without a person; the bytes are wiped here. Default none. */
  readonly protectors?: () => Promise<readonly NewProtector[]>
  readonly settings: RegistrySettings
  /** Write rules of foreign doors; default none, and then nothing is written in their mounts. */
  readonly dialects?: readonly Dialect[]
  /** Most bytes that ephemeral entries take in memory; default 64 MiB. */
  readonly ephemeralBytes?: number
  readonly version: string
  readonly sessionLimits?: Partial<SessionLimits>
  readonly attemptLimits?: Partial<AttemptLimits>
  /** Looks through whole sets of policies; default in this thread. */
  readonly policyAnalysis?: PolicyAnalysis
  /** Verifies the passwords of system users; default nobody does, and they cannot log in with one. */
  readonly systemLogin?: SystemLogin
  /** The users of the operating system; default none is known, and the door of the zones serves nobody but in his own name. */
  readonly systemUsers?: SystemUsers
  readonly hostChecks?: HostChecks
  /** What only the process knows, for operators; default nothing. */
  readonly host?: HostPort
  /** What the schedule of backups does; default there is none. */
  readonly backupSchedule?: () => BackupSchedule | undefined
  /** Where files to restore from wait; default in memory. */
  readonly openSpool?: OpenSpool
  /** Milliseconds since the epoch; default `Date.now`. */
  readonly now?: () => number
  /** Monotonic milliseconds; default `performance.now`. */
  readonly monotonicMs?: () => number
  /** How often the outbox is freed when nothing is written, milliseconds; default 1000. */
  readonly housekeepingMs?: number
  /** How long an answer waits until erased bytes have left the files, milliseconds; default 10,000. */
  readonly eraseWaitMs?: number
  /** When the store is read through for damage, milliseconds; default 5 minutes after the start, then daily. */
  readonly scrub?: { readonly firstAfterMs: number; readonly everyMs: number }
  /** Observes the pipeline. */
  readonly onStep?: (step: PipelineStep) => void
  /** Told of failures that no caller hears of. */
  readonly onFault?: (fault: unknown) => void
}

/** Verifies passwords of users of the operating system. */
export interface SystemLogin {
  /** Whether the system user of this name has this password; throws when it cannot be told. */
  readonly verify: (login: string, password: string) => Promise<boolean>
  /** A refused login takes a multiple of this, milliseconds: longer than the verification. */
  readonly failureDelayMs: number
}

/** An open registry, and what opening it found. */
export interface OpenedRegistry {
  readonly registry: Registry
  readonly recovery: JournalRecovery
}

/**
 * Open the registry of a store and its log.
 *
 * @throws SecregError `ERR_STORAGE_CORRUPT` when store and log do not belong together, or a record cannot be read
 */
export async function openRegistry(options: OpenRegistryOptions): Promise<OpenedRegistry> {
  const now = options.now ?? Date.now
  const log = await options.openLog(await Journal.readCursor(options.engine), AUDIT_TERMS)
  try {
    return await openOver(options, log, now)
  } catch (error) {
    await log.close().catch(() => {})
    throw error
  }
}

async function openOver(
  options: OpenRegistryOptions,
  log: AuditLog,
  now: () => number,
): Promise<OpenedRegistry> {
  const engine = new VolatileOverlay(
    options.engine,
    options.ephemeralBytes === undefined ? {} : { maxVolatileBytes: options.ephemeralBytes },
  )
  const monotonicMs = options.monotonicMs ?? (() => performance.now())
  const { journal, recovery } = await Journal.open({
    engine,
    log,
    now,
    syncsAll: () => core.settings.syncEveryRecord === true,
  })
  const mounts = new Mounts(engine, options.dialects ?? [])
  const authorizer = new Authorizer(now, mounts)
  const keys = new KeyState(engine, await readHeader(engine), () => core.settings.sealedReads)
  const isUnsealed = (): boolean => keys.state === 'unsealed'
  const { onFault } = options
  const watches = new WatchHub({
    engine,
    monotonicMs,
    mayTell: createMayTell(engine, authorizer),
    onFault,
  })
  const lastChange = await readLastChange(engine)
  const writer = new Writer({
    engine,
    journal,
    now,
    onStep: options.onStep,
    onFault,
    mayFree: isUnsealed,
    changeCount: lastChange?.count ?? 0,
    onCommit: (revision, events) => watches.publish(revision, events),
  })
  const mark = await engine.get(TIME_KEY)
  await mounts.load()
  const core: Core = {
    engine,
    journal,
    writer,
    mounts,
    clock: new ExpiryClock({
      wallMs: now,
      monotonicMs,
      ...(mark === undefined ? {} : { highWaterMs: parseMark(mark.value) }),
    }),
    eraser: new Eraser({
      engine,
      writer,
      mayRun: isUnsealed,
      onFault,
      ...(options.eraseWaitMs === undefined ? {} : { waitMs: options.eraseWaitMs }),
    }),
    polls: new Polls(),
    analysis: options.policyAnalysis ?? ANALYSIS_HERE,
    renumbering: decodeRenumbering(await engine.get(NUMBERS_KEY)),
    authorizer,
    keys,
    counters: new Counters(),
    crypto: nodeBackend,
    settings: options.settings,
    now,
    newEntryId: () => Buffer.from(nodeBackend.randomBytes(16)).toString('hex'),
  }
  const identity = new Identity(core, {
    hasher: createPasswordHasher({
      scrypt: options.scrypt,
      params: options.scryptParams,
      backend: nodeBackend,
    }),
    monotonicMs,
    sessionLimits: { ...DEFAULT_SESSION_LIMITS, ...options.sessionLimits },
    ...(options.attemptLimits === undefined ? {} : { attemptLimits: options.attemptLimits }),
    ...(options.systemLogin === undefined
      ? {}
      : { external: { ...options.systemLogin, nowMs: monotonicMs, sleep } }),
  })
  await identity.policies.load()
  const evidence = createAuditEvidence({
    engine,
    log,
    journal,
    keys,
    keeping: options.auditKeeping ?? (() => DEFAULT_KEEPING),
    monotonicMs,
    believedMs: () => Math.min(now(), core.clock.believed()),
    isShipped: options.host?.isLogShipped,
    onFault,
  })
  const keepLog = (): Promise<void> => evidence.keeper.tick()
  const housekeeping = new Housekeeping(core, identity, { ...options, keepLog })
  await housekeeping.rotation.load()
  const registry = new Registry({
    core,
    identity,
    seal: {
      scrypt: options.scrypt,
      params: options.scryptParams,
      protectors: options.protectors ?? (async () => []),
    },
    hostChecks: options.hostChecks ?? (async () => []),
    host: options.host ?? {},
    backupNotes: await BackupNotes.open(engine),
    backupSchedule: options.backupSchedule ?? (() => undefined),
    openSpool: options.openSpool ?? openMemorySpool,
    zoneTools: new ZoneTools(options.systemUsers, monotonicMs, options.attemptLimits),
    onFault,
    compactor: new Compactor({ engine, now, onFault, storeBytes: options.host?.storeBytes }),
    opened: { wallMs: now(), monotonicMs: monotonicMs(), lastChangeMs: lastChange?.timeMs },
    evidence,
    version: options.version,
    housekeeping,
    watches,
    monotonicMs,
  })
  housekeeping.start(registry)
  return { registry, recovery }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resume) => setTimeout(resume, ms))
}

async function readHeader(engine: Engine): Promise<SealHeader | undefined> {
  const row = await engine.get(SEAL_KEY)
  return row === undefined ? undefined : decodeHeader(row)
}
