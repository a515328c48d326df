/**
 * The secrets of one server: what libvirt-secret.h has on connections.
 *
 * Source: libvirt, html/libvirt-libvirt-secret.html.
 */
import type { UsageType } from '../secret/types.ts'
import { USAGE_NUMBERS } from '../secret/types.ts'
import { parseUuid } from '../secret/uuid.ts'
import { LIBVIRT_LIMITS } from '../wire/limits.ts'
import type { SecretHandle } from '../wire/secret-handle.ts'
import {
  checkFlag,
  checkFunction,
  checkInteger,
  checkObject,
  checkString,
  checkUsageType,
  checkUuid,
} from './check-arguments.ts'
import { LibvirtConnectionError } from './connection-error.ts'
import { draftOf, draftXml, type NewSecret } from './define-xml.ts'
import { ListAllSecretsFlags, SecretDefineFlags } from './enums.ts'
import { EventStream, type SecretEventStream } from './event-stream.ts'
import { EVENT_IDS, type RemoteCalls, type ToldEvent } from './remote-calls.ts'
import { RemoteSecrets, toldUsage } from './remote-secrets.ts'
import type { ConnectionEnd } from './rpc-connection.ts'
import { Secret } from './secret.ts'
import { type SecretEvent, type SecretEventOf, SecretEvents } from './secret-events.ts'

/** Which secrets are listed; what is left out does not matter. */
export interface SecretFilter {
  readonly ephemeral?: boolean
  readonly private?: boolean
}

/** Of which secrets events are told. */
export interface EventOptions {
  /** In any form that libvirt takes, or 16 bytes. It may be of no secret yet. Default: of all. */
  readonly uuid?: string | Uint8Array
}

/** Whoever listens, until it is disposed of. */
export interface Subscription extends AsyncDisposable {
  /** Of this registry alone. */
  readonly id: number
  /** Cease to listen. A second time it does nothing. */
  dispose(): Promise<void>
}

/**
 * Secrets behind one connection. Calls are made at once, however many; each throws what the server refuses as a
 * `LibvirtError` with libvirt's number as `code`, and `LibvirtConnectionError` when there is no answer. Once the
 * connection has ended, every call throws the error that ended it; connect again.
 */
export class SecretRegistry {
  /** Settles once nothing more can be asked: why, as libvirt tells it, and the error of later calls. */
  readonly closed: Promise<ConnectionEnd>
  readonly #calls: RemoteCalls
  readonly #secrets: RemoteSecrets
  readonly #events: SecretEvents
  #subscriptions = 0

  /** Made by `openSecretRegistry` and `connectLibvirt`. @param calls - of a connection that is open */
  constructor(calls: RemoteCalls) {
    this.#calls = calls
    this.closed = calls.rpc.ended
    this.#secrets = new RemoteSecrets(this, calls)
    this.#events = new SecretEvents({
      register: ({ type, uuid }) => {
        const secret = uuid === undefined ? undefined : { uuid, usageType: 0, usageId: '' }
        const args = { eventId: EVENT_IDS[type], secret }
        return calls.call('connectSecretEventRegisterAny', args, ({ callbackId }) => callbackId)
      },
      deregister: async (callbackId) => {
        try {
          await calls.call('connectSecretEventDeregisterAny', { callbackId }, () => {})
        } catch (error) {
          // A registration does not outlive its connection.
          if (!LibvirtConnectionError.is(error)) throw error
        }
      },
    })
    calls.observer = {
      event: (event) => this.#events.dispatch(event.callbackId, this.#event(event)),
      ended: (error) => this.#events.end(error),
    }
  }

  /** How many secrets the caller may see. */
  count(): Promise<number> {
    return this.#calls.call('connectNumOfSecrets', undefined, ({ num }) => {
      checkInteger('num', num, 0, 2 ** 31 - 1)
      return num
    })
  }

  /**
   * The UUIDs of the secrets that the caller may see, sorted.
   *
   * @param options - `max`: the server cuts a longer list without a word; 0 to 16,384, which is the default
   */
  async listUuids(options: { readonly max?: number } = {}): Promise<string[]> {
    checkObject('options', options)
    const { max: maxuuids = LIBVIRT_LIMITS.secrets } = options
    checkInteger('max', maxuuids, 0, LIBVIRT_LIMITS.secrets)
    return await this.#calls.call('connectListSecrets', { maxuuids }, ({ uuids }) => {
      checkInteger('uuids', uuids.length, 0, maxuuids)
      return uuids.map((uuid) => canonical(uuid)).sort()
    })
  }

  /** The secrets that the caller may see, sorted by UUID. More than 16,384 are refused with code 1. */
  async list(filter: SecretFilter = {}): Promise<Secret[]> {
    const args = { needResults: 1, flags: flagsOf(filter) }
    return await this.#calls.call('connectListAllSecrets', args, ({ secrets }) =>
      secrets
        .map((handle) => this.#handle(handle))
        .sort((a, b) => (a.uuid < b.uuid ? -1 : Number(a.uuid > b.uuid))),
    )
  }

  /**
   * @param uuid - in any form that libvirt takes, or 16 bytes
   * @throws NoSecretError; TypeError, RangeError for what is no UUID
   */
  async getByUuid(uuid: string | Uint8Array): Promise<Secret> {
    const args = { uuid: checkUuid('uuid', uuid) }
    return await this.#calls.call('secretLookupByUuid', args, ({ secret }) => {
      mustBe('uuid', secret.uuid, args.uuid)
      return this.#handle(secret)
    })
  }

  /**
   * @param type - nothing is found by `none`
   * @throws NoSecretError; TypeError, RangeError
   */
  async getByUsage(type: UsageType, id: string): Promise<Secret> {
    const usageType = USAGE_NUMBERS[checkUsageType(type)]
    checkString('id', id)
    const args = { usageType, usageId: id }
    return await this.#calls.call('secretLookupByUsage', args, ({ secret }) => {
      mustBe('usage type', secret.usageType, usageType)
      mustBe('usage id', secret.usageId, id)
      return this.#handle(secret)
    })
  }

  /**
   * Define a secret, or redefine the one with this UUID: every attribute is replaced, what is left out too, and the value
   * stays. A usage does not change, and a private secret stays private.
   *
   * @param definition - what it is to be, or libvirt's XML; `validate` holds the XML against libvirt's schema first
   * @throws LibvirtError 1 for a usage that another secret has, and for what cannot be redefined; 27, 35, 67, 92 for XML
   */
  async define(
    definition: NewSecret | { readonly xml: string; readonly validate?: boolean },
  ): Promise<Secret> {
    checkObject('definition', definition)
    if ('xml' in definition) {
      checkString('xml', definition.xml)
      checkFlag('validate', definition.validate)
      const flags = definition.validate === true ? SecretDefineFlags.VALIDATE : 0
      return await this.#define(definition.xml, flags, () => {})
    }
    const draft = draftOf(definition)
    return await this.#define(draftXml(draft), 0, (secret) => {
      if (draft.uuid !== undefined) mustBe('uuid', secret.uuid, draft.uuid)
      mustBe('usage type', secret.usageType, USAGE_NUMBERS[draft.usage.type])
      mustBe('usage id', secret.usageId, draft.usage.id)
    })
  }

  /**
   * Listen for events. It returns once the server tells every event from then on. Those that a call makes come after its
   * result. What a callback throws is an uncaught exception, and other callbacks are called nevertheless.
   */
  async on<T extends SecretEvent['type']>(
    type: T,
    options: EventOptions,
    callback: (event: SecretEventOf<T>) => void,
  ): Promise<Subscription> {
    const filter = { type: checkEventType(type), uuid: uuidOption(options) }
    checkFunction('callback', callback)
    const take = (event: SecretEvent): void => callback(event as SecretEventOf<T>)
    const dispose = await this.#events.add(filter, { take })
    this.#subscriptions += 1
    return { id: this.#subscriptions, dispose, [Symbol.asyncDispose]: dispose }
  }

  /**
   * Events of both types, from now on. @param options - `signal` ends it
   *
   * @example
   * ```ts
   * for await (const event of registry.events({ signal })) console.log(event.type, event.secret.uuid)
   * ```
   */
  events(options: EventOptions & { readonly signal?: AbortSignal } = {}): SecretEventStream {
    const uuid = uuidOption(options)
    const types = ['lifecycle', 'value-changed'] as const
    return new EventStream(
      types.map((type) => (listener) => this.#events.add({ type, uuid }, listener)),
      options.signal,
    )
  }

  /** Wait for what was asked, say goodbye and close the connection. Later calls throw `ERR_LIBVIRT_CLOSED`. */
  close(): Promise<void> {
    return this.#calls.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #define(xml: string, flags: number, check: (secret: SecretHandle) => void): Promise<Secret> {
    return this.#calls.call('secretDefineXml', { xml, flags }, ({ secret }) => {
      check(secret)
      return this.#handle(secret)
    })
  }

  #handle({ uuid, usageType, usageId }: SecretHandle): Secret {
    return new Secret(this.#secrets, uuid, toldUsage(usageType, usageId))
  }

  #event({ type, event = 'defined', detail = 0, secret }: ToldEvent): SecretEvent {
    const handle = this.#handle(secret)
    return type === 'lifecycle' ? { type, event, detail, secret: handle } : { type, secret: handle }
  }
}

function flagsOf(filter: SecretFilter): number {
  checkObject('filter', filter)
  const { ephemeral, private: isPrivate } = filter
  checkFlag('ephemeral', ephemeral)
  checkFlag('private', isPrivate)
  const { EPHEMERAL, NO_EPHEMERAL, PRIVATE, NO_PRIVATE } = ListAllSecretsFlags
  const first = ephemeral === undefined ? 0 : ephemeral ? EPHEMERAL : NO_EPHEMERAL
  return first | (isPrivate === undefined ? 0 : isPrivate ? PRIVATE : NO_PRIVATE)
}

function uuidOption(options: EventOptions): string | undefined {
  checkObject('options', options)
  return options.uuid === undefined ? undefined : checkUuid('uuid', options.uuid)
}

function checkEventType(type: unknown): SecretEvent['type'] {
  checkString('type', type)
  if (type !== 'lifecycle' && type !== 'value-changed') {
    throw new RangeError('type: expected lifecycle or value-changed, got another')
  }
  return type
}

function canonical(uuid: string): string {
  const parsed = parseUuid(uuid)
  if (parsed === undefined) throw new RangeError('uuid: expected one in the answer, got other text')
  return parsed
}

function mustBe(name: string, got: string | number, asked: string | number): void {
  if (got !== asked) throw new RangeError(`${name}: expected what was asked for, got another`)
}
