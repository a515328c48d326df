/** Takes what has expired from the disk: entries are erased, versions deleted (DESIGN §4). */
import type { Op } from '@secreg/storage'
import type { Core } from './core.ts'
import { Edits } from './edits.ts'
import { internalCaller } from './internal-caller.ts'
import { EXPIRY_SPACE, parseExpiryKey, TIME_KEY } from './keys.ts'
import type { Plan } from './operation.ts'
import { type Facts, refusalBody } from './recorded.ts'

/** Rows of what expires that one commit takes. */
const ROUND = 256
/** How often the high-water mark of the clock is kept while something is to expire, milliseconds. */
const MARK_EVERY_MS = 60_000

const decoder = new TextDecoder()
const encoder = new TextEncoder()

const SWEEPER = internalCaller('sweeper')

export class Sweeper {
  readonly #core: Core
  #markedMs = 0

  constructor(core: Core) {
    this.#core = core
  }

  /** Take what is due by now, round by round. The registry must be unsealed. */
  async sweep(): Promise<void> {
    const { clock, engine, writer } = this.#core
    const nowMs = clock.believed()
    for (;;) {
      const due: string[] = []
      let waits = false
      const iterator = engine.iterate({ ...EXPIRY_SPACE, limit: ROUND })
      try {
        for await (const { key } of iterator) {
          if (parseExpiryKey(key).atMs > nowMs) {
            waits = true
            break
          }
          due.push(key)
        }
      } finally {
        await iterator.close()
      }
      if (due.length > 0) await this.#expire(due, nowMs)
      else if (waits && nowMs - this.#markedMs >= MARK_EVERY_MS) {
        await writer.commitAside(() => [markOp(nowMs)])
        this.#markedMs = nowMs
      }
      if (due.length < ROUND) return
    }
  }

  /** Keep the high-water mark at the end, where something is to expire. */
  async mark(): Promise<void> {
    const { clock, engine, writer } = this.#core
    const iterator = engine.iterate({ ...EXPIRY_SPACE, limit: 1 })
    try {
      if ((await iterator.next()) === undefined) return
    } finally {
      await iterator.close()
    }
    await writer.commitAside(() => [markOp(clock.believed())])
  }

  async #expire(due: readonly string[], nowMs: number): Promise<void> {
    const core = this.#core
    const paths = [...new Set(due.map((key) => parseExpiryKey(key).path))]
    const facts: Facts = { action: 'expire', paths, count: due.length }
    await core.writer.submit({
      plan: (view) => {
        core.keys.requireUnsealed()
        // What has expired for readers only, by a leap of the clock that has not lasted, is still there.
        const edits = new Edits(core, SWEEPER, view, nowMs)
        function* all(): Generator<undefined, Plan<undefined>> {
          const done: Op[] = []
          for (const key of due) {
            yield
            const row = view.get(key)
            if (row === undefined) continue
            done.push({ type: 'delete', key })
            const { path, version } = parseExpiryKey(key)
            const edit = edits.at(path)
            if (version === 0) {
              edit.expire()
              continue
            }
            const isSame = edit.entry?.id === decoder.decode(row.value)
            const header = isSame ? edit.version(version) : undefined
            const isDue = header?.expiresAtMs !== undefined && header.expiresAtMs <= nowMs
            if (isDue && header.deletedAtMs === undefined && !header.destroyed) {
              edit.deleteVersion(version, 'expire')
            }
          }
          const result = (): undefined => undefined
          const plan = yield* edits.plan(SWEEPER, { action: facts.action, facts, result })
          const written = new Set(plan.ops.map(({ key }) => key))
          const rest = done.filter(({ key }) => !written.has(key))
          return { ...plan, ops: [...plan.ops, ...rest, markOp(nowMs)] }
        }
        return { slices: all() }
      },
      refusal: (error) => refusalBody(SWEEPER, facts, error),
    })
    this.#markedMs = nowMs
  }
}

function markOp(nowMs: number): Op {
  return { type: 'put', key: TIME_KEY, value: encoder.encode(String(nowMs)) }
}

/** The high-water mark that a store has. */
export function parseMark(value: Uint8Array): number {
  const mark = Number(decoder.decode(value))
  return Number.isSafeInteger(mark) ? mark : 0
}
