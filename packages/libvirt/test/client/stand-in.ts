/** A server of which each answer is told to it. */

import type { OpenRegistryOptions } from '@secreg/libvirt'
import {
  type ArgsOf,
  type Frame,
  FrameReader,
  keepaliveOf,
  LIBVIRT_ERRORS,
  LibvirtError,
  type MessageKey,
  type MessageTypes,
  openSecretRegistry,
  PROCEDURES,
  type Procedure,
  type ProcedureKey,
  procedureKey,
  type ResultOf,
  readBody,
  type SecretRegistry,
  writeError,
  writeMessage,
  writeReply,
} from '@secreg/libvirt'
import { type MemoryStream, memoryPair } from './memory-stream.ts'

/** The result, an error, or `undefined` to answer later or never. */
export type Answers = {
  [K in ProcedureKey]?: (args: ArgsOf<K>, frame: Frame) => ResultOf<K> | LibvirtError | Silence
}

export const SILENCE: unique symbol = Symbol('silence')
export type Silence = typeof SILENCE

const HANDSHAKE: Answers = {
  authList: () => ({ types: [0] }),
  connectOpen: () => undefined,
  connectClose: () => undefined,
  connectSupportsFeature: ({ feature }) => ({
    supported: Number([8, 10, 14, 15].includes(feature)),
  }),
  connectRegisterCloseCallback: () => undefined,
  connectUnregisterCloseCallback: () => undefined,
  connectSecretEventDeregisterAny: () => undefined,
}

export class StandIn {
  readonly client: MemoryStream
  readonly stream: MemoryStream
  readonly answers: Answers
  /** Calls as they came. */
  readonly calls: { readonly key: ProcedureKey; readonly frame: Frame; readonly args: unknown }[] =
    []
  pings = 0
  pongs = 0
  readonly #reader = new FrameReader()

  constructor(answers: Answers = {}) {
    const [client, stream] = memoryPair()
    this.client = client
    this.stream = stream
    this.answers = { ...HANDSHAKE, ...answers }
    this.stream.on('data', (chunk) => {
      this.#reader.push(chunk)
      for (let frame = this.#reader.next(); frame !== undefined; frame = this.#reader.next()) {
        this.#take(frame)
      }
    })
  }

  /** The names of the calls that came. */
  get called(): ProcedureKey[] {
    return this.calls.map(({ key }) => key)
  }

  open(options: OpenRegistryOptions = {}): Promise<SecretRegistry> {
    return openSecretRegistry(this.client, options)
  }

  reply<K extends ProcedureKey>(key: K, result: ResultOf<K>, serial: number): void {
    this.stream.write(writeReply(key, result, serial))
  }

  message<K extends MessageKey>(key: K, body: MessageTypes[K]): void {
    this.stream.write(writeMessage(key, body))
  }

  /** The serial of the last call of a procedure. */
  serial(key: ProcedureKey): number {
    const call = this.calls.findLast((call) => call.key === key)
    if (call === undefined) throw new Error(`no call of ${key}`)
    return call.frame.serial
  }

  #take(frame: Frame): void {
    const sign = keepaliveOf(frame)
    if (sign === 'ping') this.pings += 1
    if (sign === 'pong') this.pongs += 1
    if (sign !== undefined) return
    const key = procedureKey(frame.procedure)
    if (key !== undefined) this.#answer(key, frame)
  }

  #answer<K extends ProcedureKey>(key: K, frame: Frame): void {
    const procedure: Procedure<ArgsOf<K>, ResultOf<K>> = PROCEDURES[key]
    const args = readBody(procedure.args, frame.body)
    this.calls.push({ key, frame, args })
    const answer = this.answers[key]
    const result = answer === undefined ? LIBVIRT_ERRORS.noSupport(key) : answer(args, frame)
    if (result === SILENCE) return
    if (result instanceof LibvirtError) this.stream.write(writeError(frame, result))
    else this.reply(key, result as ResultOf<K>, frame.serial)
  }
}

export const UUIDS = [1, 2, 3].map((n) => `11111111-1111-4111-8111-00000000000${n}`) as [
  string,
  string,
  string,
]

/** Secrets of the usage tls. */
export const handle = (uuid: string, usageId = `id of ${uuid}`) => ({ uuid, usageType: 4, usageId })
