/**
 * The registry as its documents tell it (DESIGN §4, `entry-messages.ts`), for the registry's own dialect: a second
 * implementation, slow and simple. Every operation gives its answer, its record, and the model as it is afterwards.
 */
import type { AuditOutcome, RequestOf } from '@secreg/protocol'
import { REASONS } from '@secreg/protocol'
import { ModelDraft } from './model-draft.ts'
import { isCounted, isExpired, isLive, type Life, type Place, Refusal } from './model-life.ts'
import { OPERATIONS } from './model-operations.ts'
import { isWithin, type Who } from './model-policy.ts'

/** The two clocks of a registry. */
export interface ModelClock {
  /** What is shown. */
  wall(): number
  /** What expiry goes by. */
  now(): number
}

/** An import as one operation. */
export interface ImportRequest {
  readonly force: boolean
  readonly entries: readonly RequestOf<'set'>[]
}

type Requests = {
  readonly [Op in
    | 'get'
    | 'set'
    | 'delete'
    | 'list'
    | 'history'
    | 'versions'
    | 'meta'
    | 'search'
    | 'transfer'
    | 'txn']: RequestOf<Op>
} & { readonly import: ImportRequest }

export type CallName = keyof Requests
/** One request of one caller. */
export type Call = {
  [Op in CallName]: { readonly op: Op; readonly who: Who; readonly request: Requests[Op] }
}[CallName]

export type Outcome = { readonly answer: unknown } | { readonly reason: string }

/** Members of an audit record that are compared. */
export interface ModelRecord {
  readonly action: string
  readonly outcome: AuditOutcome
  readonly user: string
  readonly paths: readonly string[]
  readonly reason?: string
  readonly versions?: readonly number[]
}

/** What an operation comes to. */
export interface Ran {
  readonly outcome: Outcome
  readonly record?: ModelRecord
  /** Whether it makes a commit. */
  readonly changes: boolean
  readonly next: Model
}

export interface RunFacts {
  /** Last revision before, so that of a change is one more. */
  readonly head: number
  /** Latest numbers as they are told afterwards, where the model knows only that they are higher. */
  readonly learned: ReadonlyMap<string, number>
}

export type Polls = Map<string, readonly { readonly by: string; readonly at: number }[]>

export class Model {
  readonly clock: ModelClock
  readonly places: ReadonlyMap<string, Place>
  /** Who asked in vain whether something had changed, latest first, by path. */
  readonly polls: Polls

  constructor(
    clock: ModelClock,
    places: ReadonlyMap<string, Place> = new Map(),
    polls: Polls = new Map(),
  ) {
    this.clock = clock
    this.places = places
    this.polls = polls
  }

  run(call: Call, facts: RunFacts): Ran {
    const draft = new ModelDraft(this, call.who, facts)
    try {
      const operation = OPERATIONS[call.op] as (draft: ModelDraft, request: unknown) => unknown
      const answer = operation(draft, call.request)
      const next = new Model(this.clock, draft.places, draft.polls)
      const { changes } = draft
      if (!draft.isRecorded) return { outcome: { answer }, changes, next }
      return { outcome: { answer }, record: this.#record(call.who, draft, 'ok'), changes, next }
    } catch (refusal) {
      if (!(refusal instanceof Refusal)) throw refusal
      const { reason } = refusal
      const { status } = REASONS[reason]
      const outcome = status === 'AccessDenied' ? 'denied' : 'failed'
      const record = this.#record(call.who, draft, outcome, reason)
      return { outcome: { reason }, record, changes: false, next: this }
    }
  }

  /** What an operation is recorded as that the store refuses. */
  failed(call: Call, facts: RunFacts, reason: string): ModelRecord | undefined {
    const { record } = this.run(call, facts)
    if (record === undefined) return undefined
    const { versions: _, ...rest } = record
    return { ...rest, outcome: 'failed', reason }
  }

  #record(
    user: string,
    { action, paths, versions }: ModelDraft,
    outcome: AuditOutcome,
    reason?: string,
  ): ModelRecord {
    return {
      action,
      outcome,
      user,
      paths,
      ...(reason === undefined ? {} : { reason }),
      ...(outcome !== 'ok' || versions === undefined ? {} : { versions }),
    }
  }

  /** Another process: what was in memory only is gone, but for the numbers. */
  restarted(clock: ModelClock): Model {
    const places = structuredClone(this.places) as Map<string, Place>
    for (const place of places.values()) {
      if (place.life?.ephemeral !== true) continue
      place.latest = place.life.latest
      place.floating = true
      delete place.life
    }
    return new Model(clock, places)
  }

  /** What the sweeper takes by now. @returns `undefined` when there is nothing to take */
  swept(now: number, revision: number): { next: Model; paths: readonly string[] } | undefined {
    const places = structuredClone(this.places) as Map<string, Place>
    const paths: string[] = []
    for (const [path, place] of places) {
      const { life } = place
      if (life === undefined) continue
      if (isExpired(life, now)) {
        end(place, life)
        paths.push(path)
        continue
      }
      const due = [...life.versions.values()].filter(
        ({ expiresAt, destroyed, swept }) =>
          expiresAt !== undefined && expiresAt <= now && !destroyed && !swept,
      )
      if (due.length === 0) continue
      paths.push(path)
      for (const version of due) version.swept = true
      Object.assign(life, { revision, modifiedAt: this.clock.wall(), modifiedBy: 'secregd' })
    }
    return paths.length === 0
      ? undefined
      : { next: new Model(this.clock, places, this.polls), paths }
  }

  /** Whether anything is to expire. */
  get expires(): boolean {
    return [...this.places.values()].some(
      ({ life }) =>
        life !== undefined &&
        (life.expiresAt !== undefined ||
          [...life.versions.values()].some(({ expiresAt, swept }) => expiresAt && !swept)),
    )
  }

  /** The life of a path that has not expired. */
  life(path: string): Life | undefined {
    const life = this.places.get(path)?.life
    return life === undefined || isExpired(life, this.clock.now()) ? undefined : life
  }

  /** Latest number that a path is known to have used. */
  latest(path: string): number {
    const place = this.places.get(path)
    return place?.life?.latest ?? place?.latest ?? 0
  }

  /** Paths whose next number is not known. */
  get floating(): string[] {
    return [...this.places].filter(([, { floating }]) => floating).map(([path]) => path)
  }

  /** What can be read strictly below a prefix, in the order of bytes. */
  liveBelow(prefix: string): string[] {
    return this.below(prefix).filter((path) => isLive(this.life(path), this.clock.now()))
  }

  below(prefix: string): string[] {
    return [...this.places.keys()]
      .filter((path) => path !== prefix && (prefix === '' || isWithin(path, prefix)))
      .filter((path) => this.life(path) !== undefined)
      .sort((a, b) => (a < b ? -1 : 1))
  }

  /** What status tells. */
  get entries(): number {
    return [...this.places.values()].filter(({ life }) => isCounted(life)).length
  }
}

/** A life ends; its numbers stay used. */
export function end(place: Place, { latest }: Life): void {
  delete place.life
  delete place.movedId
  place.latest = latest
  place.floating = false
}
