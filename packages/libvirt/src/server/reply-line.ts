/** The replies of a connection, which leave in the order of their calls. */

/** Bytes that are to leave. */
export interface Outgoing {
  readonly bytes: Uint8Array
  /** They hold a value, and are wiped once they have left. */
  readonly isSecret: boolean
}

interface Place {
  reply: Outgoing | undefined
  readonly onLeave: () => void
}

export class ReplyLine {
  readonly #send: (reply: Outgoing) => void
  readonly #places: Place[] = []

  constructor(send: (reply: Outgoing) => void) {
    this.#send = send
  }

  /** Calls whose reply has not left. */
  get length(): number {
    return this.#places.length
  }

  /**
   * Take the place of a call.
   *
   * @param onLeave - called as soon as its reply has been sent
   * @returns what its reply is given to, once
   */
  take(onLeave: () => void): (reply: Outgoing) => void {
    const place: Place = { reply: undefined, onLeave }
    this.#places.push(place)
    return (reply) => {
      place.reply = reply
      this.#leave()
    }
  }

  #leave(): void {
    for (let first = this.#places[0]; first?.reply !== undefined; first = this.#places[0]) {
      this.#places.shift()
      this.#send(first.reply)
      first.onLeave()
    }
  }
}
