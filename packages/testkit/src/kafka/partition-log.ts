/** Records of one partition, and what it remembers of idempotent producers. */
import type { ProducedRecord, RecordBatch } from './record-batch.ts'

/** One record, as it is kept. */
export interface KafkaRecord extends ProducedRecord {
  readonly partition: number
  readonly offset: number
}

/** How a batch was taken. */
export type Appended =
  | { readonly errorCode: 0; readonly baseOffset: number }
  | { readonly errorCode: number; readonly baseOffset: -1 }

interface Remembered {
  readonly first: number
  readonly last: number
  readonly baseOffset: number
}

interface ProducerState {
  epoch: number
  batches: Remembered[]
}

const OUT_OF_ORDER_SEQUENCE_NUMBER = 45
const INVALID_PRODUCER_EPOCH = 47
const UNKNOWN_PRODUCER_ID = 59
/** Batches by which a broker knows a repetition (KIP-98, and `NUM_BATCHES_TO_RETAIN` of Apache Kafka). */
const REMEMBERED = 5

export class PartitionLog {
  readonly records: KafkaRecord[] = []
  readonly #partition: number
  readonly #producers = new Map<bigint, ProducerState>()

  constructor(partition: number) {
    this.#partition = partition
  }

  /**
   * Append a batch. One that an idempotent producer sends again is answered as the first time and not kept; its content
   * is not compared, as a broker does not either.
   */
  append(batch: RecordBatch): Appended {
    const { producerId, producerEpoch, firstSequence, records } = batch
    if (producerId < 0n) return this.#keep(records)
    const state = this.#producers.get(producerId) ?? { epoch: producerEpoch, batches: [] }
    if (producerEpoch < state.epoch) return refused(INVALID_PRODUCER_EPOCH)
    if (producerEpoch > state.epoch) state.batches = []
    state.epoch = producerEpoch
    const last = firstSequence + records.length - 1
    const known = state.batches.find((one) => one.first === firstSequence && one.last === last)
    if (known !== undefined) return { errorCode: 0, baseOffset: known.baseOffset }
    const newest = state.batches.at(-1)
    if (newest === undefined && firstSequence !== 0) return refused(UNKNOWN_PRODUCER_ID)
    if (newest !== undefined && firstSequence !== newest.last + 1) {
      return refused(OUT_OF_ORDER_SEQUENCE_NUMBER)
    }
    const kept = this.#keep(records)
    state.batches.push({ first: firstSequence, last, baseOffset: kept.baseOffset })
    if (state.batches.length > REMEMBERED) state.batches.shift()
    this.#producers.set(producerId, state)
    return kept
  }

  #keep(records: readonly ProducedRecord[]): Appended {
    const baseOffset = this.records.length
    for (const record of records) {
      this.records.push({ ...record, partition: this.#partition, offset: this.records.length })
    }
    return { errorCode: 0, baseOffset }
  }
}

function refused(errorCode: number): Appended {
  return { errorCode, baseOffset: -1 }
}
