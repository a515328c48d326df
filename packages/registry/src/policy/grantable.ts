/**
 * Nobody grants what he lacks (specs/secreg.md §8, 46): what a change of policy adds for anybody must already be the
 * caller's own, together with the right to grant it.
 */
import { type Acl, aclChangeNeeds } from '@secreg/policy-engine'
import { ACTIONS, type Action, type Caller, SecregError } from '@secreg/protocol'
import type { CoverConditions } from '../authorizer.ts'
import { REGISTRY_LIMITS } from '../limits.ts'
import { type Document, rulesOf, sourceOf } from './document-facts.ts'
import { isPersonal, names } from './naming.ts'

/** One thing that a rule says: about one principal, action and pattern, under conditions. */
interface Statement {
  readonly effect: 'allow' | 'deny'
  readonly principal: string
  readonly action: Action
  readonly resource: string
  readonly conditions: CoverConditions
}

/** Whether somebody may do something to everything that a pattern matches. */
export type Covers = (action: Action, pattern: string, conditions: CoverConditions) => boolean

/**
 * A document without the denies that a change takes away. What they kept from everybody they kept from its author too:
 * what counts is what he has without them.
 */
export function withoutLostDenies(
  before: Document | undefined,
  after: Document | undefined,
): Document | undefined {
  if (before === undefined || sourceOf(before) !== 'native') return before
  const kept = new Set(statementsOf(after).keys())
  const rules = rulesOf(before).filter(
    (rule) =>
      rule.effect !== 'deny' ||
      [...statementsOf({ rules: [rule] }).keys()].every((key) => kept.has(key)),
  )
  return { ...before, rules }
}

/**
 * Require that a change of one document gives nobody what the caller does not have and may not grant.
 *
 * @param before - the document that is in force
 * @param after - the one in its place; both bound to ids
 * @param covers - what the caller may do by the policies in force, with {@link withoutLostDenies} of this one
 * @throws SecregError `ERR_GRANT_EXCEEDED`, `ERR_LIMIT_EXCEEDED`
 */
export function requireGrantable(
  before: Document | undefined,
  after: Document | undefined,
  caller: Caller,
  covers: Covers,
): void {
  requireForeignGrantable(before, after, covers)
  const had = statementsOf(before)
  const has = statementsOf(after)
  const checked = new Set<string>()
  const check = ({ action, conditions, principal, resource }: Statement): void => {
    // A boundary gives nothing by itself: who has it has been given all that it can let through. Whoever is bounded
    // himself must not widen what bounds him.
    if (principal.startsWith('boundary:') && caller.boundary === undefined) return
    for (const wanted of [action, 'grant'] as const) {
      const key = JSON.stringify([wanted, resource, conditions])
      if (checked.has(key)) continue
      checked.add(key)
      if (!covers(wanted, resource, conditions)) throw exceeded(wanted, action, resource)
    }
  }
  for (const [key, statement] of has) {
    if (statement.effect === 'allow' && !had.has(key)) check(statement)
  }
  for (const [key, statement] of had) {
    if (statement.effect === 'deny' && !has.has(key)) check(statement)
  }
}

/**
 * Require that a caller has everything that policies give to some principals, so that he may give somebody these, or
 * act in his place.
 *
 * @param options - `except`: id of a document that does not count. `personal`: what everybody has of his own by
 *   templates counts. Default: it does not, for it is not of these principals.
 * @throws SecregError `ERR_GRANT_EXCEEDED`
 */
export function requireHolds(
  documents: ReadonlyMap<string, Document>,
  principals: ReadonlySet<string>,
  covers: Covers,
  { except, personal = false }: { readonly except?: string; readonly personal?: boolean } = {},
): void {
  for (const [id, document] of documents) {
    if (id === except) continue
    if (sourceOf(document) !== 'native') {
      const isNamed = [...principals].some((one) => names(document, one))
      if (isNamed || (personal && isPersonal(document))) requireMount(document, covers)
      continue
    }
    for (const rule of rulesOf(document)) {
      const isNamed = rule.principals?.some((one) => principals.has(one)) === true
      if (rule.effect !== 'allow' || !isNamed) continue
      const conditions = conditionsOf(rule)
      for (const resource of rule.resources ?? []) {
        for (const action of (rule.actions ?? []) as readonly Action[]) {
          if (!covers(action, resource, conditions)) throw exceeded(action, action, resource)
        }
      }
    }
  }
}

function requireForeignGrantable(
  before: Document | undefined,
  after: Document | undefined,
  covers: Covers,
): void {
  const foreign = [before, after].filter(
    (one): one is Document => one !== undefined && sourceOf(one) !== 'native',
  )
  if (foreign.length === 0 || JSON.stringify(before) === JSON.stringify(after)) return
  if (isAclChange(before, after)) requireAclChange(aclsOf(before), aclsOf(after), covers)
  else for (const document of foreign) requireMount(document, covers)
}

type Acls = Readonly<Record<string, Acl>>

function aclsOf(document: Document | undefined): Acls | undefined {
  return document?.['acls'] as Acls | undefined
}

/** Whether nothing but access control lists of SecReg-Linux is added, changed or taken away. */
function isAclChange(before: Document | undefined, after: Document | undefined): boolean {
  const rest = [before, after].filter((one) => one !== undefined)
  if (!rest.every((one) => sourceOf(one) === 'acl')) return false
  const [first, second = first] = rest.map(({ acls: _, description: __, ...others }) => {
    return JSON.stringify(others)
  })
  return first === second
}

/** These are weighed path by path (specs/secreg.md §8, 46); they never deny, so all of them may go. */
function requireAclChange(before: Acls = {}, after: Acls | undefined, covers: Covers): void {
  const current = new Map(Object.entries(before))
  for (const path of new Set([...current.keys(), ...Object.keys(after ?? {})])) {
    const next = after?.[path]
    if (JSON.stringify(current.get(path)) === JSON.stringify(next)) continue
    const needs: readonly { readonly action: Action; readonly resource: string }[] =
      after === undefined
        ? [{ action: 'grant', resource: path }]
        : aclChangeNeeds(Object.fromEntries(current), path, next)
    for (const { action, resource } of needs) {
      if (!covers(action, resource, {})) throw exceeded(action, action, resource)
    }
    if (next === undefined) current.delete(path)
    else current.set(path, next)
  }
}

/**
 * Rules of the other systems are not weighed one by one: whoever changes them must have everything that they can allow
 * at their mount and below.
 */
function requireMount(document: Document, covers: Covers): void {
  const { mount } = document as { readonly mount?: unknown }
  const at = typeof mount === 'string' ? mount : '/'
  const actions = sourceOf(document) === 'acl' ? ACL_GIVES : OTHERS_GIVE
  for (const resource of [at, at === '/' ? '/**' : `${at}/**`]) {
    for (const action of actions) {
      // No entry is at the root, so nobody needs to read a secret there.
      if (action === 'decrypt' && resource === '/') continue
      if (!covers(action, resource, {})) throw exceeded(action, action, resource)
    }
  }
}

/** Everything that access control lists can allow: the administration of the registry too. */
const ACL_GIVES: readonly Action[] = ACTIONS.filter((action) => action !== 'use-internal')
/** Everything that rules of Vault, setec and libvirt can allow. */
const OTHERS_GIVE: readonly Action[] = ACL_GIVES.slice(0, ACL_GIVES.indexOf('account'))

function statementsOf(document: Document | undefined): Map<string, Statement> {
  const statements = new Map<string, Statement>()
  let room: number = REGISTRY_LIMITS.policyStatements
  for (const rule of document === undefined ? [] : rulesOf(document)) {
    const { principals = [], actions = [], resources = [] } = rule
    room -= principals.length * actions.length * resources.length
    if (room < 0) {
      throw new SecregError(
        'LIMIT_EXCEEDED',
        `a policy says at most ${REGISTRY_LIMITS.policyStatements} things, counting each principal with each action and resource of a rule; make several of it`,
      )
    }
    const effect = rule.effect === 'deny' ? 'deny' : 'allow'
    const conditions = conditionsOf(rule)
    for (const principal of principals) {
      for (const action of actions as readonly Action[]) {
        for (const resource of resources) {
          const statement = { effect, principal, action, resource, conditions } as const
          statements.set(JSON.stringify(statement), statement)
        }
      }
    }
  }
  return statements
}

function conditionsOf({ when, unless, obligations }: CoverConditions): CoverConditions {
  return {
    ...(when === undefined ? {} : { when }),
    ...(unless === undefined ? {} : { unless }),
    ...(obligations === undefined ? {} : { obligations }),
  }
}

function exceeded(missing: Action, action: Action, resource: string): SecregError {
  const what =
    missing === action
      ? `you may not ${action} all of ${resource} yourself`
      : `you may not grant on all of ${resource}`
  return new SecregError('GRANT_EXCEEDED', `nobody gives what he does not have: ${what}`)
}
