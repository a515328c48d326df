/** A connection in memory that keeps to the rules of a `SeqpacketSocket`. */
import { EventEmitter } from 'node:events'
import type { PacketConnection, ReceivedLike } from '@secreg/subauth/server'

export class FakeConnection extends EventEmitter implements PacketConnection {
  destroyed = false
  /** Whether what is sent leaves at once. */
  reads = true
  readonly sent: string[] = []
  /** Packets that the kernel holds. */
  readonly waiting: ReceivedLike[] = []
  #paused = true
  #ending = false
  #queued = 0

  get isPaused(): boolean {
    return this.#paused
  }

  /** The peer sends packets. */
  arrive(...packets: readonly (string | Uint8Array | ReceivedLike)[]): void {
    for (const packet of packets) {
      const bytes = typeof packet === 'string' ? new TextEncoder().encode(packet) : packet
      this.waiting.push(bytes instanceof Uint8Array ? { data: bytes } : bytes)
    }
    this.#flow()
  }

  /** The peer takes what was sent. */
  take(): void {
    this.reads = true
    this.#queued = 0
    if (this.#ending) this.destroy()
    else this.emit('drain')
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#flow()
  }

  send(packet: Uint8Array): boolean {
    if (this.destroyed || this.#ending) return false
    this.sent.push(new TextDecoder().decode(packet))
    if (!this.reads) this.#queued++
    return this.reads
  }

  end(): void {
    this.#ending = true
    if (this.#queued === 0) this.destroy()
  }

  destroy(error?: Error): void {
    if (this.destroyed) return
    this.destroyed = true
    process.nextTick(() => {
      if (error !== undefined) this.emit('error', error)
      this.emit('close', error !== undefined)
    })
  }

  #flow(): void {
    while (!this.#paused && !this.destroyed && !this.#ending) {
      const packet = this.waiting.shift()
      if (packet === undefined) return
      this.emit('packet', packet)
    }
  }
}
