/** Policies as documents: lists, one of them, what is odd about them, what a change would change (DESIGN §7). */
import type { LintFinding } from '@secreg/policy-engine'
import {
  type Caller,
  type LintInfo,
  type PolicyInfo,
  type PolicyResponse,
  type RequestOf,
  SecregError,
} from '@secreg/protocol'
import { isHomePolicy } from '../built-in-policies.ts'
import type { Identity } from '../identity.ts'
import { POLICY_SPACE, policyIdOf, policyKey, spaceAfter } from '../keys.ts'
import { decodePolicy } from '../policies.ts'
import { relevantTo } from '../policy/analysis.ts'
import { showDocument, shownPrincipal } from '../policy/bind.ts'
import { checkDocument, idOf, invalidAsOurs } from '../policy/check-document.ts'
import { Directory } from '../policy/directory.ts'
import { type Document, sizeOf, sourceOf } from '../policy/document-facts.ts'
import { type Facts, recorded } from '../recorded.ts'
import { withPolicyId } from '../recorded-name.ts'

/** Policies of one answer, where its asker says nothing else. */
const PAGE = 1000
/** Changes of one answer: whoever has to look at more is not helped by them. */
const CHANGES_SHOWN = 1000

type Request<Op extends string> = Extract<RequestOf<'policy'>, { op: Op }>

/** In the order of their ids; the policies that only give users their own subtrees are left out unless asked for. */
export function listPolicies(
  identity: Identity,
  caller: Caller,
  request: Request<'list'>,
): Promise<PolicyResponse> {
  const facts: Facts = { action: 'admin', detail: 'policy-list' }
  return recorded(identity.core.journal, caller, facts, async () => {
    identity.core.authorizer.require(caller, 'policy-read', '/')
    const { after, homes = false, limit = PAGE } = request
    const policies: PolicyInfo[] = []
    let next: string | undefined
    for await (const row of identity.core.engine.iterate(spaceAfter(POLICY_SPACE, after))) {
      const id = policyIdOf(row.key)
      if (!homes && isHomePolicy(id)) continue
      if (policies.length === limit) {
        next = policies.at(-1)?.policy
        break
      }
      policies.push(infoOf(id, decodePolicy(row), row.modifyRevision))
    }
    facts.count = policies.length
    return { policies, ...(next === undefined ? {} : { next }) }
  })
}

function infoOf(policy: string, document: Document, revision: number): PolicyInfo {
  const { description } = document
  return {
    policy,
    ...(typeof description === 'string' ? { description } : {}),
    source: sourceOf(document) as PolicyInfo['source'],
    rules: sizeOf(document),
    revision,
  }
}

export function getPolicy(
  identity: Identity,
  caller: Caller,
  request: Request<'get'>,
): Promise<PolicyResponse> {
  const { core } = identity
  const facts: Facts = { action: 'admin', detail: withPolicyId('policy-get', request.policy) }
  return recorded(core.journal, caller, facts, async () => {
    core.authorizer.require(caller, 'policy-read', '/')
    const row = await core.engine.get(policyKey(request.policy))
    if (row === undefined) throw noSuchPolicy()
    const document = showDocument(decodePolicy(row), await Directory.open(identity.core.engine))
    return { document, revision: row.modifyRevision }
  })
}

/** What is probably not meant, in the policies in force or as if a document had been set. */
export function lintPolicy(
  identity: Identity,
  caller: Caller,
  request: Request<'lint'>,
): Promise<PolicyResponse> {
  const { core, policies } = identity
  const facts: Facts = { action: 'admin', detail: 'policy-lint' }
  return recorded(core.journal, caller, facts, async () => {
    core.authorizer.require(caller, 'policy-read', '/')
    const { document } = request
    const current = policies.current.documents
    if (document === undefined) {
      const found = await core.analysis.lint(withoutHomes(current))
      facts.count = found.length
      return { findings: found.map(findingOf) }
    }
    const own = checkDocument(document, await Directory.open(core.engine))
    const id = idOf(own) as string
    invalidAsOurs(() => policies.preview(new Map([[id, own]])))
    const others = [...current].filter(([other]) => other !== id).map(([, one]) => one)
    const findings = (await core.analysis.lint([...relevantTo([own], others), own]))
      .filter(({ rule, by }) => [rule, ...(by ?? [])].some((one) => one.startsWith(`${id}/`)))
      .map(findingOf)
    facts.count = findings.length
    return { findings }
  })
}

/** Those of users' own subtrees are all alike, and there are as many as users. */
function withoutHomes(documents: ReadonlyMap<string, Document>): readonly Document[] {
  return [...documents].filter(([id]) => !isHomePolicy(id)).map(([, one]) => one)
}

function findingOf({ by, code, message, rule, severity }: LintFinding): LintInfo {
  return { code, severity, rule, ...(by === undefined ? {} : { by }), message }
}

/** What would be decided otherwise, if a document were set or a policy deleted. */
export function diffPolicy(
  identity: Identity,
  caller: Caller,
  request: Request<'diff'>,
): Promise<PolicyResponse> {
  const { core, policies } = identity
  const facts: Facts = { action: 'admin', detail: 'policy-diff' }
  return recorded(core.journal, caller, facts, async () => {
    core.authorizer.require(caller, 'policy-read', '/')
    const directory = await Directory.open(identity.core.engine)
    const { documents: before } = policies.current
    const changed = changeOf(request, before, directory)
    const [id, document] = [...changed][0] as [string, Document | undefined]
    invalidAsOurs(() => policies.preview(changed))
    const now = before.get(id)
    const about = [now, document].filter((one) => one !== undefined)
    const others = [...before].filter(([other]) => other !== id).map(([, one]) => one)
    const rest = relevantTo(about, others)
    const { changes, complete } = await core.analysis.diff(
      now === undefined ? rest : [...rest, now],
      document === undefined ? rest : [...rest, document],
    )
    facts.count = changes.length
    return {
      complete: complete && changes.length <= CHANGES_SHOWN,
      changes: changes
        .slice(0, CHANGES_SHOWN)
        .map(({ actions, after: now, before: was, ...change }) => ({
          principals: change.principals.map((one) => shownPrincipal(one, directory)),
          actions,
          resource: change.resource,
          patterns: change.patterns,
          before: { decision: was.decision, rules: was.rules },
          after: { decision: now.decision, rules: now.rules },
        })),
    }
  })
}

function changeOf(
  { document, policy }: Request<'diff'>,
  before: ReadonlyMap<string, Document>,
  directory: Directory,
): ReadonlyMap<string, Document | undefined> {
  if ((document === undefined) === (policy === undefined)) {
    throw new SecregError(
      'INVALID_ARGUMENT',
      'a document that would be set, or a policy that would be deleted',
    )
  }
  if (document !== undefined) {
    const bound = checkDocument(document, directory)
    return new Map([[idOf(bound) as string, bound]])
  }
  if (!before.has(policy as string)) throw noSuchPolicy()
  return new Map([[policy as string, undefined]])
}

function noSuchPolicy(): SecregError {
  return new SecregError('NOT_FOUND', 'no such policy')
}
