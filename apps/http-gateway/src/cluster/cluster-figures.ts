/** Figures of all workers, asked of the primary; who asks while it is being asked gets the same. */
import { Registry } from 'prom-client'
import type { FigureSource } from '../routes/metrics-route.ts'

export class ClusterFigures implements FigureSource {
  readonly contentType: string = Registry.PROMETHEUS_CONTENT_TYPE
  readonly #ask: (id: number) => void
  readonly #timeoutMs: number
  #lastId = 0
  #pending: Promise<string> | undefined
  #settle: ((text: string | undefined) => void) | undefined

  /**
   * @param ask - asks the primary; it answers through {@link ClusterFigures.answer}
   * @param timeoutMs - default 6000: the primary waits five seconds for its workers
   */
  constructor(ask: (id: number) => void, timeoutMs = 6000) {
    this.#ask = ask
    this.#timeoutMs = timeoutMs
  }

  text(): Promise<string> {
    this.#pending ??= new Promise<string>((resolve, reject) => {
      const id = ++this.#lastId
      const settle = (text: string | undefined): void => {
        clearTimeout(timer)
        this.#pending = undefined
        this.#settle = undefined
        if (text === undefined) reject(new Error('the figures of the workers are not known'))
        else resolve(text)
      }
      const timer = setTimeout(() => settle(undefined), this.#timeoutMs)
      this.#settle = settle
      this.#ask(id)
    })
    return this.#pending
  }

  /** @param text - undefined: there are none */
  answer(id: number, text: string | undefined): void {
    if (id === this.#lastId) this.#settle?.(text)
  }
}
