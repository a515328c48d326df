/** Policies as documents: lists, one of them, what is odd about them, what a change would change (DESIGN §7). */
import { diff, lint } from '@secreg/policy-engine'
import {
  type Caller,
  type PolicyInfo,
  type PolicyResponse,
  type RequestOf,
  SecregError,
} from '@secreg/protocol'
import type { Identity } from '../identity.ts'
import { POLICY_SPACE, policyIdOf, policyKey } from '../keys.ts'
import { decodePolicy } from '../policies.ts'
import { showDocument, shownPrincipal } from '../policy/bind.ts'
import { checkDocument, idOf, invalidAsOurs } from '../policy/check-document.ts'
import { Directory } from '../policy/directory.ts'
import { type Document, sizeOf, sourceOf } from '../policy/document-facts.ts'
import { type Facts, recorded } from '../recorded.ts'

type Request<Op extends string> = Extract<RequestOf<'policy'>, { op: Op }>

export function listPolicies(identity: Identity, caller: Caller): Promise<PolicyResponse> {
  const facts: Facts = { action: 'admin', detail: 'policy-list' }
  return recorded(identity.core.journal, caller, facts, async () => {
    identity.core.authorizer.require(caller, 'policy-read', '/')
    const policies: PolicyInfo[] = []
    for await (const row of identity.core.engine.iterate(POLICY_SPACE)) {
      policies.push(infoOf(policyIdOf(row.key), decodePolicy(row), row.modifyRevision))
    }
    facts.count = policies.length
    return { policies }
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
  const facts: Facts = { action: 'admin', detail: `policy-get ${request.policy}` }
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
    const own =
      document === undefined
        ? undefined
        : checkDocument(document, await Directory.open(identity.core.engine))
    const { documents } = policies.preview(
      new Map(own === undefined ? [] : [[idOf(own) as string, own]]),
    )
    const prefix = own === undefined ? '' : `${idOf(own)}/`
    const findings = lint([...documents.values()])
      .filter(
        ({ rule, by }) =>
          rule.startsWith(prefix) || by?.some((one) => one.startsWith(prefix)) === true,
      )
      .map(({ code, severity, rule, by, message }) => ({
        code,
        severity,
        rule,
        ...(by === undefined ? {} : { by }),
        message,
      }))
    facts.count = findings.length
    return { findings }
  })
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
    const { documents: after } = invalidAsOurs(() => policies.preview(changed))
    const { changes, complete } = diff([...before.values()], [...after.values()])
    facts.count = changes.length
    return {
      complete,
      changes: changes.map(({ actions, after: now, before: was, ...change }) => ({
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
