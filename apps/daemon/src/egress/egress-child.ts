/**
 * The egress child, `secregd egress`: does what the daemon asks of it over its standard input, and answers over its standard
 * output. It reads no file of the registry, and gets credentials with each question that needs them. It ends when its
 * input does, which is when the daemon is gone.
 */
import { hardenProcess } from '@secreg/host'
import { AnswerQueue, type FrameOutput } from './answer-queue.ts'
import { FaultError, faultOf } from './fault.ts'
import { FrameReader } from './frames.ts'
import { HttpRequests } from './http-requests.ts'
import { KafkaProducer } from './kafka-producer.ts'
import { EGRESS_LIMITS, type EgressAnswer, type EgressQuestion, readOrder } from './messages.ts'

/** EX_SOFTWARE and EX_PROTOCOL of sysexits(3). */
const INTERNAL_FAULT = 70
const PROTOCOL_FAULT = 76

/** Run until the input ends. */
export function runEgressChild(): void {
  const answers = new AnswerQueue(takeOutput())
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    // They come to the daemon too, which may have something to send before it goes.
    process.on(signal, () => {})
  }
  // Node.js would print the message, and those of libraries quote their peers.
  process.on('uncaughtException', () => process.exit(INTERNAL_FAULT))
  hardenProcess()
  const operations = new Operations(answers)
  const reader = new FrameReader(EGRESS_LIMITS.questionBytes)
  process.stdin.on('data', (chunk: Buffer) => {
    try {
      for (const message of reader.push(chunk)) operations.take(message)
    } catch {
      process.exit(PROTOCOL_FAULT)
    }
  })
  for (const event of ['end', 'close', 'error']) process.stdin.on(event, () => process.exit(0))
}

/** Only answers go to standard output, whatever a library prints. */
function takeOutput(): FrameOutput {
  const { stdout } = process
  const write = stdout.write.bind(stdout)
  stdout.on('error', () => process.exit(0))
  const drop = (): boolean => true
  Object.assign(stdout, { write: drop })
  return { write, onDrain: (listener) => void stdout.on('drain', listener) }
}

class Operations {
  readonly #answers: AnswerQueue
  readonly #running = new Map<number, AbortController>()
  readonly #kafka = new KafkaProducer()
  readonly #http = new HttpRequests()

  constructor(answers: AnswerQueue) {
    this.#answers = answers
  }

  /** Take one message of the daemon. @throws FaultError when it is none */
  take(message: unknown): void {
    const order = readOrder(message)
    switch (order?.kind) {
      case 'question':
        this.#start(order.question)
        return
      case 'cancel':
        // One that was answered meanwhile is answered.
        this.#running.get(order.id)?.abort()
        this.#answers.takeBack(order.id)
        return
      case 'invalid':
        this.#answer(order.id, () => ({ id: order.id, ok: false, error: 'INVALID' }))
        return
      default:
        throw new FaultError('INVALID')
    }
  }

  #start(question: EgressQuestion): void {
    const { id } = question
    if (this.#running.has(id)) throw new FaultError('INVALID')
    const controller = new AbortController()
    this.#running.set(id, controller)
    this.#run(question, controller.signal).then(
      (make) => this.#answer(id, () => ({ id, ok: true, result: make() })),
      (error: unknown) => this.#answer(id, () => ({ id, ok: false, error: faultOf(error) })),
    )
  }

  async #run(question: EgressQuestion, signal: AbortSignal): Promise<() => unknown> {
    switch (question.op) {
      case 'kafka.send': {
        const sent = await this.#kafka.send(question.payload, signal)
        return () => sent
      }
      case 'kafka.close': {
        const closed = await this.#kafka.close()
        return () => closed
      }
      case 'http.request':
        return this.#http.send(question.payload, signal)
    }
  }

  #answer(id: number, make: () => EgressAnswer): void {
    this.#running.delete(id)
    this.#answers.push(id, make)
  }
}
