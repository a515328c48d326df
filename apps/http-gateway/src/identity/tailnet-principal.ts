/** Names of a tailnet as assertions: `tailnet:tag:web` of a tagged node, else `tailnet:alice@example.com`. */

/** Tags of a node (Tailscale, "Tags"): a letter, then letters, digits and hyphens. */
const TAG = /^tag:[A-Za-z][A-Za-z0-9-]{0,62}$/

/** A login of more would not fit an assertion of 256 characters. */
const MAX_LOGIN_CHARS = 240

/** Controls, invisible characters, lone surrogates, spaces: two names could look alike. */
const UNFIT = /[\p{C}\p{Z}]/u

/** Login that control servers give the profile of all tagged nodes; nobody's. */
const TAGGED = 'tagged-devices'

/** @returns undefined when it is no tag */
export function tagAssertion(tag: string): string | undefined {
  return TAG.test(tag) ? `tailnet:${tag}` : undefined
}

/**
 * @returns undefined when it is no login of a person; one that begins with `tag:` would pass for a tag
 */
export function loginAssertion(login: string): string | undefined {
  if (login === '' || login.length > MAX_LOGIN_CHARS || UNFIT.test(login)) return undefined
  const lower = login.toLowerCase()
  if (lower === TAGGED || lower.startsWith('tag:')) return undefined
  return `tailnet:${login}`
}
