/**
 * Operations by door, operation and outcome, and how long they took. Counting costs two look-ups and three additions in
 * arrays that are made once; text is made of them when somebody scrapes. Labels are of closed lists, so that nothing
 * that a client has written can become one.
 */
import type { CollectedSample } from './collected-metric.ts'
import type { Metrics } from './metrics.ts'

/** How an operation ended: done, refused for lack of rights or identity, or anything else. As in the audit log. */
export type OperationOutcome = 'ok' | 'denied' | 'failed'

/** All outcomes. */
export const OPERATION_OUTCOMES: readonly OperationOutcome[] = Object.freeze([
  'ok',
  'denied',
  'failed',
])

/** What there is to be counted. */
export interface OperationLabels<D extends string, O extends string> {
  readonly doors: readonly D[]
  readonly operations: readonly O[]
  /** Upper bounds of the buckets of the durations, seconds, ascending. Default from 100 µs to 10 s. */
  readonly bucketSeconds?: readonly number[]
}

/** Counts operations. */
export interface OperationMeter<D extends string, O extends string> {
  /**
   * Count one operation.
   *
   * @param seconds - from its last byte to its answer; what is no positive number counts as 0
   * @throws RangeError when door, operation or outcome are not of the lists
   */
  observe(door: D, operation: O, outcome: OperationOutcome, seconds: number): void
}

const BUCKET_SECONDS = Object.freeze([
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10,
])

/**
 * Create the meter of a process, as `operations_total` and `operation_duration_seconds` of its metrics.
 *
 * @example
 * ```ts
 * const meter = createOperationMeter(createMetrics(), { doors: ['registry'], operations: ['get', 'set'] })
 * meter.observe('registry', 'get', 'ok', 0.0002)
 * // secreg_operations_total{door="registry",operation="get",outcome="ok"} 1
 * ```
 */
export function createOperationMeter<const D extends string, const O extends string>(
  metrics: Metrics,
  labels: OperationLabels<D, O>,
): OperationMeter<D, O> {
  const counts = new OperationCounts(labels)
  metrics.collected('operations_total', 'Operations by door, operation and outcome', {
    type: 'counter',
    samples: () => counts.outcomes(),
  })
  metrics.collected(
    'operation_duration_seconds',
    'Time from the last byte of a request to its answer',
    { type: 'histogram', samples: () => counts.durations() },
  )
  return counts
}

const OUTCOMES = OPERATION_OUTCOMES.length

class OperationCounts<D extends string, O extends string> implements OperationMeter<D, O> {
  readonly #labels: OperationLabels<D, O>
  readonly #bounds: readonly number[]
  readonly #doors: ReadonlyMap<string, number>
  readonly #operations: ReadonlyMap<string, number>
  /** Of each pair of door and operation: how often each outcome was. */
  readonly #counts: Float64Array
  /** Of each pair: how many took so long and no less than the bound before; the last is beyond all bounds. */
  readonly #buckets: Float64Array
  readonly #sums: Float64Array

  constructor(labels: OperationLabels<D, O>) {
    this.#labels = labels
    this.#bounds = [...(labels.bucketSeconds ?? BUCKET_SECONDS)]
    this.#doors = new Map(labels.doors.map((name, index) => [name, index]))
    this.#operations = new Map(labels.operations.map((name, index) => [name, index]))
    const pairs = this.#doors.size * this.#operations.size
    this.#counts = new Float64Array(pairs * OUTCOMES)
    this.#buckets = new Float64Array(pairs * (this.#bounds.length + 1))
    this.#sums = new Float64Array(pairs)
  }

  observe(door: D, operation: O, outcome: OperationOutcome, seconds: number): void {
    const doorAt = this.#doors.get(door)
    const operationAt = this.#operations.get(operation)
    if (doorAt === undefined || operationAt === undefined) {
      throw new RangeError('door or operation: expected one that the meter was made for')
    }
    const pair = doorAt * this.#operations.size + operationAt
    const took = seconds > 0 && seconds < Number.POSITIVE_INFINITY ? seconds : 0
    const bounds = this.#bounds
    let bucket = 0
    while (bucket < bounds.length && took > (bounds[bucket] as number)) bucket++
    add(this.#counts, pair * OUTCOMES + outcomeAt(outcome), 1)
    add(this.#buckets, pair * (bounds.length + 1) + bucket, 1)
    add(this.#sums, pair, took)
  }

  /** All of them from the start: what appears with its first event has no increase that a rule could see. */
  *outcomes(): Generator<CollectedSample> {
    let at = 0
    for (const door of this.#labels.doors) {
      for (const operation of this.#labels.operations) {
        for (const outcome of OPERATION_OUTCOMES) {
          yield { labels: { door, operation, outcome }, value: this.#counts[at++] ?? 0 }
        }
      }
    }
  }

  /** Only of what has happened: each is many lines. */
  *durations(): Generator<CollectedSample> {
    const width = this.#bounds.length + 1
    let pair = 0
    for (const door of this.#labels.doors) {
      for (const operation of this.#labels.operations) {
        const buckets = this.#buckets.subarray(pair * width, (pair + 1) * width)
        const sum = this.#sums[pair++] ?? 0
        let count = 0
        const lines: CollectedSample[] = []
        buckets.forEach((value, at) => {
          count += value
          const le = this.#bounds[at] ?? '+Inf'
          lines.push({ suffix: '_bucket', labels: { door, operation, le }, value: count })
        })
        if (count === 0) continue
        yield* lines
        yield { suffix: '_sum', labels: { door, operation }, value: sum }
        yield { suffix: '_count', labels: { door, operation }, value: count }
      }
    }
  }
}

function add(array: Float64Array, at: number, value: number): void {
  array[at] = (array[at] as number) + value
}

function outcomeAt(outcome: OperationOutcome): number {
  switch (outcome) {
    case 'ok':
      return 0
    case 'denied':
      return 1
    case 'failed':
      return 2
    default:
      throw new RangeError('outcome: expected ok, denied or failed')
  }
}
