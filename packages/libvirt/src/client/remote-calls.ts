/** Calls and events of one connection, in the terms of the client. */

import { readBody } from '../wire/frame.ts'
import { LibvirtError } from '../wire/libvirt-error.ts'
import {
  type ArgsOf,
  MESSAGES,
  messageKey,
  type ProcedureKey,
  type ResultOf,
} from '../wire/procedures.ts'
import type { SecretHandle } from '../wire/secret-handle.ts'
import { LibvirtConnectionError } from './connection-error.ts'
import { closeReasonOf, SecretEventId, SecretEventLifecycleType } from './enums.ts'
import { HeldEvents } from './held-events.ts'
import { refusalOf } from './refusal.ts'
import { RpcConnection } from './rpc-connection.ts'
import type { ClientStream } from './stream.ts'

/** An event as the server tells it. */
export interface ToldEvent {
  /** Of the registration. */
  readonly callbackId: number
  readonly type: 'lifecycle' | 'value-changed'
  readonly secret: SecretHandle
  /** Of a lifecycle. */
  readonly event?: 'defined' | 'undefined'
  readonly detail?: number
}

/** Whoever is told of events and of the end. */
export interface CallsObserver {
  /** @returns false when it is no event that was asked for; the connection ends */
  event(event: ToldEvent): boolean
  ended(error: LibvirtConnectionError): void
}

/** Calls that make events, and the one before whose reply there is nobody to tell them to. */
const BEFORE_EVENTS: ReadonlySet<ProcedureKey> = new Set<ProcedureKey>([
  'secretDefineXml',
  'secretSetValue',
  'secretUndefine',
  'connectSecretEventRegisterAny',
])

/** Longest wait for a server to say goodbye, milliseconds. */
const CLOSE_MS = 5000

export class RemoteCalls {
  readonly rpc: RpcConnection
  /** Where events go; nobody listens before the connection is open. */
  observer: CallsObserver | undefined
  /** Whether the server tells of the end of its own connection. */
  tellsClose = false
  readonly #held: HeldEvents<ToldEvent>
  #closing: Promise<void> | undefined

  /** @param stream - connected; it belongs to this from now on */
  constructor(stream: ClientStream, timeoutMs: number) {
    this.#held = new HeldEvents((event) => {
      if (this.observer?.event(event) === false) this.#invalid()
    })
    this.rpc = new RpcConnection(stream, timeoutMs, {
      message: (procedure, body) => this.#message(procedure, body),
      ended: (error) => {
        this.#held.flush()
        this.observer?.ended(error)
      },
    })
  }

  /**
   * @param keep - makes of a result what is returned, while the bytes of the reply are still there; what it throws ends
   *   the connection with `ERR_LIBVIRT_ANSWER_INVALID`
   * @param sent - a value among the arguments, which is in no error
   * @throws LibvirtError, SecretError, LibvirtConnectionError
   */
  async call<K extends ProcedureKey, T>(
    key: K,
    args: ArgsOf<K>,
    keep: (result: ResultOf<K>) => T,
    sent?: Uint8Array,
  ): Promise<T> {
    if (this.#closing !== undefined) throw new LibvirtConnectionError('CLOSED')
    const answered = BEFORE_EVENTS.has(key) ? this.#held.begin() : undefined
    try {
      return await this.rpc.call(key, args, keep)
    } catch (error) {
      throw LibvirtError.is(error) ? refusalOf(error, sent) : error
    } finally {
      answered?.()
    }
  }

  /** Wait for what was asked, say goodbye and end. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.rpc.idle()
    this.rpc.expectEnd()
    const end = (): void => this.rpc.end('client', new LibvirtConnectionError('CLOSED'))
    const timer = setTimeout(end, CLOSE_MS)
    try {
      const nothing = (): void => {}
      if (this.tellsClose) {
        await this.rpc.call('connectUnregisterCloseCallback', undefined, nothing)
      }
      await this.rpc.call('connectClose', undefined, nothing)
    } catch {
      // It is closed, whatever the server says to it.
    }
    clearTimeout(timer)
    end()
    await this.rpc.closed
  }

  #invalid(cause?: unknown): void {
    const error = new LibvirtConnectionError('ANSWER_INVALID', { cause })
    this.rpc.end('error', error)
  }

  #message(procedure: number, body: Uint8Array): void {
    switch (messageKey(procedure)) {
      case 'connectEventConnectionClosed': {
        const { reason } = readBody(MESSAGES.connectEventConnectionClosed.body, body)
        this.rpc.end(closeReasonOf(reason), new LibvirtConnectionError('CONNECTION_LOST'))
        return
      }
      case 'secretEventLifecycle': {
        const told = readBody(MESSAGES.secretEventLifecycle.body, body)
        const { callbackId, secret, event, detail } = told
        const known = LIFECYCLE.get(event)
        if (known !== undefined) {
          this.#held.take({ callbackId, type: 'lifecycle', secret, event: known, detail })
        }
        return
      }
      case 'secretEventValueChanged': {
        const { callbackId, secret } = readBody(MESSAGES.secretEventValueChanged.body, body)
        this.#held.take({ callbackId, type: 'value-changed', secret })
      }
    }
  }
}

const LIFECYCLE: ReadonlyMap<number, 'defined' | 'undefined'> = new Map([
  [SecretEventLifecycleType.DEFINED, 'defined'],
  [SecretEventLifecycleType.UNDEFINED, 'undefined'],
] as const)

/** The number by which a type of event is registered. */
export const EVENT_IDS: Readonly<Record<ToldEvent['type'], number>> = Object.freeze({
  lifecycle: SecretEventId.LIFECYCLE,
  'value-changed': SecretEventId.VALUE_CHANGED,
})
