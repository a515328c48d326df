/** What a permit becomes (specs: secrets-api §3.5). */
import type { Binding } from './binding.ts'
import type { DecisionFacts, PermitDecision } from './decision.ts'

/** How long and how often what policy does not say a limit for may be used. */
export interface GrantDefaults {
  /** Seconds. Default 300. */
  readonly ttlSeconds: number
  /** Default 1. */
  readonly maxUses: number
}

/** Defaults of {@link GrantDefaults}. */
export const GRANT_DEFAULTS: GrantDefaults = Object.freeze({ ttlSeconds: 300, maxUses: 1 })

/** Most that a permit is good for, whatever it says: seconds, and uses. */
export const GRANT_CAPS: GrantDefaults = Object.freeze({ ttlSeconds: 3600, maxUses: 1000 })

/** A grant, as of one use of it. */
export interface Grant extends DecisionFacts {
  readonly grantId: string
  readonly decisionId: string
  readonly ttlSeconds: number
  readonly maxUses: number
  /** This use is the so manieth, from 1. */
  readonly uses: number
  readonly binding: Binding
}

/** @throws RangeError for what is not from 1 to the caps */
export function grantDefaults(given: Partial<GrantDefaults> = {}): GrantDefaults {
  const defaults = { ...GRANT_DEFAULTS, ...given }
  for (const name of ['ttlSeconds', 'maxUses'] as const) {
    const value = defaults[name]
    if (!Number.isSafeInteger(value) || value < 1 || value > GRANT_CAPS[name]) {
      throw new RangeError(`${name}: expected an integer from 1 to ${GRANT_CAPS[name]}`)
    }
  }
  return defaults
}

/**
 * The grant of a permit, used once.
 *
 * @param newId - names the grant, and a decision that has no name
 */
export function issueGrant(
  permit: PermitDecision,
  binding: Binding,
  defaults: GrantDefaults,
  newId: () => string,
): Grant {
  const { ttlSeconds, maxUses } = permit.obligations
  const { policyVersion, classification } = permit
  return {
    grantId: newId(),
    decisionId: permit.decisionId ?? newId(),
    ...(policyVersion === undefined ? {} : { policyVersion }),
    ...(classification === undefined ? {} : { classification }),
    ttlSeconds: Math.min(ttlSeconds ?? defaults.ttlSeconds, GRANT_CAPS.ttlSeconds),
    maxUses: Math.min(maxUses ?? defaults.maxUses, GRANT_CAPS.maxUses),
    uses: 1,
    binding,
  }
}
