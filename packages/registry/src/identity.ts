/** Accounts, sessions and the callers that they make (DESIGN §3). */
import { type Caller, type Door, LIMITS, SecregError } from '@secreg/protocol'
import type { Op } from '@secreg/storage'
import {
  type AccessToken,
  type Account,
  AttemptLimiter,
  type AttemptLimits,
  type AttemptSource,
  createPasswordChecker,
  type ExternalLogin,
  type KernelLoginPorts,
  lockedOutError,
  type MfaContext,
  normalizeLogin,
  type PasswordChecker,
  type PasswordHasher,
  type PasswordLoginPorts,
  type Presenter,
  type RowView,
  readAccessToken,
  readAccount,
  readAccountByLogin,
  readAccountByUid,
  type Session,
  type SessionLimits,
  SessionTable,
  sourceOfAddress,
  sourceOfUid,
  type VerifiedToken,
  verifyAccessToken,
  verifyKernelLogin,
  verifyPasswordLogin,
  verifyTokenLogin,
  zoneSessionStands,
} from '@secreg/zones'
import type { Core } from './core.ts'
import { GroupView } from './group-view.ts'
import { Policies } from './policies.ts'
import { rowViewOf } from './row-view.ts'
import { callerOfSession, kernelFacts } from './session-caller.ts'
import { zoneRowsChanged } from './zones/zone-sessions.ts'

/** What a door knows of a connection before anybody has logged in on it. */
export interface Peer {
  readonly door: Door
  /** Remote address, or a word for the local socket. */
  readonly address: string
  /** From the kernel only. Never those of a gateway, which are not those of the callers that it asks for. */
  readonly uid?: number
  readonly gid?: number
  readonly pid?: number
  /** The connection, as whatever stands for it and for nothing else: for sessions that are to be for it alone. */
  readonly binding?: object
  /** It is a gateway, which asks for others. */
  readonly gateway?: GatewayTerms
}

/** What a gateway is believed, and how its sessions are (DESIGN §3). */
export interface GatewayTerms {
  /** Connection that alone may use them. */
  readonly binding: object
  /** They end so long after they were opened, milliseconds. */
  readonly lifetimeMs: number
  /** Login of the account that a principal stands for; undefined when it may not be asserted. */
  readonly loginOf: (assertion: string) => string | undefined
}

/** From where somebody comes, as far as failures are counted by it. */
type Whence = Pick<Peer | Caller, 'uid' | 'address'>

export interface IdentityOptions {
  readonly hasher: PasswordHasher
  /** Monotonic clock, milliseconds. */
  readonly monotonicMs: () => number
  readonly sessionLimits: SessionLimits
  readonly attemptLimits?: Partial<AttemptLimits>
  /** Verifies the passwords of system users; default nobody does. */
  readonly external?: ExternalLogin
}

/** What changed of an account: decides which of its sessions go on. */
export type AccountChange =
  | 'add'
  | 'remove'
  | 'rename'
  | 'roles'
  | 'groups'
  | 'uids'
  | 'system'
  | 'password'
  | 'own-password'
  | 'enable'
  | 'disable'
  | 'revoke'
  | 'mfa'
  | 'mfa-reset'

export class Identity {
  readonly core: Core
  readonly hasher: PasswordHasher
  readonly checker: PasswordChecker
  readonly sessions: SessionTable
  readonly policies: Policies
  readonly #limiter: AttemptLimiter
  readonly #external: ExternalLogin | undefined
  /** Two connections may use one session: what the kernel says of each belongs to that one alone. */
  readonly #callers = new WeakMap<Session, WeakMap<Peer, Caller>>()
  #changes = 0
  #turn: Promise<unknown> = Promise.resolve()
  #codes: Promise<unknown> = Promise.resolve()

  constructor(core: Core, options: IdentityOptions) {
    this.core = core
    this.hasher = options.hasher
    this.checker = createPasswordChecker(options.hasher)
    this.policies = new Policies(core.engine, core.authorizer)
    this.#external = options.external
    this.sessions = new SessionTable({
      nowMs: options.monotonicMs,
      crypto: core.crypto,
      limits: options.sessionLimits,
    })
    this.#limiter = new AttemptLimiter({
      nowMs: options.monotonicMs,
      ...(options.attemptLimits === undefined ? {} : { limits: options.attemptLimits }),
    })
  }

  /** How often accounts, groups and zones have changed. */
  get changes(): number {
    return this.#changes
  }

  /** The rows of identities as they are now. */
  rows(): RowView {
    return rowViewOf(new GroupView(this.core.engine))
  }

  /** The account of a login as it is stored now. */
  findAccount(login: string): Account | undefined {
    return readAccountByLogin(this.rows(), login)
  }

  /**
   * Verify a password, counting failures.
   *
   * @param second - the second step, before failures are forgotten (see `verifyPasswordLogin`); default there is none
   * @throws SecregError `ERR_AUTH_FAILED`, alike for unknown users and wrong passwords; `ERR_AUTH_LOCKED_OUT`,
   *   `ERR_BUSY`
   */
  verifyPassword(
    login: string,
    password: string,
    peer: Whence,
    second?: PasswordLoginPorts['second'],
  ): Promise<Account> {
    return verifyPasswordLogin(
      {
        limiter: this.#limiter,
        checker: this.checker,
        find: (name) => this.findAccount(name),
        ...(second === undefined ? {} : { second }),
        ...(this.#external === undefined ? {} : { external: this.#external }),
      },
      { login, password, source: sourceOf(peer) },
    )
  }

  /**
   * Verify an access token, counting failures. Uses nothing up.
   *
   * @throws SecregError `ERR_AUTH_FAILED`, `ERR_AUTH_LOCKED_OUT`
   */
  verifyToken(text: string, peer: Whence): VerifiedToken {
    const { crypto, now } = this.core
    return verifyTokenLogin(
      {
        limiter: this.#limiter,
        verify: (token) => verifyAccessToken(this.rows(), token, { nowMs: now(), crypto }),
      },
      { text, source: sourceOf(peer) },
    )
  }

  /**
   * Verify a token of another kind, counting failures as those of access tokens.
   *
   * @param verify - undefined when it is not good
   * @throws SecregError `ERR_AUTH_FAILED`, `ERR_AUTH_LOCKED_OUT`
   */
  verifyOtherToken<T>(peer: Whence, verify: () => T | undefined): T {
    const source = sourceOf(peer)
    const locked = this.#limiter.retryTokenAfterSeconds(source)
    if (locked !== undefined) throw lockedOutError(locked)
    const verified = verify()
    if (verified !== undefined) return verified
    this.#limiter.failToken(source)
    throw new SecregError('AUTH_FAILED', 'user name or password is wrong')
  }

  /** The account that a uid is mapped to, while it is enabled. */
  findMapped(uid: number): Account | undefined {
    return readAccountByUid(this.rows(), uid)
  }

  /**
   * Verify that a peer is whoever the kernel says, counting failures of the second step.
   *
   * @throws SecregError `ERR_AUTH_FAILED`, alike for uids that are not mapped and those of disabled accounts;
   *   `ERR_AUTH_LOCKED_OUT`, and what `second` throws
   */
  verifyKernel(uid: number, second: KernelLoginPorts['second']): Promise<Account> {
    return verifyKernelLogin(
      { limiter: this.#limiter, find: (id) => this.findMapped(id), second },
      uid,
    )
  }

  /**
   * Run something that a code or password of a session's own account decides, counting failures like those of logins:
   * whoever has found an open terminal must not guess either.
   *
   * @throws SecregError `ERR_AUTH_LOCKED_OUT`, and what it throws
   */
  counted<T>(caller: Caller, run: () => Promise<T>): Promise<T> {
    // One at a time: attempts that are started together must not outrun the limit.
    const result = this.#codes.then(() => this.#counted(caller, run))
    this.#codes = result.catch(() => {})
    return result
  }

  async #counted<T>(caller: Caller, run: () => Promise<T>): Promise<T> {
    const { login = '' } = caller
    const source = sourceOf(caller)
    const locked = this.#limiter.retryAfterSeconds(login, source)
    if (locked !== undefined) throw lockedOutError(locked)
    try {
      return await run()
    } catch (error) {
      if (SecregError.is(error) && error.reason === 'AUTH_FAILED') {
        this.#limiter.fail(login, source, true)
      }
      throw error
    }
  }

  /** What plans about second factors need. @throws SecregError `ERR_SEALED` */
  mfaContext(): MfaContext {
    const { crypto, keys, now } = this.core
    return { nowMs: now(), crypto, key: keys.mfaKey() }
  }

  /** A caller who has not logged in. */
  strangerOf(peer: Peer, login?: string): Caller {
    return Object.freeze({
      principals: [],
      roles: [],
      groups: [],
      mfa: false,
      door: peer.door,
      address: peer.address,
      proof: peer.uid === undefined ? 'asserted' : 'kernel',
      ...(login === undefined ? {} : { login }),
      ...kernelFacts(peer),
    })
  }

  /** The caller of a session as its account is now; `undefined` when the account is gone or disabled. */
  callerOf(session: Session, peer: Peer): Caller | undefined {
    if (session.stale && !this.#refreshed(session)) return undefined
    let callers = this.#callers.get(session)
    if (callers === undefined) {
      callers = new WeakMap()
      this.#callers.set(session, callers)
    }
    let caller = callers.get(peer)
    if (caller === undefined) {
      const token = session.token === undefined ? undefined : this.#tokenOf(session.token)
      if (session.token !== undefined && token === undefined) {
        this.sessions.closeSession(session)
        return undefined
      }
      caller = callerOfSession(session, peer, token?.usesLeft !== undefined)
      callers.set(peer, caller)
    }
    return caller
  }

  /** Give a stale session what its account is now; @returns false when it may not act any more */
  #refreshed(session: Session): boolean {
    const { epoch } = this.sessions
    const account = this.#accountOf(session)
    if (account === undefined) {
      this.sessions.closeSession(session)
      return false
    }
    // A session that has ended stays stale, however its account stands.
    if (!this.sessions.refresh(session, account, epoch)) return false
    this.#callers.delete(session)
    return true
  }

  #accountOf(session: Session): Pick<Account, 'login' | 'roles' | 'groups'> | undefined {
    const { accountId, login, zone } = session
    if (zone !== undefined) {
      return zoneSessionStands(this.rows(), accountId, zone) ? { login, roles: [] } : undefined
    }
    const account = readAccount(this.rows(), accountId)
    return account?.disabled === true ? undefined : account
  }

  #tokenOf(ident: string): AccessToken | undefined {
    return readAccessToken(this.rows(), ident)
  }

  /** References of the sessions that are open. */
  sessionRefs(): Set<string> {
    return new Set(this.sessions.list().map(({ ref }) => ref))
  }

  /** End the sessions that would not have been opened where a second factor is demanded. */
  endSessionsWithoutFactor(): void {
    for (const session of this.sessions.list()) {
      const { mfa, token, zone } = session
      if (!mfa && (token ?? zone) === undefined) this.sessions.closeSession(session)
    }
  }

  /** Run one at a time what changes the state of the keys over several steps. */
  inTurn<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(run)
    this.#turn = result.catch(() => {})
    return result
  }

  /** Let a committed change of an account hold for the next operation of its sessions. */
  accountChanged(accountId: string, change: AccountChange, ops: readonly Op[], own?: Caller): void {
    this.#changes++
    this.policies.apply(ops)
    switch (change) {
      case 'add':
      case 'rename':
      case 'roles':
      case 'groups':
      case 'enable':
      case 'mfa':
        this.sessions.invalidateAccount(accountId)
        return
      case 'own-password': {
        const kept = this.sessions.list(accountId).find(({ ref }) => ref === own?.sessionRef)
        this.sessions.closeAccount(accountId, kept)
        return
      }
      default:
        this.sessions.closeAccount(accountId)
    }
  }

  /** Let a committed change of zones and their accounts hold for the next operation of their sessions. */
  zoneChanged(ops: readonly Op[]): void {
    this.#changes++
    zoneRowsChanged(this.sessions, ops)
  }

  /** The stored spelling of a typed name, for the log; nothing when no account can have it. */
  loggedName(login: string): string | undefined {
    return login.length > LIMITS.loginBytes ? undefined : normalizeLogin(login)
  }
}

function sourceOf({ uid, address }: Whence): AttemptSource {
  return uid === undefined ? sourceOfAddress(address ?? 'local') : sourceOfUid(uid)
}

/** What of a peer decides which sessions are his. */
export function presenterOf(peer: Peer): Presenter {
  const { uid } = peer
  const binding = peer.gateway?.binding ?? peer.binding
  return {
    ...(binding === undefined ? {} : { binding }),
    ...(uid === undefined ? {} : { uid }),
  }
}

/** @throws SecregError `ERR_SESSION_INVALID` */
export function sessionInvalid(): SecregError {
  return new SecregError('SESSION_INVALID', 'the session is unknown or has ended; log in again')
}
