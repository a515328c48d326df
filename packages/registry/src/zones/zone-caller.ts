/** Callers at the door of the zones: whoever the kernel says has sent a request (DESIGN §3; specs: subauth §1). */
import type { Caller } from '@secreg/protocol'
import { isMappableUid, readAccountByUid } from '@secreg/zones'
import type { Identity, Peer } from '../identity.ts'
import { principalsOf } from '../policy/principals.ts'

/** A peer that the kernel vouches for. */
export type KernelPeer = Peer & { readonly door: 'subauth'; readonly uid: number }

/**
 * The caller of a request. An account that the uid is mapped to lends its principals, so that a policy which denies
 * something to a person or a group does so here too; it lends no rights.
 *
 * @param systemUser - name of the user of the system that has this uid, where there is one
 */
export function zoneCallerOf(
  identity: Identity,
  peer: KernelPeer,
  systemUser: string | undefined,
): Caller {
  const { address, door, gid, pid, uid } = peer
  const account = isMappableUid(uid) ? readAccountByUid(identity.rows(), uid) : undefined
  const { roles = [], groups = [] } = account ?? {}
  const own = account === undefined ? [] : principalsOf(account)
  return Object.freeze({
    principals: Object.freeze([...own, `uid:${uid}`]),
    // The name of a user of the system is no login of the registry, which somebody else may have.
    ...(account === undefined ? {} : { accountId: account.id, login: account.login }),
    ...(systemUser === undefined ? {} : { systemUser }),
    roles,
    groups,
    uid,
    ...(gid === undefined ? {} : { gid }),
    ...(pid === undefined ? {} : { pid }),
    mfa: false,
    door,
    address,
    proof: 'kernel',
  })
}
