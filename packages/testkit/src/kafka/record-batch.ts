/** A batch of records, version 2 (Kafka documentation, "Record Batch"), uncompressed. */
import { ByteReader, crc32c } from './bytes.ts'

/** What a producer gave, without its place. */
export interface ProducedRecord {
  readonly key: string | null
  readonly value: string | null
  readonly headers: Readonly<Record<string, string>>
}

export interface RecordBatch {
  /** -1: not idempotent. */
  readonly producerId: bigint
  readonly producerEpoch: number
  /** Sequence of the first record. */
  readonly firstSequence: number
  readonly records: readonly ProducedRecord[]
}

/** Why a batch cannot be taken: the error code that the broker answers. */
export class BatchError extends Error {
  readonly errorCode: number

  constructor(errorCode: number) {
    super(`error code ${errorCode}`)
    this.errorCode = errorCode
  }
}

const CORRUPT_MESSAGE = 2
const UNSUPPORTED_COMPRESSION_TYPE = 76
const MAGIC = 2
/** Codec, transactional and control bits of the attributes. */
const UNSUPPORTED_ATTRIBUTES = 0x37

/** Read one batch; that it ends with the bytes is part of it. */
export function decodeRecordBatch(bytes: Buffer): RecordBatch {
  const reader = new ByteReader(bytes)
  reader.int64()
  if (reader.int32() !== reader.left) throw new BatchError(CORRUPT_MESSAGE)
  reader.int32()
  if (reader.int8() !== MAGIC) throw new BatchError(CORRUPT_MESSAGE)
  const crc = reader.uint32()
  const covered = reader.bytes(reader.left)
  if (crc32c(covered) !== crc) throw new BatchError(CORRUPT_MESSAGE)

  const body = new ByteReader(covered)
  if ((body.int16() & UNSUPPORTED_ATTRIBUTES) !== 0) {
    throw new BatchError(UNSUPPORTED_COMPRESSION_TYPE)
  }
  const lastOffsetDelta = body.int32()
  body.int64()
  body.int64()
  const producerId = body.int64()
  const producerEpoch = body.int16()
  const firstSequence = body.int32()
  const records = body.array(() => decodeRecord(body)) ?? []
  if (records.length === 0 || records.length !== lastOffsetDelta + 1 || body.left > 0) {
    throw new BatchError(CORRUPT_MESSAGE)
  }
  return { producerId, producerEpoch, firstSequence, records }
}

function decodeRecord(batch: ByteReader): ProducedRecord {
  const reader = new ByteReader(batch.bytes(batch.varint()))
  reader.int8()
  reader.varint()
  reader.varint()
  const key = reader.varblob()
  const value = reader.varblob()
  const headers: Record<string, string> = {}
  for (let left = reader.varint(); left > 0; left--) {
    const name = reader.varblob()?.toString() ?? ''
    headers[name] = reader.varblob()?.toString() ?? ''
  }
  if (reader.left > 0) throw new BatchError(CORRUPT_MESSAGE)
  return { key: textOf(key), value: textOf(value), headers }
}

function textOf(bytes: Buffer | null): string | null {
  return bytes === null ? null : bytes.toString()
}
