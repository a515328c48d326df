/**
 * Rotation of the data keys (DESIGN §6): after `operations/rotate.ts` has made a new epoch, everything that is sealed
 * under an older one is sealed anew in the background, in small plans between those of the callers. Then the old keys
 * leave the seal header, and what they had sealed leaves the files. Each step is a commit, so a death of the process
 * costs nothing but the time since the last.
 */
import { setTimeout } from 'node:timers/promises'
import { replaceEpochs } from '@secreg/crypto'
import { nodeBackend } from '@secreg/crypto/node'
import { SecregError } from '@secreg/protocol'
import type { KeyedRow } from '@secreg/storage'
import { auditBody } from '../audit-record.ts'
import type { Core } from '../core.ts'
import type { View } from '../group-view.ts'
import { internalCaller } from '../internal-caller.ts'
import { ENTRY_SPACE, entryKey, pathOfEntryKey, ROTATION_KEY } from '../keys.ts'
import { refusalBody } from '../recorded.ts'
import { headerOp, storedHeader } from '../seal-row.ts'
import { Pacer } from '../slices.ts'
import { batchesOf } from './batches.ts'
import { reseal } from './reseal.ts'
import { countStale, type StaleEntry, staleOf } from './stale.ts'
import { decodeRotation, type RotationState, rotationOp } from './state.ts'

/** Entries that are looked at before their values are sealed anew together. */
const PAGE = 32
/** How long it rests after a page, as a part of the time that the page took. */
const REST = 0.5
/** How often progress is kept where there is nothing to seal, milliseconds. */
const KEEP_EVERY_MS = 2000

const ROTATION = internalCaller('rotation')

export class Rotation {
  readonly #core: Core
  readonly #onFault: ((fault: unknown) => void) | undefined
  readonly #stop = new AbortController()
  #running: Promise<void> | undefined
  #state: RotationState | undefined
  #keptMs = 0

  constructor(core: Core, onFault: ((fault: unknown) => void) | undefined) {
    this.#core = core
    this.#onFault = onFault
  }

  /** How far it is; `undefined` when there is none. */
  get state(): RotationState | undefined {
    return this.#state
  }

  /** Know of one that a process before has left. */
  async load(): Promise<void> {
    const row = await this.#core.engine.get(ROTATION_KEY)
    this.#state = row === undefined ? undefined : decodeRotation(row)
  }

  /** Take note of one that a commit has just begun. */
  begun(state: RotationState): void {
    this.#state = state
    this.tick()
  }

  /** Go on with what there is to do; called now and then while unsealed. */
  tick(): void {
    if (this.#running !== undefined || this.#stop.signal.aborted) return
    this.#running = this.#run()
      .catch((fault: unknown) => {
        // Locked or stopped on the way: it goes on at the next unlock.
        if (!this.#stop.signal.aborted && !isSealed(fault)) this.#onFault?.(fault)
      })
      .finally(() => {
        this.#running = undefined
      })
  }

  /** Wait until nothing more can be done; for tests and who has the time in his own hands. */
  async settle(): Promise<void> {
    this.tick()
    await this.#running
  }

  async close(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    for (;;) {
      await this.load()
      const state = this.#state
      if (state === undefined || state.phase === 'blocked') return
      this.#core.keys.requireUnsealed()
      this.#stop.signal.throwIfAborted()
      if (state.phase === 'values') await this.#values(state)
      else if (state.phase === 'check') await this.#check(state)
      else await this.#erase()
    }
  }

  async #values(from: RotationState): Promise<void> {
    const pacer = new Pacer()
    let state = from
    for (;;) {
      this.#stop.signal.throwIfAborted()
      const beginMs = performance.now()
      const page = await this.#page(state.after)
      const last = page.at(-1)
      if (last === undefined) break
      const pieces = await this.#stale(page, pacer)
      const done = state.done + page.length
      const next = { ...state, after: pathOfEntryKey(last.key), done }
      state = await this.#seal(pieces, next)
      this.#state = state
      await this.#rest((performance.now() - beginMs) * REST)
    }
    await this.#keep({ ...state, phase: 'check' })
  }

  /** Callers come first: a part of the time is theirs alone, and the garbage collector's. */
  async #rest(ms: number): Promise<void> {
    await setTimeout(ms, undefined, { ref: false, signal: this.#stop.signal })
  }

  async #stale(page: readonly KeyedRow[], pacer: Pacer): Promise<StaleEntry[]> {
    const pieces: StaleEntry[] = []
    const snapshot = this.#core.engine.snapshot()
    try {
      for (const row of page) {
        for await (const piece of staleOf(this.#core, snapshot, row, pacer)) pieces.push(piece)
      }
    } finally {
      await snapshot.close()
    }
    return pieces
  }

  async #page(after: string): Promise<KeyedRow[]> {
    const { gte, lt } = ENTRY_SPACE
    const range = after === '' ? { gte, lt } : { gt: entryKey(after), lt }
    // An iterator of its own for each page: one that stays open would keep erased bytes in the files.
    const iterator = this.#core.engine.iterate({ ...range, limit: PAGE })
    try {
      return await iterator.nextPage(PAGE)
    } finally {
      await iterator.close()
    }
  }

  /** Seal the pieces of a page anew; the last plan keeps how far it is. */
  async #seal(pieces: readonly StaleEntry[], state: RotationState): Promise<RotationState> {
    const batches = batchesOf(pieces)
    const last = batches.pop()
    if (last === undefined) {
      const nowMs = performance.now()
      if (nowMs - this.#keptMs >= KEEP_EVERY_MS) await this.#keep(state)
      return state
    }
    const results = await Promise.all([
      ...batches.map((batch) => this.#plan(state.epoch, batch)),
      this.#plan(state.epoch, last, state),
    ])
    this.#keptMs = performance.now()
    const unreadable = results.reduce((sum, count) => sum + count, state.unreadable)
    return { ...state, unreadable }
  }

  /** @returns how many values could not be opened */
  #plan(epoch: number, batch: readonly StaleEntry[], kept?: RotationState): Promise<number> {
    const { keys, writer } = this.#core
    return writer.submit({
      plan: (view) => {
        keys.requireUnsealed()
        requireCurrent(view, epoch)
        const { ops, unreadable } = reseal(this.#core, view, batch)
        return {
          ops: kept === undefined ? ops : [...ops, rotationOp(kept)],
          result: () => unreadable,
        }
      },
      refusal: () => undefined,
    })
  }

  async #keep(state: RotationState): Promise<void> {
    await this.#core.writer.submit({
      plan: (view) => {
        this.#core.keys.requireUnsealed()
        requireCurrent(view, state.epoch)
        return { ops: [rotationOp(state)], result: () => undefined }
      },
      refusal: () => undefined,
    })
    this.#keptMs = performance.now()
    this.#state = state
  }

  /** Whatever was moved to where it had been already is found by its versions, which do not move. */
  async #check(state: RotationState): Promise<void> {
    const left = await countStale(this.#core, this.#stop.signal)
    if (left === 0) await this.#drop(state)
    else if (left > state.unreadable) {
      await this.#keep({ ...state, phase: 'values', after: '', done: 0, unreadable: 0 })
    } else await this.#keep({ ...state, phase: 'blocked', unreadable: left })
  }

  /** Take the old keys out of the header. */
  async #drop(state: RotationState): Promise<void> {
    const { keys, writer } = this.#core
    const facts = { action: 'rotate', detail: `finished epoch ${state.epoch}` } as const
    await writer.submit({
      plan: (view) => {
        keys.requireUnsealed()
        requireCurrent(view, state.epoch)
        const header = keys.changeHeader(storedHeader(view), (stored, headerKey) => {
          const epochs = stored.epochs.filter(({ epoch }) => epoch === state.epoch)
          return replaceEpochs(stored, headerKey, epochs, { backend: nodeBackend })
        })
        return {
          ops: [headerOp(header), rotationOp({ ...state, phase: 'erase' })],
          record: auditBody(ROTATION, 'rotate', 'ok', facts),
          publish: () => keys.replaceHeader(header),
          result: () => undefined,
        }
      },
      refusal: (error) => refusalBody(ROTATION, { ...facts }, error),
    })
  }

  /** Let old values, and the header with the old keys, leave the files; only then forget those keys. */
  async #erase(): Promise<void> {
    const { engine, keys, writer } = this.#core
    await engine.compact('', '', { signal: this.#stop.signal })
    await writer.submit({
      plan: () => {
        keys.requireUnsealed()
        return {
          ops: [{ type: 'delete', key: ROTATION_KEY }],
          // Nobody reads from a snapshot of before: the compaction has waited for those.
          publish: () => keys.dropOldEpochs(),
          result: () => undefined,
        }
      },
      refusal: () => undefined,
    })
  }
}

/** @throws SecregError `ERR_INTERNAL` when another rotation has taken its place */
function requireCurrent(view: View, epoch: number): void {
  const row = view.get(ROTATION_KEY)
  if (row === undefined || decodeRotation(row).epoch !== epoch) {
    throw new SecregError('INTERNAL', 'another rotation has begun')
  }
}

function isSealed(fault: unknown): boolean {
  return SecregError.is(fault) && (fault.reason === 'SEALED' || fault.reason === 'SHUTTING_DOWN')
}
