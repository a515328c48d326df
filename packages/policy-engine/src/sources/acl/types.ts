/** SecReg ACLs as they are written (specs/secreg.md §3, the JSON form proposed there). */

import type { AclAction } from './actions.ts'

/** The ACL of one path. */
export interface Acl {
  /** A login, or a principal as it stands (`account:…`, `role:…`). May read, write and grant. Absent: nobody. */
  readonly owner?: string
  /** Kept for people: SecReg gives it no right. */
  readonly owner_group?: string
  readonly permissions?: readonly AclPermission[]
  /** Absent: `none`. */
  readonly inheritance?: AclInheritance
}

/** What one principal may; every condition must hold. */
export interface AclPermission {
  readonly principal_type: AclPrincipalType
  readonly principal_name: string
  readonly actions: readonly AclAction[]
  readonly conditions?: readonly AclCondition[]
}

/** The four of SecReg, and `account` for an id that no rename changes. */
export type AclPrincipalType = 'user' | 'group' | 'role' | 'service' | 'account'

/** For which paths below its own an ACL speaks; the nearest one that does is the only one. */
export interface AclInheritance {
  /** `none`: only its own path; `parent`: one level; `all`: `depth` levels. */
  readonly mode: 'none' | 'parent' | 'all'
  /** Levels of `all`; 0 is no limit. Default 0. */
  readonly depth?: number
}

/** A condition; one that cannot be evaluated does not hold. */
export type AclCondition =
  | {
      readonly type: 'time_range'
      /** Seconds from midnight, 0 to 86,400; the end is not within. Start after end wraps midnight, equal is never. */
      readonly start_time: number
      readonly end_time: number
      /** IANA name. Default: the zone of the system. */
      readonly zone?: string
    }
  /** Both ends are within, both of one family. */
  | { readonly type: 'ip_range'; readonly min_ip: string; readonly max_ip: string }
  | { readonly type: 'require_mfa'; readonly require_mfa?: boolean }
  /** Nothing here can evaluate it: never holds, unless `require_tpm` is false. */
  | { readonly type: 'require_tpm'; readonly require_tpm?: boolean }
