/** Actions of setec and what they are here (specs/setec.md §2.1; DESIGN §4, "delete"). */

import type { Action } from '../../action.ts'
import { inverted } from '../source.ts'

/** An action of a setec rule; case-sensitive. */
export type SetecAction = 'get' | 'info' | 'put' | 'create-version' | 'activate' | 'delete'

/** What each action of setec stands for. No action of setec implies another. */
export const SETEC_ACTIONS: Readonly<Record<SetecAction, readonly Action[]>> = Object.freeze({
  get: ['read', 'decrypt'],
  // Versions and the active one can be polled, so changes of them may be watched.
  info: ['list', 'read-metadata', 'watch'],
  put: ['create', 'update'],
  'create-version': ['create-version'],
  activate: ['activate'],
  // setec deletes for good: one version (destroy) or all of a secret (purge).
  delete: ['delete', 'destroy', 'purge'],
})

/** The actions of setec that stand for an action; at most one does. */
export const SETEC_WORDS: ReadonlyMap<Action, readonly SetecAction[]> = inverted(SETEC_ACTIONS)

/** Tell whether a text is an action of setec. */
export function isSetecAction(text: string): text is SetecAction {
  return Object.hasOwn(SETEC_ACTIONS, text)
}
