/** One run for all who ask the same at the same time. It is given up when nobody waits for it any more. */
import { SecregError } from '@secreg/protocol'

interface Flight<T> {
  readonly answer: Promise<T>
  readonly giveUp: AbortController
  waiting: number
}

/** Runs under keys. */
export class SingleFlight<T> {
  #flights = new Map<string, Flight<T>>()

  /** Runs that others can still join. */
  get size(): number {
    return this.#flights.size
  }

  /**
   * Join the run of a key, or start it.
   *
   * @param start - called where none is under way; its signal ends when all have left
   * @param signal - ends the waiting of this one
   * @throws SecregError TIMEOUT when `signal` ends, and whatever the run throws
   */
  async run(
    key: string,
    start: (signal: AbortSignal) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    if (signal?.aborted === true) throw givenUp()
    const flight = this.#flights.get(key) ?? this.#start(key, start)
    flight.waiting++
    let leave: (() => void) | undefined
    const left = new Promise<never>((_, reject) => {
      leave = () => reject(givenUp())
      signal?.addEventListener('abort', leave, { once: true })
    })
    try {
      return await (signal === undefined ? flight.answer : Promise.race([flight.answer, left]))
    } finally {
      if (leave !== undefined) signal?.removeEventListener('abort', leave)
      flight.waiting--
      if (flight.waiting === 0) {
        this.#end(key, flight)
        flight.giveUp.abort(givenUp())
      }
    }
  }

  /** Let nobody join what is under way; those who wait get their answer. */
  clear(): void {
    this.#flights = new Map()
  }

  #start(key: string, start: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const giveUp = new AbortController()
    const answer = (async () => start(giveUp.signal))()
    const flight: Flight<T> = { answer, giveUp, waiting: 0 }
    this.#flights.set(key, flight)
    const end = (): void => this.#end(key, flight)
    // Also for a run that fails after all have left.
    answer.then(end, end)
    return flight
  }

  #end(key: string, flight: Flight<T>): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key)
  }
}

function givenUp(): SecregError {
  return new SecregError('TIMEOUT', 'nobody waits for the answer any more')
}
