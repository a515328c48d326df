/** The registry: every operation of every door is one call here (DESIGN §2). */
import type { LogFiles } from '@secreg/audit'
import type { Credential, SealHeader } from '@secreg/crypto'
import type {
  AuthResponse,
  BackupSchedule,
  Caller,
  OkResponse,
  RegistryApi,
  RequestOf,
  SealResponse,
  SealState,
  StatusResponse,
} from '@secreg/protocol'
import { SecregError } from '@secreg/protocol'
import type { Session, SessionHandle } from '@secreg/zones'
import { auditBody } from './audit-record.ts'
import type { BackupNotes } from './backup/backup-notes.ts'
import type { Compactor } from './compactor.ts'
import type { Core, RegistrySettings } from './core.ts'
import type { OpenedAt } from './doctor/doctor.ts'
import type { HostPort } from './doctor/host-port.ts'
import type { Housekeeping } from './housekeeping.ts'
import type { Identity, Peer } from './identity.ts'
import { internalCaller } from './internal-caller.ts'
import { audit } from './operations/audit-query.ts'
import { Backups } from './operations/backup.ts'
import { remove } from './operations/delete.ts'
import { type DialectRequest, dialectOperation } from './operations/dialect.ts'
import { Exports } from './operations/export.ts'
import { get } from './operations/get.ts'
import { group } from './operations/groups.ts'
import { history } from './operations/history.ts'
import { Imports } from './operations/import.ts'
import { list } from './operations/list.ts'
import { login, logout } from './operations/login.ts'
import { maintain } from './operations/maintain.ts'
import { meta } from './operations/meta.ts'
import { mfa } from './operations/mfa.ts'
import { mount } from './operations/mount.ts'
import { password } from './operations/own-password.ts'
import { policy } from './operations/policy.ts'
import { protector } from './operations/protector.ts'
import { type Recovered, type RecoverRequest, recoverAdministrator } from './operations/recover.ts'
import { Restores } from './operations/restore.ts'
import { rotate } from './operations/rotate.ts'
import { initialize, lock, requireAcceptable, type SealTools } from './operations/seal.ts'
import { search } from './operations/search.ts'
import { type HostChecks, security } from './operations/security.ts'
import { set } from './operations/set.ts'
import { token } from './operations/tokens.ts'
import { transaction } from './operations/transaction.ts'
import { transfer } from './operations/transfer.ts'
import { recordRefused, type UnlockTools, unlock, unlockBy } from './operations/unlock.ts'
import { user } from './operations/users.ts'
import { versions } from './operations/versions.ts'
import { zone } from './operations/zones.ts'
import { recorded } from './recorded.ts'
import type { OpenSpool } from './restore/spool.ts'
import { AttemptPace } from './seal/attempt-pace.ts'
import type { SealUse } from './seal/credential.ts'
import { ShareCollector } from './seal/share-collector.ts'
import { apiOfSession, refuseEnrolling, useToken } from './session-api.ts'
import { fullStatus, openStatus, whoami } from './status.ts'
import type { WatchHub } from './watch/hub.ts'
import type { OpenedWatch, WatchSink } from './watch/sink.ts'
import { watch } from './watch/watch-operation.ts'

/** Parts that `openRegistry` puts together. */
export interface RegistryParts {
  readonly core: Core
  readonly identity: Identity
  readonly seal: SealTools
  readonly hostChecks: HostChecks
  readonly host: HostPort
  readonly compactor: Compactor
  readonly opened: OpenedAt
  readonly auditDirectory: string
  readonly auditFiles: LogFiles | undefined
  readonly version: string
  readonly housekeeping: Housekeeping
  readonly watches: WatchHub
  readonly backupNotes: BackupNotes
  /** What the schedule of backups does, where there is one. */
  readonly backupSchedule: () => BackupSchedule | undefined
  readonly openSpool: OpenSpool
  readonly onFault: ((fault: unknown) => void) | undefined
  /** Monotonic milliseconds. */
  readonly monotonicMs: () => number
}

/** One open registry. */
export class Registry {
  readonly #parts: RegistryParts
  readonly #exports: Exports
  readonly #imports: Imports
  readonly #restores: Restores
  /** Backups that are being read. */
  readonly backups: Backups
  readonly #unlocking: UnlockTools
  readonly #startedMs = performance.now()
  #closing: Promise<void> | undefined

  constructor(parts: RegistryParts) {
    this.#parts = parts
    this.#exports = new Exports(parts.core)
    this.#imports = new Imports(parts.core)
    this.#restores = new Restores(parts.core, {
      openSpool: parts.openSpool,
      scrypt: parts.seal.scrypt,
    })
    this.backups = new Backups(parts.core, {
      notes: parts.backupNotes,
      version: parts.version,
      schedule: parts.backupSchedule,
      onFault: parts.onFault,
    })
    this.#unlocking = {
      scrypt: parts.seal.scrypt,
      collector: new ShareCollector(parts.monotonicMs),
      pace: new AttemptPace(parts.monotonicMs),
    }
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
  }

  /** Log in; see {@link login}. */
  login(peer: Peer, request: RequestOf<'auth'>): Promise<AuthResponse> {
    return login(this.#parts.identity, peer, request)
  }

  logout(caller: Caller, session: Session): Promise<OkResponse> {
    return logout(this.#parts.identity, caller, session)
  }

  /** A connection's way to its sessions. */
  sessionHandle(binding?: object): SessionHandle {
    return this.#parts.identity.sessions.handle(binding)
  }

  /** The caller of a session, as its account is now; `undefined` when it may not act any more. */
  callerOf(session: Session, peer: Peer): Caller | undefined {
    return this.#parts.identity.callerOf(session, peer)
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
    await Promise.all([this.backups.end(error), this.#restores.end(error)])
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
    return apiOfSession(identity, caller, {
      get: (request) => get(core, caller, request),
      set: (request) => set(core, caller, request),
      delete: (request) => remove(core, caller, request),
      list: (request) => list(core, caller, request),
      status: () => Promise.resolve(this.status(caller)),
      audit: (request) => audit(core, caller, request),
      export: (request) => this.#exports.export(caller, request),
      import: (request) => this.#imports.import(caller, request),
      user: (request) => user(identity, caller, request),
      whoami: () => Promise.resolve(whoami(caller)),
      password: (request) => password(identity, caller, request),
      security: (request) =>
        security(core, caller, request, {
          checks: this.#parts.hostChecks,
          auditDirectory: this.#parts.auditDirectory,
          auditFiles: this.#parts.auditFiles,
        }),
      txn: (request) => transaction(core, caller, request),
      history: (request) => history(core, caller, request),
      versions: (request) => versions(core, caller, request),
      meta: (request) => meta(core, caller, request),
      search: (request) => search(core, caller, request),
      transfer: (request) => transfer(core, caller, request),
      mount: (request) => mount(core, caller, request),
      protector: (request) => protector(identity, this.#parts.seal, caller, request),
      rotate: (request) => rotate(core, this.#parts.housekeeping.rotation, caller, request),
      backup: (request) => this.backups.backup(caller, request),
      restore: (request) => this.#restores.restore(caller, request),
      maintain: (request) =>
        maintain(core, caller, request, {
          ...this.#parts,
          backups: () => this.backups.state,
          checks: this.#parts.hostChecks,
          status: (who) => this.status(who),
        }),
      policy: (request) => policy(identity, caller, request),
      group: (request) => group(identity, caller, request),
      token: (request) => token(identity, caller, request),
      zone: (request) => zone(identity, caller, request),
      mfa: (request) => mfa(identity, caller, request),
    })
  }

  /** What any operation of a session needs that is not one of {@link as}. */
  async #begin(caller: Caller): Promise<void> {
    const { identity } = this.#parts
    if (caller.restricted !== undefined) await refuseEnrolling(identity, caller)
    await useToken(identity, caller)
  }

  /** An operation of a foreign door, by the write rules that were given at opening; see {@link dialectOperation}. */
  async dialect(caller: Caller, request: DialectRequest): Promise<unknown> {
    if (isLimited(caller)) await this.#begin(caller)
    return dialectOperation(this.#parts.core, caller, request)
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
    this.#imports.sweep(refs)
    this.#parts.watches.sweep()
    this.#unlocking.collector.sweep()
    recordRefused(this.#parts.core, this.#unlocking.pace)
    const jobs = [this.#exports, this.backups, this.#restores]
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

  async #close(): Promise<void> {
    const { core, housekeeping } = this.#parts
    this.endWatches()
    this.#unlocking.collector.reset()
    await housekeeping.stop()
    await this.#parts.compactor.close()
    await core.writer.close()
    try {
      await Promise.all([this.#exports.close(), this.backups.end(), this.#restores.end()])
      core.journal.flush()
      await core.journal.log.sync()
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
