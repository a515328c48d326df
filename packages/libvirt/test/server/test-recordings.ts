/** The recordings as tests, for any store. */
import { expect, test } from 'vitest'
import { DIFFERENCES } from './differences.ts'
import { play, RECORDINGS } from './play.ts'
import type { ReplayedStore } from './replay.ts'

/** One recording has more secrets than a list holds, which a store that keeps a log takes seconds for. */
const LONGEST_MS = 180_000

/** Tests that every answer is the recorded one, but for the known differences. */
export function testRecordings(openStore: () => Promise<ReplayedStore>): void {
  test.each([
    { version: '9.0', name: 'v9', answers: 1_400 },
    { version: '11.3', name: 'v11', answers: 250 },
    { version: '12.8', name: 'v12', answers: 40 },
  ] as const)('libvirt $version', { timeout: LONGEST_MS }, async ({ name, answers }) => {
    const store = await openStore()
    try {
      const played = await play(RECORDINGS[name], store)
      expect(played.faults).toEqual([])
      expect(played.differences).toEqual(DIFFERENCES[name])
      expect(played.answers).toBeGreaterThan(answers)
    } finally {
      await store.close()
    }
  })
}
