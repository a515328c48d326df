/**
 * Grants that live: who may use a secret again without a new decision (specs: secrets-api §3.5).
 *
 * A key has at most one grant and at most one question that is being decided; all who come meanwhile wait for it, and
 * then take of the uses that are left or ask the next one. The use of whoever asked is counted when the grant is made,
 * so that nobody can take it from him.
 *
 * Memory is bounded. A grant that is pushed out is as good as expired: the next use takes a decision of its own, and no
 * use of the old grant comes back. The marks against replay are kept elsewhere and are not forgotten with it.
 */
import { type Binding, sameBinding } from './binding.ts'
import type { Decision, DenyDecision } from './decision.ts'
import { type Grant, type GrantDefaults, grantDefaults, issueGrant } from './grant.ts'
import { OwnedCache, type RoomLimits } from './owned-cache.ts'

/** What a grant is for. */
export interface GrantKey {
  readonly tenant: string
  readonly subject: string
  /** What else the rights of the subject hang on. */
  readonly rights: string | undefined
  /** Canonical. */
  readonly uri: string
  readonly purpose: 'execute'
}

/** How long grants and denials are kept. */
export interface GrantOptions extends Partial<GrantDefaults> {
  /** Seconds that a denial is kept; 0 for none. Default 5. */
  readonly negativeTtlSeconds?: number
  /** Of either. Default 32 MiB, and 4 MiB of one subject. */
  readonly room?: RoomLimits
}

/** Defaults of {@link GrantOptions} that are not of a grant. */
export const GRANT_BOOK_DEFAULTS: {
  readonly negativeTtlSeconds: number
  readonly room: RoomLimits
} = Object.freeze({
  negativeTtlSeconds: 5,
  room: Object.freeze({ bytes: 33_554_432, ownerBytes: 4_194_304 }),
})

/** Longest time that nobody is asked again after there was no answer, milliseconds. */
export const OUTAGE_TTL_MS = 1000

/** What to do about a key. */
export type GrantStep =
  /** It was used. */
  | { readonly kind: 'used'; readonly grant: Grant }
  /** It is bound to another key, or the request proves none, or it is bound to none. */
  | { readonly kind: 'drift' }
  /** It was denied a moment ago. */
  | { readonly kind: 'denied'; readonly decision: DenyDecision }
  /** Somebody is asking; look again afterwards. Never rejects. */
  | { readonly kind: 'wait'; readonly asked: Promise<void> }
  /** Ask, and tell `settle` whatever has come of it; until then all others wait. */
  | { readonly kind: 'ask'; readonly settle: SettleGrant }

/**
 * End a question; once.
 *
 * @param decision - undefined when it was not asked or is not to be kept
 * @returns the grant of a permit, with its first use taken
 */
export type SettleGrant = (decision: Decision | undefined) => Grant | undefined

/** What the book needs from outside. */
export interface GrantBookPorts {
  /** Monotonic clock, milliseconds. */
  readonly nowMs: () => number
  /** A fresh id. */
  readonly newId: () => string
}

interface LiveGrant {
  readonly grant: Grant
  uses: number
  readonly untilMs: number
}

interface Denial {
  readonly decision: DenyDecision
  readonly untilMs: number
}

/** The grants, denials and open questions of one enforcement point. */
export class GrantBook {
  readonly #ports: GrantBookPorts
  readonly #defaults: GrantDefaults
  readonly #negativeTtlMs: number
  readonly #grants: OwnedCache<LiveGrant>
  readonly #denials: OwnedCache<Denial>
  readonly #asking = new Map<string, Promise<void>>()
  #generation = 0

  constructor(options: GrantOptions, ports: GrantBookPorts) {
    const { negativeTtlSeconds, room } = { ...GRANT_BOOK_DEFAULTS, ...options }
    if (!(negativeTtlSeconds >= 0 && negativeTtlSeconds <= 60)) {
      throw new RangeError('negativeTtlSeconds: expected a number from 0 to 60')
    }
    const { ttlSeconds, maxUses } = options
    this.#defaults = grantDefaults({
      ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
      ...(maxUses === undefined ? {} : { maxUses }),
    })
    this.#ports = ports
    this.#negativeTtlMs = negativeTtlSeconds * 1000
    this.#grants = new OwnedCache(room)
    this.#denials = new OwnedCache(room)
  }

  /** Grants that are kept, expired ones among them. */
  get size(): number {
    return this.#grants.size
  }

  /** Use a grant, or tell what stands in the way; as one step. */
  begin(key: GrantKey, binding: Binding): GrantStep {
    const { tenant, subject, rights = null, uri, purpose } = key
    const id = JSON.stringify([tenant, subject, rights, uri, purpose])
    const live = this.#liveGrant(id)
    if (live !== undefined) {
      if (!sameBinding(live.grant.binding, binding)) return { kind: 'drift' }
      live.uses++
      return { kind: 'used', grant: { ...live.grant, uses: live.uses } }
    }
    const asked = this.#asking.get(id)
    if (asked !== undefined) return { kind: 'wait', asked }
    // What is denied to one who proves nothing is not denied to one who does.
    const denialId = JSON.stringify([id, binding?.type ?? null, binding?.value ?? null])
    const denial = this.#denials.get(denialId)
    if (denial !== undefined) {
      if (denial.untilMs > this.#ports.nowMs()) return { kind: 'denied', decision: denial.decision }
      this.#denials.delete(denialId)
    }
    return { kind: 'ask', settle: this.#ask(key, id, denialId, binding) }
  }

  /** End all grants; what is being asked brings none that lives on. Denials stay. */
  clear(): void {
    this.#generation++
    this.#grants.clear()
  }

  /** A grant that has uses left. One that has none binds nobody: there is nothing left to be stolen. */
  #liveGrant(id: string): LiveGrant | undefined {
    const live = this.#grants.get(id)
    if (live === undefined) return undefined
    if (live.untilMs > this.#ports.nowMs() && live.uses < live.grant.maxUses) return live
    this.#grants.delete(id)
    return undefined
  }

  #ask(key: GrantKey, id: string, denialId: string, binding: Binding): SettleGrant {
    const owner = ownerOf(key)
    const askedMs = this.#ports.nowMs()
    const generation = this.#generation
    let wake = (): void => {}
    this.#asking.set(
      id,
      new Promise<void>((resolve) => {
        wake = resolve
      }),
    )
    let settled = false
    return (decision) => {
      if (settled) return undefined
      settled = true
      this.#asking.delete(id)
      wake()
      if (decision === undefined) return undefined
      if (decision.effect === 'Deny') {
        const ttlMs = this.#denialTtlMs(decision)
        const untilMs = this.#ports.nowMs() + ttlMs
        if (ttlMs > 0) this.#denials.set(denialId, owner, { decision, untilMs })
        return undefined
      }
      const grant = issueGrant(decision, binding, this.#defaults, this.#ports.newId)
      // The time counts from the question: what was decided was decided after it.
      const untilMs = askedMs + grant.ttlSeconds * 1000
      const lives = grant.maxUses > 1 && generation === this.#generation
      if (lives) this.#grants.set(id, owner, { grant, uses: 1, untilMs })
      return grant
    }
  }

  #denialTtlMs({ reason }: DenyDecision): number {
    // Who has to prove more comes back with the proof.
    if (reason === 'step-up') return 0
    return reason === 'unavailable'
      ? Math.min(OUTAGE_TTL_MS, this.#negativeTtlMs)
      : this.#negativeTtlMs
  }
}

/** Whose room is used. */
export function ownerOf({ tenant, subject }: Pick<GrantKey, 'tenant' | 'subject'>): string {
  return JSON.stringify([tenant, subject])
}
