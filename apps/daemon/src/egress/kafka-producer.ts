/** Messages to Kafka, one batch after another, over a connection that is made when it is needed. */
import { FaultError } from './fault.ts'
import { KafkaConnection } from './kafka-connection.ts'
import { kafkaFaultOf } from './kafka-fault.ts'
import type { EgressPayload, EgressResult } from './messages.ts'

interface Open {
  /** What it was made with: another cluster, or another password, is another connection. */
  readonly cluster: string
  readonly connection: KafkaConnection
}

export class KafkaProducer {
  #open: Open | undefined
  #turn: Promise<unknown> = Promise.resolve()

  /**
   * Send a batch, after those before it.
   *
   * @throws FaultError; some of it may have been kept
   */
  send(
    batch: EgressPayload<'kafka.send'>,
    signal: AbortSignal,
  ): Promise<EgressResult<'kafka.send'>> {
    const sent = this.#turn.then(() => this.#send(batch, signal))
    this.#turn = sent.catch(() => {})
    return sent
  }

  /** Cut the connection, when what is under way has ended. */
  close(): Promise<EgressResult<'kafka.close'>> {
    const closed = this.#turn.then(() => {
      this.#cut()
      return {}
    })
    this.#turn = closed
    return closed
  }

  async #send(batch: EgressPayload<'kafka.send'>, signal: AbortSignal) {
    if (signal.aborted) throw new FaultError('CANCELLED')
    const work = this.#connected(batch, signal).then((connection) => connection.send(batch))
    try {
      return { sent: await unlessAborted(work, signal) }
    } catch (error) {
      this.#cut()
      throw kafkaFaultOf(error)
    }
  }

  async #connected(
    batch: EgressPayload<'kafka.send'>,
    signal: AbortSignal,
  ): Promise<KafkaConnection> {
    const cluster = JSON.stringify(batch.cluster)
    if (this.#open?.cluster === cluster) return this.#open.connection
    this.#cut()
    const connection = await KafkaConnection.open(batch.cluster, signal)
    this.#open = { cluster, connection }
    return connection
  }

  #cut(): void {
    this.#open?.connection.cut()
    this.#open = undefined
  }
}

/** Wait no longer than until it is taken back. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(new FaultError('CANCELLED'))
    signal.addEventListener('abort', onAbort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
