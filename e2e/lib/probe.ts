/** A client that notices when others get more than their part: how long its own requests take meanwhile. */
import { RawConnection } from '@secreg/testkit'

export class Probe implements Disposable {
  readonly #connection: RawConnection
  readonly #request: string

  private constructor(connection: RawConnection, request: string) {
    this.#connection = connection
    this.#request = request
  }

  /** @param request - asked again and again on one connection; every answer has to be 200 */
  static async open(port: number, request: string): Promise<Probe> {
    return new Probe(await RawConnection.open(port), request)
  }

  /** Median time of some requests, one after the other, milliseconds. */
  async medianMs(count: number): Promise<number> {
    const times: number[] = []
    for (let at = 0; at < count; at++) {
      const startedAt = performance.now()
      await this.#ask()
      times.push(performance.now() - startedAt)
    }
    return medianOf(times)
  }

  /** Median time of the requests that fit into what somebody else does, milliseconds; one at least. */
  async medianMsDuring(work: Promise<unknown>): Promise<number> {
    let isOver = false
    const end = (): void => {
      isOver = true
    }
    work.then(end, end)
    const times: number[] = []
    do times.push(await this.medianMs(1))
    while (!isOver)
    await work
    return medianOf(times)
  }

  async #ask(): Promise<void> {
    const { status, body } = await this.#connection.ask(this.#request)
    if (status !== 200) throw new Error(`the probe was refused: ${status} ${body.slice(0, 200)}`)
  }

  [Symbol.dispose](): void {
    this.#connection[Symbol.dispose]()
  }
}

/** Medians below this are as good as each other, milliseconds: what else the machine does makes more difference. */
const NOISE_MS = 2

/** How many times slower one median is than another, of which neither is taken for less than the noise. */
export function slowdown(beforeMs: number, meanwhileMs: number): number {
  return Math.max(meanwhileMs, NOISE_MS) / Math.max(beforeMs, NOISE_MS)
}

function medianOf(times: readonly number[]): number {
  const sorted = times.toSorted((a, b) => a - b)
  return sorted[sorted.length >> 1] as number
}
