/** setec's rules (setec docs/api.md, "Permissions"), for tests. */
import type { SetecAction } from '../api/operation.ts'

/**
 * A rule as the policy of a tailnet has it: it allows an action on a secret when one of its actions is that one and
 * one of its patterns matches the name. `*` stands for any characters; rules only allow.
 */
export interface SetecRule {
  readonly action: readonly SetecAction[]
  readonly secret: readonly string[]
}

/** Whether one of the rules allows an action on a secret. */
export function rulesAllow(
  rules: readonly SetecRule[],
  action: SetecAction,
  name: string,
): boolean {
  return rules.some(
    (rule) => rule.action.includes(action) && rule.secret.some((pattern) => matches(pattern, name)),
  )
}

/** The first and last pieces are at the ends, the others one after another between them. */
function matches(pattern: string, name: string): boolean {
  const [first = '', ...rest] = pattern.split('*')
  const last = rest.pop()
  if (last === undefined) return pattern === name
  const end = name.length - last.length
  if (!name.startsWith(first) || !name.endsWith(last) || first.length > end) return false
  let at = first.length
  for (const piece of rest) {
    const found = name.indexOf(piece, at)
    if (found === -1 || found + piece.length > end) return false
    at = found + piece.length
  }
  return true
}
