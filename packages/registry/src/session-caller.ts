/** The caller that a session makes of a peer (DESIGN §3). */
import type { Caller, Proof } from '@secreg/protocol'
import type { Session } from '@secreg/zones'
import type { Peer } from './identity.ts'
import { principalsOf } from './policy/principals.ts'
import { zonePrincipalsOf, zoneTokenOf } from './zones/zone-sessions.ts'

/** What the kernel says of a peer. */
export function kernelFacts(peer: Peer): Pick<Caller, 'uid' | 'gid' | 'pid'> {
  return {
    ...(peer.uid === undefined ? {} : { uid: peer.uid }),
    ...(peer.gid === undefined ? {} : { gid: peer.gid }),
    ...(peer.pid === undefined ? {} : { pid: peer.pid }),
  }
}

const NOBODY: readonly string[] = Object.freeze([])

/**
 * The caller of a session on a connection.
 *
 * @param counted - each operation takes a use of its token
 */
export function callerOfSession(session: Session, peer: Peer, counted: boolean): Caller {
  const {
    accountId,
    address = peer.address,
    boundary,
    groups,
    login,
    mfa,
    ref,
    restricted,
    roles,
    token = zoneTokenOf(session),
    zone,
  } = session
  const principals = [
    ...(zone === undefined
      ? principalsOf({ id: accountId, roles, groups })
      : zonePrincipalsOf(session)),
    ...(peer.uid === undefined ? [] : [`uid:${peer.uid}`]),
  ]
  return Object.freeze({
    // Policy knows nobody who has still to show a second factor: no rule may let him in, not even one for `*`.
    principals: restricted === undefined ? Object.freeze(principals) : NOBODY,
    accountId,
    login,
    roles: Object.freeze([...roles]),
    groups: Object.freeze([...groups]),
    mfa,
    door: peer.door,
    address,
    proof: proofOf(session),
    sessionRef: ref,
    ...kernelFacts(peer),
    ...(token === undefined ? {} : { token }),
    ...(boundary === undefined || boundary === 'full' ? {} : { boundary }),
    ...(counted ? { counted } : {}),
    ...(restricted === undefined ? {} : { restricted }),
  })
}

function proofOf({ asserted, kernel }: Session): Proof {
  if (asserted === true) return 'asserted'
  return kernel === true ? 'kernel' : 'credential'
}
