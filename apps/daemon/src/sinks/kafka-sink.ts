/** Delivery of records of the audit log to Kafka, through the egress child. */
import type { LogRecord } from '@secreg/audit'
import { SecregError } from '@secreg/protocol'
import type { Egress } from '../egress/egress-process.ts'
import { EgressError } from '../egress/errors.ts'
import type { EgressPayload, KafkaCluster } from '../egress/messages.ts'
import { type EventRefs, eventsOf, hasEvents } from './kafka-envelope.ts'
import { secretEventsOf, secretMessageOf } from './kafka-secrets.ts'
import { readCertificateFile, readPasswordFile } from './secret-file.ts'

/** What the configuration says. */
export interface KafkaConfig {
  /** `host:port` each. */
  readonly brokers: readonly string[]
  readonly topicPrefix: string
  readonly clientId: string
  readonly tls: boolean
  readonly caFile?: string | undefined
  readonly saslMechanism?: 'plain' | 'scram-sha-256' | 'scram-sha-512' | undefined
  readonly username?: string | undefined
  readonly passwordFile?: string | undefined
}

export interface KafkaDeliveryOptions {
  readonly egress: Pick<Egress, 'call'>
  readonly config: KafkaConfig
  /** Undefined while the registry is sealed: the key of the references is sealed with it. */
  readonly refs: () => EventRefs | undefined
  /** Origin of the log. */
  readonly origin: string
  /** Time for one message to the brokers, milliseconds. Default 60,000. */
  readonly timeoutMs?: number
}

type Message = EgressPayload<'kafka.send'>['messages'][number]

/** Both topics get every event. */
const TOPICS = Object.freeze(['secrets', 'secrets.audit'] as const)
/** Of one batch: half of what a broker takes at least by default, and few enough for kafkajs. */
const BATCH = Object.freeze({ messages: 500, bytes: 512 * 1024 })
const TIMEOUT_MS = 60_000

/**
 * Make the delivery of a sink. It resolves when all replicas in sync have the events of all records; what it rejects has to be
 * given again, from the same record on. Events of one entry arrive in their order, none is left out, and one can come more
 * than once, with the same `event_id`; the first of each are in order.
 *
 * It rejects with SecregError `ERR_SEALED` while there is no key for references, with SinkFileError when a file of the
 * configuration cannot be used, else with EgressError.
 */
export function createKafkaDelivery(
  options: KafkaDeliveryOptions,
): (records: readonly LogRecord[], signal: AbortSignal) => Promise<void> {
  const { egress, config, refs, origin, timeoutMs = TIMEOUT_MS } = options
  const topics = TOPICS.map((topic) => `${config.topicPrefix}.${topic}`)
  /** How far the delivery that failed last had come: one of many batches would never get through otherwise. */
  let begun: { readonly sequence: number; readonly sent: number } | undefined

  const send = async (
    cluster: KafkaCluster,
    messages: Message[],
    signal: AbortSignal,
  ): Promise<void> => {
    try {
      await egress.call('kafka.send', { cluster, topics, messages }, { timeoutMs, signal })
    } catch (error) {
      // A topic may take less than is usual.
      if (!isTooLarge(error) || messages.length === 1) throw error
      const half = messages.length >> 1
      await send(cluster, messages.slice(0, half), signal)
      await send(cluster, messages.slice(half), signal)
    }
  }

  return async (records, signal) => {
    const told = records.filter((one) => hasEvents(one) || secretEventsOf(one).length > 0)
    const [first] = told
    if (first === undefined) return
    const keyed = refs()
    if (keyed === undefined) {
      throw new SecregError('SEALED', 'the key of the references is sealed')
    }
    const messages = told.flatMap((record) => messagesOf(record, keyed, origin))
    let sent = begun?.sequence === first.sequence ? begun.sent : 0
    begun = undefined
    const cluster = await clusterOf(config)
    try {
      while (sent < messages.length) {
        const batch = batchOf(messages, sent)
        await send(cluster, batch, signal)
        sent += batch.length
      }
    } catch (error) {
      begun = { sequence: first.sequence, sent }
      throw error
    }
  }
}

function messagesOf(record: LogRecord, refs: EventRefs, origin: string): Message[] {
  const made = eventsOf(record, refs, origin).map((event) => ({
    key: event.data.path_ref,
    value: JSON.stringify(event),
    headers: { event_id: event.event_id, event_type: event.event_type },
  }))
  const brought = secretEventsOf(record).map((event) => ({
    ...secretMessageOf(event),
    value: JSON.stringify(event),
  }))
  return [...made, ...brought]
}

function batchOf(messages: readonly Message[], from: number): Message[] {
  let bytes = 0
  let to = from
  while (to < messages.length && to - from < BATCH.messages) {
    bytes += Buffer.byteLength((messages[to] as Message).value)
    if (bytes > BATCH.bytes && to > from) break
    to++
  }
  return messages.slice(from, to)
}

/** Read anew each time, so that a password that was changed is taken up. */
async function clusterOf(config: KafkaConfig): Promise<KafkaCluster> {
  const { brokers, clientId, tls, caFile, saslMechanism, username, passwordFile } = config
  const ca = tls && caFile !== undefined ? await readCertificateFile(caFile) : undefined
  const common = {
    brokers: [...brokers],
    clientId,
    tls,
    ...(ca === undefined ? {} : { ca }),
  }
  if (saslMechanism === undefined || username === undefined || passwordFile === undefined) {
    return common
  }
  const password = await readPasswordFile(passwordFile)
  return { ...common, sasl: { mechanism: saslMechanism, username, password } }
}

function isTooLarge(error: unknown): boolean {
  return error instanceof EgressError && error.code === 'ERR_EGRESS_PEER_TOO_LARGE'
}
