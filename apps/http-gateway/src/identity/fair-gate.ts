/**
 * Bounds how many slow things, such as logins, run and wait at once. Sources take turns, and one more than may wait
 * sends away the newest of the source that has the most waiting: a flood from one address hurts itself first.
 */
import { SecregError } from '@secreg/protocol'

/** Options of a FairGate. */
export interface FairGateOptions {
  /** Runs at once. */
  readonly maxRunning: number
  /** Waiting at once. */
  readonly maxWaiting: number
}

interface Waiting {
  readonly enter: () => void
  readonly refuse: (error: SecregError) => void
}

const RETRY_AFTER_SECONDS = 1

/** Lets in by turns. */
export class FairGate {
  readonly #options: FairGateOptions
  /** By source; the next turn is that of the first. */
  readonly #waiting = new Map<string, Waiting[]>()
  #waitingCount = 0
  #running = 0

  constructor(options: FairGateOptions) {
    this.#options = options
  }

  get running(): number {
    return this.#running
  }

  get waiting(): number {
    return this.#waitingCount
  }

  /**
   * Run something when it is its turn.
   *
   * @param source - where it comes from
   * @param signal - ends its waiting; what runs already is not touched
   * @throws SecregError BUSY when too many wait, TIMEOUT when `signal` ends, and whatever `task` throws
   */
  async run<T>(source: string, task: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    if (signal?.aborted === true) throw givenUp()
    if (this.#running >= this.#options.maxRunning) await this.#wait(source, signal)
    else this.#running++
    try {
      return await task()
    } finally {
      this.#leave()
    }
  }

  #wait(source: string, signal: AbortSignal | undefined): Promise<void> {
    if (this.#waitingCount >= this.#options.maxWaiting && !this.#makeRoom(source)) throw busy()
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#remove(source, waiting)
        reject(givenUp())
      }
      const waiting: Waiting = {
        enter: () => {
          signal?.removeEventListener('abort', abort)
          resolve()
        },
        refuse: (error) => {
          signal?.removeEventListener('abort', abort)
          reject(error)
        },
      }
      signal?.addEventListener('abort', abort, { once: true })
      const line = this.#waiting.get(source)
      if (line === undefined) this.#waiting.set(source, [waiting])
      else line.push(waiting)
      this.#waitingCount++
    })
  }

  /** @returns false when no source has so much more waiting that it should give way */
  #makeRoom(source: string): boolean {
    let longest: [string, Waiting[]] | undefined
    for (const line of this.#waiting) {
      if (longest === undefined || line[1].length > longest[1].length) longest = line
    }
    const own = this.#waiting.get(source)?.length ?? 0
    if (longest === undefined || longest[1].length <= own + 1) return false
    const newest = longest[1].at(-1) as Waiting
    this.#remove(longest[0], newest)
    newest.refuse(busy())
    return true
  }

  #remove(source: string, waiting: Waiting): void {
    const line = this.#waiting.get(source)
    const at = line?.indexOf(waiting) ?? -1
    if (line === undefined || at < 0) return
    line.splice(at, 1)
    if (line.length === 0) this.#waiting.delete(source)
    this.#waitingCount--
  }

  /** The place of one that has ended goes to the next, so that none can slip in between. */
  #leave(): void {
    const next = this.#waiting.entries().next()
    if (next.done === true) {
      this.#running--
      return
    }
    const [source, line] = next.value
    const [first] = line as [Waiting]
    this.#remove(source, first)
    if (line.length > 0) {
      this.#waiting.delete(source)
      this.#waiting.set(source, line)
    }
    first.enter()
  }
}

function busy(): SecregError {
  return new SecregError('BUSY', 'too many wait for the same', {
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  })
}

function givenUp(): SecregError {
  return new SecregError('TIMEOUT', 'nobody waits for it any more')
}
