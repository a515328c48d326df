/** What one connection wants to be told of (libvirt, remote_protocol.x, REMOTE_PROC_CONNECT_SECRET_EVENT_REGISTER_ANY). */
import { LIBVIRT_ERRORS } from '../wire/errors.ts'
import type { SecretEvent, SecretsPort } from './port.ts'

/** `virSecretEventID`. */
const EVENT_TYPES: readonly SecretEvent['type'][] = ['lifecycle', 'value-changed']

interface Subscription {
  readonly type: SecretEvent['type']
  /** Absent: of all secrets. */
  readonly uuid: string | undefined
}

/** Called with each event for each callback that wants it. */
export type OnSecretEvent = (callbackId: number, event: SecretEvent) => void

/**
 * The callbacks of a connection. Their numbers count from 0 for each connection, so that nobody learns from them what
 * others do. The port is watched while there is one at least.
 */
export class Subscriptions {
  readonly #most: number
  readonly #onEvent: OnSecretEvent
  readonly #onEnd: () => void
  readonly #subscriptions = new Map<number, Subscription>()
  #nextId = 0
  #unwatch: (() => void) | undefined
  #closed = false

  /**
   * @param most - callbacks at the same time
   * @param onEnd - called when no more events come though there are callbacks
   */
  constructor(most: number, onEvent: OnSecretEvent, onEnd: () => void) {
    this.#most = most
    this.#onEvent = onEvent
    this.#onEnd = onEnd
  }

  /**
   * @param uuid - only of this secret, whether it exists or not; it may be defined anew
   * @returns the number of the callback
   * @throws LibvirtError 1 for an event that is none, 8 for what is registered already, 9 when there are too many
   */
  async register(port: SecretsPort, eventId: number, uuid: string | undefined): Promise<number> {
    const type = EVENT_TYPES[eventId]
    if (type === undefined) throw LIBVIRT_ERRORS.unsupportedEvent(eventId)
    for (const other of this.#subscriptions.values()) {
      if (other.type === type && other.uuid === uuid) throw LIBVIRT_ERRORS.alreadyTracked()
    }
    if (this.#subscriptions.size >= this.#most) {
      throw LIBVIRT_ERRORS.operationFailed('too many event callbacks')
    }
    if (this.#unwatch === undefined) await this.#watch(port)
    const id = this.#nextId++
    this.#subscriptions.set(id, { type, uuid })
    return id
  }

  /** @throws LibvirtError 1 for a number that is no callback's */
  deregister(callbackId: number): void {
    if (!this.#subscriptions.delete(callbackId)) {
      throw LIBVIRT_ERRORS.callbackNotRegistered(callbackId)
    }
    if (this.#subscriptions.size === 0) this.#stop()
  }

  /** The connection is gone; nothing is told any more. */
  close(): void {
    this.#closed = true
    this.#subscriptions.clear()
    this.#stop()
  }

  async #watch(port: SecretsPort): Promise<void> {
    const unwatch = await port.watch(
      (event) => this.#tell(event),
      () => this.#onEnd(),
    )
    if (this.#closed) unwatch()
    else this.#unwatch = unwatch
  }

  #stop(): void {
    const unwatch = this.#unwatch
    this.#unwatch = undefined
    unwatch?.()
  }

  #tell(event: SecretEvent): void {
    for (const [id, { type, uuid }] of this.#subscriptions) {
      if (type === event.type && (uuid === undefined || uuid === event.secret.uuid)) {
        this.#onEvent(id, event)
      }
    }
  }
}
