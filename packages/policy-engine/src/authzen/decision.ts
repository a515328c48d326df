/** Decisions of the engine as one of AuthZEN. */

import type { Action } from '../action.ts'
import { isAction } from '../action.ts'
import type { Decision } from '../cell.ts'
import type { Obligations } from '../document.ts'
import { writeObligations } from './obligations.ts'
import { isPurpose, PURPOSE_ACTIONS } from './purpose.ts'
import type { AuthzenAction, AuthzenContext, AuthzenDecision } from './types.ts'

const DENIED: AuthzenDecision = Object.freeze({ decision: false })
const UNENFORCED: AuthzenDecision = Object.freeze({
  decision: false,
  context: Object.freeze({ reason: 'obligations are not supported' }),
})

/** All that must be allowed for an action: those of the purpose of that name, else the action itself, else `undefined`. */
export function authzenActions({
  name,
}: Pick<AuthzenAction, 'name'>): readonly Action[] | undefined {
  if (isPurpose(name)) return PURPOSE_ACTIONS[name]
  return isAction(name) ? [name] : undefined
}

/**
 * Answer a question all of whose decisions must allow. None are a denial.
 *
 * @param context of the question: what obliges is allowed only to a service that says in `supported_obligations` that it
 *   knows `custom`
 */
export function authzenDecision(
  decisions: readonly Pick<Decision, 'decision' | 'obligations'>[],
  context: AuthzenContext | undefined,
): AuthzenDecision {
  if (decisions.length === 0 || decisions.some(({ decision }) => decision !== 'allow'))
    return DENIED
  const obligations = strictest(decisions.flatMap((one) => one.obligations ?? []))
  if (obligations === undefined) return { decision: true }
  const supported =
    context !== undefined && Object.hasOwn(context, 'supported_obligations')
      ? context['supported_obligations']
      : undefined
  if (!Array.isArray(supported) || !supported.includes('custom')) return UNENFORCED
  return { decision: true, context: writeObligations(obligations) }
}

function strictest(all: readonly Obligations[]): Obligations | undefined {
  if (all.length === 0) return undefined
  const ttlSeconds = Math.min(...all.flatMap((one) => one.ttlSeconds ?? []))
  const maxUses = Math.min(...all.flatMap((one) => one.maxUses ?? []))
  return {
    ...(Number.isFinite(ttlSeconds) ? { ttlSeconds } : {}),
    ...(Number.isFinite(maxUses) ? { maxUses } : {}),
  }
}
