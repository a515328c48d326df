/** Which principals a gateway may assert, and whose accounts they are. */
import * as z from 'zod'
import type { TextRule } from './config-row.ts'

/** A parsed member of `gateway.may_assert`. */
export interface AssertionRule {
  /** `tailnet:<login>`, `tailnet:tag:<name>` or `cert:sha256:<hexadecimal>`. */
  readonly principal: string
  /** Login of the account. */
  readonly login: string
}

/** A login has no `=`, so the last one parts the two. */
const RULE =
  /^(tailnet:[^\p{C}\p{Z}]{1,200}|cert:sha256:[0-9a-f]{64})=([a-z0-9_][a-z0-9_.-]{0,63})$/u

/** Parse `PRINCIPAL=LOGIN`; `undefined` when it is none. */
export function parseAssertion(text: string): AssertionRule | undefined {
  const [, principal, login] = RULE.exec(text) ?? []
  return principal === undefined || login === undefined ? undefined : { principal, login }
}

export const ASSERTION: TextRule<string> = {
  expected: '"tailnet:NAME=LOGIN", "tailnet:tag:NAME=LOGIN" or "cert:sha256:HEX=LOGIN"',
  schema: z.string().refine((value) => parseAssertion(value) !== undefined),
}
