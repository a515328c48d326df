/** What a permit obliges to (specs: secrets-api §3.5, §3.7). */

/** Obligations that are understood. */
export interface Obligations {
  /** Seconds that a grant lives, 1 or more. */
  readonly ttlSeconds?: number
  /** Uses of a grant, 1 or more. */
  readonly maxUses?: number
  /** What a request must prove: a key of either kind, or of this one. */
  readonly binding?: 'any' | 'dpop' | 'mtls'
}

/** What was understood of the context of a permit. */
export type ReadObligations =
  | { readonly kind: 'understood'; readonly obligations: Obligations }
  /** The subject has to prove more, in one of these ways. */
  | { readonly kind: 'step-up'; readonly acrValues: readonly string[] }
  /** Something that must not be ignored. */
  | { readonly kind: 'unsupported' }

type Members = Readonly<Record<string, unknown>>

const UNSUPPORTED: ReadObligations = Object.freeze({ kind: 'unsupported' })

/**
 * Read `obligations` of a context: a list of `{ id, type, properties }` or of `{ id, attributes }`, or one object of
 * attributes. The strictest of several counts. A type other than `custom` and `step-up`, an unknown attribute and a value
 * of a wrong type are unsupported.
 */
export function readObligations(context: Members | undefined): ReadObligations {
  const given = own(context, 'obligations')
  if (given === undefined) return { kind: 'understood', obligations: {} }
  if (!Array.isArray(given)) return isMembers(given) ? readAttributes([given]) : UNSUPPORTED
  const attributes: Members[] = []
  let acrValues: readonly string[] | undefined
  for (const item of given) {
    if (!isMembers(item)) return UNSUPPORTED
    const type = own(item, 'type')
    const inner = own(item, type === undefined ? 'attributes' : 'properties')
    if (!isMembers(inner)) return UNSUPPORTED
    if (type === 'step-up') acrValues ??= textsOf(own(inner, 'acr_values'))
    else if (type === undefined || type === 'custom') attributes.push(inner)
    else return UNSUPPORTED
  }
  const read = readAttributes(attributes)
  // Who would prove more, and then be refused for the rest, is not told to.
  if (read.kind === 'understood' && acrValues !== undefined) return { kind: 'step-up', acrValues }
  return read
}

/**
 * Obligations of one who decides in this process, whatever they are.
 *
 * @returns undefined for an unknown member and for a value of a wrong type
 */
export function checkedObligations(value: unknown): Obligations | undefined {
  if (!isMembers(value)) return undefined
  let all: Obligations | undefined = {}
  for (const [name, member] of Object.entries(value)) {
    if (member === undefined) continue
    const wireName = Object.hasOwn(WIRE_NAMES, name) ? WIRE_NAMES[name] : undefined
    const one = wireName === undefined ? undefined : readAttribute(wireName, member)
    all = one && strictestOf(all, one)
    if (all === undefined) return undefined
  }
  return all
}

const WIRE_NAMES: Readonly<Record<string, string>> = Object.freeze({
  ttlSeconds: 'ttl_seconds',
  maxUses: 'max_uses',
  binding: 'binding',
} satisfies Record<keyof Obligations, string>)

function readAttributes(list: readonly Members[]): ReadObligations {
  let all: Obligations | undefined = {}
  for (const [name, value] of list.flatMap(Object.entries)) {
    const one = readAttribute(name, value)
    all = one && strictestOf(all, one)
    if (all === undefined) return UNSUPPORTED
  }
  return { kind: 'understood', obligations: all }
}

function readAttribute(name: string, value: unknown): Obligations | undefined {
  if (name === 'binding') {
    return value === 'any' || value === 'dpop' || value === 'mtls' ? { binding: value } : undefined
  }
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 1) return undefined
  if (name === 'ttl_seconds' || name === 'ttl_s') return { ttlSeconds: value }
  return name === 'max_uses' ? { maxUses: value } : undefined
}

/**
 * What fulfils both.
 *
 * @returns undefined where one asks for DPoP and the other for a certificate, which is more than anybody is asked for
 */
export function strictestOf(a: Obligations, b: Obligations): Obligations | undefined {
  const ttlSeconds = least(a.ttlSeconds, b.ttlSeconds)
  const maxUses = least(a.maxUses, b.maxUses)
  const kinds = [a.binding, b.binding].filter((kind) => kind === 'dpop' || kind === 'mtls')
  if (kinds.length === 2 && kinds[0] !== kinds[1]) return undefined
  const binding = kinds[0] ?? a.binding ?? b.binding
  return {
    ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
    ...(maxUses === undefined ? {} : { maxUses }),
    ...(binding === undefined ? {} : { binding }),
  }
}

function least(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b
  return Math.min(a, b)
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
