/** What is in a policy document, without the engine: the parts that the registry itself has to know. */

interface RuleText {
  readonly id?: unknown
  readonly effect?: unknown
  readonly principals?: readonly string[]
  readonly actions?: readonly string[]
  readonly resources?: readonly string[]
  readonly when?: { readonly metadata?: unknown }
  readonly unless?: { readonly metadata?: unknown }
  readonly obligations?: unknown
}

/** A document as it was parsed and, once it is stored, compiled. */
export type Document = Readonly<Record<string, unknown>>

/** Rules of a native document; none of one with the rules of another system. */
export function rulesOf(document: unknown): readonly RuleText[] {
  const { source, rules } = document as { readonly source?: unknown; readonly rules?: unknown }
  return source === undefined && Array.isArray(rules) ? rules : []
}

/** System whose rules a document keeps; `native` for ours. */
export function sourceOf(document: unknown): string {
  const { source } = document as { readonly source?: unknown }
  return typeof source === 'string' ? source : 'native'
}

/** Whether some allow comes with an obligation. */
export function hasObligations(document: unknown): boolean {
  return rulesOf(document).some(({ obligations }) => obligations !== undefined)
}

/** Whether a decision by this document may depend on metadata of an entry. */
export function asksMetadata(document: unknown): boolean {
  return rulesOf(document).some(
    ({ when, unless }) => when?.metadata !== undefined || unless?.metadata !== undefined,
  )
}

/** Whether a decision by this document may depend on what an entry is for. */
export function asksUsage(document: Document): boolean {
  const { rules } = document
  if (sourceOf(document) !== 'libvirt' || !Array.isArray(rules)) return false
  return rules.some((rule: { readonly usage?: unknown }) => rule.usage !== undefined)
}

/** How many rules, patterns or lists a document holds. */
export function sizeOf(document: Document): number {
  const { acls, policies, rules } = document
  if (Array.isArray(rules)) return rules.length
  if (Array.isArray(policies)) return policies.length
  return typeof acls === 'object' && acls !== null ? Object.keys(acls).length : 0
}
