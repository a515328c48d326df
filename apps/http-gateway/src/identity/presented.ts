/** Who asks, as far as the request shows. */
import type { Credential } from './credential.ts'
import type { ForeignToken } from './foreign-token.ts'

/** What a request presents; what it is worth is decided by the daemon alone. */
export interface Presented {
  /** Where it is present, there are no assertions. */
  readonly credential?: Credential
  /** A token of another issuer, in place of a credential; where it may be one. */
  readonly foreign?: ForeignToken
  /** Principals that the gateway has seen the caller to be, such as `tailnet:alice@example.com`. */
  readonly assertions?: readonly string[]
  /** Remote address of the caller, in normal form. */
  readonly address: string
}
