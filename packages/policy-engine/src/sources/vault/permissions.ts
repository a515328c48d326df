/** What one pattern grants, as its policies say it and merged (specs/kv2.md §3). */

import type { VaultCapability } from './words.ts'

/** Values by parameter in lower case; an empty list is any value. */
export type Parameters = ReadonlyMap<string, readonly unknown[]>

/** What a pattern grants. */
export interface Permissions {
  /** Only `deny` if it is among them. */
  readonly capabilities: ReadonlySet<VaultCapability>
  /** Empty: any parameter. */
  readonly allowedParameters: Parameters
  readonly deniedParameters: Parameters
  readonly requiredParameters: ReadonlySet<string>
  /** Seconds; 0 is none. */
  readonly minWrappingTtl: number
  readonly maxWrappingTtl: number
  /** Needs a second factor. */
  readonly mfa: boolean
  /** Most keys of a list, which must then say its limit; 0 is none. */
  readonly paginationLimit: number
  /** What filters the keys of a list, as text for the door; several if policies differ. */
  readonly keysFilters: readonly string[]
  /** Nothing of the above restricts a request. */
  readonly free: boolean
}

const NONE: Parameters = new Map()

/** Permissions that only deny: a deny drops everything else. */
export const DENIED: Permissions = Object.freeze({
  capabilities: new Set(['deny'] as const),
  allowedParameters: NONE,
  deniedParameters: NONE,
  requiredParameters: new Set<string>(),
  minWrappingTtl: 0,
  maxWrappingTtl: 0,
  mfa: false,
  paginationLimit: 0,
  keysFilters: [],
  free: true,
})

/** Merge what several policies say of one pattern. The order does not matter. */
export function mergePermissions(a: Permissions, b: Permissions): Permissions {
  if (a.capabilities.has('deny') || b.capabilities.has('deny')) return DENIED
  return withFreedom({
    capabilities: new Set([...a.capabilities, ...b.capabilities]),
    allowedParameters: mergeParameters(a.allowedParameters, b.allowedParameters),
    deniedParameters: mergeParameters(a.deniedParameters, b.deniedParameters),
    requiredParameters: new Set([...a.requiredParameters, ...b.requiredParameters]),
    minWrappingTtl: lesser(a.minWrappingTtl, b.minWrappingTtl),
    maxWrappingTtl: lesser(a.maxWrappingTtl, b.maxWrappingTtl),
    mfa: a.mfa || b.mfa,
    paginationLimit: lesser(a.paginationLimit, b.paginationLimit),
    keysFilters: [...new Set([...a.keysFilters, ...b.keysFilters])],
  })
}

/** Permissions with what follows from them. */
export function withFreedom(permissions: Omit<Permissions, 'free'>): Permissions {
  const { allowedParameters, deniedParameters, requiredParameters, keysFilters } = permissions
  const lists = allowedParameters.size + deniedParameters.size + requiredParameters.size
  const limits =
    permissions.minWrappingTtl + permissions.maxWrappingTtl + permissions.paginationLimit
  const free = lists + limits + keysFilters.length === 0 && !permissions.mfa
  return { ...permissions, free }
}

/** The lesser of two limits, of which 0 is none. */
function lesser(a: number, b: number): number {
  return a === 0 || b === 0 ? a + b : Math.min(a, b)
}

function mergeParameters(a: Parameters, b: Parameters): Parameters {
  const merged = new Map(a)
  for (const [name, values] of b) {
    const known = merged.get(name)
    // An empty list is any value, so it takes in every other.
    const any = values.length === 0 || known?.length === 0
    merged.set(name, any ? [] : [...(known ?? []), ...values])
  }
  return merged
}
