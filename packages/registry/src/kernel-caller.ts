/** Callers without a session, for whom nobody but the kernel vouches (DESIGN §3). */
import type { Action, Caller, Door } from '@secreg/protocol'
import { type Account, isMappableUid, mfaStateOf, readMappedAccount } from '@secreg/zones'
import type { RegistrySettings } from './core.ts'
import type { Identity, Peer } from './identity.ts'
import { principalsOf } from './policy/principals.ts'
import { kernelFacts } from './session-caller.ts'

/** A peer that the kernel vouches for, at a door without logins. */
export type KernelPeer<D extends Door = 'subauth' | 'libvirt'> = Peer & {
  readonly door: D
  readonly uid: number
}

/**
 * The caller of a request of such a peer.
 *
 * @param principals - what policy knows him by
 * @param account - that his uid is mapped to, if it is
 */
export function kernelCaller(
  peer: KernelPeer,
  principals: readonly string[],
  account: Account | undefined,
): Caller {
  const { roles = [], groups = [] } = account ?? {}
  return Object.freeze({
    principals: Object.freeze([...principals]),
    ...(account === undefined ? {} : { accountId: account.id, login: account.login }),
    roles,
    groups,
    mfa: false,
    door: peer.door,
    address: peer.address,
    proof: 'kernel',
    ...kernelFacts(peer),
  })
}

/**
 * Whoever the kernel says has opened a connection: the account that his uid is mapped to as it is now, and the uid. Whom
 * the kernel's word alone would not log in is nobody to policy: an account that is disabled, one that has or must have a
 * second factor, and a uid that stands for users of other name spaces.
 *
 * @param withheld - actions that nobody has at his door, whatever policy says
 */
export function connectedCallerOf(
  identity: Identity,
  peer: KernelPeer,
  withheld: readonly Action[],
): Caller {
  const { uid } = peer
  const account = readMappedAccount(identity.rows(), uid)
  const isAdmitted = account === undefined ? isMappableUid(uid) : isSufficient(identity, account)
  const own = account === undefined ? [] : principalsOf(account)
  const caller = kernelCaller(peer, isAdmitted ? [...own, `uid:${uid}`] : [], account)
  return withheld.length === 0 ? caller : Object.freeze({ ...caller, withheld })
}

/**
 * The callers of connections, each kept until something is committed or configured: reading an account takes longer than
 * reading a secret.
 */
export class ConnectedCallers {
  readonly #identity: Identity
  readonly #kept = new WeakMap<KernelPeer, Kept>()

  constructor(identity: Identity) {
    this.#identity = identity
  }

  /** @param peer - one object for each connection; see {@link connectedCallerOf} for the rest */
  of(peer: KernelPeer, withheld: readonly Action[]): Caller {
    const { engine, settings } = this.#identity.core
    const { head } = engine
    const kept = this.#kept.get(peer)
    if (kept?.head === head && kept.settings === settings && kept.withheld === withheld) {
      return kept.caller
    }
    const caller = connectedCallerOf(this.#identity, peer, withheld)
    this.#kept.set(peer, { head, settings, withheld, caller })
    return caller
  }
}

/** A caller, and all that it was made of. */
interface Kept {
  readonly head: number
  readonly settings: RegistrySettings
  readonly withheld: readonly Action[]
  readonly caller: Caller
}

function isSufficient(identity: Identity, { disabled, id }: Account): boolean {
  const { requireMfa } = identity.core.settings
  return !disabled && !requireMfa && mfaStateOf(identity.rows(), id).state !== 'on'
}
