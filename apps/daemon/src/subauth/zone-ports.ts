/** What the senders on one connection may see and change: the registry's zones, behind the admission of all doors. */
import type { Caller } from '@secreg/protocol'
import type { RequestOf } from '@secreg/protocol/messages'
import type { KernelPeer, Registry } from '@secreg/registry'
import { registryPort } from '@secreg/subauth/registry'
import type { SubauthPort } from '@secreg/subauth/server'
import type { RegistryHost } from '../registry-host.ts'

interface Known {
  readonly registry: Registry
  readonly caller: Caller
  readonly port: SubauthPort
}

export class ZonePorts {
  readonly #host: RegistryHost
  /** Of the last sender: on most connections, the only one. */
  #known: Known | undefined

  constructor(host: RegistryHost) {
    this.#host = host
  }

  /**
   * The port of a sender, over the registry that there is now and with what he is there now.
   *
   * @param login - of the first user who has the uid, where there is one
   */
  of(peer: KernelPeer<'subauth'>, login: string | undefined): SubauthPort {
    const { registry } = this.#host
    const caller = registry.zoneCaller(peer, login)
    const known = this.#known
    if (known?.registry === registry && isSame(known.caller, caller)) return known.port
    const port = makePort(this.#host, registry, peer, caller)
    this.#known = { registry, caller, port }
    return port
  }
}

function makePort(
  { admission }: RegistryHost,
  registry: Registry,
  peer: KernelPeer<'subauth'>,
  caller: Caller,
): SubauthPort {
  const api = registry.as(caller)
  const zone: typeof api.zone = async (request) => {
    // Before it costs a record, or anything else.
    if (!admission.isOpen) admission.require(peer, 'zone', request, () => isKnown(peer, request))
    return api.zone(request)
  }
  return registryPort({ zone }, caller)
}

/** A caller is made of these and of what is the same for all of this door; his roles and groups are among his principals. */
function isSame(a: Caller, b: Caller): boolean {
  return (
    a.uid === b.uid &&
    a.gid === b.gid &&
    a.pid === b.pid &&
    a.systemUser === b.systemUser &&
    a.accountId === b.accountId &&
    a.login === b.login &&
    a.principals.length === b.principals.length &&
    a.principals.every((principal, at) => principal === b.principals[at])
  )
}

/**
 * Who is served while there is little room: root, like a session. Whoever else has a process on the machine could fill
 * the log with refusals, and so could those whose logins a service has root check.
 */
function isKnown({ uid }: KernelPeer<'subauth'>, { op }: RequestOf<'zone'>): boolean {
  return uid === 0 && op !== 'check'
}
