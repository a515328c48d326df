/** Documents read into rules, at first or in place of others: the part of a compilation that a change works on. */

import { ConditionScope } from './condition.ts'
import { type CompiledDocument, type RuleSource, readDocument } from './rule.ts'
import { RuleSet } from './rule-set.ts'
import { ForeignIndex } from './sources/foreign-index.ts'
import { isForeign, readForeign } from './sources/read.ts'

/** What `CompiledPolicy.replace` changes. */
export interface PolicyChanges {
  /** Documents to take the place of those with the same ids, or to come after all others. */
  readonly set?: readonly unknown[]
  /** Ids of documents to leave out; one that is not there changes nothing. They are left out before any is set. */
  readonly remove?: readonly string[]
}

/** What a compiled policy is made of. It never changes. */
export interface Edition {
  readonly rules: RuleSet
  readonly foreign: ForeignIndex
  readonly scope: ConditionScope
  /** Most that the scope may hold: what is interned for documents that are gone must not pile up in it. */
  readonly scopeLimit: number
}

/** Conditions that may be interned beyond twice those of the first documents. */
const SPARE_CONDITIONS = 4096

/** The edition of these documents. @throws PolicyError */
export function firstEdition(
  documents: readonly unknown[],
  systemZone: string | undefined,
): Edition {
  const scope = new ConditionScope(systemZone)
  if (systemZone !== undefined) scope.clock(systemZone)
  const read = readAll(documents, RuleSet.empty(), scope)
  return edition(RuleSet.empty().with(read), ForeignIndex.empty().with(read), scope)
}

/** The edition after a change. @throws PolicyError, TypeError */
export function nextEdition(old: Edition, changes: PolicyChanges): Edition {
  const { set = [], remove = [] } = changes
  if (!Array.isArray(set)) throw new TypeError('set: expected a list of documents')
  if (!Array.isArray(remove) || remove.some((id) => typeof id !== 'string')) {
    throw new TypeError('remove: expected a list of ids')
  }
  const full = old.scope.size > old.scopeLimit
  const scope = full ? new ConditionScope(old.scope.systemZone) : old.scope
  const gone = new Map(remove.map((id) => [id, undefined]))
  const kept = remove.length === 0 ? old.rules : old.rules.with(gone)
  const read = readAll(set, kept, scope)
  const rules = kept.with(read)
  const foreign = old.foreign.with(gone).with(read)
  return full ? edition(rules, foreign, scope) : { ...old, rules, foreign }
}

function edition(rules: RuleSet, foreign: ForeignIndex, scope: ConditionScope): Edition {
  return { rules, foreign, scope, scopeLimit: scope.size * 2 + SPARE_CONDITIONS }
}

/** Read documents in place of those of the same ids. */
function readAll(
  values: readonly unknown[],
  known: RuleSet,
  scope: ConditionScope,
): Map<string, CompiledDocument> {
  const documents = new Map<string, CompiledDocument>()
  const source: RuleSource = {
    scope,
    documentIds: new Set(),
    patterns: new Map(),
    orderOf: (id) => known.document(id)?.order ?? known.nextOrder + documents.size,
  }
  for (let index = 0; index < values.length; index++) {
    const value = values[index]
    const read = isForeign(value) ? readForeign : readDocument
    const document = read(value, index, source)
    documents.set(document.id, document)
  }
  return documents
}
