/**
 * Answers of one connection in the order of their requests (specs: row 8): only a request that carries an id may be
 * answered out of turn. What is pushed without a request goes between them. Frames that are ready together leave with
 * one write.
 */
import type { Socket } from 'node:net'

/** Puts an answer into its place, once; `left` is called when all answers before it have left, and it with them. */
export type Reply = (frame: Uint8Array, left?: () => void) => void

/** Whose pushed bytes are counted until the peer has taken them. */
export interface PushAccount {
  unreadBytes: number
}

interface Slot {
  frame: Uint8Array | undefined
  left: (() => void) | undefined
}

export class ReplyQueue {
  readonly #socket: Socket
  readonly #slots: Slot[] = []
  #ready: Uint8Array[] = []
  #readyBytes = 0
  /** Who has pushed what is ready. */
  #pushed: [PushAccount, number][] = []
  #whenTaken: (() => void)[] = []
  #scheduled = false
  #outstanding = 0
  /** Writes that the peer has taken whole, and how many that were when the clock below was set. */
  #taken = 0
  #takenAtLook = 0
  #stalledSinceMs: number | undefined

  constructor(socket: Socket) {
    this.#socket = socket
  }

  /** Requests that are not answered. */
  get outstanding(): number {
    return this.#outstanding
  }

  /** Those of them that are answered in their order. */
  get ordered(): number {
    return this.#slots.length
  }

  /** Bytes that the peer has not taken. */
  get bufferedBytes(): number {
    return this.#readyBytes + this.#socket.writableLength
  }

  /**
   * How long the peer has taken nothing of what is there for it, as far as calls of this tell.
   *
   * @param nowMs - monotonic time
   */
  stalledMs(nowMs: number): number {
    if (this.bufferedBytes === 0 || this.#taken !== this.#takenAtLook) {
      this.#takenAtLook = this.#taken
      this.#stalledSinceMs = undefined
      return 0
    }
    this.#stalledSinceMs ??= nowMs
    return nowMs - this.#stalledSinceMs
  }

  /**
   * Take a place for the answer of a request.
   *
   * @param ordered - whether it must wait for the answers before it
   */
  open(ordered: boolean): Reply {
    this.#outstanding++
    if (!ordered) {
      return (frame, left) => {
        this.#outstanding--
        this.#send(frame)
        left?.()
      }
    }
    const slot: Slot = { frame: undefined, left: undefined }
    this.#slots.push(slot)
    return (frame, left) => {
      this.#outstanding--
      slot.frame = frame
      slot.left = left
      for (let first = this.#slots[0]; first?.frame !== undefined; first = this.#slots[0]) {
        this.#send(first.frame)
        this.#slots.shift()
        first.left?.()
      }
    }
  }

  /** Send a frame that is no answer, behind what has left already. */
  push(frame: Uint8Array, account: PushAccount): void {
    account.unreadBytes += frame.length
    this.#pushed.push([account, frame.length])
    this.#send(frame)
  }

  /** Call back, once, when the peer has taken something. */
  onceTaken(resume: () => void): void {
    this.#whenTaken.push(resume)
  }

  /** Write what is ready at once. */
  flush(): void {
    this.#scheduled = false
    const frames = this.#ready
    const [only] = frames
    if (only === undefined) return
    this.#ready = []
    const bytes = this.#readyBytes
    this.#readyBytes = 0
    const pushed = this.#pushed
    if (pushed.length > 0) this.#pushed = []
    if (!this.#socket.writable) return
    this.#socket.write(frames.length === 1 ? only : Buffer.concat(frames, bytes), () => {
      this.#taken++
      for (const [account, size] of pushed) account.unreadBytes -= size
      if (this.#whenTaken.length === 0) return
      for (const resume of this.#whenTaken.splice(0)) resume()
    })
  }

  #send(frame: Uint8Array): void {
    this.#ready.push(frame)
    this.#readyBytes += frame.length
    if (this.#scheduled) return
    this.#scheduled = true
    // After all answers of this round have been made.
    process.nextTick(() => this.flush())
  }
}
