/**
 * Lets erased bytes leave the files (DESIGN §5): destroy, purge and the switch to ephemeral note the entry in the same
 * commit; here its ranges are compacted and the note is taken back. What a death interrupts goes on at the next start.
 */
import type { Engine, Op } from '@secreg/storage'
import { ERASURE_SPACE, entryKey, erasureKey, type Space, versionSpaces } from './keys.ts'
import type { Writer } from './writer.ts'

/** Notes from which the whole spaces are compacted at once. */
const MANY = 8
/** Notes that one round takes. */
const ROUND = 10_000
/** How long an answer waits for its erasure, milliseconds; it goes on afterwards. */
const WAIT_MS = 10_000

const decoder = new TextDecoder()

export interface EraserOptions {
  readonly engine: Engine
  readonly writer: Writer
  /** Rows may be written. */
  readonly mayRun: () => boolean
  readonly onFault: ((fault: unknown) => void) | undefined
  readonly waitMs?: number
}

export class Eraser {
  readonly #options: EraserOptions
  readonly #stop = new AbortController()
  #running: Promise<void> | undefined
  /** Something was noted since the round under way began. */
  #again = false
  /** Nothing is known to wait. */
  #idle = false

  constructor(options: EraserOptions) {
    this.#options = options
  }

  /** Whether erased bytes may still be in files. */
  get isPending(): boolean {
    return !this.#idle
  }

  /**
   * Wait until what was noted before this call has left the files, for some seconds.
   *
   * @returns false when it goes on in the background
   */
  async settle(): Promise<boolean> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), this.#options.waitMs ?? WAIT_MS)
    })
    const done = this.#run().then(
      () => this.#idle,
      () => false,
    )
    try {
      return await Promise.race([done, late])
    } finally {
      clearTimeout(timer)
    }
  }

  /** Note that there is something to erase, for the next {@link tick}. */
  note(): void {
    this.#idle = false
  }

  /** Go on with what waits; called now and then. */
  tick(): void {
    if (this.#idle || this.#running !== undefined || !this.#options.mayRun()) return
    this.#run().catch((fault: unknown) => this.#options.onFault?.(fault))
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#running?.catch(() => {})
  }

  #run(): Promise<void> {
    this.#idle = false
    if (this.#running === undefined) {
      this.#running = this.#rounds().finally(() => {
        this.#running = undefined
      })
      return this.#running
    }
    // The round under way may have read its notes before ours was there.
    this.#again = true
    return this.#running
  }

  async #rounds(): Promise<void> {
    do {
      this.#again = false
      const more = await this.#round()
      this.#again ||= more
    } while (this.#again && !this.#stop.signal.aborted)
    this.#idle = !this.#again
  }

  /** @returns whether there is more */
  async #round(): Promise<boolean> {
    const { engine, writer } = this.#options
    const notes: { readonly id: string; readonly path: string }[] = []
    const iterator = engine.iterate({ ...ERASURE_SPACE, limit: ROUND })
    try {
      for await (const { key, value } of iterator) {
        notes.push({ id: key.slice(ERASURE_SPACE.gte.length), path: decoder.decode(value) })
      }
    } finally {
      await iterator.close()
    }
    if (notes.length === 0) return false
    for (const { gte, lt } of rangesOf(notes)) {
      await engine.compact(gte, lt, { signal: this.#stop.signal })
    }
    const ops: Op[] = notes.map(({ id }) => ({ type: 'delete', key: erasureKey(id) }))
    await writer.commitAside(ops)
    return notes.length === ROUND
  }
}

function rangesOf(notes: readonly { readonly id: string; readonly path: string }[]): Space[] {
  if (notes.length >= MANY) {
    return [
      { gte: 'e/', lt: 'e0' },
      { gte: 'v/', lt: 'w0' },
    ]
  }
  return notes.flatMap(({ id, path }) => [
    ...versionSpaces(id),
    // No character of a path comes before `!` in ASCII but the space, so this holds the one record.
    { gte: entryKey(path), lt: `${entryKey(path)}!` },
  ])
}
