/** How a commit gets into LevelDB, and how it is hidden from readers until its answer. Called in the writer's turn. */
import { assertBatch } from './batch.ts'
import { type Batch, type CommitResult, DEFAULT_LIMITS } from './engine.ts'
import { StorageError } from './errors.ts'
import type { Head } from './head-row.ts'
import type { LevelOperation } from './level-port.ts'
import { planCommit } from './level-rows.ts'
import type { LevelSession } from './level-session.ts'
import { type StoredRow, scratchMemory } from './row-format.ts'
import { atOnce, inSlices } from './slices.ts'

export class LevelCommits {
  readonly #session: LevelSession
  readonly #load: (key: string) => StoredRow | undefined
  #count = 0

  /** @param load - reads a stored row past the cache */
  constructor(session: LevelSession, load: (key: string) => StoredRow | undefined) {
    this.#session = session
    this.#load = load
  }

  /** Commits made. */
  get count(): number {
    return this.#count
  }

  async small(batch: Batch): Promise<CommitResult> {
    const session = this.#session
    await session.usable()
    const check = session.check
    const verified = session.verified
    const before = new Map<string, StoredRow | undefined>()
    const after: (StoredRow | undefined)[] = []
    const operations: LevelOperation[] = []
    const head = atOnce(
      planCommit({
        batch,
        last: session.head,
        check,
        verified,
        memory: Buffer.allocUnsafeSlow,
        current: (key) => session.cache.get(key) ?? this.#load(key),
        replaced: (key, old, row) => {
          before.set(key, old)
          after.push(row)
        },
        write: (operation) => operations.push(operation),
      }),
    )
    const { revision } = head
    session.inFlight = before
    try {
      await session.write(operations, revision)
    } finally {
      session.inFlight = undefined
    }
    // After a reopening everything has been read back already.
    if (session.head.revision !== revision) {
      let index = 0
      for (const key of before.keys()) {
        const op = batch.ops[index]
        const row = op?.type === 'put' && op.cold === true ? undefined : after[index]
        index++
        // A row written under another check than the one set meanwhile has to prove itself.
        if (row === undefined || session.check !== check) session.cache.delete(key)
        else session.cache.set(key, row)
      }
    }
    return this.#committed(head, verified)
  }

  /**
   * The same in slices. LevelDB takes over each row as soon as it is made, reads are answered from
   * before the commit until its end, and its rows leave the cache on the way, so that the end
   * itself is one step whatever the size.
   */
  async large(batch: Batch): Promise<CommitResult> {
    const session = this.#session
    await inSlices(assertBatch(batch, DEFAULT_LIMITS))
    await session.usable()
    const check = session.check
    const verified = session.verified
    const writing = session.db.batch()
    const past = session.db.snapshot()
    session.past = past
    try {
      const head = await inSlices(
        planCommit({
          batch,
          last: session.head,
          check,
          verified,
          memory: scratchMemory(),
          current: (key) => session.cache.get(key) ?? this.#load(key),
          replaced: (key) => session.cache.delete(key),
          write: (operation) => writing.add(operation),
        }),
      )
      if (session.check !== check) {
        throw new StorageError(
          'ERR_STORAGE_WRITE_FAILED',
          'the row check was replaced during the commit; nothing was written',
        )
      }
      await session.synced(() => writing.write(), head.revision)
      return this.#committed(head, verified)
    } catch (error) {
      throw session.translate(error)
    } finally {
      session.past = undefined
      await Promise.allSettled([writing.close(), past.close()])
    }
  }

  #committed(head: Head, verified: number | undefined): CommitResult {
    const session = this.#session
    const { revision } = head
    this.#count++
    if (session.head.revision !== revision) {
      session.head = head
      if (session.verified === verified) session.verified = undefined
    }
    return { revision }
  }
}
