/** Obligations in the context of a decision: one form is written, three are read. */

import type { Obligations } from '../document.ts'
import type { AuthzenContext } from './types.ts'

/** What a decision obliges its enforcer to. */
export interface AuthzenObligations extends Obligations {
  /** How whoever uses the answer must prove himself; absent or `any`: not at all. */
  readonly binding?: 'any' | 'dpop' | 'mtls'
}

/** What was understood of a context. */
export type ReadObligations =
  | { readonly kind: 'understood'; readonly obligations: AuthzenObligations }
  /** The subject has to prove more, in one of these ways. */
  | { readonly kind: 'step-up'; readonly acrValues: readonly string[] }
  /** Something that must not be ignored. */
  | { readonly kind: 'unsupported' }

type Members = Readonly<Record<string, unknown>>

const UNSUPPORTED: ReadObligations = Object.freeze({ kind: 'unsupported' })

/** Write obligations as the obligations profile has them. */
export function writeObligations({ ttlSeconds, maxUses }: Obligations): AuthzenContext {
  const properties = {
    ...(ttlSeconds === undefined ? {} : { ttl_seconds: ttlSeconds }),
    ...(maxUses === undefined ? {} : { max_uses: maxUses }),
  }
  return { obligations: [{ id: 'o1', type: 'custom', properties }] }
}

/**
 * Read the obligations of a context: a list of `{ id, type, properties }` or `{ id, attributes }`, or one object of
 * attributes. The strictest of several counts.
 */
export function readObligations(context: AuthzenContext | undefined): ReadObligations {
  const given = own(context, 'obligations')
  if (given === undefined) return { kind: 'understood', obligations: {} }
  if (!Array.isArray(given)) return isMembers(given) ? readAll([given]) : UNSUPPORTED
  const attributes: Members[] = []
  for (const item of given) {
    if (!isMembers(item)) return UNSUPPORTED
    const type = own(item, 'type')
    const inner = own(item, type === undefined ? 'attributes' : 'properties')
    if (!isMembers(inner)) return UNSUPPORTED
    if (type === 'step-up') return { kind: 'step-up', acrValues: textsOf(own(inner, 'acr_values')) }
    if (type !== undefined && type !== 'custom') return UNSUPPORTED
    attributes.push(inner)
  }
  return readAll(attributes)
}

function readAll(list: readonly Members[]): ReadObligations {
  let ttlSeconds = Number.POSITIVE_INFINITY
  let maxUses = Number.POSITIVE_INFINITY
  let binding: AuthzenObligations['binding']
  for (const [name, value] of list.flatMap(Object.entries)) {
    if (name === 'binding') {
      if (value !== 'any' && value !== 'dpop' && value !== 'mtls') return UNSUPPORTED
      // Two proofs at once are more than anybody can be asked for here.
      if (binding !== undefined && binding !== 'any' && value !== 'any' && value !== binding) {
        return UNSUPPORTED
      }
      if (binding === undefined || binding === 'any') binding = value
      continue
    }
    if (!Number.isSafeInteger(value) || (value as number) < 1) return UNSUPPORTED
    if (name === 'ttl_seconds' || name === 'ttl_s')
      ttlSeconds = Math.min(ttlSeconds, value as number)
    else if (name === 'max_uses') maxUses = Math.min(maxUses, value as number)
    else return UNSUPPORTED
  }
  return {
    kind: 'understood',
    obligations: {
      ...(ttlSeconds === Number.POSITIVE_INFINITY ? {} : { ttlSeconds }),
      ...(maxUses === Number.POSITIVE_INFINITY ? {} : { maxUses }),
      ...(binding === undefined ? {} : { binding }),
    },
  }
}

function own(members: Members | undefined, name: string): unknown {
  return members !== undefined && Object.hasOwn(members, name) ? members[name] : undefined
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string') : []
}
