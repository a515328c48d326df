import {
  createMemoryFiles,
  type MemoryFiles,
  type PowerLoss,
  withFaults,
} from '@secreg/audit/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createCursorFiles } from '../../src/sinks/cursor-file.ts'
import { type SinkEvent, SinkRunner } from '../../src/sinks/runner.ts'
import { DIRECTORY, manualClock, range, seeded } from '../support.ts'
import { fakeLog, settle, until } from './support.ts'

const OUTCOMES: readonly (PowerLoss | 'kill')[] = ['kill', 'lost', 'torn', 'holes']

async function storedIn(files: MemoryFiles): Promise<number> {
  const { cursor } = await createCursorFiles(files, DIRECTORY).load('random')
  return cursor?.sequence ?? 0
}

/** Records reach the receiver again only after a failure or a crash, and none is ever left out. */
async function run(seed: number, outcome: PowerLoss | 'kill'): Promise<void> {
  const random = seeded(seed)
  const files = createMemoryFiles()
  files.makeDirectory(DIRECTORY)
  const log = fakeLog()
  const received: number[] = []
  /** Records that a batch had brought before it failed, and those delivered by each life. */
  let excused = 0
  let counted = 0
  let broken = true
  const events: SinkEvent[] = []
  for (let life = 0; life < 6; life++) {
    const clock = manualClock()
    const from = await storedIn(files)
    const mine = withFaults(files)
    let dead = false
    const runner = new SinkRunner({
      name: 'random',
      source: log,
      cursors: createCursorFiles(mine, DIRECTORY),
      clock,
      random,
      maxRecords: 1 + Math.floor(random() * 6),
      observer: (event) => events.push(event),
      async deliver(records, signal) {
        // A dead process sends nothing.
        if (dead) return new Promise<void>(() => {})
        const fails = broken && random() < 0.4
        const arriving = fails ? Math.floor(random() * (records.length + 1)) : records.length
        for (const { sequence } of records.slice(0, arriving)) received.push(sequence)
        if (!fails) return
        excused += arriving
        if (random() < 0.3) {
          await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
        }
        throw new Error('random')
      },
    })
    for (let step = Math.floor(random() * 12); step > 0; step--) {
      log.add(...range(Math.floor(random() * 9)).map((n) => ({ n })))
      runner.poke()
      await settle(Math.floor(random() * 8))
      if (random() < 0.5) clock.advance(Math.floor(random() * 40_000))
    }
    dead = true
    mine.dieAt(0)
    counted += Math.max(0, runner.status.sequence - from)
    if (outcome === 'kill') files.kill()
    else files.crash(outcome, random)
    // At least once: what is stored is never ahead of what was delivered.
    expect(await storedIn(files)).toBeLessThanOrEqual(Math.max(from, runner.status.sequence))
  }
  broken = false
  log.add({})
  counted += log.synced.sequence - (await storedIn(files))
  const runner = new SinkRunner({
    name: 'random',
    source: log,
    cursors: createCursorFiles(files, DIRECTORY),
    clock: manualClock(),
    deliver: async (records) => void received.push(...records.map(({ sequence }) => sequence)),
  })
  runner.poke()
  await until(() => runner.status.lag === 0)
  await runner.close(0)
  // First deliveries are 1, 2, 3 … without a gap, so the order was kept as well.
  expect([...new Set(received)]).toEqual(range(log.synced.sequence))
  // What comes twice is what a failed batch had brought, or what a crash left unstored.
  expect(received).toHaveLength(counted + excused)
  expect(events.filter(({ type }) => type === 'missed')).toEqual([])
}

test.each(OUTCOMES)(
  'nothing is left out, whatever fails and whenever it ends: %s',
  async (outcome) => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1 }), (seed) => run(seed, outcome)),
      { numRuns: 60 },
    )
  },
)
