/** Names of scheduled backups, and which of them stay. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { backupName, isPartOf, partName, timeOfBackup } from '../src/backups/backup-name.ts'
import { dueMs, expired } from '../src/backups/retention.ts'

const hex = (length: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length })
const backup = fc.record({
  id: hex(32),
  generation: hex(32),
  createdAtMs: fc.integer({ min: 0, max: Date.UTC(9999, 11, 31) }),
})

test('a name tells the time to the second, and a part whose it is', () => {
  fc.assert(
    fc.property(backup, hex(32), (one, other) => {
      const name = backupName(one)
      expect(name).toMatch(/^secreg-\d{8}T\d{6}Z-[0-9a-f]{8}\.backup$/)
      expect(timeOfBackup(name)).toBe(Math.floor(one.createdAtMs / 1000) * 1000)
      const part = partName(one)
      expect(timeOfBackup(part)).toBeUndefined()
      expect(isPartOf(one.generation, part)).toBe(true)
      expect(isPartOf(other, part)).toBe(other.slice(0, 8) === one.generation.slice(0, 8))
      expect(isPartOf(one.generation, name)).toBe(false)
    }),
  )
})

test.each([
  'secreg-20260101T000000Z-0123456.backup',
  'secreg-20260101T000000Z-0123456G.backup',
  'secreg-20260101T000000Z-01234567.backup.old',
  'copy of secreg-20260101T000000Z-01234567.backup',
  'secreg-20260231T000000Z-01234567.backup',
  'secreg-20260101T250000Z-01234567.backup',
  'secreg-20260101T000000-01234567.backup',
  '.secreg-20260101T000000Z-01234567.01234567.part',
  'registry.backup',
  '',
])('%j is no backup of the schedule', (name) => {
  expect(timeOfBackup(name)).toBeUndefined()
})

const DAY = 86_400_000
const dated = fc
  .uniqueArray(fc.integer({ min: -40, max: 40 }), { maxLength: 20 })
  .map((days) => days.map((day) => ({ name: `day ${day}`, timeMs: 1000 * DAY + day * DAY })))

test('property: the new one and the newest before it stay, whatever the clocks say', () => {
  const rules = fc.record({
    keep: fc.integer({ min: 1, max: 10 }),
    keepDays: fc.constantFrom(0, 0, 1, 7, 30),
    nowMs: fc.integer({ min: -50, max: 50 }).map((day) => 1000 * DAY + day * DAY),
  })
  fc.assert(
    fc.property(dated, rules, (others, { keep, keepDays, nowMs }) => {
      const made = { name: 'made', timeMs: 1000 * DAY }
      const files = [...others, made]
      const gone = expired(files, 'made', { keep, keepDays, nowMs })
      expect(gone).not.toContain('made')
      const kept = files.filter(({ name }) => !gone.includes(name))
      expect(kept.length).toBeLessThanOrEqual(keep)
      if (keepDays === 0) expect(kept.length).toBe(Math.min(keep, files.length))
      for (const { name, timeMs } of kept) {
        if (keepDays > 0 && name !== 'made') {
          expect(nowMs - timeMs).toBeLessThanOrEqual(keepDays * DAY)
        }
        // What is gone is older than what stays, or dated by a clock that was ahead.
        for (const file of files) {
          if (!gone.includes(file.name) || (keepDays > 0 && nowMs - file.timeMs > keepDays * DAY)) {
            continue
          }
          const isAhead = file.timeMs > made.timeMs
          expect(isAhead || (name === 'made' ? true : timeMs > file.timeMs)).toBe(true)
        }
      }
    }),
  )
})

test('the next one is due an interval after the last that the clock knows of', () => {
  const at = (...times: number[]) => times.map((timeMs) => ({ name: `${timeMs}`, timeMs }))
  expect(dueMs([], 5000, 1000)).toBe(5000)
  expect(dueMs(at(3000, 4500), 5000, 1000)).toBe(5500)
  expect(dueMs(at(4500, 3000), 5000, 1000)).toBe(5500)
  // One that is dated in the future says nothing.
  expect(dueMs(at(3000, 9000), 5000, 1000)).toBe(4000)
  expect(dueMs(at(9000), 5000, 1000)).toBe(5000)
})
