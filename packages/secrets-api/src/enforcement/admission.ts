/** A caller who has been authenticated, once for a request (specs: secrets-api §3.1, §3.4). */
import { type Binding, bindingOf, type Confirmation, type SenderProofs } from './binding.ts'
import type { DecisionQuestion } from './decision.ts'
import { ownerOf } from './grant-book.ts'
import type { MarkOutcome } from './replay-marks.ts'

/** What authentication has found out. Everything here has been verified, but for what is marked as said. */
export interface AuthenticatedCaller {
  readonly tenant: string
  /** Such as `auth:account:idp:alice`; `anonymous` of nobody. */
  readonly subject: string
  /** Whether a credential was shown, and is good. */
  readonly authenticated: boolean
  /** Who he is to those who decide and to providers; nothing to this package, and in no message, answer or event. */
  readonly principal?: object | undefined
  /**
   * What else his rights hang on, such as how far his credential is bounded: a grant, and a denial that is kept, is for
   * those alone of whom this is the same. At most 1024 characters; in no message, answer or event.
   */
  readonly rights?: string | undefined
  /** `scope` or `scp` of the credential. */
  readonly scopes: readonly string[]
  /** `aud`. Of a token of the registry, which is for nothing else, the audience that is expected here. */
  readonly audience?: readonly string[]
  readonly issuer?: string
  readonly clientId?: string
  /** `jti` */
  readonly tokenId?: string
  /** `cnf` of the credential. */
  readonly confirmation?: Confirmation
  /** What the request has proven. */
  readonly proofs?: SenderProofs
  /** 1 to 128 of `A-Z`, `a-z`, `0-9`, `.`, `_` and `-`. */
  readonly correlationId: string
  /** Said by the caller; with other characters than those of a correlation id, or more, it is left out. */
  readonly workflowRunId?: string
  /** Said, likewise. */
  readonly nodeId?: string
  /** Said, likewise. */
  readonly systemId?: string
}

/** A caller whose request may be enforced; made by `admit` alone, for one request. */
export interface Admission {
  readonly kind: 'admitted'
  readonly caller: AuthenticatedCaller
  readonly binding: Binding
  /** Whose room the tables take. */
  readonly owner: string
  /** What became of the DPoP proof; `new` where there is none. */
  readonly proof: MarkOutcome
}

/** Longest name of a tenant or subject, characters. */
export const MAX_NAME_LENGTH = 1024

const SAID = /^[A-Za-z0-9._-]{1,128}$/

/** What a caller says, if it may be passed on. */
export function saidOf(text: string | undefined): string | undefined {
  return text !== undefined && SAID.test(text) ? text : undefined
}

/** @throws TypeError, RangeError for a caller that is none */
export function admissionOf(
  caller: AuthenticatedCaller,
  consume: (proof: { thumbprint: string; proofId: string }, owner: string) => MarkOutcome,
): Admission {
  for (const name of ['tenant', 'subject'] as const) {
    const value = caller[name]
    if (typeof value !== 'string') throw new TypeError(`${name}: expected a string`)
    if (value === '' || value.length > MAX_NAME_LENGTH) {
      throw new RangeError(`${name}: expected 1 to 1024 characters, got ${value.length}`)
    }
  }
  if (caller.rights !== undefined && caller.rights.length > MAX_NAME_LENGTH) {
    throw new RangeError(`rights: expected at most 1024 characters, got ${caller.rights.length}`)
  }
  if (saidOf(caller.correlationId) === undefined) {
    throw new RangeError('correlationId: expected 1 to 128 letters, digits, ".", "_" and "-"')
  }
  const owner = ownerOf(caller)
  const proofs = caller.proofs ?? {}
  return {
    kind: 'admitted',
    caller,
    binding: bindingOf(proofs),
    owner,
    proof: proofs.dpop === undefined ? 'new' : consume(proofs.dpop, owner),
  }
}

/** The part of a question that is the caller's. */
export function questionParts(
  { caller, binding }: Admission,
  timeMs: number,
): Pick<DecisionQuestion, 'subject' | 'context'> {
  const { tenant, subject, issuer, clientId, scopes, audience = [], tokenId, principal } = caller
  return {
    subject: { id: subject, tenant, issuer, clientId, scopes, principal },
    context: {
      audience,
      tokenId,
      correlationId: caller.correlationId,
      binding,
      timeMs,
      workflowRunId: saidOf(caller.workflowRunId),
      nodeId: saidOf(caller.nodeId),
      systemId: saidOf(caller.systemId),
    },
  }
}
