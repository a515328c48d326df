/** Setting and deleting policies. A change holds for the next operation of every session. */
import { type Caller, type PolicyResponse, type RequestOf, SecregError } from '@secreg/protocol'
import type { KeyedRow, Op } from '@secreg/storage'
import { decodeAccessToken } from '@secreg/zones'
import { auditBody } from '../audit-record.ts'
import { GroupView, type View } from '../group-view.ts'
import type { Identity } from '../identity.ts'
import { identOfTokenKey, policyKey, TOKEN_SPACE } from '../keys.ts'
import { REGISTRY_LIMITS } from '../limits.ts'
import type { Scan } from '../operation.ts'
import { encodePolicy, type PolicySet } from '../policies.ts'
import { otherAdministrators, requireAdministrator } from '../policy/administrators.ts'
import { checkDocument, idOf, invalidAsOurs } from '../policy/check-document.ts'
import { Directory } from '../policy/directory.ts'
import type { Document } from '../policy/document-facts.ts'
import { requireGrantable, withoutLostDenies } from '../policy/grantable.ts'
import { type Facts, recordedFailure, refusalBody } from '../recorded.ts'
import { withPolicyId } from '../recorded-name.ts'
import { rowViewOf } from '../row-view.ts'

type Request<Op extends string> = Extract<RequestOf<'policy'>, { op: Op }>

/** Put a document in force, in place of the one with its id. */
export function setPolicy(
  identity: Identity,
  caller: Caller,
  request: Request<'set'>,
): Promise<PolicyResponse> {
  const id = idOf(request.document)
  const facts: Facts = { action: 'grant', detail: withPolicyId('policy-set', id) }
  return submit(identity, caller, facts, (view) => {
    const document = checkDocument(request.document, new Directory(rowViewOf(view)))
    const key = policyKey(idOf(document) as string)
    requireRevision(view, key, request.if_revision)
    const { size } = identity.policies.current.documents
    if (view.get(key) === undefined && size >= REGISTRY_LIMITS.policies) {
      throw new SecregError(
        'LIMIT_EXCEEDED',
        `there are at most ${REGISTRY_LIMITS.policies} policies`,
      )
    }
    return { id: idOf(document) as string, after: document, key }
  })
}

/** Take a policy out of force. */
export function deletePolicy(
  identity: Identity,
  caller: Caller,
  request: Request<'delete'>,
): Promise<PolicyResponse> {
  const { policy: id } = request
  const facts: Facts = { action: 'grant', detail: withPolicyId('policy-delete', id) }
  return submit(identity, caller, facts, (view) => {
    const key = policyKey(id)
    if (!identity.policies.current.documents.has(id)) {
      throw new SecregError('NOT_FOUND', 'no such policy')
    }
    requireRevision(view, key, request.if_revision)
    return { id, after: undefined, key }
  })
}

interface Change {
  readonly id: string
  readonly key: string
  readonly after: Document | undefined
}

async function submit(
  identity: Identity,
  caller: Caller,
  facts: Facts,
  changeOf: (view: View) => Change,
): Promise<PolicyResponse> {
  const { core, policies } = identity
  const checked = (view: View): Change & { readonly set: PolicySet } => {
    core.authorizer.require(caller, 'policy', '/')
    core.keys.requireUnsealed()
    const change = changeOf(view)
    const { id, after } = change
    const set = invalidAsOurs(() => policies.preview(new Map([[id, after]])))
    requireMayChange(identity, caller, id, after)
    return { ...change, set }
  }
  // Once before the writer's turn: to read there who else could administer would hold everybody up.
  const others = await recordedFailure(core.journal, caller, facts, async () => {
    const { set } = checked(new GroupView(core.engine))
    return otherAdministrators(core, set.compiled)
  })
  return core.writer.submit<PolicyResponse>({
    plan: (view, rows) => {
      const { id, key, after, set } = checked(view)
      requireAdministrator(rowViewOf(view), set.compiled, core.now(), others)
      if (after === undefined && rows === undefined) return tokensBoundBy(id)
      if (rows !== undefined && rows.length > 0) throw boundsTokens(rows)
      const ops: readonly Op[] = [
        after === undefined
          ? { type: 'delete', key }
          : { type: 'put', key, value: encodePolicy(after) },
      ]
      return {
        ops,
        record: auditBody(caller, facts.action, 'ok', facts),
        publish: () => policies.apply(ops),
        result: (revision) => ({ revision }),
      }
    },
    refusal: (error) => refusalBody(caller, facts, error),
  })
}

function requireMayChange(
  { core, policies }: Identity,
  caller: Caller,
  id: string,
  after: Document | undefined,
): void {
  const before = policies.current.documents.get(id)
  const least = withoutLostDenies(before, after)
  const { compiled } = policies.preview(new Map([[id, least]]))
  requireGrantable(before, after, caller, (action, pattern, conditions) =>
    core.authorizer.covers(caller, action, pattern, conditions, compiled),
  )
}

function requireRevision(view: View, key: string, wanted: number | undefined): void {
  if (wanted === undefined || wanted === (view.get(key)?.modifyRevision ?? 0)) return
  throw new SecregError('VERSION_CONFLICT', 'the policy was changed in the meantime; get it again')
}

/** A policy that comes back under the name must not bound what the one before did. */
function tokensBoundBy(id: string): Scan {
  const keep = (row: KeyedRow): boolean => {
    const { boundary } = decodeAccessToken(row.value, identOfTokenKey(row.key))
    return boundary !== 'full' && boundary.includes(id)
  }
  return { scan: TOKEN_SPACE, maxRows: 1, stopAtMax: true, keep }
}

function boundsTokens([row]: readonly KeyedRow[]): SecregError {
  const ident = identOfTokenKey((row as KeyedRow).key)
  return new SecregError(
    'IN_USE',
    `the policy bounds tokens, among them ${ident}: revoke them first (sreg token list --all)`,
  )
}
