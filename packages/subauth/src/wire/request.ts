/**
 * Requests by command, in the spelling of the wire (subauth PROTOCOL; specs: subauth §3). A field that may be absent is
 * never present without a value.
 */

/** Account whose caller may leave his own name out. */
interface Own {
  readonly zone: string
  /** Absent: the caller's own. */
  readonly login?: string
}

/** What may be done with the account's own password instead of a uid. */
interface Managed extends Own {
  /** Password of the account. When present, it alone decides. */
  readonly 'auth-passwd'?: string
}

/** Fields of each command besides `cmd`. */
export interface SubauthFields {
  readonly nop: Readonly<Record<never, never>>
  readonly 'create-acct': { readonly login: string; readonly zone: string }
  /** Zone `*`: in all zones. */
  readonly 'delete-acct': { readonly login: string; readonly zone: string }
  readonly 'create-token': Managed & { readonly comment?: string }
  /** Ident `*`: every token, temporary ones too. */
  readonly 'delete-token': Managed & { readonly ident: string }
  /** Without `comment`, nothing changes. */
  readonly 'change-token': Managed & { readonly ident: string; readonly comment?: string }
  readonly 'set-passwd': Managed & { readonly passwd: string }
  readonly 'delete-passwd': Managed
  /** `validity` in seconds. */
  readonly 'create-temp': Managed & { readonly validity: number }
  /** `passwd` is a password or any token. */
  readonly login: Own & { readonly passwd: string }
  /** On the wire 0 or 1; `true` and `false` are read too. */
  readonly 'allow-passwd-auth': Managed & { readonly allow: boolean }
  readonly 'list-accts': { readonly login?: string }
  readonly 'list-zones': Readonly<Record<never, never>>
}

/** Name of a command, the canonical one where there are several. */
export type SubauthCommand = keyof SubauthFields

/** One request of a command. */
export type SubauthRequestOf<C extends SubauthCommand> = { readonly cmd: C } & SubauthFields[C]

/** Any request. */
export type SubauthRequest = { [C in SubauthCommand]: SubauthRequestOf<C> }[SubauthCommand]

/** Other names of the listings, whose names no public text says (specs: subauth §5, question 2). */
export const LISTING_ALIASES: Readonly<
  Record<'list-accts' | 'list-zones', readonly [string, ...string[]]>
> = Object.freeze({
  'list-accts': Object.freeze(['list', 'accounts'] as const),
  'list-zones': Object.freeze(['zones'] as const),
})
