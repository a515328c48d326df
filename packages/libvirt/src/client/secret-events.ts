/** Who listens for which events: one registration with the server for all that listen for the same. */
import type { LibvirtConnectionError } from './connection-error.ts'
import type { Secret } from './secret.ts'

/** A secret was defined or redefined, or it is no more: virConnectSecretEventLifecycleCallback. */
export interface SecretLifecycleEvent {
  readonly type: 'lifecycle'
  readonly event: 'defined' | 'undefined'
  /** 0; libvirt has no details yet. */
  readonly detail: number
  readonly secret: Secret
}

/** A value was set, perhaps to what it was: virConnectSecretEventGenericCallback. */
export interface SecretValueChangedEvent {
  readonly type: 'value-changed'
  readonly secret: Secret
}

/** Something that happened to a secret. No event holds a value. */
export type SecretEvent = SecretLifecycleEvent | SecretValueChangedEvent

/** The event of each type. */
export type SecretEventOf<T extends SecretEvent['type']> = Extract<
  SecretEvent,
  { readonly type: T }
>

/** What is listened for. */
export interface EventFilter {
  /** Canonical; of all secrets when absent. */
  readonly uuid: string | undefined
  readonly type: SecretEvent['type']
}

/** Whoever listens. */
export interface Listener {
  readonly take: (event: SecretEvent) => void
  /** The connection has ended. */
  readonly end?: (error: LibvirtConnectionError) => void
}

/** What is asked of the server. */
export interface RegistrationCalls {
  /** @returns the id by which the server tells the events */
  register(filter: EventFilter): Promise<number>
  deregister(id: number): Promise<void>
}

interface Registration {
  readonly key: string
  readonly filter: EventFilter
  readonly listeners: Set<Listener>
  readonly id: Promise<number>
}

/** The registrations of one connection. */
export class SecretEvents {
  readonly #calls: RegistrationCalls
  readonly #registrations: Map<string, Registration> = new Map()
  readonly #byId: Map<number, Registration> = new Map()
  /** The server refuses to register anew what it has not yet been told to forget. */
  readonly #leaving: Map<string, Promise<void>> = new Map()

  constructor(calls: RegistrationCalls) {
    this.#calls = calls
  }

  /** Begin to listen. @returns what ends it, which may be called once */
  async add(filter: EventFilter, listener: Listener): Promise<() => Promise<void>> {
    const key = `${filter.type} ${filter.uuid ?? ''}`
    const registration = this.#registrations.get(key) ?? this.#register(key, filter)
    registration.listeners.add(listener)
    try {
      await registration.id
    } catch (error) {
      if (this.#registrations.get(key) === registration) this.#registrations.delete(key)
      throw error
    }
    return () => this.#remove(registration, listener)
  }

  /**
   * Tell an event to those who listen; to nobody when they have ceased to.
   *
   * @returns false when the event is not what was registered under this id
   */
  dispatch(id: number, event: SecretEvent): boolean {
    const registration = this.#byId.get(id)
    if (registration === undefined) return true
    const { type, uuid } = registration.filter
    if (type !== event.type || (uuid !== undefined && uuid !== event.secret.uuid)) return false
    for (const listener of [...registration.listeners]) {
      if (registration.listeners.has(listener)) run(() => listener.take(event))
    }
    return true
  }

  end(error: LibvirtConnectionError): void {
    const ended = [...this.#registrations.values()]
    this.#registrations.clear()
    this.#byId.clear()
    for (const { listeners } of ended) {
      const those = [...listeners]
      listeners.clear()
      for (const listener of those) run(() => listener.end?.(error))
    }
  }

  #register(key: string, filter: EventFilter): Registration {
    const left = this.#leaving.get(key) ?? Promise.resolve()
    const id = left.then(() => this.#calls.register(filter))
    const registration: Registration = { key, filter, listeners: new Set(), id }
    this.#registrations.set(key, registration)
    id.then(
      (number) => this.#byId.set(number, registration),
      () => {},
    )
    return registration
  }

  async #remove(registration: Registration, listener: Listener): Promise<void> {
    const { key, listeners } = registration
    if (!listeners.delete(listener) || listeners.size > 0) return
    if (this.#registrations.get(key) !== registration) return
    this.#registrations.delete(key)
    const left = registration.id.then(async (id) => {
      try {
        await this.#calls.deregister(id)
      } finally {
        if (this.#byId.get(id) === registration) this.#byId.delete(id)
      }
    })
    // Whoever listens next waits for it, whatever comes of it.
    const settled = left.then(
      () => {},
      () => {},
    )
    this.#leaving.set(key, settled)
    await left
    if (this.#leaving.get(key) === settled) this.#leaving.delete(key)
  }
}

/** One listener's fault is not another's, nor the connection's. */
function run(callback: () => void): void {
  try {
    callback()
  } catch (error) {
    setTimeout(() => {
      throw error
    }, 0)
  }
}
