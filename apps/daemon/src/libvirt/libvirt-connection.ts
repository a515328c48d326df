/** One connection of a libvirt socket: who is behind it, what may be done for him, and what it all holds. */
import type { Socket } from 'node:net'
import type { Logger, OperationOutcome } from '@secreg/host'
import { LIBVIRT_CODES, LibvirtError } from '@secreg/libvirt'
import { type ServedCall, type ServedLibvirt, serveLibvirt } from '@secreg/libvirt/server'
import { type RequestName, SecregError } from '@secreg/protocol'
import { asSecregError, type KernelPeer } from '@secreg/registry'
import type { RegistryHost } from '../registry-host.ts'
import { secretsPortOf } from './secret-ports.ts'
import type { PartLease } from './uid-parts.ts'

export interface LibvirtConnectionOptions {
  readonly host: RegistryHost
  readonly log: Pick<Logger, 'error'>
  readonly peer: KernelPeer<'libvirt'>
  readonly lease: PartLease
  /** It is a connection of the socket for those who may only look. */
  readonly readOnly: boolean
  /** Whether private values are given to those with the right `use-internal`. */
  readonly privateValues: boolean
  readonly openTimeoutMs: number
  readonly frameTimeoutMs: number
  readonly keepaliveIntervalMs: number
  readonly keepaliveCount: number
  /** Called once, when the connection has asked for secrets. */
  readonly onOpen: () => void
}

/** What every connection has of the budget from its start, so that small calls work when others have used it up. */
export const RESERVED_BYTES: number = 4096

/** Serve a connection until it is closed; its lease, which holds {@link RESERVED_BYTES} already, is closed then. */
export function serveLibvirtSocket(
  socket: Socket,
  options: LibvirtConnectionOptions,
): ServedLibvirt {
  const { host, lease, log, onOpen } = options
  let isOpen = false

  const onCall = (call: ServedCall): void => {
    const { name, error, cause, durationMs } = call
    if (!isOpen && name === 'CONNECT_OPEN' && error === undefined) {
      isOpen = true
      onOpen()
    }
    host.operations.observe('libvirt', operationOf(name), outcomeOf(error), durationMs / 1000)
    // What the registry refuses is in the audit log.
    if (cause !== undefined && !SecregError.is(cause)) {
      log.error('a call of the libvirt socket failed', { detail: asSecregError(cause).code })
    }
  }

  const onHeld = (held: number): boolean => {
    const delta = Math.max(RESERVED_BYTES, held) - lease.heldBytes
    if (delta < 0) lease.release(-delta)
    return delta <= 0 || lease.tryTake(delta)
  }

  const served = serveLibvirt(socket, {
    ...options,
    portOf: () =>
      secretsPortOf({
        ...options,
        unread: {
          get bytes() {
            return socket.writableLength
          },
          onceTaken: (resume) => void socket.once('drain', resume),
        },
      }),
    onCall,
    onHeld,
  })
  void served.closed.then(() => lease.close())
  return served
}

/** By the requests of the registry that the calls lead to. */
const OPERATIONS: Readonly<Record<string, RequestName>> = Object.freeze({
  CONNECT_NUM_OF_SECRETS: 'list',
  CONNECT_LIST_SECRETS: 'list',
  CONNECT_LIST_ALL_SECRETS: 'list',
  SECRET_LOOKUP_BY_UUID: 'meta',
  SECRET_LOOKUP_BY_USAGE: 'meta',
  SECRET_GET_XML_DESC: 'meta',
  SECRET_GET_VALUE: 'get',
  SECRET_SET_VALUE: 'dialect',
  SECRET_DEFINE_XML: 'dialect',
  SECRET_UNDEFINE: 'dialect',
  CONNECT_SECRET_EVENT_REGISTER_ANY: 'watch',
  CONNECT_SECRET_EVENT_DEREGISTER_ANY: 'unwatch',
})

/** The rest is about the connection. */
function operationOf(name: string | undefined): RequestName | 'unknown' {
  return name === undefined ? 'unknown' : (OPERATIONS[name] ?? 'hello')
}

const DENIALS: ReadonlySet<number> = new Set([
  LIBVIRT_CODES.ACCESS_DENIED,
  LIBVIRT_CODES.OPERATION_DENIED,
  LIBVIRT_CODES.INVALID_SECRET,
  LIBVIRT_CODES.AUTH_FAILED,
])

function outcomeOf(error: unknown): OperationOutcome {
  if (error === undefined) return 'ok'
  return LibvirtError.is(error) && DENIALS.has(error.code) ? 'denied' : 'failed'
}
