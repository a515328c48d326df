/** Callers without a session, for whom nobody but the kernel vouches (DESIGN §3). */
import type { Action, Caller, Door } from '@secreg/protocol'
import { type Account, isMappableUid, mfaStateOf, readMappedAccount } from '@secreg/zones'
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

function isSufficient(identity: Identity, { disabled, id }: Account): boolean {
  const { requireMfa } = identity.core.settings
  return !disabled && !requireMfa && mfaStateOf(identity.rows(), id).state !== 'on'
}
