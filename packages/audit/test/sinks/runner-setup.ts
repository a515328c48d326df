import type { LogCursor } from '@secreg/audit'
import { type SinkEvent, SinkRunner, type SinkRunnerOptions } from '../../src/sinks/runner.ts'
import type { ForwardRecord } from '../../src/sinks/source.ts'
import { manualClock } from '../support.ts'
import { fakeLog, memoryCursors } from './support.ts'

/** A log, a sink of it, and what comes of them. */
export function setUpRunner(
  options: Partial<SinkRunnerOptions> & { count?: number; stored?: LogCursor } = {},
) {
  const log = fakeLog(options.count ?? 0)
  const cursors = memoryCursors(options.stored)
  const clock = manualClock()
  const events: SinkEvent[] = []
  const delivered: number[] = []
  const failures: unknown[] = []
  const deliver = async (records: readonly ForwardRecord[]): Promise<void> => {
    if (failures.length > 0) throw failures.shift()
    delivered.push(...records.map(({ sequence }) => sequence))
  }
  const start = (): SinkRunner =>
    new SinkRunner({
      name: 'test',
      source: log,
      cursors,
      deliver,
      clock,
      wallTime: () => 1_000_000 + clock.now(),
      random: () => 0,
      maxRecords: 4,
      observer: (event) => events.push(event),
      ...options,
    })
  return { log, cursors, clock, events, delivered, failures, runner: start(), start }
}
