/**
 * One idempotent producer, of kafkajs. It lives until something fails: the numbers by which a broker knows a repetition are
 * then in doubt, and with a producer of its own the next attempt can be doubled but never be taken for a repetition of
 * something else.
 */
import type { Kafka, Message, Producer, SASLOptions } from 'kafkajs'
import { FaultError } from './fault.ts'
import { KafkaSockets } from './kafka-sockets.ts'
import type { EgressPayload, KafkaCluster } from './messages.ts'

type KafkaModule = typeof import('kafkajs')
type Send = EgressPayload<'kafka.send'>

const CONNECT_MS = 5000
/** Time of a broker for one batch; ours for its answer is a little longer, so that it is the broker who gives up. */
const ACKNOWLEDGE_MS = 8000
const ANSWER_MS = 10_000
/** Of a request. Few, because whoever asks tries again, too. */
const RETRIES = Object.freeze({ retries: 2, initialRetryTime: 200, maxRetryTime: 2000 })
/** -1: of all replicas in sync. */
const ALL_REPLICAS = -1

export class KafkaConnection {
  readonly #sockets = new KafkaSockets()
  readonly #partitions = new WeakMap<Message, number>()
  readonly #producer: Producer

  private constructor(kafkajs: KafkaModule, cluster: KafkaCluster) {
    this.#producer = this.#kafkaOf(kafkajs, cluster).producer({
      idempotent: true,
      // With one, no batch of a partition can overtake another.
      maxInFlightRequests: 1,
      retry: RETRIES,
      createPartitioner: () => {
        const choose = kafkajs.Partitioners.DefaultPartitioner()
        // A message stays in its partition when it is sent again: other companions there would get its numbers.
        return (asked) => {
          const partition = this.#partitions.get(asked.message) ?? choose(asked)
          this.#partitions.set(asked.message, partition)
          return partition
        }
      },
    })
  }

  /**
   * Connect, unless it is taken back.
   *
   * @throws FaultError `UNSUPPORTED` when kafkajs is not installed; what kafkajs throws
   */
  static async open(cluster: KafkaCluster, signal: AbortSignal): Promise<KafkaConnection> {
    const kafkajs = await load()
    signal.throwIfAborted()
    const connection = new KafkaConnection(kafkajs, cluster)
    const cut = (): void => connection.cut()
    signal.addEventListener('abort', cut, { once: true })
    try {
      await connection.#producer.connect()
      signal.throwIfAborted()
      return connection
    } catch (error) {
      cut()
      throw error
    } finally {
      signal.removeEventListener('abort', cut)
    }
  }

  /** Send to all topics; resolves when each message of each topic is known to be kept. */
  async send({ topics, messages }: Send): Promise<number> {
    const topicMessages = topics.map((topic) => ({
      topic,
      messages: messages.map(
        ({ key, value, headers }): Message => ({ key, value, headers: headers ?? {} }),
      ),
    }))
    const answers = await this.#producer.sendBatch({
      topicMessages,
      acks: ALL_REPLICAS,
      timeout: ACKNOWLEDGE_MS,
    })
    const kept = new Set(answers.map(({ topicName, partition }) => `${topicName} ${partition}`))
    for (const { topic, messages: sent } of topicMessages) {
      for (const message of sent) {
        // When leaders change between two attempts, kafkajs can resolve without having sent to all of them.
        if (!kept.has(`${topic} ${this.#partitions.get(message)}`))
          throw new FaultError('PEER_FAILED')
      }
    }
    return topics.length * messages.length
  }

  /** End at once: what is under way is not waited for. */
  cut(): void {
    this.#sockets.cut()
    this.#producer.disconnect().catch(() => {})
  }

  #kafkaOf({ Kafka, logLevel }: KafkaModule, cluster: KafkaCluster): Kafka {
    const { brokers, clientId, tls, ca, sasl } = cluster
    return new Kafka({
      brokers,
      clientId,
      ssl: tls && { rejectUnauthorized: true, ...(ca === undefined ? {} : { ca }) },
      ...(sasl === undefined ? {} : { sasl: sasl as SASLOptions }),
      socketFactory: this.#sockets.factory,
      connectionTimeout: CONNECT_MS,
      authenticationTimeout: CONNECT_MS,
      requestTimeout: ANSWER_MS,
      retry: RETRIES,
      logLevel: logLevel.NOTHING,
      // It logs what brokers say.
      logCreator: () => () => {},
    })
  }
}

/** kafkajs is an optional package, and this process is of use without it. */
async function load(): Promise<KafkaModule> {
  try {
    const module = await import('kafkajs')
    return module.default ?? module
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw code === 'ERR_MODULE_NOT_FOUND' ? new FaultError('UNSUPPORTED') : error
  }
}
