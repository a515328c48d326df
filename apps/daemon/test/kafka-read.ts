/** What a topic of a real broker holds. */
import { randomBytes } from 'node:crypto'
import type { KafkaRecord } from '@secreg/testkit'
import { waitFor } from '@secreg/testkit'
import { Kafka, logLevel } from 'kafkajs'

/** Read a topic from its beginning to the end that it has now. */
export async function readTopic(address: string, topic: string): Promise<KafkaRecord[]> {
  const kafka = new Kafka({ brokers: [address], clientId: 'test', logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  const offsets = await admin.fetchTopicOffsets(topic)
  await admin.disconnect()
  const total = offsets.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0)
  const consumer = kafka.consumer({ groupId: `test-${randomBytes(6).toString('hex')}` })
  const records: KafkaRecord[] = []
  try {
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      eachMessage: async ({ partition, message }) => {
        records.push({
          partition,
          offset: Number(message.offset),
          key: message.key?.toString() ?? null,
          value: message.value?.toString() ?? null,
          headers: Object.fromEntries(
            Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)]),
          ),
        })
      },
    })
    await waitFor(() => records.length >= total, { timeoutMs: 30_000, what: `all of ${topic}` })
  } finally {
    await consumer.disconnect()
  }
  return records.sort((a, b) => a.partition - b.partition || a.offset - b.offset)
}
