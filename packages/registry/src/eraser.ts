/**
 * Lets erased bytes leave the files (DESIGN §5): destroy, purge and the switch to ephemeral note the entry in the same
 * commit, and so does what leaves the seal header; here its ranges are compacted and the note is taken back. What a
 * death interrupts goes on at the next start.
 */
import type { Engine, KeyedRow, Op } from '@secreg/storage'
import {
  ENTRY_SPACE,
  ERASURE_SPACE,
  entryKey,
  erasureKey,
  SEAL_SPACE,
  type Space,
  versionSpaces,
} from './keys.ts'
import type { Writer } from './writer.ts'

/** Notes from which the whole spaces are compacted at once. */
const MANY = 8
/** Notes that one round takes. */
const ROUND = 10_000
/** How long an answer waits for its erasure, milliseconds; it goes on afterwards. */
const WAIT_MS = 10_000

/** In place of an entry's id: the seal header. */
const SEAL_ID = 'seal'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** A note that something of an entry is to be erased, as it was read. */
interface Note {
  readonly key: string
  readonly revision: number
  readonly id: string
  readonly paths: readonly string[]
}

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
  #running: Promise<boolean> | undefined
  /** Begins after the one that is running. */
  #next: Promise<boolean> | undefined

  constructor(options: EraserOptions) {
    this.#options = options
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
    try {
      return await Promise.race([this.#run().catch(() => false), late])
    } finally {
      clearTimeout(timer)
    }
  }

  /** Erase what is noted, whoever noted it: an answer may have been lost. Called now and then. */
  tick(): void {
    if (this.#running !== undefined || !this.#options.mayRun()) return
    this.#run().catch((fault: unknown) => this.#options.onFault?.(fault))
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await (this.#next ?? this.#running)?.catch(() => {})
  }

  /** A pass that begins now or later; one that is under way may have read its notes before. */
  #run(): Promise<boolean> {
    if (this.#running === undefined) return this.#begin()
    const begin = (): Promise<boolean> => {
      this.#next = undefined
      return this.#running ?? this.#begin()
    }
    this.#next ??= this.#running.then(begin, begin)
    return this.#next
  }

  #begin(): Promise<boolean> {
    this.#running = this.#pass().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  /** @returns false when it was stopped before its end */
  async #pass(): Promise<boolean> {
    while (!this.#stop.signal.aborted) if (!(await this.#round())) return true
    return false
  }

  /** @returns whether there is more */
  async #round(): Promise<boolean> {
    const { engine, writer } = this.#options
    const notes = await this.#read({ limit: ROUND })
    const last = notes.at(-1)
    if (last === undefined) return false
    for (const { gte, lt } of rangesOf(notes)) {
      await engine.compact(gte, lt, { signal: this.#stop.signal })
    }
    const done = new Map(notes.map(({ key, revision }) => [key, revision]))
    await writer.commitAside(async () => {
      const left = await this.#read({ lte: last.key })
      // What was noted anew meanwhile has still to be done.
      return left
        .filter(({ key, revision }) => done.get(key) === revision)
        .map(({ key }): Op => ({ type: 'delete', key }))
    })
    return notes.length === ROUND
  }

  async #read(part: { readonly limit: number } | { readonly lte: string }): Promise<Note[]> {
    const { gte, lt } = ERASURE_SPACE
    const notes: Note[] = []
    const iterator = this.#options.engine.iterate(
      'lte' in part ? { gte, ...part } : { gte, lt, ...part },
    )
    try {
      for await (const row of iterator) notes.push(noteOf(row))
    } finally {
      await iterator.close()
    }
    return notes
  }
}

/** Value of a note: the paths at which the entry is or was; none when they are too many to be kept. */
export function encodeErasure(paths: readonly string[]): Uint8Array {
  return encoder.encode(paths.join('\n'))
}

/** The note that an old seal header is to leave the files: whoever has it needs no more than what opened it then. */
export function sealErasureOp(): Op {
  return { type: 'put', key: erasureKey(SEAL_ID), value: new Uint8Array() }
}

function noteOf({ key, value, modifyRevision: revision }: KeyedRow): Note {
  const id = key.slice(ERASURE_SPACE.gte.length)
  return { key, revision, id, paths: decoder.decode(value).split('\n') }
}

function rangesOf(notes: readonly Note[]): Space[] {
  const entries = notes.filter(({ id }) => id !== SEAL_ID)
  const seal = entries.length < notes.length ? [SEAL_SPACE] : []
  return [...seal, ...entryRanges(entries)]
}

function entryRanges(notes: readonly Note[]): Space[] {
  if (notes.length >= MANY) return [ENTRY_SPACE, { gte: 'v/', lt: 'w0' }]
  return notes.flatMap(({ id, paths }) => [
    ...versionSpaces(id),
    ...paths.map((path) =>
      // No character of a path comes before `!` in ASCII but the space, so this holds the one record.
      path === '' ? ENTRY_SPACE : { gte: entryKey(path), lt: `${entryKey(path)}!` },
    ),
  ])
}
