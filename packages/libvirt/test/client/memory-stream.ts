/** Both ends of a connection in memory, with the events of a socket. What is written is copied. */
import { EventEmitter } from 'node:events'

export class MemoryStream extends EventEmitter {
  peer: MemoryStream | undefined
  /** Tell whoever writes to wait for `drain`. */
  isFull = false
  /** Bytes in each piece that the peer receives; 0: as they were written. */
  pieceBytes = 0
  ended = false
  destroyed = false
  #paused = false
  readonly #waiting: (() => void)[] = []

  write(bytes: Uint8Array, done?: (error?: Error | null) => void): boolean {
    const copy = bytes.slice()
    const step = this.pieceBytes || Math.max(copy.length, 1)
    for (let at = 0; at < copy.length; at += step) {
      this.#later(this.peer, 'data', copy.slice(at, at + step))
    }
    done?.()
    return !this.isFull
  }

  drain(): void {
    this.isFull = false
    this.emit('drain')
  }

  end(done?: () => void): void {
    if (done !== undefined) setImmediate(done)
    if (this.ended) return
    this.ended = true
    this.#later(this.peer, 'end')
    if (this.peer?.ended) this.destroy()
  }

  destroy(): void {
    if (this.destroyed) return
    this.destroyed = true
    this.#later(this, 'close')
    const { peer } = this
    if (peer !== undefined && !this.ended) this.#later(peer, 'end')
    this.ended = true
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    setImmediate(() => this.#flow())
  }

  #later(to: MemoryStream | undefined, event: string, chunk?: Uint8Array): void {
    if (to === undefined) return
    const tell = (): void => {
      if (event !== 'close' && to.destroyed) return
      to.emit(event, chunk)
      // As a socket that may not stay half open.
      if (event === 'end') to.end()
    }
    to.#waiting.push(tell)
    setImmediate(() => to.#flow())
  }

  #flow(): void {
    while ((!this.#paused || this.destroyed) && this.#waiting.length > 0) this.#waiting.shift()?.()
  }
}

export function memoryPair(): [client: MemoryStream, server: MemoryStream] {
  const [client, server] = [new MemoryStream(), new MemoryStream()]
  client.peer = server
  server.peer = client
  return [client, server]
}
