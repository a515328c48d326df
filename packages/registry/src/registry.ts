/** The registry: every operation of every door is one call here (DESIGN §2). */
import type { Credential, SealHeader } from '@secreg/crypto'
import type {
  Action,
  AuthResponse,
  BackupSchedule,
  Caller,
  OkResponse,
  RegistryApi,
  RequestName,
  RequestOf,
  SealResponse,
  SealState,
  StatusResponse,
} from '@secreg/protocol'
import { SecregError } from '@secreg/protocol'
import type { ConfiguredZone, Session, SessionHandle } from '@secreg/zones'
import type { AuditEvidence } from './audit/audit-evidence.ts'
import { Follows } from './audit/follows.ts'
import { type References, referencesOf } from './audit/references.ts'
import { auditBody } from './audit-record.ts'
import type { BackupNotes } from './backup/backup-notes.ts'
import { type OperationTools, operationsOf } from './caller-operations.ts'
import type { Compactor } from './compactor.ts'
import type { Core, RegistrySettings } from './core.ts'
import type { OpenedAt } from './doctor/doctor.ts'
import type { HostPort } from './doctor/host-port.ts'
import { doorApi } from './door-api.ts'
import { ForeignSecrets } from './foreign/foreign-secrets.ts'
import { gatewayApi, refuseGateway } from './gateway-api.ts'
import type { Housekeeping } from './housekeeping.ts'
import { type Identity, type Peer, presenterOf } from './identity.ts'
import { internalCaller } from './internal-caller.ts'
import { ConnectedCallers, type KernelPeer } from './kernel-caller.ts'
import { Backups } from './operations/backup.ts'
import { type AppliedZones, applyZones } from './operations/configured-zones.ts'
import { Exports } from './operations/export.ts'
import { Imports } from './operations/import.ts'
import { login, logout } from './operations/login.ts'
import { type PartReads, partReads } from './operations/parts.ts'
import { type Recovered, type RecoverRequest, recoverAdministrator } from './operations/recover.ts'
import { Restores } from './operations/restore.ts'
import { initialize, lock, requireAcceptable, type SealTools } from './operations/seal.ts'
import type { HostChecks } from './operations/security.ts'
import { recordRefused, type UnlockTools, unlock, unlockBy } from './operations/unlock.ts'
import { recorded } from './recorded.ts'
import type { OpenSpool } from './restore/spool.ts'
import { AttemptPace } from './seal/attempt-pace.ts'
import type { SealUse } from './seal/credential.ts'
import { ShareCollector } from './seal/share-collector.ts'
import { apiOfSession, presentOf, refuseEnrolling, useToken } from './session-api.ts'
import { fullStatus, openStatus } from './status.ts'
import type { WatchHub } from './watch/hub.ts'
import type { OpenedWatch, WatchSink } from './watch/sink.ts'
import { watch } from './watch/watch-operation.ts'
import { zoneCallerOf } from './zones/zone-caller.ts'
import type { ZoneTools } from './zones/zone-tools.ts'

/** Parts that `openRegistry` puts together. */
export interface RegistryParts {
  readonly core: Core
  readonly identity: Identity
  readonly seal: SealTools
  readonly hostChecks: HostChecks
  readonly host: HostPort
  readonly compactor: Compactor
  readonly opened: OpenedAt
  readonly evidence: AuditEvidence
  readonly version: string
  readonly housekeeping: Housekeeping
  readonly watches: WatchHub
  readonly backupNotes: BackupNotes
  /** What the schedule of backups does, where there is one. */
  readonly backupSchedule: () => BackupSchedule | undefined
  readonly openSpool: OpenSpool
  readonly zoneTools: ZoneTools
  readonly onFault: ((fault: unknown) => void) | undefined
  /** Monotonic milliseconds. */
  readonly monotonicMs: () => number
}

const NOTHING: readonly Action[] = Object.freeze([])

/** One open registry. */
export class Registry {
  readonly #parts: RegistryParts
  readonly #connectedCallers: ConnectedCallers
  /** What goes on from one request to the next. */
  readonly #tools: OperationTools
  readonly #unlocking: UnlockTools
  readonly #startedMs = performance.now()
  /** What the Secrets API asks: decisions about secrets wherever they are kept, and their records. */
  readonly foreign: ForeignSecrets
  #settingsChanges = 0
  #closing: Promise<void> | undefined
  #applying: Promise<unknown> = Promise.resolve()

  constructor(parts: RegistryParts) {
    const { core, identity } = parts
    this.#parts = parts
    this.#connectedCallers = new ConnectedCallers(parts.identity)
    this.foreign = new ForeignSecrets(identity, {
      settingsChanges: () => this.#settingsChanges,
      as: (caller) => this.as(caller),
    })
    this.#tools = {
      parts,
      exports: new Exports(core),
      imports: new Imports(core),
      restores: new Restores(core, { openSpool: parts.openSpool, scrypt: parts.seal.scrypt }),
      backups: new Backups(core, {
        notes: parts.backupNotes,
        version: parts.version,
        schedule: parts.backupSchedule,
        onFault: parts.onFault,
      }),
      follows: new Follows(core, (caller) => presentOf(identity, caller)),
      status: (caller) => this.status(caller),
    }
    this.#unlocking = {
      scrypt: parts.seal.scrypt,
      collector: new ShareCollector(parts.monotonicMs),
      pace: new AttemptPace(parts.monotonicMs),
    }
  }

  /** Backups that are being read. */
  get backups(): Backups {
    return this.#tools.backups
  }

  get state(): SealState {
    return this.#parts.core.keys.state
  }

  /** Wrapped keys and what opens them, once there are any; safe to copy. */
  get sealHeader(): SealHeader | undefined {
    return this.#parts.core.keys.header
  }

  /** Random id of this life of the store, 32 hexadecimal digits. */
  get generation(): string {
    return this.#parts.core.engine.generation
  }

  /** Keyed references to entries, for readers of the log that must not see paths; undefined while it is sealed. */
  get references(): References | undefined {
    const { keys } = this.#parts.core
    return keys.state === 'unsealed' ? referencesOf(keys) : undefined
  }

  /** Time that removing goes by, milliseconds since the epoch: not ahead of a leap of the clock that has not lasted. */
  get believedMs(): number {
    const { clock, now } = this.#parts.core
    return Math.min(now(), clock.believed())
  }

  /** Replace the settings that may change while it runs. */
  configure(settings: RegistrySettings): void {
    const { core, identity } = this.#parts
    if (settings.requireMfa && !core.settings.requireMfa) identity.endSessionsWithoutFactor()
    core.settings = settings
    this.#settingsChanges++
  }

  /** Bring the zones in line with the configuration file, one time after the other; see {@link applyZones}. */
  applyZones(configured: ReadonlyMap<string, ConfiguredZone>): Promise<AppliedZones> {
    const result = this.#applying.then(() => applyZones(this.#parts.identity, configured))
    this.#applying = result.catch(() => {})
    return result
  }

  /** Log in; see {@link login}. */
  login(peer: Peer, request: RequestOf<'auth'>): Promise<AuthResponse> {
    return login(this.#parts.identity, this.#parts.zoneTools, peer, request)
  }

  logout(caller: Caller, session: Session): Promise<OkResponse> {
    return logout(this.#parts.identity, caller, session)
  }

  /**
   * A connection's way to its sessions.
   *
   * @param peer - who is on it; default somebody within the process
   */
  sessionHandle(peer?: Peer): SessionHandle {
    return this.#parts.identity.sessions.handle(peer && presenterOf(peer))
  }

  /** Whether a uid is mapped to an account that is enabled. */
  isMapped(uid: number): boolean {
    return this.#parts.identity.findMapped(uid) !== undefined
  }

  /** The caller of a session, as its account is now; `undefined` when it may not act any more. */
  callerOf(session: Session, peer: Peer): Caller | undefined {
    return this.#parts.identity.callerOf(session, peer)
  }

  /** The caller of a request at the door of the zones; see {@link zoneCallerOf}. */
  zoneCaller(peer: KernelPeer<'subauth'>, systemUser: string | undefined): Caller {
    return zoneCallerOf(this.#parts.identity, peer, systemUser)
  }

  /** The caller of a request at the door of libvirt, whose peer is one object for each connection. */
  connectedCaller(peer: KernelPeer<'libvirt'>, withheld: readonly Action[] = NOTHING): Caller {
    return this.#connectedCallers.of(peer, withheld)
  }

  /** The same without this being a use of the session, for what goes on without requests. */
  watcherOf(session: Session, peer: Peer): Caller | undefined {
    const { identity, monotonicMs } = this.#parts
    return session.expiresAtMs <= monotonicMs() ? undefined : identity.callerOf(session, peer)
  }

  /** Record a request that was refused because nobody stands behind it. */
  refuse(peer: Peer, action: 'auth', error: SecregError): Promise<never> {
    const { core, identity } = this.#parts
    return recorded<never>(core.journal, identity.strangerOf(peer), { action }, () => {
      throw error
    })
  }

  /** Record at once how many requests of a peer were refused before anything was done for them (DESIGN §2). */
  noteRefused(peer: Peer, count: number): void {
    const { core, identity } = this.#parts
    const facts = { detail: 'no room for records', count }
    const body = auditBody(identity.strangerOf(peer), 'auth', 'failed', facts, 'BUSY')
    core.journal.record(body, () => {})
  }

  initialize(
    peer: Peer,
    request: Extract<RequestOf<'seal'>, { op: 'init' }>,
  ): Promise<SealResponse> {
    const { identity, seal } = this.#parts
    return initialize(identity, seal, identity.strangerOf(peer), request)
  }

  /** Unlock by one credential; see {@link unlock}. */
  unlock(peer: Peer, credential: Credential, use: SealUse = 'daily'): Promise<SealResponse> {
    const { identity } = this.#parts
    return unlock(identity, this.#unlocking, identity.strangerOf(peer), [credential], use)
  }

  /** Unlock as a request says, which may be share by share; see {@link unlockBy}. */
  unlockBy(
    peer: Peer,
    request: Extract<RequestOf<'seal'>, { op: 'unlock' }>,
  ): Promise<SealResponse> {
    const { identity } = this.#parts
    return unlockBy(identity, this.#unlocking, identity.strangerOf(peer), request)
  }

  async lock(caller: Caller): Promise<SealResponse> {
    if (isLimited(caller)) await this.#begin(caller)
    const before = this.state
    try {
      return await lock(this.#parts.identity, caller)
    } finally {
      // Also when it is locked and only the record of that could not be written.
      if (before === 'unsealed' && this.state === 'sealed') await this.#locked()
    }
  }

  /**
   * Lock it because somebody else has changed its store, so that nothing it says can be believed; recorded.
   *
   * @param detail - what was found
   */
  async lockDown(detail: string): Promise<void> {
    const { core } = this.#parts
    if (this.state !== 'unsealed') return
    await core.writer.whenIdle(() => core.keys.lock())
    await this.#locked()
    core.journal.record(auditBody(internalCaller('scrub'), 'lock', 'ok', { detail }), () => {})
  }

  async #locked(): Promise<void> {
    const error = new SecregError('SEALED', 'the registry was locked')
    this.#parts.watches.end(error)
    await Promise.all([this.backups.end(error), this.#tools.restores.end(error)])
  }

  /** Break-glass, for a process on the host itself; see {@link recoverAdministrator}. */
  recoverAdministrator(peer: Peer, request: RecoverRequest): Promise<Recovered> {
    const { identity } = this.#parts
    return recoverAdministrator(identity, identity.strangerOf(peer), request)
  }

  /** Whether a caller may move this registry aside for the one that he asks for, and that one can be made. */
  async authorizeReplacement(
    caller: Caller,
    request: Extract<RequestOf<'seal'>, { op: 'init' }>,
  ): Promise<void> {
    if (isLimited(caller)) await this.#begin(caller)
    const { core, identity, seal } = this.#parts
    return recorded(core.journal, caller, { action: 'init', detail: 'force' }, async () => {
      core.authorizer.require(caller, 'seal', '/')
      core.keys.requireUnsealed()
      await requireAcceptable(identity, seal, request)
    })
  }

  /** Be told of changes; see {@link watch}. */
  async watch(caller: Caller, request: RequestOf<'watch'>, sink: WatchSink): Promise<OpenedWatch> {
    if (isLimited(caller)) await this.#begin(caller)
    return watch(this.#parts.core, this.#parts.watches, caller, request, sink)
  }

  /** End all watches and open no other, as {@link close} does: while the doors can still tell it. */
  endWatches(): void {
    this.#parts.watches.close(new SecregError('SHUTTING_DOWN', 'the registry is stopping'))
  }

  /** Everything that one caller can do. */
  as(caller: Caller): RegistryApi {
    const { core, identity } = this.#parts
    const api = apiOfSession(identity, caller, operationsOf(this.#tools, caller))
    if (caller.door === 'http') return gatewayApi(core.journal, caller, api)
    return doorApi(core.journal, caller, api)
  }

  /** What one caller can see, for doors that make up the answer to something else of it; see {@link partReads}. */
  partsOf(caller: Caller): PartReads {
    return partReads(this.#parts.core, caller)
  }

  /** Refuse what no gateway may pass on and {@link as} has not; see {@link refuseGateway}. */
  refuseGateway(peer: Peer, caller: Caller | undefined, name: RequestName): Promise<never> {
    const { core, identity } = this.#parts
    return refuseGateway(core.journal, caller ?? identity.strangerOf(peer), name)
  }

  /** End the sessions that are bound to a connection, when it closes. */
  closeBinding(binding: object): void {
    this.#parts.identity.sessions.closeBinding(binding)
  }

  /** What any operation of a session needs that is not one of {@link as}. */
  async #begin(caller: Caller): Promise<void> {
    const { identity } = this.#parts
    if (caller.restricted !== undefined) await refuseEnrolling(identity, caller)
    await useToken(identity, caller)
  }

  /** What anybody may know, and what callers with a session may. */
  status(caller?: Caller): StatusResponse {
    const { progress } = this.#unlocking.collector
    const open = openStatus(this.#parts, progress)
    return caller === undefined ? open : { ...open, ...fullStatus(this.#parts, this.#startedMs) }
  }

  /** End the exports, imports, backups and restores of sessions that have ended, or that nobody goes on with. */
  async sweep(): Promise<void> {
    const refs = this.#parts.identity.sessionRefs()
    this.#tools.imports.sweep(refs)
    this.#parts.watches.sweep()
    this.#unlocking.collector.sweep()
    recordRefused(this.#parts.core, this.#unlocking.pace)
    const jobs = [this.#tools.exports, this.backups, this.#tools.restores, this.#tools.follows]
    await Promise.all(jobs.map((each) => each.sweep(refs)))
  }

  /** Do now what it does by itself now and then, to the end; for who has the time in his own hands. */
  async housekeep(): Promise<void> {
    await this.#parts.housekeeping.work(this)
    await this.#parts.core.eraser.settle()
    await this.#parts.housekeeping.rotation.settle()
  }

  /** Finish what is under way, sync the log and close; everything acknowledged is durable then. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #signLast(): Promise<void> {
    const { evidence, onFault } = this.#parts
    await evidence.keeper.checkpoint().catch((fault: unknown) => onFault?.(fault))
  }

  async #close(): Promise<void> {
    const { core, evidence, housekeeping } = this.#parts
    this.endWatches()
    await this.#tools.follows.close(new SecregError('SHUTTING_DOWN', 'the registry is stopping'))
    this.#unlocking.collector.reset()
    await housekeeping.stop()
    await this.#parts.compactor.close()
    await evidence.verification.close()
    await core.writer.close()
    try {
      await Promise.all([
        this.#tools.exports.close(),
        this.backups.end(),
        this.#tools.restores.end(),
      ])
      core.journal.flush()
      await core.journal.log.sync()
      // What is left behind is signed, if it can be.
      if (core.keys.state === 'unsealed') await this.#signLast()
      if (core.keys.state === 'unsealed') await core.writer.free()
    } finally {
      core.keys.lock()
      try {
        await core.journal.log.close()
      } finally {
        await core.engine.close()
      }
    }
  }
}

/** Whether an operation of this caller costs him something first, or is none of his. */
function isLimited({ counted, restricted }: Caller): boolean {
  return restricted !== undefined || counted === true
}
