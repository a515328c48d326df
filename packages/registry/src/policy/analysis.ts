/**
 * Looking for what policies mean takes time that grows with them, seconds for thousands of rules made to be hard: a
 * daemon has it done in another thread, and gives it up after a while.
 */
import { diff, type LintFinding, lint, type PolicyDiff } from '@secreg/policy-engine'
import type { Document } from './document-facts.ts'
import { rulesOf, sourceOf } from './document-facts.ts'

/** What can be asked about whole sets of valid documents. */
export interface PolicyAnalysis {
  lint(documents: readonly Document[]): Promise<readonly LintFinding[]>
  diff(before: readonly Document[], after: readonly Document[]): Promise<PolicyDiff>
}

/** Work of one comparison, as `maxStates` of `diff`. */
export const ANALYSIS_STATES = 200_000

/** The same in this thread. */
export const ANALYSIS_HERE: PolicyAnalysis = Object.freeze({
  lint: async (documents) => lint(documents),
  diff: async (before, after) => diff(before, after, { maxStates: ANALYSIS_STATES }),
} satisfies PolicyAnalysis)

/**
 * Documents that can matter to what some of them say: those that share a principal with them. Each account has a
 * document of its own, and nearly none of those do.
 *
 * @param subjects - documents that it is about
 */
export function relevantTo(
  subjects: readonly Document[],
  documents: Iterable<Document>,
): readonly Document[] {
  const named = new Set(subjects.flatMap(principalsOf))
  if (named.has('*')) return [...documents]
  return [...documents].filter((document) =>
    principalsOf(document).some((principal) => principal === '*' || named.has(principal)),
  )
}

function principalsOf(document: Document): readonly string[] {
  if (sourceOf(document) === 'native') {
    return rulesOf(document).flatMap(({ principals }) => principals ?? [])
  }
  const { principals } = document as { readonly principals?: readonly string[] }
  return principals ?? []
}
