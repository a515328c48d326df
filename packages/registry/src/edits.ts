/** Entries under change by one operation, and the plan that they make together. */
import {
  type Action,
  type AuditAction,
  type Caller,
  type ChangeEvent,
  isAtOrBelow,
  SecregError,
} from '@secreg/protocol'
import type { Op } from '@secreg/storage'
import { auditBody, isTooLong, type RecordFacts } from './audit-record.ts'
import type { Core } from './core.ts'
import { EntryEdit } from './entry-edit.ts'
import type { EditContext } from './entry-state.ts'
import type { View } from './group-view.ts'
import type { Plan, Slices } from './operation.ts'
import { UniqueKeys } from './unique-keys.ts'
import { UsageTally } from './usage.ts'
import { requireUsage } from './usage-right.ts'
import { OUTBOX_ROWS } from './writer.ts'

/** Rows that a plan makes at once; larger ones are made in slices. */
const ROWS_AT_ONCE = 32

/** What the plan of an operation says and answers. */
export interface Outcome<T> {
  readonly action: AuditAction
  readonly facts: RecordFacts
  /** Right to change what an entry is for; default `grant`. */
  readonly usageRight?: Action
  readonly result: (revision: number) => T
}

export class Edits {
  readonly #core: Core
  readonly #view: View
  readonly #context: EditContext
  readonly #edits = new Map<string, EntryEdit>()
  /** Keyed hashes of the values that were written where the configuration asks for them. */
  readonly #hashes: Record<string, string> = {}
  #erases = false

  /** @param expiryNowMs - time by which things have expired; default that of readers */
  constructor(core: Core, caller: Caller, view: View, expiryNowMs: number = core.clock.now()) {
    this.#core = core
    this.#view = view
    const prefixes = core.settings.valueHashPrefixes ?? []
    this.#context = {
      keys: core.keys,
      crypto: core.crypto,
      nowMs: core.now(),
      expiryNowMs,
      by: authorOf(caller),
      renumbering: core.renumbering,
      newEntryId: core.newEntryId,
      ...(prefixes.length === 0
        ? {}
        : {
            onValue: (path, bytes) => {
              if (!prefixes.some((prefix) => isAtOrBelow(path, prefix))) return
              this.#hashes[path] = core.keys.reference('value', bytes)
            },
          }),
    }
  }

  get expiryNowMs(): number {
    return this.#context.expiryNowMs
  }

  /** Whether what was planned erases bytes that have to leave the files. */
  get erases(): boolean {
    return this.#erases
  }

  /** The entry of a path; the same object each time. */
  at(path: string): EntryEdit {
    let edit = this.#edits.get(path)
    if (edit === undefined) {
      edit = new EntryEdit(this.#context, this.#core.mounts.at(path), path, this.#view)
      this.#edits.set(path, edit)
    }
    return edit
  }

  /**
   * The plan of everything that was done here.
   *
   * @throws SecregError `ERR_ACCESS_DENIED` when the caller may not have an entry be for what it would be for from then
   *   on; `ERR_LIMIT_EXCEEDED` when it is more than one commit holds; `ERR_QUOTA_EXCEEDED` when a mount
   *   would hold more than it may; `ERR_ALREADY_EXISTS` when two entries would have what only one may have
   */
  *plan<T>(caller: Caller, outcome: Outcome<T>): Generator<undefined, Plan<T>> {
    const ops: Op[] = []
    const events: ChangeEvent[] = []
    let durable = 0
    let volatile = 0
    let bytes = 0
    const usage = new UsageTally()
    let uniques: UniqueKeys | undefined
    for (const edit of this.#edits.values()) {
      yield
      const change = edit.finish()
      this.#erases ||= change.erases
      requireUsage(this.#core, caller, edit, outcome.usageRight)
      for (const op of change.ops) {
        ops.push(op)
        bytes += op.key.length + (op.type === 'put' ? op.value.length : 0)
      }
      if (edit.mount.rules?.unique !== undefined && change.ops.length > 0) {
        uniques ??= new UniqueKeys(this.#core, this.expiryNowMs)
        uniques.add(edit, edit.before, edit.entry)
      }
      for (const event of change.events) {
        events.push(event)
        // Of the event and the record.
        bytes += 6 * event.key.length + 128
      }
      durable += change.shown.durable
      volatile += change.shown.volatile
      if (change.growth !== undefined) usage.add(edit.mount, change.growth, change.adds)
    }
    for (const op of uniques?.plan(this.#view) ?? []) {
      ops.push(op)
      bytes += op.key.length + (op.type === 'put' ? op.value.length : 0)
    }
    const { maxOps, maxBytes } = this.#core.engine.limits
    if (ops.length + 1 + OUTBOX_ROWS > maxOps || bytes + 65_536 > maxBytes) {
      throw tooMuch()
    }
    ops.push(...usage.plan(this.#view))
    ops.push(...this.#core.counters.plan(this.#view, { durable, volatile }))
    const record = auditBody(caller, outcome.action, 'ok', this.#withHashes(outcome.facts))
    // Committed, it would have to be logged, and could not be.
    if (isTooLong(record)) throw tooMuch()
    return {
      ops,
      events,
      record,
      result: outcome.result,
    }
  }

  #withHashes(facts: RecordFacts): RecordFacts {
    return Object.keys(this.#hashes).length === 0 ? facts : { ...facts, valueHashes: this.#hashes }
  }
}

/** A plan that is made at once when it is small, and in slices of the event loop otherwise. */
export function atOnceOrSliced<T>(
  rows: number,
  make: Generator<undefined, Plan<T>>,
): Plan<T> | Slices<T> {
  if (rows > ROWS_AT_ONCE) return { slices: make }
  for (;;) {
    const step = make.next()
    if (step.done === true) return step.value
  }
}

function tooMuch(): SecregError {
  return new SecregError('LIMIT_EXCEEDED', 'this is too much for one commit; take it in parts')
}

/** Name that an entry remembers as its author. */
export function authorOf(caller: Caller): string {
  return caller.login ?? caller.principals[0] ?? 'unknown'
}
