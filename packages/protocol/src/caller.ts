/** Who asks (DESIGN §3): what every door makes of a peer before anything else happens. */

import type { Action } from './action.ts'

/** Every door; `internal` is what the daemon does by itself. */
export const DOORS = Object.freeze(['registry', 'http', 'subauth', 'libvirt', 'internal'] as const)

/** Door through which a caller came. */
export type Door = (typeof DOORS)[number]

/** Proofs of an identity, strongest first. */
export const PROOFS = Object.freeze(['kernel', 'credential', 'asserted'] as const)

/** How the caller's identity was proven. */
export type Proof = (typeof PROOFS)[number]

/** A caller, immutable. The daemon alone makes one. */
export interface Caller {
  /** Policy principals: `account:<id>`, `user:<login>`, `role:<name>`, `group:<name>`, `zone:<id>`, `uid:<n>`. */
  readonly principals: readonly string[]
  /** 128-bit account id in hexadecimal, where there is an account. */
  readonly accountId?: string
  readonly login?: string
  readonly roles: readonly string[]
  readonly groups: readonly string[]
  /** Known from the kernel only. */
  readonly uid?: number
  readonly gid?: number
  readonly pid?: number
  /** Name of the user of the operating system that `uid` is, at the door of the zones. */
  readonly systemUser?: string
  /** A second factor was shown in this session. */
  readonly mfa: boolean
  readonly door: Door
  /** Remote address, or the socket's name for local callers. */
  readonly address?: string
  readonly proof: Proof
  /** Reference of the session for the audit log; not the credential. */
  readonly sessionRef?: string
  readonly correlationId?: string
  /** Ident of the token that opened the session: then no credentials are made or changed in it. */
  readonly token?: string
  /** Each operation takes one of the uses of that token. */
  readonly counted?: boolean
  /** Policies that alone must allow what is done; absent: nothing bounds the caller. */
  readonly boundary?: readonly string[]
  /** Actions that nobody has at his door, whatever policy says. */
  readonly withheld?: readonly Action[]
  /**
   * Purposes of the Secrets API of which an enforcement point before the registry has permitted each, under obligations that
   * it keeps: policy is asked with these, and is not asked what it obliges to.
   */
  readonly permitted?: readonly string[]
  /** Good for nothing but setting up a second factor. */
  readonly restricted?: 'mfa-enrollment'
}
