/**
 * Work that a caller has begun and goes on with request by request. It belongs to his session, takes one of a few
 * places, and ends when nobody goes on with it.
 */
import { type Caller, SecregError } from '@secreg/protocol'

export interface OpenJobsOptions<T> {
  /** What one is, for messages. */
  readonly what: string
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** A fresh name. */
  readonly newId: () => string
  /** Jobs that are open at once. */
  readonly most: number
  /** One that nobody has touched for so long ends, milliseconds. */
  readonly idleMs: number
  /** One that nobody has touched for so long makes room for another, milliseconds. */
  readonly yieldMs: number
  /** Told when one ends that is being worked on; its work should end soon then. */
  readonly interrupt?: (value: T) => void
  /** Release what one holds. */
  readonly release: (value: T) => void | Promise<void>
}

interface Job<T> {
  readonly owner: Caller
  readonly value: T
  touchedMs: number
  /** Requests that are working on it. */
  working: number
  /** Why it has ended. */
  ended: SecregError | undefined
  /** Never rejects. */
  turn: Promise<unknown>
}

export class OpenJobs<T> {
  readonly #options: OpenJobsOptions<T>
  readonly #jobs = new Map<string, Job<T>>()

  constructor(options: OpenJobsOptions<T>) {
    this.#options = options
  }

  /**
   * Have room for one more.
   *
   * @throws SecregError `ERR_BUSY`
   */
  requireRoom(): void {
    void this.sweep()
    const { most, yieldMs, what } = this.#options
    if (this.#jobs.size < most) return
    const nowMs = this.#options.now()
    let longest: [string, Job<T>] | undefined
    for (const [id, job] of this.#jobs) {
      if (job.working > 0 || nowMs - job.touchedMs < yieldMs) continue
      if (longest === undefined || job.touchedMs < longest[1].touchedMs) longest = [id, job]
    }
    if (longest === undefined) {
      throw new SecregError('BUSY', `too many ${what}s at once; try again`, {
        retryAfterSeconds: Math.max(1, Math.ceil(yieldMs / 1000)),
      })
    }
    this.#end(longest[0], this.#gone())
  }

  /** @returns its name in the requests that follow */
  add(owner: Caller, value: T): string {
    const id = this.#options.newId()
    const touchedMs = this.#options.now()
    const turn = Promise.resolve()
    this.#jobs.set(id, { owner, value, touchedMs, working: 0, ended: undefined, turn })
    return id
  }

  /**
   * Work on one, after whatever works on it already.
   *
   * @param drops - when it ends meanwhile, what came of the work is dropped; not for work that has taken effect then
   * @throws SecregError `ERR_NOT_FOUND` for one that has ended or is another caller's
   */
  use<R>(
    caller: Caller,
    id: string,
    work: (value: T) => Promise<R>,
    { drops = true }: { readonly drops?: boolean } = {},
  ): Promise<R> {
    const job = this.#jobs.get(id)
    if (job === undefined || !isSameSession(job.owner, caller)) return Promise.reject(this.#gone())
    job.working++
    const result = job.turn.then(async () => {
      if (job.ended !== undefined) throw job.ended
      const answer = await work(job.value)
      if (drops && job.ended !== undefined) throw job.ended
      return answer
    })
    job.turn = result
      .catch(() => {})
      .then(async () => {
        job.working--
        job.touchedMs = this.#options.now()
        if (job.ended !== undefined && job.working === 0) await this.#release(job)
      })
    return result
  }

  /** End one; another caller's is left as it is. */
  end(caller: Caller, id: string): void {
    const job = this.#jobs.get(id)
    if (job !== undefined && isSameSession(job.owner, caller)) this.#end(id, this.#gone())
  }

  /**
   * End what nobody goes on with, and with `sessions` what belongs to others than these.
   *
   * @returns once everything is released
   */
  async sweep(sessions?: ReadonlySet<string>): Promise<void> {
    const nowMs = this.#options.now()
    const ended: Job<T>[] = []
    for (const [id, job] of this.#jobs) {
      const { sessionRef } = job.owner
      const isOrphan = sessionRef !== undefined && sessions?.has(sessionRef) === false
      const isIdle = job.working === 0 && nowMs - job.touchedMs > this.#options.idleMs
      if (!isOrphan && !isIdle) continue
      this.#end(id, this.#gone())
      ended.push(job)
    }
    await Promise.all(ended.map(({ turn }) => turn))
  }

  /**
   * End all of them.
   *
   * @param why - told to whoever works on one now; those who come later are told that it has ended
   * @returns once everything is released
   */
  async endAll(why: SecregError = this.#gone()): Promise<void> {
    const jobs = [...this.#jobs]
    for (const [id] of jobs) this.#end(id, why)
    await Promise.all(jobs.map(([, { turn }]) => turn))
  }

  #end(id: string, why: SecregError): void {
    const job = this.#jobs.get(id)
    if (job === undefined) return
    this.#jobs.delete(id)
    job.ended = why
    if (job.working > 0) {
      this.#options.interrupt?.(job.value)
      return
    }
    job.turn = job.turn.then(() => this.#release(job))
  }

  async #release({ value }: Job<T>): Promise<void> {
    try {
      await this.#options.release(value)
    } catch {
      // Of a store that has failed or is closed there is nothing left to release.
    }
  }

  #gone(): SecregError {
    return new SecregError('NOT_FOUND', `the ${this.#options.what} has ended; start it again`)
  }
}

/** Whether what one caller has opened is the other's; callers without a session share nothing. */
export function isSameSession(owner: Caller, caller: Caller): boolean {
  if (owner === caller) return true
  return owner.sessionRef !== undefined && owner.sessionRef === caller.sessionRef
}
