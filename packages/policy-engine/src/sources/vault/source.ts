/** Documents of source `vault`: policies of one KV v2 mount. */

import type { Reader } from '../../reader.ts'
import type { ForeignHead } from '../head.ts'
import { readVaultPolicy } from './read.ts'
import type { NamedRule } from './rule-set.ts'

/** A document that was read. */
export interface VaultSource extends ForeignHead {
  readonly kind: 'vault'
  /** The mount in paths of the API, without `/` at its ends. */
  readonly apiMount: string
  readonly rules: readonly NamedRule[]
  /** Some pattern asks for the identity of the subject. */
  readonly templated: boolean
}

/** Members of such a document beside those that all have. */
export const VAULT_MEMBERS: readonly string[] = ['apiMount', 'policies']

const API_MOUNT = /^[^/\p{Cc}*+{}]+(?:\/[^/\p{Cc}*+{}]+)*$/u

/** Read what is Vault's in a document. */
export function readVault(at: Reader, head: ForeignHead): VaultSource {
  const apiAt = at.member('apiMount')
  const apiMount = apiAt.text('ERR_POLICY_PATTERN')
  if (!API_MOUNT.test(apiMount) || /(?:^|\/)\.\.?(?:\/|$)/.test(apiMount)) {
    throw apiAt.error('ERR_POLICY_PATTERN', 'expected the path of a mount, without "/" at its ends')
  }
  const names = new Set<string>()
  const rules = at
    .member('policies')
    .items({ min: 0 })
    .flatMap((item) => readVaultPolicy(item, names))
  return {
    ...head,
    kind: 'vault',
    apiMount,
    rules: rules.map((rule) => ({ name: `${head.id}/${rule.text}`, rule })),
    templated: rules.some(({ pattern }) => 'pieces' in pattern),
  }
}
