/**
 * Where records of the audit log go beside the log: each sink reads what is synced, at its own pace and from where it has
 * got, so that a slow or dead one holds nothing up and loses nothing.
 */
import type { AuditLog } from '@secreg/audit'
import { nodeFiles } from '@secreg/audit'
import { createCursorFiles, type Deliver, type SinkEvent, SinkRunner } from '@secreg/audit/sinks'
import type { Config, Logger } from '@secreg/host'
import type { SinkStatus } from '@secreg/protocol'
import { auditOrigin } from '@secreg/registry'
import type { Egress } from '../egress/egress-process.ts'
import type { EventRefs } from './kafka-envelope.ts'
import { createKafkaDelivery } from './kafka-sink.ts'
import { createSyslogSink } from './syslog-sink.ts'

export interface AuditSinksOptions {
  readonly config: Config
  readonly log: AuditLog
  readonly logger: Logger
  /** Does the work towards Kafka. */
  readonly egress: () => Pick<Egress, 'call'>
  /** Keyed references; undefined while the registry is sealed. */
  readonly refs: () => EventRefs | undefined
}

/** Longer than one answer of the egress child may take, milliseconds. */
const BATCH_MS = 90_000
/** Time that a batch under way has when the daemon stops, milliseconds. */
const GRACE_MS = 200

interface Sink {
  readonly runner: SinkRunner
  readonly close: () => void
}

export class AuditSinks {
  readonly #sinks: readonly Sink[]
  readonly #forget: () => void

  constructor(options: AuditSinksOptions) {
    this.#sinks = sinksOf(options)
    const poke = (): void => {
      for (const { runner } of this.#sinks) runner.poke()
    }
    this.#forget = options.log.onSynced(poke)
    // What was written before this start.
    poke()
  }

  /** How far each has got. */
  get status(): readonly SinkStatus[] {
    return this.#sinks.map(({ runner }) => runner.status)
  }

  /** Whether there are any. */
  get isNeeded(): boolean {
    return this.#sinks.length > 0
  }

  /** Whether records arrive somewhere. */
  get isShipping(): boolean {
    return this.status.some(({ state }) => state === 'idle' || state === 'delivering')
  }

  /** Last segment that all of them have done with. */
  get doneWith(): number {
    return Math.min(...this.#sinks.map(({ runner }) => runner.cursor.segment - 1))
  }

  /** Something has changed that a sink may have waited for. */
  poke(): void {
    for (const { runner } of this.#sinks) runner.poke()
  }

  async close(): Promise<void> {
    this.#forget()
    await Promise.all(this.#sinks.map(({ runner }) => runner.close(GRACE_MS)))
    for (const { close } of this.#sinks) close()
  }
}

function sinksOf(options: AuditSinksOptions): Sink[] {
  const { config, log, logger, egress, refs } = options
  const sinks: Sink[] = []
  const add = (name: string, deliver: Deliver, close = (): void => {}): void => {
    const runner = new SinkRunner({
      name,
      batchTimeoutMs: BATCH_MS,
      source: log,
      cursors: createCursorFiles(nodeFiles, config.audit.path),
      deliver,
      observer: (event) => tell(logger, name, event),
    })
    sinks.push({ runner, close })
  }
  if (config.audit.syslog !== undefined) {
    const { deliver, close } = createSyslogSink(config.audit.syslog, config)
    add('syslog', deliver, close)
  }
  if (config.kafka.brokers.length > 0) {
    let send: Deliver | undefined
    add('kafka', async (records, signal) => {
      send ??= createKafkaDelivery({
        egress: egress(),
        config: config.kafka,
        refs,
        // There is a first line, or there were no records.
        origin: auditOrigin((await log.evidence.firstHash()) ?? ''),
      })
      await send(records, signal)
    })
  }
  return sinks
}

/** Codes only: the text of a peer could hold anything. */
function tell(logger: Logger, sink: string, event: SinkEvent): void {
  switch (event.type) {
    case 'recovered':
      logger.info(`audit sink ${sink}: recovered`, { count: event.sequence })
      return
    case 'missed':
      logger.error(`audit sink ${sink}: records were removed before it had them`, {
        count: event.records,
      })
      return
    case 'cursor-rejected':
      logger.warn(`audit sink ${sink}: its cursor is ${event.reason}; everything is sent again`)
      return
    case 'cursor-failed':
      logger.warn(`audit sink ${sink}: its cursor cannot be stored`, { code: event.error })
      return
    case 'failed':
      logger.warn(`audit sink ${sink}: not delivered, tried again`, { code: event.error })
  }
}
