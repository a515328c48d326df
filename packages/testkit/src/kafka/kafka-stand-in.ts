/**
 * A stand-in of a Kafka broker, in this process and over real TCP: enough of the protocol for an unmodified producer,
 * idempotent or not. It takes the place of a broker in tests of faults; that a client works with Apache Kafka it does not
 * show.
 */
import { createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { type KafkaRecord, PartitionLog } from './partition-log.ts'
import { BatchError, decodeRecordBatch } from './record-batch.ts'
import {
  API,
  API_VERSIONS,
  frameAnswer,
  type PartitionAnswer,
  type ProducedPartition,
  type Request,
  readMetadata,
  readProduce,
  readRequest,
  type TopicMetadata,
  writeApiVersions,
  writeInitProducerId,
  writeMetadata,
  writeProduce,
  writeSaslAuthenticate,
  writeSaslHandshake,
} from './requests.ts'

/** Error codes of the protocol that tests ask for. */
export const KAFKA_ERROR: Readonly<
  Record<
    | 'notLeader'
    | 'requestTimedOut'
    | 'messageTooLarge'
    | 'notEnoughReplicas'
    | 'topicAuthorizationFailed',
    number
  >
> = Object.freeze({
  notLeader: 6,
  requestTimedOut: 7,
  messageTooLarge: 10,
  notEnoughReplicas: 19,
  topicAuthorizationFailed: 29,
})

export interface KafkaStandInOptions {
  /** Partitions of each topic. Default 3. */
  readonly partitions?: number
  /** Key and certificate, PEM. Default: no TLS. */
  readonly tls?: { readonly key: string; readonly cert: string }
  /** Who may log in, by PLAIN. Default: nobody has to. */
  readonly sasl?: { readonly username: string; readonly password: string }
  /** Greatest batch, bytes. Default 1,048,588, as Apache Kafka has it. */
  readonly maxBatchBytes?: number
  /** Text of its own that a refused login is answered with. */
  readonly authError?: string
}

/** A produce request that is to go wrong. */
interface Fault {
  readonly errorCode: number
  /** What it answers is not so: the records are kept. */
  readonly written: boolean
}

const UNKNOWN_TOPIC_OR_PARTITION = 3
const MESSAGE_TOO_LARGE = 10
const UNSUPPORTED_SASL_MECHANISM = 33
const UNSUPPORTED_VERSION = 35
const SASL_AUTHENTICATION_FAILED = 58
const MAX_FRAME_BYTES = 100 * 1024 * 1024

export class KafkaStandIn implements AsyncDisposable {
  readonly #options: KafkaStandInOptions
  readonly #topics = new Map<string, PartitionLog[]>()
  readonly #sockets = new Set<Socket>()
  readonly #faults: Fault[] = []
  readonly #clientIds = new Set<string>()
  #server: Server | undefined
  #port = 0
  #producers = 0
  #requests = 0
  #dropped = 0
  #omitted = 0
  #held: (() => void)[] | undefined

  private constructor(options: KafkaStandInOptions) {
    this.#options = options
  }

  /** Start one on a free port of 127.0.0.1. */
  static async start(options: KafkaStandInOptions = {}): Promise<KafkaStandIn> {
    const broker = new KafkaStandIn(options)
    await broker.start()
    return broker
  }

  get port(): number {
    return this.#port
  }

  /** `127.0.0.1:PORT`, the same after a restart. */
  get address(): string {
    return `127.0.0.1:${this.#port}`
  }

  get connections(): number {
    return this.#sockets.size
  }

  /** Produce requests that came so far, answered or not. */
  get produceRequests(): number {
    return this.#requests
  }

  /** Names that clients gave themselves. */
  get clientIds(): readonly string[] {
    return [...this.#clientIds]
  }

  /** What a topic holds, partition after partition, each in its order. */
  records(topic: string): readonly KafkaRecord[] {
    return (this.#topics.get(topic) ?? []).flatMap((partition) => partition.records)
  }

  get topics(): readonly string[] {
    return [...this.#topics.keys()]
  }

  /** Hold every answer back; what is asked is done all the same. */
  pause(): void {
    this.#held ??= []
  }

  /** Give the answers that were held back, to those who are still there. */
  resume(): void {
    const held = this.#held ?? []
    this.#held = undefined
    for (const answer of held) answer()
  }

  /** Answer the next produce requests with an error code; `written`: but keep what they bring. */
  failNext(
    errorCode: number,
    times = 1,
    { written = false }: { readonly written?: boolean } = {},
  ): void {
    for (let left = times; left > 0; left--) this.#faults.push({ errorCode, written })
  }

  /** Keep what the next produce requests bring, and close the connection instead of an answer. */
  dropNext(times = 1): void {
    this.#dropped += times
  }

  /** Neither keep nor answer the last partition of the next produce requests, as if it had not been asked for. */
  omitNext(times = 1): void {
    this.#omitted += times
  }

  /** Go away: every connection is cut, new ones are refused. The records stay. */
  async stop(): Promise<void> {
    const server = this.#server
    if (server === undefined) return
    this.#server = undefined
    this.#held = undefined
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  }

  /** Come back on the same port. */
  async start(): Promise<void> {
    const { tls } = this.#options
    const server =
      tls === undefined
        ? createServer((socket) => this.#serve(socket))
        : createTlsServer(tls, (socket) => this.#serve(socket))
    // A client may well not like the certificate.
    server.on('tlsClientError', () => {})
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(this.#port, '127.0.0.1', resolve)
    })
    const address = server.address()
    if (typeof address === 'object' && address !== null) this.#port = address.port
    this.#server = server
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('error', () => {})
    let known = this.#options.sasl === undefined
    let buffer = Buffer.alloc(0)
    const answer = (bytes: Buffer): void => {
      if (!socket.destroyed) socket.write(bytes)
    }
    const take = (frame: Buffer): void => {
      const request = readRequest(frame)
      if (request.clientId !== null) this.#clientIds.add(request.clientId)
      if (request.key === API.saslAuthenticate) {
        const [bytes, allowed] = this.#authenticate(request)
        known = allowed
        answer(bytes)
        return
      }
      if (!known && request.key !== API.apiVersions && request.key !== API.saslHandshake) {
        socket.destroy()
        return
      }
      const bytes = this.#answer(request)
      if (bytes === 'drop') socket.destroy()
      else if (bytes !== undefined && this.#held !== undefined) this.#held.push(() => answer(bytes))
      else if (bytes !== undefined) answer(bytes)
    }
    socket.on('data', (chunk: Buffer) => {
      buffer = Buffer.concat([buffer, chunk])
      try {
        while (buffer.length >= 4) {
          const size = buffer.readUInt32BE()
          if (size > MAX_FRAME_BYTES) throw new RangeError('a request of more than 100 MiB')
          if (buffer.length < 4 + size) break
          const frame = buffer.subarray(4, 4 + size)
          buffer = buffer.subarray(4 + size)
          take(frame)
        }
      } catch {
        // As a broker does with what it cannot read.
        socket.destroy()
      }
    })
  }

  #answer({ key, version, correlationId, body }: Request): Buffer | 'drop' | undefined {
    const known = API_VERSIONS.find(([one]) => one === key)
    if (known === undefined || version < known[1] || version > known[2]) {
      if (key !== API.apiVersions) throw new RangeError('an unknown request')
      return frameAnswer(correlationId, writeApiVersions(0, UNSUPPORTED_VERSION))
    }
    switch (key) {
      case API.apiVersions:
        return frameAnswer(correlationId, writeApiVersions(version))
      case API.metadata: {
        const { topics = [...this.#topics.keys()], create } = readMetadata(body)
        const found = topics.map((topic) => this.#describe(topic, create))
        return frameAnswer(correlationId, writeMetadata('127.0.0.1', this.#port, found))
      }
      case API.initProducerId:
        return frameAnswer(correlationId, writeInitProducerId(++this.#producers))
      case API.saslHandshake:
        return frameAnswer(
          correlationId,
          writeSaslHandshake(body.text() === 'PLAIN' ? 0 : UNSUPPORTED_SASL_MECHANISM),
        )
      default: {
        const { acks, parts } = readProduce(body)
        if (this.#omitted > 0) {
          this.#omitted--
          parts.pop()
        }
        const answers = this.#produce(parts)
        if (this.#dropped > 0) {
          this.#dropped--
          return 'drop'
        }
        return acks === 0 ? undefined : frameAnswer(correlationId, writeProduce(answers))
      }
    }
  }

  #describe(topic: string, create: boolean): TopicMetadata {
    const { partitions = 3 } = this.#options
    if (!this.#topics.has(topic)) {
      if (!create) return { topic, errorCode: UNKNOWN_TOPIC_OR_PARTITION, partitions: 0 }
      const logs = Array.from({ length: partitions }, (_, partition) => new PartitionLog(partition))
      this.#topics.set(topic, logs)
    }
    return { topic, errorCode: 0, partitions }
  }

  #produce(parts: readonly ProducedPartition[]): PartitionAnswer[] {
    this.#requests++
    const fault = this.#faults.shift()
    return parts.map(({ topic, partition, batch }) => {
      const appended =
        fault === undefined || fault.written ? this.#append(topic, partition, batch) : undefined
      const { errorCode, baseOffset } =
        fault === undefined
          ? (appended ?? { errorCode: UNKNOWN_TOPIC_OR_PARTITION, baseOffset: -1 })
          : { errorCode: fault.errorCode, baseOffset: -1 }
      return { topic, partition, errorCode, baseOffset }
    })
  }

  #append(topic: string, partition: number, batch: Buffer | null) {
    const log = this.#topics.get(topic)?.[partition]
    if (log === undefined || batch === null) return undefined
    if (batch.length > (this.#options.maxBatchBytes ?? 1_048_588)) {
      return { errorCode: MESSAGE_TOO_LARGE, baseOffset: -1 }
    }
    try {
      return log.append(decodeRecordBatch(batch))
    } catch (error) {
      if (error instanceof BatchError) return { errorCode: error.errorCode, baseOffset: -1 }
      throw error
    }
  }

  /** PLAIN (RFC 4616): `authzid NUL authcid NUL passwd`. */
  #authenticate({ correlationId, body }: Request): [answer: Buffer, allowed: boolean] {
    const [, username, password] = (body.blob() ?? Buffer.alloc(0)).toString().split('\0')
    const { sasl, authError = 'authentication failed' } = this.#options
    const allowed = sasl !== undefined && username === sasl.username && password === sasl.password
    const answer = allowed
      ? writeSaslAuthenticate(0, null)
      : writeSaslAuthenticate(SASL_AUTHENTICATION_FAILED, authError)
    return [frameAnswer(correlationId, answer), allowed]
  }
}
