/**
 * Events of libvirt from those of the registry, which tells only what its caller may be told of. An event of libvirt says
 * what the secret is, also when it is gone: so whoever watches keeps what he knows of the secrets that he may see.
 */
import type { ChangeEvent, RequestOf, WatchEventMessage } from '@secreg/protocol'
import { LIBVIRT_MOUNT, uuidOfPath } from '../dialect/path.ts'
import type { SecretDefinition } from '../secret/types.ts'
import type { SecretEvent, SecretsPort } from '../server/port.ts'
import { LibvirtError } from '../wire/libvirt-error.ts'

/** A message of a watch, as the registry tells it. */
export type RegistryWatchMessage = Pick<WatchEventMessage, 'events' | 'overflow' | 'error'>

/**
 * Begin a watch of one caller; messages come until the returned function is called, or with `overflow` or `error` the
 * last one. They are told in the order of commits, none before the watch is answered.
 */
export type WatchRegistry = (
  request: RequestOf<'watch'>,
  onMessage: (message: RegistryWatchMessage) => void,
) => Promise<() => void>

/** Events that wait until what they are about has been looked up; when there are more, they are given up. */
const MOST_PENDING = 10_000

/**
 * Be told of changes of the secrets, in the order of commits.
 *
 * @param onEnd - called once when nothing more will be told, and it was not ended
 * @returns ends it
 */
export async function watchSecrets(
  port: Pick<SecretsPort, 'list' | 'lookup'>,
  watch: WatchRegistry,
  onEvent: (event: SecretEvent) => void,
  onEnd: () => void,
): Promise<() => void> {
  const watching = new SecretWatch(port, watch, onEvent, onEnd)
  await watching.begin()
  return () => watching.close()
}

class SecretWatch {
  readonly #port: Pick<SecretsPort, 'list' | 'lookup'>
  readonly #watch: WatchRegistry
  readonly #onEvent: (event: SecretEvent) => void
  readonly #onEnd: () => void
  /** What was last known of each secret that is there. */
  #known = new Map<string, SecretDefinition>()
  #closed = false
  #stop: (() => void) | undefined
  /** Messages are worked on one after the other; never rejects. */
  #last: Promise<void> = Promise.resolve()
  #pending = 0

  constructor(
    port: Pick<SecretsPort, 'list' | 'lookup'>,
    watch: WatchRegistry,
    onEvent: (event: SecretEvent) => void,
    onEnd: () => void,
  ) {
    this.#onEnd = onEnd
    this.#port = port
    this.#watch = watch
    this.#onEvent = onEvent
  }

  async begin(): Promise<void> {
    let ready = (): void => {}
    // What happens until it is known what there is waits for that.
    this.#last = new Promise((resolve) => {
      ready = resolve
    })
    try {
      await this.#open()
      this.#known = await this.#listed()
    } catch (error) {
      this.close()
      throw error
    } finally {
      ready()
    }
  }

  close(): void {
    this.#closed = true
    this.#stop?.()
    this.#stop = undefined
  }

  /** Whoever listens would not know what he misses. */
  #end(): void {
    if (this.#closed) return
    this.close()
    this.#onEnd()
  }

  async #open(): Promise<void> {
    let isOver = false
    const stop = await this.#watch({ prefix: LIBVIRT_MOUNT, recursive: false }, (message) => {
      if (isOver) return
      isOver = this.#pending + message.events.length > MOST_PENDING
      this.#work(isOver ? { events: [], overflow: true } : message)
      if (isOver) this.#stop?.()
    })
    if (this.#closed || isOver) stop()
    else this.#stop = stop
  }

  #work(message: RegistryWatchMessage): void {
    this.#pending += message.events.length
    this.#last = this.#last
      .then(() => this.#take(message))
      .catch(() => this.#end())
      .finally(() => {
        this.#pending -= message.events.length
      })
  }

  async #listed(): Promise<Map<string, SecretDefinition>> {
    return new Map((await this.#port.list()).map((secret) => [secret.uuid, secret]))
  }

  async #take({ events, overflow, error }: RegistryWatchMessage): Promise<void> {
    for (const event of events) {
      if (this.#closed) return
      await this.#tell(event)
    }
    if (this.#closed) return
    if (overflow === true) await this.#resume()
    else if (error !== undefined) this.#end()
  }

  /** Too much has happened to be told: watch anew, and tell what has become of what was known. */
  async #resume(): Promise<void> {
    await this.#open()
    const now = await this.#listed()
    for (const [uuid, secret] of this.#known) {
      if (!now.has(uuid)) this.#lifecycle('undefined', secret)
    }
    for (const secret of now.values()) {
      this.#lifecycle('defined', secret)
      this.#emit({ type: 'value-changed', secret })
    }
    this.#known = now
  }

  async #tell({ op, key }: ChangeEvent): Promise<void> {
    const uuid = uuidOfPath(key)
    if (uuid === undefined) return
    switch (op) {
      case 'metadata':
      case 'undelete':
        await this.#defined(uuid)
        return
      case 'set':
      case 'activate': {
        // One that the registry's own door has made is told of by this alone.
        const secret = this.#known.get(uuid) ?? (await this.#defined(uuid))
        if (secret !== undefined) this.#emit({ type: 'value-changed', secret })
        return
      }
      case 'purge':
        this.#undefined(uuid)
        return
      case 'delete':
      case 'expire':
        // Of a secret or of one of its versions.
        if ((await this.#lookup(uuid)) === undefined) this.#undefined(uuid)
        return
      case 'create-version':
      case 'destroy':
        return
    }
  }

  async #defined(uuid: string): Promise<SecretDefinition | undefined> {
    const secret = await this.#lookup(uuid)
    if (secret === undefined) return undefined
    this.#known.set(uuid, secret)
    this.#lifecycle('defined', secret)
    return secret
  }

  #undefined(uuid: string): void {
    const secret = this.#known.get(uuid)
    if (secret === undefined) return
    this.#known.delete(uuid)
    this.#lifecycle('undefined', secret)
  }

  async #lookup(uuid: string): Promise<SecretDefinition | undefined> {
    try {
      return await this.#port.lookup(uuid)
    } catch (error) {
      if (LibvirtError.is(error)) return undefined
      throw error
    }
  }

  #lifecycle(event: 'defined' | 'undefined', secret: SecretDefinition): void {
    this.#emit({ type: 'lifecycle', event, secret })
  }

  #emit(event: SecretEvent): void {
    if (!this.#closed) this.#onEvent(event)
  }
}
