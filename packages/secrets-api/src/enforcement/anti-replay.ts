/** Tokens and proofs that come a second time (specs: secrets-api §3.4). */
import type { RoomLimits } from './owned-cache.ts'
import type { Purpose } from './purpose.ts'
import { type MarkOutcome, ReplayMarks } from './replay-marks.ts'

/**
 * What the `jti` of an access token is good for within its time: one new grant for each secret and purpose, one new grant
 * at all, or any number.
 */
export type AntiReplayMode = 'per-resource' | 'per-token' | 'off'

/** How long and how many marks are kept. */
export interface AntiReplayOptions {
  /** Default `per-resource`. */
  readonly mode?: AntiReplayMode
  /** Seconds in which a token is not good for the same again. Default 300. */
  readonly ttlSeconds?: number
  /**
   * Seconds in which no DPoP proof may come again: at least as long as one is accepted, which is until 60 s after an
   * `iat` up to 60 s ahead. Default 120.
   */
  readonly proofTtlSeconds?: number
  /** Of either kind of marks. Default 64 MiB, and 16 MiB of one subject. */
  readonly room?: RoomLimits
}

/** Defaults of {@link AntiReplayOptions}. */
export const ANTI_REPLAY_DEFAULTS: Readonly<Required<AntiReplayOptions>> = Object.freeze({
  mode: 'per-resource',
  ttlSeconds: 300,
  proofTtlSeconds: 120,
  room: Object.freeze({ bytes: 67_108_864, ownerBytes: 16_777_216 }),
})

/** Longest `jti` of a proof, characters; a longer one proves nothing. */
export const MAX_PROOF_ID_LENGTH = 512

/** A token that is about to be used for a new grant. */
export interface TokenUse {
  /** Whose marks it is counted to: a tenant and a subject. */
  readonly owner: string
  readonly issuer: string | undefined
  /** `jti`; a token without one is not tracked. */
  readonly tokenId: string | undefined
  readonly subject: string
  /** Canonical. */
  readonly uri: string
  readonly purpose: Purpose
}

/** Remembers tokens by the grants they have brought, and proofs. */
export class AntiReplay {
  readonly #mode: AntiReplayMode
  readonly #tokens: ReplayMarks
  readonly #proofs: ReplayMarks

  /** @param nowMs - monotonic clock, milliseconds */
  constructor(options: AntiReplayOptions, nowMs: () => number) {
    const { mode, ttlSeconds, proofTtlSeconds, room } = { ...ANTI_REPLAY_DEFAULTS, ...options }
    this.#mode = mode
    this.#tokens = new ReplayMarks(ttlSeconds * 1000, room, nowMs)
    this.#proofs = new ReplayMarks(proofTtlSeconds * 1000, room, nowMs)
  }

  /** Tell whether a token has brought such a grant already. */
  isReplayed(use: TokenUse): boolean {
    const key = this.#keyOf(use)
    return key !== undefined && this.#tokens.has(key)
  }

  /** Mark a token with the grant it brings. Checked and marked as one step. */
  record(use: TokenUse): MarkOutcome {
    const key = this.#keyOf(use)
    return key === undefined ? 'new' : this.#tokens.add(key, use.owner)
  }

  /** Use a proof up. */
  consumeProof(proof: { thumbprint: string; proofId: string }, owner: string): MarkOutcome {
    const { thumbprint, proofId } = proof
    if (proofId.length === 0 || proofId.length > MAX_PROOF_ID_LENGTH) return 'seen'
    return this.#proofs.add(JSON.stringify([thumbprint, proofId]), owner)
  }

  /** Seconds until a mark can be kept again. */
  retryAfterSeconds(kind: 'token' | 'proof'): number {
    return (kind === 'token' ? this.#tokens : this.#proofs).retryAfterSeconds()
  }

  #keyOf({ issuer, tokenId, subject, uri, purpose }: TokenUse): string | undefined {
    if (this.#mode === 'off' || tokenId === undefined) return undefined
    const token = [issuer ?? null, tokenId]
    return JSON.stringify(this.#mode === 'per-token' ? token : [...token, subject, uri, purpose])
  }
}
