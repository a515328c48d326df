/** Questions about what policies decide: trials, explanations, who can, what somebody can (DESIGN §7). */
import {
  type Action,
  type CompiledPolicy,
  type Context,
  isAction,
  isForeignSecret,
  type Subject,
} from '@secreg/policy-engine'
import {
  type AbilityInfo,
  ACTIONS,
  type Caller,
  type DecisionInfo,
  type GrantInfo,
  type PolicyResponse,
  parsePath,
  type RequestOf,
  SecregError,
} from '@secreg/protocol'
import { decodeAccount } from '@secreg/zones'
import { decodeEntry } from '../entry.ts'
import type { Identity } from '../identity.ts'
import { ACCOUNT_SPACE, entryKey } from '../keys.ts'
import type { PolicySet } from '../policies.ts'
import { grantedMetadata, usageOf } from '../policy/about-entry.ts'
import { bindPrincipal, shownPrincipal } from '../policy/bind.ts'
import { checkDocument, idOf, invalidAsOurs } from '../policy/check-document.ts'
import { Directory } from '../policy/directory.ts'
import { identityOf, subjectOf } from '../policy/principals.ts'
import { type Facts, recorded } from '../recorded.ts'
import { withAction } from '../recorded-name.ts'

type Request<Op extends string> = Extract<RequestOf<'policy'>, { op: Op }>
type Asked = Pick<Request<'explain'>, 'user' | 'principals' | 'context'>

/** Users of one answer to who can. */
const GRANTS_SHOWN = 10_000

/** Principal of an account of this registry. */
const OWN_ACCOUNT = /^account:[0-9a-f]{32}$/

/** As somebody comes who has logged in at the local socket with a password; a request says what is otherwise. */
const USUAL: Context = { mfa: false, door: 'registry', proof: 'credential' }

/** Decide some requests by the policies in force, or as if documents had been set. */
export function testPolicy(
  identity: Identity,
  caller: Caller,
  request: Request<'test'>,
): Promise<PolicyResponse> {
  const facts: Facts = { action: 'admin', detail: 'policy-test', count: request.requests.length }
  return recorded(identity.core.journal, caller, facts, async () => {
    identity.core.authorizer.require(caller, 'policy-read', '/')
    const directory = await Directory.open(identity.core.engine)
    const { documents = [] } = request
    const set =
      documents.length === 0
        ? identity.policies.current
        : invalidAsOurs(() =>
            identity.policies.preview(
              new Map(
                documents.map((one) => {
                  const bound = checkDocument(one, directory)
                  return [idOf(bound) as string, bound]
                }),
              ),
            ),
          )
    const decisions: DecisionInfo[] = []
    for (const trial of request.requests) {
      const { decision, reason, rules } = await explained(identity, caller, set, trial, directory)
      const { expect } = trial
      const as = expect === undefined ? {} : { as_expected: expect === decision }
      decisions.push({ decision, reason, rules, ...as })
    }
    return { decisions }
  })
}

/** Why somebody may or may not: of himself to everybody, of others to who may read policies. */
export function explainPolicy(
  identity: Identity,
  caller: Caller,
  request: Request<'explain'>,
): Promise<PolicyResponse> {
  const { core } = identity
  const facts: Facts = { action: 'admin', detail: withAction('policy-explain', request.action) }
  return recorded(core.journal, caller, facts, async () => {
    const mayRead = core.authorizer.allows(caller, 'policy-read', '/')
    if (!isOwn(request, caller)) core.authorizer.require(caller, 'policy-read', '/')
    const { action, resource } = checked(request)
    facts.paths = [resource]
    if (!isOwn(request, caller)) {
      const set = identity.policies.current
      return {
        decisions: [
          await explained(
            identity,
            caller,
            set,
            request,
            await Directory.open(identity.core.engine),
          ),
        ],
      }
    }
    const told = core.authorizer.explain(
      caller,
      {
        action,
        resource,
        time: request.context?.time_ms ?? core.now(),
        context: await contextOf(identity, core.authorizer.contextOf(caller), request, resource),
      },
      { denials: mayRead },
    )
    return { decisions: [{ decision: told.decision, reason: told.reason, rules: told.rules }] }
  })
}

/** Everybody who may do something: users as they are now, and principals that rules name. */
export function whoCan(
  identity: Identity,
  caller: Caller,
  request: Request<'who-can'>,
): Promise<PolicyResponse> {
  const { core } = identity
  const facts: Facts = { action: 'admin', detail: withAction('policy-who-can', request.action) }
  return recorded(core.journal, caller, facts, async () => {
    core.authorizer.require(caller, 'policy-read', '/')
    const { action, resource } = checked(request)
    facts.paths = [resource]
    const { compiled } = identity.policies.current
    const asked = {
      action,
      resource,
      time: request.context?.time_ms ?? core.now(),
      context: await contextOf(identity, USUAL, request, resource),
    }
    const directory = await Directory.open(identity.core.engine)
    const grants: GrantInfo[] = []
    let complete = true
    for await (const row of core.engine.iterate(ACCOUNT_SPACE)) {
      const account = decodeAccount(row.value, row.key.slice(2))
      if (account.disabled) continue
      const { decision, rules } = compiled.decide({
        ...asked,
        subject: subjectOf(compiled, account),
      })
      if (decision !== 'allow') continue
      if (grants.length === GRANTS_SHOWN) {
        complete = false
        break
      }
      grants.push({ principal: `user:${account.login}`, account: account.id, rules })
    }
    for (const { principal, rules } of compiled.whoCan(asked)) {
      // Those that there are have been asked about; whoever another issuer knows has not.
      if (OWN_ACCOUNT.test(principal)) continue
      grants.push({ principal: shownPrincipal(principal, directory), rules })
    }
    facts.count = grants.length
    return { grants, complete }
  })
}

/** What somebody may do: the rules that name him. */
export function whatCan(
  identity: Identity,
  caller: Caller,
  request: Request<'what-can'>,
): Promise<PolicyResponse> {
  const { core } = identity
  const facts: Facts = { action: 'admin', detail: 'policy-what-can' }
  return recorded(core.journal, caller, facts, async () => {
    const mayRead = core.authorizer.allows(caller, 'policy-read', '/')
    const own = isOwn(request, caller)
    if (!own) core.authorizer.require(caller, 'policy-read', '/')
    const { compiled } = identity.policies.current
    const directory = await Directory.open(core.engine)
    const subject = own
      ? subjectOfCaller(compiled, caller)
      : subjectAsked(compiled, request, directory)
    const base = own ? core.authorizer.contextOf(caller) : USUAL
    const found = compiled.whatCan(subject, {
      time: request.context?.time_ms ?? core.now(),
      context: await contextOf(identity, base, request),
      denials: mayRead,
    })
    const abilities: AbilityInfo[] = [...found.allows, ...found.denies].map(
      ({ rule, effect, resources, actions, applies, unmet }) => ({
        rule,
        effect,
        resources,
        actions,
        applies,
        unmet,
      }),
    )
    return { abilities }
  })
}

async function explained(
  identity: Identity,
  caller: Caller,
  set: PolicySet,
  request: Asked & { readonly action: string; readonly resource: string },
  directory: Directory,
): Promise<DecisionInfo> {
  const { action, resource } = checked(request)
  const { decision, reason, rules } = set.compiled.explain(
    {
      subject: isOwn(request, caller)
        ? subjectOfCaller(set.compiled, caller)
        : subjectAsked(set.compiled, request, directory),
      action,
      resource,
      time: request.context?.time_ms ?? identity.core.now(),
      context: await contextOf(identity, USUAL, request, resource),
    },
    { denials: true },
  )
  return { decision, reason, rules }
}

function isOwn({ user, principals }: Asked, caller: Caller): boolean {
  return principals === undefined && (user === undefined || user === caller.login)
}

function subjectOfCaller(policy: CompiledPolicy, caller: Caller): Subject {
  const { accountId, groups, login, principals } = caller
  return policy.subject(principals, identityOf(accountId, login, groups))
}

function subjectAsked(
  policy: CompiledPolicy,
  { user, principals }: Asked,
  directory: Directory,
): Subject {
  if (user === undefined) {
    return policy.subject((principals ?? []).map((one) => bindPrincipal(one, directory)))
  }
  if (principals !== undefined) {
    throw new SecregError('INVALID_ARGUMENT', 'a user or principals, not both')
  }
  const account = directory.accountOf(user)
  if (account === undefined) throw new SecregError('USER_NOT_FOUND', 'no such user')
  return subjectOf(policy, account)
}

function checked(request: { readonly action: string; readonly resource: string }): {
  readonly action: Action
  readonly resource: string
} {
  const { action, resource } = request
  if (!isAction(action)) {
    throw new SecregError('INVALID_ARGUMENT', `unknown action; known are ${ACTIONS.join(', ')}`)
  }
  return { action, resource: isAsIs(resource) ? resource : parsePath(resource) }
}

function isAsIs(resource: string): boolean {
  return resource === '/' || isForeignSecret(resource)
}

/**
 * What is known of a request: what its asker says, over what it is otherwise and what the entry says of itself. That is
 * looked up whether policies in force ask for it or not, for those that are tried may.
 */
async function contextOf(
  { core }: Identity,
  base: Context,
  { context = {} }: Asked,
  resource?: string,
): Promise<Context> {
  const { time_ms: _, ...given } = context
  if (resource === undefined || isForeignSecret(resource)) return { ...base, ...given }
  const row = await core.engine.get(entryKey(resource))
  const entry = row === undefined ? undefined : decodeEntry(row)
  const usage = usageOf(core.mounts.at(resource), resource, entry)
  const about = { metadata: grantedMetadata(entry), ...(usage === undefined ? {} : { usage }) }
  return { ...base, ...about, ...given }
}
