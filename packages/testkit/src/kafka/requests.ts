/** Requests that the stand-in knows, each in the versions of {@link API_VERSIONS} (Kafka documentation, "The Messages"). */
import { ByteReader, ByteWriter } from './bytes.ts'

/** Keys of the requests. */
export const API: Readonly<
  Record<
    | 'produce'
    | 'metadata'
    | 'saslHandshake'
    | 'apiVersions'
    | 'initProducerId'
    | 'saslAuthenticate',
    number
  >
> = Object.freeze({
  produce: 0,
  metadata: 3,
  saslHandshake: 17,
  apiVersions: 18,
  initProducerId: 22,
  saslAuthenticate: 36,
})

/** Least and greatest version of each request. */
export const API_VERSIONS: readonly (readonly [key: number, least: number, greatest: number])[] = [
  [API.produce, 7, 7],
  [API.metadata, 5, 5],
  [API.saslHandshake, 1, 1],
  [API.apiVersions, 0, 2],
  [API.initProducerId, 0, 1],
  [API.saslAuthenticate, 0, 0],
]

/** Head of a request, version 1, and its body. */
export interface Request {
  readonly key: number
  readonly version: number
  readonly correlationId: number
  readonly clientId: string | null
  readonly body: ByteReader
}

export interface TopicMetadata {
  readonly topic: string
  readonly errorCode: number
  readonly partitions: number
}

export interface ProducedPartition {
  readonly topic: string
  readonly partition: number
  readonly batch: Buffer | null
}

export interface PartitionAnswer {
  readonly topic: string
  readonly partition: number
  readonly errorCode: number
  readonly baseOffset: number
}

/** The only broker of the cluster, and its controller. */
const NODE_ID = 1

export function readRequest(frame: Buffer): Request {
  const body = new ByteReader(frame)
  const key = body.int16()
  const version = body.int16()
  const correlationId = body.int32()
  const clientId = body.string()
  return { key, version, correlationId, clientId, body }
}

/** Put the head and the length before an answer. */
export function frameAnswer(correlationId: number, body: ByteWriter): Buffer {
  return new ByteWriter()
    .blob(new ByteWriter().int32(correlationId).bytes(body.finish()).finish())
    .finish()
}

export function writeApiVersions(version: number, errorCode = 0): ByteWriter {
  const writer = new ByteWriter().int16(errorCode)
  writer.array(API_VERSIONS, ([key, least, greatest]) => {
    writer.int16(key).int16(least).int16(greatest)
  })
  return version === 0 ? writer : writer.int32(0)
}

/** Topics asked for, undefined for all, and whether they may be made. */
export function readMetadata(body: ByteReader): { topics?: string[]; create: boolean } {
  const topics = body.array(() => body.text())
  const create = body.int8() !== 0
  return topics === undefined ? { create } : { topics, create }
}

export function writeMetadata(
  host: string,
  port: number,
  topics: readonly TopicMetadata[],
): ByteWriter {
  const writer = new ByteWriter().int32(0)
  writer.array([port], () => writer.int32(NODE_ID).string(host).int32(port).string(null))
  writer.string('stand-in').int32(NODE_ID)
  return writer.array(topics, ({ topic, errorCode, partitions }) => {
    writer.int16(errorCode).string(topic).int8(0)
    writer.array([...Array(partitions).keys()], (partition) => {
      writer.int16(0).int32(partition).int32(NODE_ID)
      for (const nodes of [[NODE_ID], [NODE_ID], []])
        writer.array(nodes, (node) => writer.int32(node))
    })
  })
}

export function readProduce(body: ByteReader): { acks: number; parts: ProducedPartition[] } {
  body.string()
  const acks = body.int16()
  body.int32()
  const topics = body.array(() => {
    const topic = body.text()
    return body.array(() => ({ topic, partition: body.int32(), batch: body.blob() })) ?? []
  })
  return { acks, parts: (topics ?? []).flat() }
}

export function writeProduce(answers: readonly PartitionAnswer[]): ByteWriter {
  const writer = new ByteWriter()
  const topics = [...new Set(answers.map(({ topic }) => topic))]
  writer.array(topics, (topic) => {
    const own = answers.filter((answer) => answer.topic === topic)
    writer.string(topic).array(own, ({ partition, errorCode, baseOffset }) => {
      writer.int32(partition).int16(errorCode).int64(BigInt(baseOffset)).int64(-1n).int64(0n)
    })
  })
  return writer.int32(0)
}

export function writeInitProducerId(producerId: number): ByteWriter {
  return new ByteWriter().int32(0).int16(0).int64(BigInt(producerId)).int16(0)
}

export function writeSaslHandshake(errorCode: number): ByteWriter {
  const writer = new ByteWriter().int16(errorCode)
  return writer.array(['PLAIN'], (mechanism) => writer.string(mechanism))
}

export function writeSaslAuthenticate(errorCode: number, message: string | null): ByteWriter {
  return new ByteWriter().int16(errorCode).string(message).blob(Buffer.alloc(0))
}
