/** Keys that a request proves to hold, and credentials that demand it (specs: secrets-api §3.4). */

/** What a request has proven: the caller of this package has verified it. Thumbprints are base64url of SHA-256. */
export interface SenderProofs {
  /** A DPoP proof: thumbprint of its key (RFC 7638) and its `jti`. */
  readonly dpop?: { readonly thumbprint: string; readonly proofId: string }
  /** A certificate: thumbprint over its DER (RFC 8705). */
  readonly mtls?: { readonly thumbprint: string }
}

/** The keys that a credential is bound to, its `cnf`; none for a bearer's. */
export interface Confirmation {
  /** `jkt` */
  readonly dpop?: string
  /** `x5t#S256` */
  readonly mtls?: string
}

/** The key that a grant is bound to; undefined where the request has proven none. */
export type Binding = { readonly type: 'dpop' | 'mtls'; readonly value: string } | undefined

/** What is bound: the key of a DPoP proof, else of a certificate. */
export function bindingOf({ dpop, mtls }: SenderProofs): Binding {
  if (dpop !== undefined) return { type: 'dpop', value: dpop.thumbprint }
  if (mtls !== undefined) return { type: 'mtls', value: mtls.thumbprint }
  return undefined
}

/** Tell whether two are the same; none is the same as none only. */
export function sameBinding(a: Binding, b: Binding): boolean {
  return a?.type === b?.type && a?.value === b?.value
}

/** Tell whether a request proves every key that its credential is bound to. */
export function provesConfirmation(proofs: SenderProofs, { dpop, mtls }: Confirmation): boolean {
  return (
    (dpop === undefined || proofs.dpop?.thumbprint === dpop) &&
    (mtls === undefined || proofs.mtls?.thumbprint === mtls)
  )
}
