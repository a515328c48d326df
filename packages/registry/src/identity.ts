/** Accounts, sessions and the callers that they make (DESIGN §3). */
import { type Caller, type Door, LIMITS, type Proof, SecregError } from '@secreg/protocol'
import type { Op } from '@secreg/storage'
import {
  type Account,
  AttemptLimiter,
  type AttemptLimits,
  createPasswordChecker,
  normalizeLogin,
  type PasswordChecker,
  type PasswordHasher,
  readAccount,
  readAccountByLogin,
  type Session,
  type SessionLimits,
  SessionTable,
  sourceOfAddress,
  sourceOfUid,
  verifyPasswordLogin,
} from '@secreg/zones'
import type { Core } from './core.ts'
import { GroupView } from './group-view.ts'
import { Policies } from './policies.ts'
import { rowViewOf } from './row-view.ts'

/** What a door knows of a connection before anybody has logged in on it. */
export interface Peer {
  readonly door: Door
  /** Remote address, or a word for the local socket. */
  readonly address: string
  /** From the kernel only. */
  readonly uid?: number
  readonly gid?: number
  readonly pid?: number
}

export interface IdentityOptions {
  readonly hasher: PasswordHasher
  /** Monotonic clock, milliseconds. */
  readonly monotonicMs: () => number
  readonly sessionLimits: SessionLimits
  readonly attemptLimits?: Partial<AttemptLimits>
}

/** What changed of an account: decides which of its sessions go on. */
export type AccountChange =
  | 'add'
  | 'remove'
  | 'roles'
  | 'password'
  | 'own-password'
  | 'enable'
  | 'disable'

export class Identity {
  readonly core: Core
  readonly hasher: PasswordHasher
  readonly checker: PasswordChecker
  readonly sessions: SessionTable
  readonly policies: Policies
  readonly #limiter: AttemptLimiter
  /** Two connections may use one session: what the kernel says of each belongs to that one alone. */
  readonly #callers = new WeakMap<Session, WeakMap<Peer, Caller>>()
  #turn: Promise<unknown> = Promise.resolve()

  constructor(core: Core, options: IdentityOptions) {
    this.core = core
    this.hasher = options.hasher
    this.checker = createPasswordChecker(options.hasher)
    this.policies = new Policies(core.engine, core.authorizer)
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

  /** The account of a login as it is stored now. */
  findAccount(login: string): Account | undefined {
    return readAccountByLogin(rowViewOf(new GroupView(this.core.engine)), login)
  }

  /**
   * Verify a password, counting failures.
   *
   * @throws SecregError `ERR_AUTH_FAILED`, alike for unknown users and wrong passwords; `ERR_AUTH_LOCKED_OUT`,
   *   `ERR_BUSY`
   */
  verifyPassword(
    login: string,
    password: string,
    peer: Pick<Peer, 'uid' | 'address'> | Caller,
  ): Promise<Account> {
    const source =
      peer.uid === undefined ? sourceOfAddress(peer.address ?? 'local') : sourceOfUid(peer.uid)
    return verifyPasswordLogin(
      {
        limiter: this.#limiter,
        checker: this.checker,
        find: (name) => this.findAccount(name),
      },
      { login, password, source },
    )
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
    if (session.stale) {
      const { epoch } = this.sessions
      const account = readAccount(rowViewOf(new GroupView(this.core.engine)), session.accountId)
      if (account === undefined || account.disabled) {
        this.sessions.closeSession(session)
        return undefined
      }
      // A session that has ended stays stale, however its account stands.
      if (!this.sessions.refresh(session, account, epoch)) return undefined
      this.#callers.delete(session)
    }
    let callers = this.#callers.get(session)
    if (callers === undefined) {
      callers = new WeakMap()
      this.#callers.set(session, callers)
    }
    let caller = callers.get(peer)
    if (caller === undefined) {
      caller = callerOfSession(session, peer)
      callers.set(peer, caller)
    }
    return caller
  }

  /** References of the sessions that are open. */
  sessionRefs(): Set<string> {
    return new Set(this.sessions.list().map(({ ref }) => ref))
  }

  /** Run one at a time what changes the state of the keys over several steps. */
  inTurn<T>(run: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(run)
    this.#turn = result.catch(() => {})
    return result
  }

  /** Let a committed change of an account hold for the next operation of its sessions. */
  accountChanged(accountId: string, change: AccountChange, ops: readonly Op[], own?: Caller): void {
    this.policies.apply(ops)
    switch (change) {
      case 'add':
      case 'roles':
      case 'enable':
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

  /** The stored spelling of a typed name, for the log; nothing when no account can have it. */
  loggedName(login: string): string | undefined {
    return login.length > LIMITS.loginBytes ? undefined : normalizeLogin(login)
  }
}

function kernelFacts(peer: Peer): Pick<Caller, 'uid' | 'gid' | 'pid'> {
  return {
    ...(peer.uid === undefined ? {} : { uid: peer.uid }),
    ...(peer.gid === undefined ? {} : { gid: peer.gid }),
    ...(peer.pid === undefined ? {} : { pid: peer.pid }),
  }
}

function callerOfSession(session: Session, peer: Peer): Caller {
  const proof: Proof = 'credential'
  const { accountId, login, roles, mfa, ref } = session
  return Object.freeze({
    principals: Object.freeze([
      `account:${accountId}`,
      `user:${login}`,
      ...roles.map((role) => `role:${role}`),
      ...(peer.uid === undefined ? [] : [`uid:${peer.uid}`]),
    ]),
    accountId,
    login,
    roles: Object.freeze([...roles]),
    groups: Object.freeze([]),
    mfa,
    door: peer.door,
    address: peer.address,
    proof,
    sessionRef: ref,
    ...kernelFacts(peer),
  })
}

/** @throws SecregError `ERR_SESSION_INVALID` */
export function sessionInvalid(): SecregError {
  return new SecregError('SESSION_INVALID', 'the session is unknown or has ended; log in again')
}
