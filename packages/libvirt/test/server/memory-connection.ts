/** A connection in memory that keeps to the rules of a socket, and the timers that it is served with. */
import { EventEmitter } from 'node:events'
import type { StreamConnection, Timers } from '@secreg/libvirt/server'
import type { Frame } from '../../src/wire/frame.ts'
import { FrameReader } from '../../src/wire/frame-reader.ts'

export class MemoryConnection extends EventEmitter implements StreamConnection {
  /** Bytes that the peer has sent and nobody has read. */
  readonly unread: Uint8Array[] = []
  /** Whether what is written leaves at once. */
  reads = true
  /** What was written, as its memory was when it left. */
  readonly written: Uint8Array[] = []
  /** The very memory that was written. */
  readonly memory: Uint8Array[] = []
  isDestroyed = false
  isEnding = false
  #isPaused = true
  #isFlowing = false
  #peerEnded = false
  #waiting: (() => void)[] = []
  #onEnd: (() => void) | undefined
  #writableLength = 0

  get isPaused(): boolean {
    return this.#isPaused
  }

  get writableLength(): number {
    return this.#writableLength
  }

  /** The peer sends bytes. */
  arrive(...chunks: readonly Uint8Array[]): void {
    for (const chunk of chunks) this.unread.push(chunk.slice())
    this.#flow()
  }

  /** The peer sends nothing more. */
  leave(): void {
    this.#peerEnded = true
    this.#flow()
  }

  /** The peer takes what was written. */
  take(): void {
    this.reads = true
    for (const callback of this.#waiting.splice(0)) callback()
    if (this.isEnding) this.#onEnd?.()
    else this.emit('drain')
  }

  /** The frames that were written. */
  frames(): Frame[] {
    const reader = new FrameReader()
    for (const bytes of this.written) reader.push(bytes)
    const frames: Frame[] = []
    for (let frame = reader.next(); frame !== undefined; frame = reader.next()) frames.push(frame)
    return frames
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.#flow()
  }

  write(bytes: Uint8Array, callback?: () => void): boolean {
    if (this.isEnding || this.isDestroyed) throw new Error('write after end')
    this.written.push(bytes.slice())
    this.memory.push(bytes)
    this.#writableLength += bytes.length
    const taken = (): void => {
      this.#writableLength -= bytes.length
      callback?.()
    }
    if (this.reads) process.nextTick(taken)
    else this.#waiting.push(taken)
    return this.reads
  }

  end(callback?: () => void): void {
    this.isEnding = true
    this.#onEnd = callback
    if (this.reads) process.nextTick(() => callback?.())
  }

  destroy(): void {
    if (this.isDestroyed) return
    this.isDestroyed = true
    process.nextTick(() => this.emit('close'))
  }

  #flow(): void {
    if (this.#isFlowing) return
    this.#isFlowing = true
    while (!this.#isPaused && !this.isDestroyed) {
      const chunk = this.unread.shift()
      if (chunk === undefined) break
      this.emit('data', chunk)
    }
    this.#isFlowing = false
    if (this.#peerEnded && this.unread.length === 0 && !this.#isPaused && !this.isDestroyed) {
      this.#peerEnded = false
      this.emit('end')
    }
  }
}

interface Waiting {
  readonly callback: () => void
  readonly at: number
}

/** Timers that run when they are told to. */
export class ManualTimers implements Timers {
  nowMs = 0
  readonly #waiting = new Set<Waiting>()

  get size(): number {
    return this.#waiting.size
  }

  set(callback: () => void, ms: number): Waiting {
    const waiting = { callback, at: this.nowMs + ms }
    this.#waiting.add(waiting)
    return waiting
  }

  clear(timer: unknown): void {
    this.#waiting.delete(timer as Waiting)
  }

  /** Let time pass. */
  advance(ms: number): void {
    const until = this.nowMs + ms
    for (;;) {
      let next: Waiting | undefined
      for (const waiting of this.#waiting) {
        if (waiting.at <= until && (next === undefined || waiting.at < next.at)) next = waiting
      }
      if (next === undefined) break
      this.#waiting.delete(next)
      this.nowMs = next.at
      next.callback()
    }
    this.nowMs = until
  }
}

/** Everything that is ready has been done. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
}
