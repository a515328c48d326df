import type { ChangeEvent } from '@secreg/protocol'
import { MemoryEngine } from '@secreg/storage'
import { FaultEngine } from '@secreg/storage/testing'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  decodeChangeHeader,
  decodeChangePiece,
  encodeChange,
  readChangeCount,
} from '../src/change.ts'
import { reason, restart, start } from './fixture.ts'

/** Paths of characters that JSON, or whoever looks for a boundary in it, could take for something else. */
const path = fc
  .array(fc.constantFrom('a', '{', '}', ',', ':', 'é', '🎈', "'", '%', '/x'), { minLength: 1 })
  .map((parts) => `/${parts.join('').replaceAll(/\/+/g, '/b')}`)
const events = fc.array(
  fc.record<ChangeEvent>({
    op: fc.constantFrom('set', 'purge', 'expire'),
    key: path,
    version: fc.nat(),
    type: fc.constantFrom('string', 'json'),
    encrypted: fc.boolean(),
  }),
  { maxLength: 30 },
)

test('what is written is read again, whole and in pieces of every size', async () => {
  await fc.assert(
    fc.asyncProperty(
      events,
      fc.nat(),
      fc.nat(),
      fc.integer({ min: 1, max: 900 }),
      async (all, t, n, size) => {
        const payload = await encodeChange({ timeMs: t, count: n }, all)
        expect(JSON.parse(new TextDecoder().decode(payload))).toEqual({ t, n, e: all })
        expect(decodeChangeHeader(payload)).toEqual({ timeMs: t, count: n })
        const read: ChangeEvent[] = []
        let pieces = 0
        for (let from: number | undefined = 0; from !== undefined; pieces++) {
          const piece = decodeChangePiece(payload, from, size)
          read.push(...piece.events)
          from = piece.next
        }
        expect(read).toEqual(all)
        expect(pieces).toBeLessThanOrEqual(Math.max(1, all.length))
        if (size < 50 && all.length > 1) expect(pieces).toBeGreaterThan(1)
      },
    ),
  )
})

test('fault: a path that ends like an event was taken for the end of one', async () => {
  const all = ['/a},{', '/b', '/c},{', '/d'].map(
    (key): ChangeEvent => ({ op: 'set', key, version: 1, type: 'string', encrypted: false }),
  )
  const payload = await encodeChange({ timeMs: 1, count: 4 }, all)
  for (let size = 1; size < 400; size++) {
    const read: ChangeEvent[] = []
    for (let from: number | undefined = 0; from !== undefined; ) {
      const piece = decodeChangePiece(payload, from, size)
      read.push(...piece.events)
      from = piece.next
    }
    expect(read).toEqual(all)
  }
})

test('many events make the same bytes as few', async () => {
  const all: ChangeEvent[] = Array.from({ length: 5000 }, (_, i) => ({
    op: 'set',
    key: `/many/${i}`,
    version: 1,
    type: 'string',
    encrypted: false,
  }))
  const payload = await encodeChange({ timeMs: 1.5, count: 7 }, all)
  expect(new TextDecoder().decode(payload)).toBe(JSON.stringify({ t: 1, n: 7, e: all }))
})

test.each([
  '',
  '{}',
  '[]',
  '{"t":1,"n":1}',
  '{"t":"1","n":1,"e":[]}',
  '{"n":1,"t":1,"e":[]}',
  'x'.repeat(99),
])('a row that begins as %j is damaged', (text) => {
  const payload = new TextEncoder().encode(text)
  expect(() => decodeChangeHeader(payload)).toThrow(reason('STORAGE_CORRUPT') as Error)
  expect(() => decodeChangePiece(payload, 0)).toThrow(reason('STORAGE_CORRUPT') as Error)
})

test('a row whose events are cut or no text is damaged', () => {
  for (const bytes of [
    Buffer.from('{"t":1,"n":1,"e":[{"op":"se]}'),
    Buffer.concat([Buffer.from('{"t":1,"n":1,"e":["'), Buffer.of(0xff), Buffer.from('"]}')]),
  ]) {
    expect(() => decodeChangePiece(bytes, 0)).toThrow(reason('STORAGE_CORRUPT') as Error)
  }
})

test('events are counted since the store began, across restarts and rows without events', async () => {
  const medium = new MemoryEngine()
  const now = 1_800_000_000_123
  const counted = async (): Promise<number[]> => {
    const counts: number[] = []
    for await (const { payload } of medium.changes(0)) {
      const { count, timeMs } = decodeChangeHeader(payload ?? new Uint8Array())
      expect(timeMs).toBe(now)
      counts.push(count)
    }
    return counts
  }
  const home = await start({ engine: new FaultEngine(medium), now: () => now })
  await home.api.set({ key: '/a', value: '1' })
  await home.api.txn({
    then: [
      { op: 'set', key: '/b', value: '1' },
      { op: 'set', key: '/c', value: '1' },
    ],
  })
  // Closing frees the outbox with a commit that tells of nothing.
  await home.registry.close()
  const again = await restart({
    engine: new FaultEngine(medium),
    files: home.files,
    now: () => now,
  })
  await again.api.delete({ key: '/a' })
  const counts = await counted()
  expect(counts).toEqual(counts.toSorted((a, b) => a - b))
  expect(counts.at(-1)).toBe(4)
  expect(await readChangeCount(medium)).toBe(4)
  await medium.trimChanges(medium.head - 1)
  expect(await readChangeCount(medium)).toBe(4)
  await medium.trimChanges(medium.head)
  expect(await readChangeCount(medium)).toBe(0)
})
