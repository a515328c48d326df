/** What the sender of a packet may see and change: the registry's zones as one caller, behind the admission of all doors. */
import type { RequestOf } from '@secreg/protocol/messages'
import type { KernelPeer } from '@secreg/registry'
import { registryPort } from '@secreg/subauth/registry'
import type { SubauthPort } from '@secreg/subauth/server'
import type { RegistryHost } from '../registry-host.ts'

/**
 * Make the port of one request, over the registry that there is now.
 *
 * @param login - of the first user who has the uid, where there is one
 */
export function zonePort(
  host: RegistryHost,
  peer: KernelPeer,
  login: string | undefined,
): SubauthPort {
  const { registry, admission } = host
  const caller = registry.zoneCaller(peer, login)
  const api = registry.as(caller)
  const zone: typeof api.zone = async (request) => {
    // Before it costs a record, or anything else.
    if (!admission.isOpen) admission.require(peer, 'zone', request, () => isKnown(peer, request))
    return api.zone(request)
  }
  return registryPort({ zone }, caller)
}

/**
 * Who is served while there is little room: root, like a session. Whoever else has a process on the machine could fill
 * the log with refusals, and so could those whose logins a service has root check.
 */
function isKnown({ uid }: KernelPeer, { op }: RequestOf<'zone'>): boolean {
  return uid === 0 && op !== 'check'
}
