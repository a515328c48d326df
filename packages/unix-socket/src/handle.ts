/** One open socket of the native part: its number, what it is polled for, and its end. */
import { systemError } from './errors.ts'
import { getNative, listen, type Native, STOPPED, unlisten } from './native.ts'

export class Handle {
  readonly native: Native = getNative()
  readonly id: number
  #events = 0

  /**
   * @param id - Number from `open` or `accept`; this owns it.
   * @param onReady - Called with the bits that are ready; after STOPPED nothing is polled any more.
   */
  constructor(id: number, onReady: (events: number) => void) {
    this.id = id
    listen(id, (events) => {
      if ((events & STOPPED) !== 0) this.#events = 0
      onReady(events)
    })
  }

  /** Bits that it is polled for. */
  get events(): number {
    return this.#events
  }

  /** @throws UnixSocketError ERR_UNIX_SOCKET_SYSTEM */
  poll(events: number): void {
    if (events === this.#events) return
    const result = this.native.poll(this.id, events)
    if (result < 0) throw systemError('poll', result)
    this.#events = events
  }

  hold(hold: boolean): void {
    this.native.hold(this.id, hold)
  }

  /** Close the descriptor at once. */
  close(): void {
    unlisten(this.id)
    this.native.close(this.id)
  }
}
