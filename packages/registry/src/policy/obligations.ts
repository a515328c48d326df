/** What several decisions oblige to together. */
import type { Decision, Obligations } from '@secreg/policy-engine'

/** The strictest of each; undefined where none obliges. */
export function strictestObligations(
  decisions: readonly Pick<Decision, 'obligations'>[],
): Obligations | undefined {
  const ttlSeconds = least(decisions.flatMap(({ obligations }) => obligations?.ttlSeconds ?? []))
  const maxUses = least(decisions.flatMap(({ obligations }) => obligations?.maxUses ?? []))
  if (ttlSeconds === undefined && maxUses === undefined) return undefined
  return {
    ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
    ...(maxUses === undefined ? {} : { maxUses }),
  }
}

function least(counts: readonly number[]): number | undefined {
  return counts.length === 0 ? undefined : Math.min(...counts)
}
