/** Answer of tailscaled to who a peer is (tailscale `client/tailscale/apitype`, WhoIsResponse), as far as it is used. */
import { LIMITS } from '@secreg/protocol'
import { loginAssertion, tagAssertion } from './tailnet-principal.ts'

/** One place is left for a client certificate. */
const MAX_TAGS = LIMITS.assertions - 1

/**
 * The assertions of an answer: the tags of a tagged node, else the login of its owner. A node with tags is nobody's,
 * whatever user stands beside it.
 *
 * @param text - JSON
 * @returns undefined when it does not say who it is, or any part of that is not as expected
 */
export function readWhoisAnswer(text: string): readonly string[] | undefined {
  const answer = parse(text)
  const node = member(answer, 'Node')
  if (!isObject(node)) return undefined
  // Go writes a list without elements as null, or not at all.
  const tags = member(node, 'Tags') ?? []
  if (!Array.isArray(tags) || tags.length > MAX_TAGS) return undefined
  const login = member(member(answer, 'UserProfile'), 'LoginName')
  const assertions =
    tags.length > 0
      ? tags.map((tag) => (typeof tag === 'string' ? tagAssertion(tag) : undefined))
      : [typeof login === 'string' ? loginAssertion(login) : undefined]
  const known = assertions.filter((one) => one !== undefined)
  // Fewer than there are would be somebody else.
  return known.length === assertions.length ? [...new Set(known)].sort() : undefined
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function member(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined
}
