/** How many connections there are of each user, and how many more there may be. */
import { SecregError } from '@secreg/protocol'

export interface ConnectionLimits {
  /** In all. */
  readonly maxConnections: number
  /** Of one user; root and the user of the daemon are users like any other. */
  readonly maxConnectionsPerUid: number
}

export class ConnectionCounts {
  readonly #perUid = new Map<number, number>()
  #all = 0

  get all(): number {
    return this.#all
  }

  /**
   * Why one more may not be served; undefined when it may.
   *
   * @param uid - as the kernel reported it; without one, only the limit in all holds
   */
  refusal(uid: number | undefined, limits: ConnectionLimits): SecregError | undefined {
    const { maxConnections, maxConnectionsPerUid } = limits
    if (this.#all >= maxConnections) return tooMany(`more than ${maxConnections} connections`)
    if (uid !== undefined && (this.#perUid.get(uid) ?? 0) >= maxConnectionsPerUid) {
      return tooMany(`more than ${maxConnectionsPerUid} connections of user ${uid}`)
    }
    return undefined
  }

  /** Count one that is served. */
  add(uid: number | undefined): void {
    this.#all++
    if (uid !== undefined) this.#perUid.set(uid, (this.#perUid.get(uid) ?? 0) + 1)
  }

  /** One that was counted has ended. */
  remove(uid: number | undefined): void {
    this.#all--
    if (uid === undefined) return
    const left = (this.#perUid.get(uid) ?? 1) - 1
    if (left === 0) this.#perUid.delete(uid)
    else this.#perUid.set(uid, left)
  }
}

function tooMany(message: string): SecregError {
  return new SecregError('TOO_MANY_CONNECTIONS', message, { retryAfterSeconds: 1 })
}
