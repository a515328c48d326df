/** The secrets as whoever is behind one connection may see and change them, behind the admission of all doors. */

import { type LibvirtRegistryApi, registryPort } from '@secreg/libvirt/registry'
import type { SecretsPort } from '@secreg/libvirt/server'
import type { Action, Caller, RegistryApi } from '@secreg/protocol'
import type { KernelPeer, PartReads, Registry, WatchSink } from '@secreg/registry'
import type { RegistryHost } from '../registry-host.ts'

/** How much of what a connection was sent its peer has not taken. */
export interface Unread {
  readonly bytes: number
  /** Call back, once, when the peer has taken something. */
  onceTaken(resume: () => void): void
}

interface Known {
  readonly registry: Registry
  readonly caller: Caller
  readonly api: RegistryApi
  /** For what is part of an operation. */
  readonly parts: PartReads
}

const NOTHING: readonly Action[] = Object.freeze([])
/** libvirt gives private values to no client. */
const PRIVATE: readonly Action[] = Object.freeze(['use-internal'])

export interface SecretsPortOptions {
  readonly host: RegistryHost
  readonly peer: KernelPeer<'libvirt'>
  /** Whether private values are given to those with the right. */
  readonly privateValues: boolean
  /** Of the connection, for its watches. */
  readonly unread: Unread
}

/**
 * The port of a connection, over the registry that there is at each call and with what its peer is there then.
 */
export function secretsPortOf({
  host,
  peer,
  privateValues,
  unread,
}: SecretsPortOptions): SecretsPort {
  const withheld = privateValues ? NOTHING : PRIVATE
  let known: Known | undefined

  const present = (): Known => {
    const { registry } = host
    const caller = registry.connectedCaller(peer, withheld)
    if (known?.registry !== registry || !isSame(known.caller, caller)) {
      known = { registry, caller, api: registry.as(caller), parts: registry.partsOf(caller) }
    }
    return known
  }

  /** Before it costs a record, or anything else. */
  const admitted = (name: keyof LibvirtRegistryApi | 'watch', request: object): Known => {
    const { admission } = host
    // Root could make room; whoever else has a process on the machine could fill the log with what he is refused.
    if (!admission.isOpen) admission.require(peer, name, { ...request }, () => peer.uid === 0)
    return present()
  }

  const api: LibvirtRegistryApi = {
    get: async (request) => admitted('get', request).api.get(request),
    list: async (request) => admitted('list', request).api.list(request),
    meta: async (request) => admitted('meta', request).api.meta(request),
    dialect: async (request) => admitted('dialect', request).api.dialect(request),
  }

  return registryPort(api, {
    parts: {
      list: async (request) => present().parts.list(request),
      meta: async (request) => present().parts.meta(request),
    },
    watch: async (request, onMessage) => {
      const { registry, caller } = admitted('watch', request)
      const sink: WatchSink = {
        // Of a registry that has been replaced nothing more is told.
        caller: () => (host.registry === registry ? present().caller : undefined),
        get unreadBytes() {
          return unread.bytes
        },
        get readerUnreadBytes() {
          return unread.bytes
        },
        send: onMessage,
        onceTaken: (resume) => unread.onceTaken(resume),
      }
      const opened = await registry.watch(caller, request, sink)
      opened.start()
      return () => opened.close()
    },
  })
}

/** A caller is made of these and of what is the same for the whole connection; roles and groups are among the principals. */
function isSame(a: Caller, b: Caller): boolean {
  return (
    a.accountId === b.accountId &&
    a.login === b.login &&
    a.principals.length === b.principals.length &&
    a.principals.every((principal, at) => principal === b.principals[at])
  )
}
