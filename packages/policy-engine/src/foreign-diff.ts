/** Foreign documents that differ, compared by asking about what they name: a sample, and said to be one. */

import { ACTIONS, type Action } from './action.ts'
import type { Budget } from './budget.ts'
import type { Decision } from './cell.ts'
import type { DecisionChange } from './decision-change.ts'
import { type SampleFacts, sampleFacts, sampleResources } from './foreign-samples.ts'
import type { Outcome } from './outcome.ts'
import type { CompiledPolicy } from './policy.ts'
import type { ForeignDocument } from './sources/document.ts'
import { isForeign } from './sources/read.ts'

/** The foreign ones of valid documents that the others do not have alike, of both. */
export function foreignChanges(
  before: readonly unknown[],
  after: readonly unknown[],
): ForeignDocument[] {
  const [old, now] = [before, after].map((documents) => {
    const foreign = documents.filter(isForeign) as ForeignDocument[]
    return new Map(foreign.map((document) => [canonicalText(document), document]))
  })
  const changed = new Map<string, ForeignDocument>()
  for (const [text, document] of [...(old ?? []), ...(now ?? [])]) {
    if (old?.has(text) !== now?.has(text)) changed.set(text, document)
  }
  return [...changed.values()]
}

/**
 * Ask both policies what the documents suggest.
 *
 * @param subjects principals of each
 */
export function askBoth(
  policies: readonly [CompiledPolicy, CompiledPolicy],
  documents: readonly ForeignDocument[],
  subjects: readonly (readonly string[])[],
  budget: Budget,
): DecisionChange[] {
  const changes = new Map<string, DecisionChange & { readonly actions: Action[] }>()
  const resources = new Set(documents.flatMap(sampleResources))
  const allFacts = sampleFacts(documents)
  for (const principals of subjects) {
    const [old, now] = policies.map((policy) => policy.subject(principals))
    if (old === undefined || now === undefined) continue
    const known = new Set<string>()
    for (const resource of resources) {
      for (const facts of allFacts) {
        for (const action of ACTIONS) {
          if (!budget.spend()) return [...changes.values()]
          const request = { action, resource, ...facts }
          const before = outcomeOf(policies[0].decide({ subject: old, ...request }))
          const after = outcomeOf(policies[1].decide({ subject: now, ...request }))
          if (sameEffect(before, after)) continue
          const pair = JSON.stringify([before, after])
          if (known.has(`${action} ${pair}`)) continue
          known.add(`${action} ${pair}`)
          const key = JSON.stringify([principals, resource, facts, pair])
          const change = changes.get(key)
          if (change === undefined)
            changes.set(key, changeOf(principals, request, facts, before, after))
          else change.actions.push(action)
        }
      }
    }
  }
  return [...changes.values()]
}

function changeOf(
  principals: readonly string[],
  { action, resource }: { readonly action: Action; readonly resource: string },
  asked: SampleFacts,
  before: Outcome,
  after: Outcome,
): DecisionChange & { readonly actions: Action[] } {
  return { principals, actions: [action], resource, patterns: [], before, after, asked }
}

function outcomeOf({ decision, rules, obligations }: Decision): Outcome {
  return obligations === undefined ? { decision, rules } : { decision, rules, obligations }
}

function sameEffect(a: Outcome, b: Outcome): boolean {
  return (
    a.decision === b.decision &&
    a.obligations?.ttlSeconds === b.obligations?.ttlSeconds &&
    a.obligations?.maxUses === b.obligations?.maxUses
  )
}

/** The text of a value, the same whatever the order of members. */
function canonicalText(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) => {
    if (typeof member !== 'object' || member === null || Array.isArray(member)) return member
    return Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}
