/**
 * Who may ask at all while the disk of the audit log gets full (DESIGN §8): decided before anything is done for a
 * request, so that nobody can use the last room up with refusals. What is refused leaves one record a second and source
 * with how many there were, as far as there is room for it (DESIGN §2).
 */
import { SecregError } from '@secreg/protocol'
import type { RequestName } from '@secreg/protocol/messages'
import type { Peer } from '@secreg/registry'
import type { RoomLevel } from '../disk-space.ts'

export interface AdmissionOptions {
  readonly level: () => RoomLevel
  /** Records how many requests of a peer were refused. */
  readonly record: (peer: Peer, count: number) => void
  /** Monotonic milliseconds; default `performance.now`. */
  readonly monotonicMs?: () => number
}

/** Between two records of one source, and between two figures when there is no room, milliseconds. */
const EVERY_MS = 1000
/** Sources that have a record of their own; what comes beside them shares the last one. */
const MAX_SOURCES = 64
/** Room is made by people: asking again sooner is of no use. */
const RETRY_AFTER_SECONDS = 10

interface Refused {
  readonly peer: Peer
  count: number
  recordedMs: number
}

/** Not operations: they leave no record (DESIGN §2). */
const FREE: ReadonlySet<RequestName> = new Set(['hello', 'status'])

export class Admission {
  readonly #options: AdmissionOptions
  readonly #monotonicMs: () => number
  readonly #refused = new Map<string, Refused>()
  #figuresMs = Number.NEGATIVE_INFINITY

  constructor(options: AdmissionOptions) {
    this.#options = options
    this.#monotonicMs = options.monotonicMs ?? (() => performance.now())
  }

  /** Whether everybody may ask: then {@link require} need not be called. */
  get isOpen(): boolean {
    const level = this.#options.level()
    return level === 'ok' || level === 'warning'
  }

  /**
   * Require that a request may go on.
   *
   * @param payload - before it was checked
   * @param hasSession - whether it comes with a live session; asked only where that matters
   * @throws SecregError `ERR_BUSY` to strangers while room is low: nothing is wrong with what they ask, and how the log
   *   fares is none of their business. `ERR_AUDIT_FAILED` once there is no room.
   */
  require(
    peer: Peer,
    name: RequestName,
    payload: Readonly<Record<string, unknown>>,
    hasSession: () => boolean,
  ): void {
    const level = this.#options.level()
    if (level === 'ok' || level === 'warning' || FREE.has(name)) return
    if (level === 'least') {
      if (this.#isFigures(name, payload) && hasSession() && this.#mayTellFigures()) return
      throw noRoom()
    }
    // Unlocking is slowed by itself, and leads to those who can make room.
    if ((name === 'seal' && payload['op'] === 'unlock') || hasSession()) return
    this.#count(peer)
    throw new SecregError('BUSY', 'no request without a session is served at present', {
      retryAfterSeconds: RETRY_AFTER_SECONDS,
    })
  }

  /** Record what was refused, where it is time; called now and then. */
  tick(): void {
    if (this.#options.level() === 'least') return
    for (const [source, refused] of this.#refused) {
      if (refused.count > 0) this.#record(refused)
      else if (this.#monotonicMs() - refused.recordedMs >= EVERY_MS) this.#refused.delete(source)
    }
  }

  #isFigures(name: RequestName, payload: Readonly<Record<string, unknown>>): boolean {
    return name === 'maintain' && payload['op'] === 'metrics'
  }

  /** They leave a record each, also where they are denied. */
  #mayTellFigures(): boolean {
    const nowMs = this.#monotonicMs()
    if (nowMs - this.#figuresMs < EVERY_MS) return false
    this.#figuresMs = nowMs
    return true
  }

  #count(peer: Peer): void {
    const source = peer.uid === undefined ? `${peer.door} ${peer.address}` : `uid ${peer.uid}`
    let refused = this.#refused.get(source)
    if (refused === undefined) {
      const isFull = this.#refused.size >= MAX_SOURCES - 1
      const key = isFull ? 'others' : source
      refused = this.#refused.get(key)
      if (refused === undefined) {
        refused = {
          peer: isFull ? { door: peer.door, address: 'several' } : peer,
          count: 0,
          recordedMs: Number.NEGATIVE_INFINITY,
        }
        this.#refused.set(key, refused)
      }
    }
    refused.count++
    this.#record(refused)
  }

  #record(refused: Refused): void {
    const nowMs = this.#monotonicMs()
    if (nowMs - refused.recordedMs < EVERY_MS) return
    const { peer, count } = refused
    refused.count = 0
    refused.recordedMs = nowMs
    this.#options.record(peer, count)
  }
}

function noRoom(): SecregError {
  return new SecregError(
    'AUDIT_FAILED',
    'the disk of the audit log is full; nothing was changed or disclosed',
    { retryAfterSeconds: RETRY_AFTER_SECONDS },
  )
}
