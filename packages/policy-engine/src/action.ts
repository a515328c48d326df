/** What a caller may ask to do (DESIGN §7). The order is the order of bits in a rule's action mask. */

/** Every action, in a fixed order. */
export const ACTIONS: readonly Action[] = Object.freeze([
  'list',
  'read-metadata',
  'read',
  'decrypt',
  'use-internal',
  'watch',
  'create',
  'update',
  'patch',
  'create-version',
  'activate',
  'delete',
  'undelete',
  'destroy',
  'purge',
  'write-metadata',
  'grant',
  'account',
  'policy',
  'policy-read',
  'mount',
  'audit-read',
  'seal',
  'rotate',
  'backup',
  'export',
] as const)

/** One action. The last nine are administrative and are asked on `/` unless they concern a path. */
export type Action =
  | 'list'
  | 'read-metadata'
  | 'read'
  | 'decrypt'
  | 'use-internal'
  | 'watch'
  | 'create'
  | 'update'
  | 'patch'
  | 'create-version'
  | 'activate'
  | 'delete'
  | 'undelete'
  | 'destroy'
  | 'purge'
  | 'write-metadata'
  | 'grant'
  | 'account'
  | 'policy'
  | 'policy-read'
  | 'mount'
  | 'audit-read'
  | 'seal'
  | 'rotate'
  | 'backup'
  | 'export'

const INDEX: ReadonlyMap<string, number> = new Map(ACTIONS.map((action, index) => [action, index]))

/** Position of an action in {@link ACTIONS} (its bit in a mask), or `undefined` if it is not an action. */
export function actionIndex(action: string): number | undefined {
  return INDEX.get(action)
}

/** Position of an action in {@link ACTIONS}. @throws TypeError if it is none */
export function requireActionIndex(action: Action): number {
  const index = INDEX.get(action)
  if (index === undefined) throw new TypeError('action: expected one of ACTIONS')
  return index
}

/** Tell whether a text is an action. */
export function isAction(text: string): text is Action {
  return INDEX.has(text)
}
