/** A backup that is taken while others write is the state at one revision, in every row and for every client. */

import { openBackupFile } from '@secreg/registry/backup-file'
import { TEST_ADMIN } from '@secreg/registry/testing'
import { type Batch, type CommitResult, MemoryEngine, type Snapshot } from '@secreg/storage'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isBackedUp } from '../src/backup/snapshot-rows.ts'
import { readEntries } from '../src/restore/read-entries.ts'
import { type PlainRow, plainRow, readBackup, takeBackup } from './backup-reader.ts'
import { fastScrypt, type Home, start } from './fixture.ts'

/** Keeps what it was at every revision. */
class RememberingEngine extends MemoryEngine {
  readonly past = new Map<number, Snapshot>()

  override async commit(batch: Batch): Promise<CommitResult> {
    const result = await super.commit(batch)
    const snapshot = this.snapshot()
    if (snapshot.revision === result.revision) this.past.set(result.revision, snapshot)
    return result
  }

  async rowsAt(revision: number): Promise<PlainRow[]> {
    const rows: PlainRow[] = []
    for await (const row of (this.past.get(revision) as Snapshot).iterate({})) {
      if (isBackedUp(row.key)) rows.push(plainRow(row))
    }
    return rows
  }
}

type Step =
  | { readonly kind: 'set'; readonly key: number; readonly size: number; readonly encrypt: boolean }
  | { readonly kind: 'delete' | 'purge' | 'pause'; readonly key: number }

/** What a writer has done, with the revision that it was answered. */
interface Done {
  readonly revision: number
  readonly key: string
  readonly value: string | undefined
}

async function write(
  { api }: Pick<Home, 'api'>,
  name: number,
  steps: readonly Step[],
  done: Done[],
): Promise<void> {
  for (const [at, step] of steps.entries()) {
    const key = `/w${name}/${step.key}`
    if (step.kind === 'pause') {
      await new Promise((resume) => setImmediate(resume))
    } else if (step.kind === 'set') {
      const value = `${name} ${at} ${'x'.repeat(step.size)}`
      const { revision } = await api.set({ key, value, encrypt: step.encrypt })
      done.push({ revision, key, value })
    } else {
      const change =
        step.kind === 'delete' ? api.delete({ key }) : api.versions({ op: 'purge', key })
      // What is not there is not deleted.
      const answer = await change.catch(() => undefined)
      if (answer !== undefined) done.push({ revision: answer.revision, key, value: undefined })
    }
  }
}

function stateAt(done: readonly Done[], revision: number): Map<string, string> {
  const state = new Map<string, string>()
  for (const change of done) {
    if (change.revision > revision) continue
    if (change.value === undefined) state.delete(change.key)
    else state.set(change.key, change.value)
  }
  return state
}

async function valuesOf(file: Uint8Array): Promise<Map<string, string>> {
  const proof = { passphrase: TEST_ADMIN.passphrase }
  await using backup = await openBackupFile(() => [file], proof, fastScrypt)
  const entries = await readEntries(backup, '', Date.now())
  return new Map(
    entries.map(({ path, value }) => [path, Buffer.from(value.bytes).toString('utf8')] as const),
  )
}

const sorted = (map: ReadonlyMap<string, string>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1))

test('property: a backup taken under load equals the state at one revision', async () => {
  const step: fc.Arbitrary<Step> = fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('set' as const),
        key: fc.nat(4),
        size: fc.constantFrom(0, 10, 5000, 40_000),
        encrypt: fc.boolean(),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constantFrom('delete' as const, 'purge' as const, 'pause' as const),
        key: fc.nat(4),
      }),
    },
  )
  const plan = fc.record({
    writers: fc.array(fc.array(step, { minLength: 5, maxLength: 40 }), {
      minLength: 2,
      maxLength: 5,
    }),
    /** Turns of the event loop before each backup, and before each of its pieces. */
    backups: fc.array(fc.tuple(fc.nat(12), fc.nat(3)), { minLength: 1, maxLength: 4 }),
    rotates: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(plan, async ({ writers, backups, rotates }) => {
      const engine = new RememberingEngine()
      const home = await start({ engine })
      const done: Done[] = []
      const writing = writers.map((steps, name) => write(home, name, steps, done))
      const files: Uint8Array[] = []
      const turns = async (count: number): Promise<void> => {
        for (let i = 0; i < count; i++) await new Promise((resume) => setImmediate(resume))
      }
      const rotating = rotates ? home.api.rotate({ op: 'start' }) : undefined
      const backing = backups.map(async ([before, between]) => {
        await turns(before)
        files.push((await takeBackup(home.api, () => turns(between))).file)
      })
      await Promise.all([...writing, ...backing, rotating])
      // Of one writer in their order, and no key is of two.
      for (const file of files) {
        const { header, rows } = await readBackup(file)
        expect(rows).toEqual(await engine.rowsAt(header.revision))
        expect(sorted(await valuesOf(file))).toEqual(sorted(stateAt(done, header.revision)))
      }
      await home.registry.close()
    }),
    { numRuns: 60 },
  )
}, 120_000)

test('it takes turns with the writers, and a compaction waits for no backup that is left alone', async () => {
  let nowMs = Date.now()
  const home = await start({ now: () => nowMs })
  for (let i = 0; i < 20; i++) {
    await home.api.set({ key: `/l/${i}`, value: 'L'.repeat(60_000), encrypt: true })
  }
  const { backup = '' } = await home.api.backup({ op: 'begin' })
  await home.api.backup({ op: 'read', backup })
  await home.api.versions({ op: 'purge', key: '/l/0' })
  nowMs += 61_000
  await home.registry.housekeep()
  expect((await home.api.versions({ op: 'purge', key: '/l/1' })).erased).toBe(true)
  await home.registry.close()
})
