/** Vault's own question, for its door: may a caller with these policies do this to a path of the API? */

import { Reader } from '../../reader.ts'
import { readVaultPolicy } from './read.ts'
import type { VaultRequest } from './request.ts'
import { isDeny, VaultRulesInTime } from './rules-in-time.ts'
import type { VaultIdentity } from './template.ts'
import type { VaultCapability, VaultOperation } from './words.ts'

/** A Vault policy in its JSON form (specs/kv2.md §3). */
export interface VaultPolicy {
  readonly name: string
  readonly path: Readonly<Record<string, VaultPathRule>>
}

/** What a policy says of one pattern. */
export interface VaultPathRule {
  readonly capabilities?: readonly VaultCapability[]
  /** The old form: `read` is read and list, `write` all but patch, scan and sudo, `sudo` that and sudo. */
  readonly policy?: 'deny' | 'read' | 'write' | 'sudo'
  readonly allowed_parameters?: Readonly<Record<string, readonly unknown[]>>
  readonly denied_parameters?: Readonly<Record<string, readonly unknown[]>>
  readonly required_parameters?: readonly string[]
  /** Seconds, or a duration such as `1h30m`. */
  readonly min_wrapping_ttl?: number | string
  readonly max_wrapping_ttl?: number | string
  readonly mfa_methods?: readonly string[]
  readonly pagination_limit?: number
  /** RFC 3339; from then on the path does not count. */
  readonly expiration?: string
  readonly list_scan_response_keys_filter_path?: string
  readonly comment?: string
}

/** What is known of a request to the API. */
export interface VaultAclRequest extends VaultRequest {
  /** Milliseconds since the epoch. Absent: what expires is allowed only if it is before and after. */
  readonly time?: number | undefined
}

/** The answer to one request. */
export interface VaultAnswer {
  readonly allowed: boolean
  /** A pattern denies; not merely that none allows. */
  readonly denied: boolean
  readonly sudo: boolean
  /** Largest `limit` of a list; 0 is none. */
  readonly paginationLimit: number
  /** What the door must filter the keys of a list by; empty: nothing. */
  readonly keysFilters: readonly string[]
}

/** Vault policies, ready to be asked by paths of the API. */
export interface VaultAcl {
  allows(apiPath: string, operation: VaultOperation, request?: VaultAclRequest): boolean
  /** @param apiPath without leading `/`, decoded; a `/` at the end only of what is listed, where it makes no difference */
  check(apiPath: string, operation: VaultOperation, request?: VaultAclRequest): VaultAnswer
  /** Sorted, as `sys/capabilities` answers; `['deny']` if there are none. */
  capabilities(apiPath: string, time?: number): readonly VaultCapability[]
}

/** Options of {@link vaultAcl}. */
export interface VaultAclOptions {
  /** What templates are filled in with. Default: nothing, so that they grant nothing. */
  readonly identity?: VaultIdentity
}

const REFUSED: VaultAnswer = Object.freeze({
  allowed: false,
  denied: false,
  sudo: false,
  paginationLimit: 0,
  keysFilters: [],
})

/**
 * Read the Vault policies of one caller.
 *
 * @throws PolicyError for the first mistake
 */
export function vaultAcl(
  policies: readonly VaultPolicy[],
  options: VaultAclOptions = {},
): VaultAcl {
  const names = new Set<string>()
  const rules = new Reader(policies, { documentIndex: 0 })
    .items({ min: 0 })
    .flatMap((item) => readVaultPolicy(item, names))
    .map((rule) => ({ name: rule.text, rule }))
  const inTime = new VaultRulesInTime(rules, options.identity ?? {})

  function check(
    apiPath: string,
    operation: VaultOperation,
    request: VaultAclRequest = {},
  ): VaultAnswer {
    const listing = operation === 'list' || operation === 'scan'
    if (!isApiPath(apiPath) || (apiPath.endsWith('/') && !listing)) return REFUSED
    const path = listing && !apiPath.endsWith('/') ? `${apiPath}/` : apiPath
    const { allowed, denied, speakers } = inTime.opinion(path, operation, request.time, request)
    const limits = speakers.map(({ permissions }) => permissions.paginationLimit).filter(Boolean)
    return {
      allowed: allowed && !denied,
      denied,
      sudo: allowed && speakers.every(({ permissions }) => permissions.capabilities.has('sudo')),
      paginationLimit: limits.length === 0 ? 0 : Math.min(...limits),
      keysFilters: [...new Set(speakers.flatMap(({ permissions }) => permissions.keysFilters))],
    }
  }

  return Object.freeze({
    check,
    allows: (apiPath: string, operation: VaultOperation, request?: VaultAclRequest): boolean =>
      check(apiPath, operation, request).allowed,
    capabilities: (apiPath: string, time?: number): readonly VaultCapability[] => {
      if (!isApiPath(apiPath)) return ['deny']
      const speakers = inTime.at(time).map((set) => set.speaker(apiPath, true))
      const [first, ...others] = speakers.map((speaker) => speaker?.permissions.capabilities)
      if (
        first === undefined ||
        speakers.some((speaker) => speaker !== undefined && isDeny(speaker))
      ) {
        return ['deny']
      }
      const common = [...first].filter((item) => others.every((set) => set?.has(item) === true))
      return common.length === 0 ? ['deny'] : common.sort()
    },
  })
}

/** What storage would see too: nothing that a server might clean (specs/kv2.md §1.3, §5.2 classes 1 and 2). */
function isApiPath(path: string): boolean {
  if (path === '' || path.startsWith('/') || /\p{Cc}/u.test(path)) return false
  const segments = (path.endsWith('/') ? path.slice(0, -1) : path).split('/')
  return segments.every((segment) => segment !== '' && segment !== '.' && segment !== '..')
}
