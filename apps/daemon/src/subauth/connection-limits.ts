/** How many connections there may be, in all and of one user of the system. */
export interface ConnectionLimitsOptions {
  readonly maxConnections: number
  /** Of every user but root: services that check the logins of everybody run as root, which needs no connection to do harm. */
  readonly maxConnectionsPerUid: number
}

export class ConnectionLimits {
  #options: ConnectionLimitsOptions
  #connections = 0
  readonly #perUid = new Map<number, number>()

  constructor(options: ConnectionLimitsOptions) {
    this.#options = options
  }

  /** Go by other limits from now on; whoever is there stays. */
  configure(options: ConnectionLimitsOptions): void {
    this.#options = options
  }

  /** Count one more connection of a user; false, and nothing is counted, when there are enough. */
  enter(uid: number): boolean {
    const { maxConnections, maxConnectionsPerUid } = this.#options
    const own = this.#perUid.get(uid) ?? 0
    if (this.#connections >= maxConnections) return false
    if (uid !== 0 && own >= maxConnectionsPerUid) return false
    this.#connections++
    this.#perUid.set(uid, own + 1)
    return true
  }

  /** One of them has ended. */
  leave(uid: number): void {
    const own = this.#perUid.get(uid)
    if (own === undefined) throw new RangeError('uid: expected one with a connection')
    this.#connections--
    if (own === 1) this.#perUid.delete(uid)
    else this.#perUid.set(uid, own - 1)
  }
}
