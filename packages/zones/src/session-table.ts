/**
 * Sessions, in memory: a restart ends them all. The table knows ids by their SHA-256 only, so neither a dump of it
 * nor the time of a look-up helps to guess one.
 */
import type { CryptoBackend } from '@secreg/crypto'
import { type Role, SecregError } from '@secreg/protocol'
import { isTokenBoundary, isTokenIdent, type TokenBoundary } from './access-token.ts'
import { isAccountId } from './account.ts'
import { toHex } from './hex.ts'
import {
  DEFAULT_SESSION_LIMITS,
  type Presenter,
  type Session,
  type SessionDetails,
  type SessionLimits,
} from './session.ts'
import { createSessionId, equalSessionIds, isSessionId } from './session-id.ts'
import { addTo, removeFrom } from './set-map.ts'
import { isUid } from './uid.ts'
import { isZoneSession } from './zone-session.ts'

/** What a table needs from outside. */
export interface SessionTableOptions {
  /** Monotonic clock, milliseconds. It should go on while the machine sleeps, or sessions live longer by that. */
  readonly nowMs: () => number
  /** Random source and hash. */
  readonly crypto: Pick<CryptoBackend, 'randomBytes' | 'sha256'>
  /** Default `DEFAULT_SESSION_LIMITS`. */
  readonly limits?: Partial<SessionLimits>
}

/** A session that was opened. */
export interface OpenedSession {
  /** The credential: to its owner, once, and nowhere else. */
  readonly id: string
  readonly session: Session
  /** Sessions of the account that ended for it, to be audited. */
  readonly evicted: readonly Session[]
}

/** Remembers what one connection presented last, so that the same id again costs no hash. */
export interface SessionHandle {
  /**
   * The session of an id, and count this as a use of it.
   *
   * @returns undefined for an unknown one, an ended one, one that is bound elsewhere and one of another uid, alike
   */
  resolve(id: string): Session | undefined
}

interface Entry extends Session {
  readonly key: string
  roles: readonly Role[]
  groups: readonly string[]
  login: string
  stale: boolean
  lastUsedAtMs: number
  expiresAtMs: number
  readonly endsAtMs: number
  /** Rank of the last use, where the clock is too coarse to tell. */
  use: number
  open: boolean
}

const NO_NAMES: readonly string[] = Object.freeze([])
const NOBODY: Presenter = Object.freeze({})

/** Sessions of all accounts. */
export class SessionTable {
  readonly #options: SessionTableOptions
  readonly #limits: SessionLimits
  readonly #byKey = new Map<string, Entry>()
  readonly #byAccount = new Map<string, Set<Entry>>()
  readonly #byBinding = new Map<object, Set<Entry>>()
  readonly #byToken = new Map<string, Set<Entry>>()
  readonly #byZone = new Map<string, Set<Entry>>()
  readonly #encoder = new TextEncoder()
  #epoch = 0
  #use = 0

  constructor(options: SessionTableOptions) {
    const limits = { ...DEFAULT_SESSION_LIMITS, ...options.limits }
    for (const [name, value] of Object.entries(limits)) {
      if (!Number.isSafeInteger(value) || value < 1) {
        throw new RangeError(`limits.${name}: expected a positive integer`)
      }
    }
    this.#options = options
    this.#limits = Object.freeze(limits)
  }

  /** Sessions that are kept, ended ones among them until the next sweep. */
  get size(): number {
    return this.#byKey.size
  }

  /**
   * Grows with each `invalidateAccount`, `invalidateZone` and `closeToken`. Take it before an account is read, or a token verified, and
   * give it to `open` or `refresh`.
   */
  get epoch(): number {
    return this.#epoch
  }

  /**
   * Open a session for an account that was read, and verified, since `epoch`.
   *
   * @param epoch `epoch` from before the account was read
   * @returns undefined when any account changed since: read it again, and give up if its password, roles or state
   *   are not the ones that were verified. Else a login that was under way would survive its account being closed.
   * @throws SecregError `ERR_BUSY` over the limit of all sessions
   */
  open(details: SessionDetails, epoch: number): OpenedSession | undefined {
    const {
      accountId,
      login,
      roles,
      groups = NO_NAMES,
      mfa,
      uid,
      binding,
      counted = true,
    } = details
    const { token, boundary, restricted, asserted, kernel, zone, address } = details
    if (!isAccountId(accountId)) throw new RangeError('accountId: expected 32 hexadecimal digits')
    if (typeof mfa !== 'boolean') throw new TypeError('mfa: expected a boolean')
    if (uid !== undefined && !isUid(uid)) throw new RangeError('uid: expected a uid or nothing')
    if (kernel !== undefined && (kernel !== true || uid === undefined)) {
      throw new TypeError('kernel: expected true with a uid, or nothing')
    }
    if (token !== undefined && !isTokenIdent(token)) {
      throw new RangeError('token: expected the ident of an access token')
    }
    if (token === undefined ? boundary !== undefined : !isTokenBoundary(boundary)) {
      throw new TypeError('boundary: expected with a token, and nowhere else')
    }
    if (zone !== undefined && (token !== undefined || !isZoneSession(zone))) {
      throw new TypeError('zone: expected what a token of a zone opens, and no access token')
    }
    if (restricted !== undefined && restricted !== 'mfa-enrollment') {
      throw new RangeError('restricted: expected mfa-enrollment or nothing')
    }
    if (!counted && binding === undefined)
      throw new TypeError('binding: expected with counted false')
    const lifetimeMs = Math.min(details.lifetimeMs ?? Infinity, this.#limits.lifetimeMs)
    if (!(lifetimeMs > 0)) throw new RangeError('lifetimeMs: expected a positive number')
    if (epoch !== this.#epoch) return undefined

    const nowMs = this.#options.nowMs()
    const evicted = this.#makeRoom(accountId, counted, nowMs)
    const id = createSessionId(this.#options.crypto)
    const key = this.#keyOf(id)
    if (this.#byKey.has(key)) {
      throw new SecregError('INTERNAL', 'the random source repeated a session id')
    }
    const endsAtMs = nowMs + lifetimeMs
    const entry: Entry = {
      key,
      ref: toHex(Uint8Array.from([...key.slice(0, 16)], (char) => char.charCodeAt(0))),
      accountId,
      login,
      roles: Object.freeze([...roles]),
      groups: Object.freeze([...groups]),
      mfa,
      stale: false,
      ...(token === undefined || boundary === undefined ? {} : { token, boundary: keep(boundary) }),
      ...(restricted === undefined ? {} : { restricted }),
      ...(asserted === undefined ? {} : { asserted }),
      ...(kernel === undefined ? {} : { kernel }),
      ...(zone === undefined ? {} : { zone }),
      ...(address === undefined ? {} : { address }),
      ...(uid === undefined ? {} : { uid }),
      ...(binding === undefined ? {} : { binding }),
      counted,
      createdAtMs: nowMs,
      lastUsedAtMs: nowMs,
      expiresAtMs: Math.min(nowMs + this.#limits.idleMs, endsAtMs),
      endsAtMs,
      use: ++this.#use,
      open: true,
    }
    this.#byKey.set(key, entry)
    addTo(this.#byAccount, accountId, entry)
    if (binding !== undefined) addTo(this.#byBinding, binding, entry)
    if (token !== undefined) addTo(this.#byToken, token, entry)
    if (zone !== undefined) addTo(this.#byZone, zone.zoneId, entry)
    return { id, session: entry, evicted }
  }

  /**
   * The session of an id, and count this as a use of it. Hashes; a connection takes a `handle`.
   *
   * @param presenter who presents it; default somebody of whom nothing is known
   * @returns undefined for an unknown one, an ended one, one that is bound elsewhere and one of another uid, alike
   */
  touch(id: string, presenter: Presenter = NOBODY): Session | undefined {
    return this.#present(this.#find(id), presenter)
  }

  /** A handle for one connection. Not shared between connections: it holds the id that was presented last. */
  handle(presenter: Presenter = NOBODY): SessionHandle {
    let lastId = ''
    let last: Entry | undefined
    return {
      resolve: (id) => {
        if (last?.open !== true || !equalSessionIds(id, lastId)) {
          last = this.#find(id)
          lastId = last === undefined ? '' : id
        }
        const entry = this.#present(last, presenter)
        if (entry === undefined) {
          last = undefined
          lastId = ''
        }
        return entry
      },
    }
  }

  /**
   * Give a stale session what its account is now.
   *
   * @param epoch `epoch` from before the account was read
   * @returns false when any account changed since (read again), or the session has ended
   */
  refresh(
    session: Session,
    account: {
      readonly login: string
      readonly roles: readonly Role[]
      readonly groups?: readonly string[]
    },
    epoch: number,
  ): boolean {
    const entry = this.#own(session)
    if (entry === undefined || epoch !== this.#epoch) return false
    entry.login = account.login
    entry.roles = Object.freeze([...account.roles])
    entry.groups = Object.freeze([...(account.groups ?? NO_NAMES)])
    entry.stale = false
    return true
  }

  /** An account changed: its sessions are stale from now on, and logins under way start over. */
  invalidateAccount(accountId: string): void {
    this.#epoch++
    for (const entry of this.#byAccount.get(accountId) ?? []) strip(entry)
  }

  /**
   * A zone changed, or one account of it: its sessions are stale from now on, and logins under way start over.
   *
   * @param login of the account; absent, all of the zone
   * @returns these sessions
   */
  invalidateZone(zoneId: string, login?: string): readonly Session[] {
    this.#epoch++
    const found = [...(this.#byZone.get(zoneId) ?? [])].filter(
      ({ zone }) => login === undefined || zone?.login === login,
    )
    for (const entry of found) strip(entry)
    return found
  }

  /**
   * End the sessions of an account, after its password changed or it was disabled or deleted, and turn away
   * logins under way.
   *
   * @param except session that stays, but stale
   * @returns the sessions that ended
   */
  closeAccount(accountId: string, except?: Session): readonly Session[] {
    this.invalidateAccount(accountId)
    const ended = [...(this.#byAccount.get(accountId) ?? [])].filter((entry) => entry !== except)
    for (const entry of ended) this.#remove(entry)
    return ended
  }

  /**
   * End the sessions that a token opened, after it was revoked or used up, and turn away logins under way.
   *
   * @returns the sessions that ended
   */
  closeToken(ident: string): readonly Session[] {
    this.#epoch++
    const ended = [...(this.#byToken.get(ident) ?? [])]
    for (const entry of ended) this.#remove(entry)
    return ended
  }

  /** End the sessions that are bound to a connection, when it closes. Returns those that ended. */
  closeBinding(binding: object): readonly Session[] {
    const ended = [...(this.#byBinding.get(binding) ?? [])]
    for (const entry of ended) this.#remove(entry)
    return ended
  }

  /** End a session by its id. Returns it, or undefined where there was none. */
  close(id: string): Session | undefined {
    const entry = this.#find(id)
    if (entry === undefined) return undefined
    this.#remove(entry)
    return entry
  }

  /** End a session that was resolved or listed. Returns whether it was open. */
  closeSession(session: Session): boolean {
    const entry = this.#own(session)
    if (entry === undefined) return false
    this.#remove(entry)
    return true
  }

  /** Sessions that have not ended, of one account or all, in the order in which they were opened. */
  list(accountId?: string): readonly Session[] {
    const nowMs = this.#options.nowMs()
    const entries = accountId === undefined ? this.#byKey.values() : this.#byAccount.get(accountId)
    return [...(entries ?? [])].filter((entry) => nowMs < entry.expiresAtMs)
  }

  /** Drop the sessions that have timed out and return them. Call it now and then; look-ups do not need it. */
  sweep(): readonly Session[] {
    const nowMs = this.#options.nowMs()
    const ended = [...this.#byKey.values()].filter((entry) => nowMs >= entry.expiresAtMs)
    for (const entry of ended) this.#remove(entry)
    return ended
  }

  #keyOf(id: string): string {
    // As characters, not digits: this is on the path of every request that comes without a handle.
    return String.fromCharCode(...this.#options.crypto.sha256(this.#encoder.encode(id)))
  }

  #find(id: string): Entry | undefined {
    return isSessionId(id) ? this.#byKey.get(this.#keyOf(id)) : undefined
  }

  #own(session: Session): Entry | undefined {
    const entry = session as Entry
    return this.#byKey.get(entry.key) === entry ? entry : undefined
  }

  #present(entry: Entry | undefined, { binding, uid }: Presenter): Entry | undefined {
    if (entry === undefined) return undefined
    if (entry.binding !== undefined && entry.binding !== binding) return undefined
    if (entry.uid !== undefined && entry.uid !== uid) return undefined
    const nowMs = this.#options.nowMs()
    if (nowMs >= entry.expiresAtMs) {
      this.#remove(entry)
      return undefined
    }
    entry.lastUsedAtMs = nowMs
    entry.expiresAtMs = Math.min(nowMs + this.#limits.idleMs, entry.endsAtMs)
    entry.use = ++this.#use
    return entry
  }

  #makeRoom(accountId: string, counted: boolean, nowMs: number): Session[] {
    const mine = [...(this.#byAccount.get(accountId) ?? [])]
    for (const entry of mine) if (nowMs >= entry.expiresAtMs) this.#remove(entry)
    const alive = mine
      .filter((entry) => entry.open && entry.counted === counted)
      .sort((a, b) => a.use - b.use)
    const limit = counted ? this.#limits.perAccount : this.#limits.uncountedPerAccount
    const evicted = alive.slice(0, Math.max(0, alive.length - limit + 1))
    if (this.#byKey.size - evicted.length >= this.#limits.total) {
      this.sweep()
      if (this.#byKey.size - evicted.length >= this.#limits.total) {
        throw new SecregError('BUSY', 'there are too many sessions; try again later')
      }
    }
    for (const entry of evicted) this.#remove(entry)
    return evicted
  }

  #remove(entry: Entry): void {
    entry.open = false
    strip(entry)
    this.#byKey.delete(entry.key)
    removeFrom(this.#byAccount, entry.accountId, entry)
    if (entry.binding !== undefined) removeFrom(this.#byBinding, entry.binding, entry)
    if (entry.token !== undefined) removeFrom(this.#byToken, entry.token, entry)
    if (entry.zone !== undefined) removeFrom(this.#byZone, entry.zone.zoneId, entry)
  }
}

function strip(entry: Entry): void {
  entry.stale = true
  entry.roles = NO_NAMES
  entry.groups = NO_NAMES
}

function keep(boundary: TokenBoundary): TokenBoundary {
  return boundary === 'full' ? boundary : Object.freeze([...boundary])
}
