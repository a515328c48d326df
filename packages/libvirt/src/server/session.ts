/**
 * What a connection is between its OPEN and its CLOSE, and what each call does to it (libvirt, remote_protocol.x and the
 * checks of libvirt-secret.c and secret_driver.c in their order: read-only, arguments, flags, then what the port says).
 */
import type { SecretDefinition, SecretUsage, UsageType } from '../secret/types.ts'
import { USAGE_NUMBERS } from '../secret/types.ts'
import { LIBVIRT_ERRORS, type WritingFunction } from '../wire/errors.ts'
import { formatSecretXml } from '../xml/format-secret-xml.ts'
import { parseSecretXml } from '../xml/parse-secret-xml.ts'
import { connectionUri } from './connection-uri.ts'
import { isListed, LIST_FLAGS } from './list-filter.ts'
import type { SecretsPort } from './port.ts'
import type { Subscriptions } from './subscriptions.ts'

/** Most secrets of a list (remote_protocol.x, REMOTE_SECRET_LIST_MAX). */
const LIST_MAX = 16_384
/** `VIR_CONNECT_RO`. */
const OPEN_READ_ONLY = 1
/** `VIR_SECRET_DEFINE_VALIDATE`. */
const DEFINE_VALIDATE = 1
/** What a client may ask before the connection is open. */
const FEATURE_KEEPALIVE = 10
/** Remote events with callback numbers, close callbacks, and what libvirtd 9.0 says yes to beside (8). */
const FEATURES: readonly number[] = [8, FEATURE_KEEPALIVE, 14, 15]

const USAGE_TYPES: ReadonlyMap<number, UsageType> = new Map(
  (Object.keys(USAGE_NUMBERS) as UsageType[]).map((type) => [USAGE_NUMBERS[type], type]),
)

export interface SessionOptions {
  readonly portOf: () => SecretsPort | Promise<SecretsPort>
  readonly readOnly: boolean
  readonly elevate?:
    | ((token: string) => SecretsPort | undefined | Promise<SecretsPort | undefined>)
    | undefined
  readonly versionNumber: number
  readonly subscriptions: Subscriptions
  /** The client has told that it answers to keepalive messages. */
  readonly onKeepalive: () => void
}

interface Opened {
  readonly uri: string
  readonly readOnly: boolean
  port: SecretsPort
}

export class Session {
  readonly #options: SessionOptions
  #opened: Opened | undefined

  constructor(options: SessionOptions) {
    this.#options = options
  }

  get isOpen(): boolean {
    return this.#opened !== undefined
  }

  get versionNumber(): number {
    return this.#options.versionNumber
  }

  /** @throws LibvirtError 5 for a name that leads elsewhere, 1 when it is open already */
  async open(name: string | undefined, flags: number): Promise<undefined> {
    if (this.#opened !== undefined) throw LIBVIRT_ERRORS.alreadyOpen()
    const uri = connectionUri(name)
    if (uri === undefined) throw LIBVIRT_ERRORS.noConnect(name)
    const port = await this.#options.portOf()
    const readOnly = this.#options.readOnly || (flags & OPEN_READ_ONLY) !== 0
    this.#opened = { uri, readOnly, port }
  }

  /** @throws LibvirtError 1 for a call about the connection before it is open */
  requireConnection(): void {
    if (this.#opened === undefined) throw LIBVIRT_ERRORS.hypervisorNotOpen()
  }

  uri(): string {
    this.requireConnection()
    return this.#expectOpen().uri
  }

  supportsFeature(feature: number): boolean {
    if (feature === FEATURE_KEEPALIVE) this.#options.onKeepalive()
    else this.requireConnection()
    return FEATURES.includes(feature)
  }

  /** What a client says of itself changes nothing, but for a token that whoever serves it knows. */
  async setIdentity(token: string | undefined): Promise<undefined> {
    this.requireConnection()
    if (token === undefined) return
    const elevated = await this.#options.elevate?.(token)
    if (elevated !== undefined) this.#expectOpen().port = elevated
  }

  async count(): Promise<number> {
    return (await this.#expectOpen().port.list()).length
  }

  /** @throws LibvirtError 39 for a number out of range */
  async listUuids(most: number): Promise<readonly string[]> {
    const { port } = this.#expectOpen()
    if (most < 0) throw LIBVIRT_ERRORS.maxUuidsNegative()
    if (most > LIST_MAX) throw LIBVIRT_ERRORS.maxUuidsOver()
    return (await port.list()).slice(0, most).map(({ uuid }) => uuid)
  }

  /** @throws LibvirtError 8 for other flags, 1 when there are more than a list holds, asked for or not */
  async listAll(flags: number): Promise<readonly SecretDefinition[]> {
    const { port } = this.#expectOpen()
    if ((flags & ~LIST_FLAGS) !== 0) {
      throw LIBVIRT_ERRORS.unsupportedFlags('secretConnectListAllSecrets', flags & ~LIST_FLAGS)
    }
    const listed = (await port.list()).filter((secret) => isListed(secret, flags))
    if (listed.length > LIST_MAX) throw LIBVIRT_ERRORS.tooManySecrets(listed.length, LIST_MAX)
    return listed
  }

  lookup(uuid: string): Promise<SecretDefinition> {
    return this.#expectOpen().port.lookup(uuid)
  }

  async lookupByUsage(usageType: number, id: string): Promise<SecretDefinition> {
    const { port } = this.#expectOpen()
    const type = USAGE_TYPES.get(usageType)
    if (type === undefined || type === 'none') throw LIBVIRT_ERRORS.noSecretUsage(id)
    const usage: SecretUsage = { type, id }
    return await port.lookupByUsage(usage)
  }

  async define(xml: string, flags: number): Promise<SecretDefinition> {
    const port = this.#writable('virSecretDefineXML')
    if ((flags & ~DEFINE_VALIDATE) !== 0) {
      throw LIBVIRT_ERRORS.unsupportedFlags('secretDefineXML', flags & ~DEFINE_VALIDATE)
    }
    return await port.define(parseSecretXml(xml, { validate: (flags & DEFINE_VALIDATE) !== 0 }))
  }

  async describe(uuid: string, flags: number): Promise<string> {
    const { port } = this.#expectOpen()
    if (flags !== 0) throw LIBVIRT_ERRORS.unsupportedFlags('secretGetXMLDesc', flags)
    return formatSecretXml(await port.describe(uuid))
  }

  async setValue(uuid: string, value: Uint8Array, flags: number): Promise<undefined> {
    const port = this.#writable('virSecretSetValue')
    if (value.length === 0) throw LIBVIRT_ERRORS.emptyValue()
    if (flags !== 0) throw LIBVIRT_ERRORS.unsupportedFlags('secretSetValue', flags)
    await port.setValue(uuid, value)
  }

  /** @returns what the caller wipes */
  async getValue(uuid: string, flags: number): Promise<Uint8Array> {
    const port = this.#writable('virSecretGetValue')
    if (flags !== 0) throw LIBVIRT_ERRORS.unsupportedFlags('secretGetValue', flags)
    return await port.getValue(uuid)
  }

  async undefine(uuid: string): Promise<undefined> {
    await this.#writable('virSecretUndefine').undefine(uuid)
  }

  async register(eventId: number, uuid: string | undefined): Promise<number> {
    return await this.#options.subscriptions.register(this.#expectOpen().port, eventId, uuid)
  }

  deregister(callbackId: number): undefined {
    this.#expectOpen()
    this.#options.subscriptions.deregister(callbackId)
  }

  #expectOpen(): Opened {
    if (this.#opened === undefined) throw LIBVIRT_ERRORS.notOpen()
    return this.#opened
  }

  #writable(name: WritingFunction): SecretsPort {
    const { readOnly, port } = this.#expectOpen()
    if (readOnly) throw LIBVIRT_ERRORS.readOnly(name)
    return port
  }
}
