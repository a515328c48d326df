import { type LogCursor, verifyDirectory } from '@secreg/audit'
import { createMemoryFiles, type PowerLoss, withFaults } from '@secreg/audit/testing'
import { expect, test } from 'vitest'
import { DIRECTORY, items, numbers, openSmall, range, seeded } from './support.ts'

const OUTCOMES: readonly PowerLoss[] = ['lost', 'torn', 'holes']

test.each(OUTCOMES)(
  'loss of power, what was not synced %s: every synced line is there',
  async (outcome) => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = seeded(seed)
      const files = createMemoryFiles()
      let cursor: LogCursor | undefined
      let written = 0
      for (let run = 0; run < 4; run++) {
        const log = await openSmall(files, {
          segmentBytes: 20_000,
          ...(cursor === undefined ? {} : { cursor }),
        })
        const { sequence } = log.tail
        // A line that was written and not synced may be gone; one that was synced may not.
        expect(sequence).toBeGreaterThanOrEqual(cursor?.sequence ?? 0)
        expect(sequence).toBeLessThanOrEqual(written)
        written = sequence
        // The owner stores the cursor later than the log reaches it.
        cursor = random() < 0.5 ? log.synced : (cursor ?? log.synced)
        const steps = Math.floor(random() * 12)
        for (let step = 0; step < steps; step++) {
          const count = 1 + Math.floor(random() * 40)
          log.append(items(count, written + 1))
          written += count
          if (random() < 0.4) {
            const reached = await log.sync()
            if (random() < 0.8) cursor = reached
          }
        }
        expect(await numbers(log)).toEqual(range(written))
        files.crash(outcome, random)
      }
      const log = await openSmall(files, { ...(cursor === undefined ? {} : { cursor }) })
      await log.close()
      const result = await verifyDirectory(DIRECTORY, {
        files,
        known: [log.tail, ...(cursor?.sequence ? [cursor] : [])],
      })
      expect(result).toMatchObject({ ok: true, records: log.tail.sequence })
    }
  },
)

/** A run that makes the log, syncs, rotates; `progress` knows what had returned. */
async function workload(
  files: ReturnType<typeof withFaults>,
  progress: { written: number; cursor?: LogCursor },
): Promise<void> {
  const log = await openSmall(files, {
    segmentBytes: 900,
    ...(progress.cursor === undefined ? {} : { cursor: progress.cursor }),
  })
  progress.cursor = log.synced
  for (let step = 0; step < 6; step++) {
    log.append(items(3, log.tail.sequence + 1))
    progress.written = log.tail.sequence
    if (step % 2 === 1) progress.cursor = await log.sync()
  }
  await log.close()
}

test('death of the process at every operation, within every write: every written line is there', async () => {
  const whole = withFaults(createMemoryFiles())
  await workload(whole, { written: 0 })
  expect(whole.changes).toBeGreaterThan(20)
  for (let at = 1; at <= whole.changes; at++) {
    for (const bytes of [0, 1, 100, 250, 100_000]) {
      const memory = createMemoryFiles()
      const files = withFaults(memory)
      const progress: { written: number; cursor?: LogCursor } = { written: 0 }
      files.dieAt(at, bytes)
      await expect(workload(files, progress)).rejects.toThrow()
      memory.kill()
      const { cursor } = progress
      const log = await openSmall(memory, { ...(cursor === undefined ? {} : { cursor }) })
      expect(log.tail.sequence).toBeGreaterThanOrEqual(progress.written)
      expect(await numbers(log)).toEqual(range(log.tail.sequence))
      expect(log.state).toBe('healthy')
      log.append(items(1, log.tail.sequence + 1))
      await log.close()
      const result = await verifyDirectory(DIRECTORY, { files: memory, known: [log.synced] })
      expect(result.ok).toBe(true)
      // What the second run calls synced is so, whatever the first had left undone.
      memory.crash('lost')
      expect((await openSmall(memory, { cursor: log.synced })).tail).toEqual(log.tail)
    }
  }
})

test('loss of power at every operation: every synced line is there', async () => {
  const whole = withFaults(createMemoryFiles())
  await workload(whole, { written: 0 })
  for (let at = 1; at <= whole.changes; at++) {
    for (const [index, outcome] of OUTCOMES.entries()) {
      const memory = createMemoryFiles()
      const files = withFaults(memory)
      const progress: { written: number; cursor?: LogCursor } = { written: 0 }
      files.dieAt(at, 120)
      await expect(workload(files, progress)).rejects.toThrow()
      memory.crash(outcome, seeded(at * 3 + index))
      const { cursor } = progress
      const log = await openSmall(memory, { ...(cursor === undefined ? {} : { cursor }) })
      expect(log.tail.sequence).toBeGreaterThanOrEqual(cursor?.sequence ?? 0)
      expect(await numbers(log)).toEqual(range(log.tail.sequence))
      // A second loss at once takes nothing that opening had found.
      memory.crash('lost')
      const again = await openSmall(memory, { cursor: log.synced })
      expect(again.tail).toEqual(log.tail)
    }
  }
})
