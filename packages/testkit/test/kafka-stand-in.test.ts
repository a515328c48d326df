/** The parts of the stand-in that decide what a test sees: the bytes of records, and what a partition remembers. */
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { KafkaStandIn } from '../src/index.ts'
import { ByteReader, ByteWriter, crc32c } from '../src/kafka/bytes.ts'
import { PartitionLog } from '../src/kafka/partition-log.ts'
import { decodeRecordBatch } from '../src/kafka/record-batch.ts'
import { waitFor } from '../src/wait-for.ts'

test('CRC-32C gives the check value of its catalogue entry', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
})

test('numbers of variable length are zig-zag', () => {
  for (const [hex, value] of [
    ['00', 0],
    ['01', -1],
    ['02', 1],
    ['ac02', 150],
    ['ffffffff0f', -2_147_483_648],
  ] as const) {
    expect(new ByteReader(Buffer.from(hex, 'hex')).varint()).toBe(value)
  }
  expect(() => new ByteReader(Buffer.alloc(11, 0xff)).varint()).toThrow(RangeError)
})

/** One record, `key` and `value`, of producer 7 from sequence 3 on. */
function batchBytes(): Buffer {
  const record = Buffer.from('000000066b65790a76616c756500', 'hex')
  const covered = new ByteWriter()
    .int16(0)
    .int32(0)
    .int64(1n)
    .int64(1n)
    .int64(7n)
    .int16(2)
    .int32(3)
    .int32(1)
    .int8(2 * record.length)
    .bytes(record)
    .finish()
  const crc = Buffer.alloc(4)
  crc.writeUInt32BE(crc32c(covered))
  const batch = new ByteWriter().int32(0).int8(2).bytes(crc).bytes(covered).finish()
  return new ByteWriter().int64(0n).blob(batch).finish()
}

test('a batch is read, and one with any bit of its content changed is refused', () => {
  const bytes = batchBytes()
  expect(decodeRecordBatch(bytes)).toEqual({
    producerId: 7n,
    producerEpoch: 2,
    firstSequence: 3,
    records: [{ key: 'key', value: 'value', headers: {} }],
  })
  // Behind base offset, length and leader epoch, which the sum does not cover.
  for (let bit = 8 * 16; bit < 8 * bytes.length; bit++) {
    const changed = Buffer.from(bytes)
    changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7))
    expect(() => decodeRecordBatch(changed), `bit ${bit}`).toThrow('error code 2')
  }
})

function batch(producerId: bigint, firstSequence: number, count: number, producerEpoch = 0) {
  const records = Array.from({ length: count }, (_, index) => ({
    key: null,
    value: `${firstSequence + index}`,
    headers: {},
  }))
  return { producerId, producerEpoch, firstSequence, records }
}

test('a partition knows what an idempotent producer repeats, and takes nothing out of order', () => {
  const log = new PartitionLog(0)
  expect(log.append(batch(1n, 0, 2))).toEqual({ errorCode: 0, baseOffset: 0 })
  expect(log.append(batch(1n, 2, 3))).toEqual({ errorCode: 0, baseOffset: 2 })
  expect(log.append(batch(1n, 0, 2))).toEqual({ errorCode: 0, baseOffset: 0 })
  expect(log.append(batch(1n, 2, 3))).toEqual({ errorCode: 0, baseOffset: 2 })
  expect(log.append(batch(1n, 2, 2)).errorCode).toBe(45)
  expect(log.append(batch(1n, 6, 1)).errorCode).toBe(45)
  expect(log.append(batch(2n, 1, 1)).errorCode).toBe(59)
  expect(log.append(batch(1n, 0, 1, 1))).toEqual({ errorCode: 0, baseOffset: 5 })
  expect(log.append(batch(1n, 5, 1, 0)).errorCode).toBe(47)
  expect(log.records.length).toBe(6)
  // Without a number nothing can be known again.
  log.append(batch(-1n, -1, 1))
  log.append(batch(-1n, -1, 1))
  expect(log.records.map(({ offset }) => offset)).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
})

test.each([
  ['no request', Buffer.from([0, 0, 0, 2, 0, 0])],
  ['a request of 4 GiB', Buffer.from([255, 255, 255, 255])],
  [
    'one that it does not know',
    new ByteWriter()
      .blob(new ByteWriter().int16(1).int16(0).int32(1).string('a').finish())
      .finish(),
  ],
])('%s closes the connection, and nothing else', async (_, bytes) => {
  await using broker = await KafkaStandIn.start()
  const socket = connect(broker.port, '127.0.0.1')
  let closed = false
  socket.on('close', () => {
    closed = true
  })
  socket.on('error', () => {})
  socket.write(bytes)
  await waitFor(() => closed)
  await waitFor(() => broker.connections === 0)
})

test('it comes back on its port', async () => {
  await using broker = await KafkaStandIn.start()
  const { address } = broker
  await broker.stop()
  await broker.start()
  expect(broker.address).toBe(address)
})
