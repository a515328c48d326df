/** Callers at the door of the zones: whoever the kernel says has sent a request (DESIGN §3; specs: subauth §1). */
import type { Caller } from '@secreg/protocol'
import { readAccountByUid } from '@secreg/zones'
import type { Identity } from '../identity.ts'
import { type KernelPeer, kernelCaller } from '../kernel-caller.ts'
import { principalsOf } from '../policy/principals.ts'

/**
 * The caller of a request. An account that the uid is mapped to lends its principals, so that a policy which denies
 * something to a person or a group does so here too; it lends no rights.
 *
 * @param systemUser - name of the user of the system that has this uid, where there is one
 */
export function zoneCallerOf(
  identity: Identity,
  peer: KernelPeer<'subauth'>,
  systemUser: string | undefined,
): Caller {
  const account = readAccountByUid(identity.rows(), peer.uid)
  const own = account === undefined ? [] : principalsOf(account)
  const caller = kernelCaller(peer, [...own, `uid:${peer.uid}`], account)
  // The name of a user of the system is no login of the registry, which somebody else may have.
  return systemUser === undefined ? caller : Object.freeze({ ...caller, systemUser })
}
