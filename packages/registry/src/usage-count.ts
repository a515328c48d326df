/** Counting what the entries of a subtree take, as far as they belong to its mount. */
import { isAtOrBelow } from '@secreg/protocol'
import type { Engine, KeyedRow } from '@secreg/storage'
import { decodeEntry, type Entry } from './entry.ts'
import { ENTRY_SPACE, entryKey, pathOfEntryKey, type Space, valueKey, versionKey } from './keys.ts'
import { numbersUp } from './number-set.ts'
import { SLICE_MS } from './slices.ts'
import { addUsage, NO_USAGE, type SplitUsage, type Usage } from './usage.ts'

/** The records of a subtree, its top among them, and of few paths beside it. */
export function countSpace(path: string): Space {
  return path === '/' ? ENTRY_SPACE : { gte: entryKey(path), lt: `${entryKey(path)}0` }
}

export class UsageCount {
  readonly #engine: Pick<Engine, 'get'>
  readonly #isOwn: (path: string) => boolean
  readonly #path: string
  #durable = NO_USAGE
  #volatile = NO_USAGE

  /** @param isOwn - whether an entry of the subtree belongs to its mount, and not to one below */
  constructor(engine: Pick<Engine, 'get'>, path: string, isOwn: (path: string) => boolean) {
    this.#engine = engine
    this.#path = path
    this.#isOwn = isOwn
  }

  get usage(): SplitUsage {
    return { durable: this.#durable, volatile: this.#volatile }
  }

  /** Count some records with whatever belongs to them, in slices of the event loop. */
  async take(rows: readonly KeyedRow[]): Promise<void> {
    let until = performance.now() + SLICE_MS
    const pause = async (): Promise<void> => {
      await new Promise((resume) => setImmediate(resume))
      until = performance.now() + SLICE_MS
    }
    for (const row of rows) {
      if (performance.now() >= until) await pause()
      const path = pathOfEntryKey(row.key)
      if ((this.#path !== '/' && !isAtOrBelow(path, this.#path)) || !this.#isOwn(path)) continue
      const entry = decodeEntry(row)
      this.#add(entry, { entries: 1, bytes: row.value.length })
      for (const key of rowsOf(entry)) {
        const found = this.#engine.get(key)
        const bytes = (found instanceof Promise ? await found : found)?.value.length ?? 0
        this.#add(entry, { entries: 0, bytes })
        if (performance.now() >= until) await pause()
      }
    }
  }

  #add({ ephemeral }: Entry, usage: Usage): void {
    if (ephemeral) this.#volatile = addUsage(this.#volatile, usage)
    else this.#durable = addUsage(this.#durable, usage)
  }
}

/** Keys of an entry's rows but its record; some of them may not exist. */
export function* rowsOf({ id, present, scattered }: Entry): Generator<string> {
  for (const number of numbersUp(present)) {
    yield versionKey(id, number)
    if (scattered) yield valueKey(id, number)
  }
}
