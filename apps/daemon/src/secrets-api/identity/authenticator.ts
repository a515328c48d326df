/** Who asks for secrets (specs: secrets-api §3.1, §3.4): made of a session, of what a request over HTTP shows, or of nothing. */
import { createHash } from 'node:crypto'
import { isIP } from 'node:net'
import { type Caller, SecregError } from '@secreg/protocol'
import type { RequestOf } from '@secreg/protocol/messages'
import {
  type AuthenticatedCaller,
  AuthFailures,
  type Refused,
  SECRET_SCOPES,
  type SenderProofs,
} from '@secreg/secrets-api/enforcement'
import { sourceOfAddress } from '@secreg/zones'
import type { Standing } from '../../server/dispatch.ts'
import type { SecretsApiSettings } from '../settings.ts'
import { correlationIdOf } from './correlation-id.ts'
import { verifyProof } from './dpop-proof.ts'
import {
  credentialRefused,
  issuerUnavailable,
  lockedOut,
  nobodyRefused,
  proofRefused,
} from './identity-refusals.ts'
import { certificateProof, isAccepted } from './inbound-mode.ts'
import { KeysUnavailableError } from './key-source.ts'
import { TokenVerifier, type VerifiedToken } from './token-verifier.ts'
import { REGISTRY_NAME, type TrustedIssuersOptions, trustedIssuers } from './trusted-issuers.ts'

/** Somebody, or nobody where nobody need be anybody. */
export interface Authenticated {
  readonly kind: 'authenticated'
  readonly caller: AuthenticatedCaller
}

/** Finds out who asks. */
export interface Authenticator {
  /**
   * Authenticate one request, once: failures are counted. Whom a token is for, what it is good for, and whether its key
   * has been proven is left to the enforcement point.
   *
   * @param standing - the session, where there is one; his rights in local policy are those of its caller
   * @returns refused with 401 for a credential or proof that is no good, also where none is needed; with 429 after 10
   *   failures of one address in a minute; with 503 while the keys of the issuer cannot be had
   * @throws SecregError `ERR_INVALID_ARGUMENT` for what is presented by others than gateways, or beside a session;
   *   `ERR_PAYLOAD_INVALID` for an address that is none; `ERR_MFA_ENROLLMENT_REQUIRED`
   */
  authenticate(standing: Standing, request: RequestOf<'secrets'>): Promise<Authenticated | Refused>
}

export interface AuthenticatorOptions extends TrustedIssuersOptions {
  readonly settings: AuthenticationSettings
  /** Milliseconds since 1970. */
  readonly timeMs: () => number
  /** A fresh id that nobody can guess, such as a UUID. */
  readonly newId: () => string
}

/** The settings that matter here. */
export type AuthenticationSettings = Pick<
  SecretsApiSettings,
  | 'audience'
  | 'clockSkewSeconds'
  | 'inboundAuthMode'
  | 'isDevelopment'
  | 'issuers'
  | 'mounts'
  | 'requireAuth'
  | 'tenant'
>

type Request = RequestOf<'secrets'>
type Presented = NonNullable<Request['presented']>
type Token = NonNullable<Presented['token']>
type Common = Pick<AuthenticatedCaller, 'correlationId' | 'workflowRunId' | 'nodeId' | 'systemId'>

/** @throws RangeError for issuers that could be taken for each other, or for the registry */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  return new Authentication(options)
}

class Authentication implements Authenticator {
  readonly #options: AuthenticatorOptions
  readonly #tokens: TokenVerifier
  readonly #failures: AuthFailures

  constructor(options: AuthenticatorOptions) {
    const { nowMs, timeMs, settings } = options
    const { clockSkewSeconds, issuers, mounts, tenant } = settings
    this.#options = options
    this.#tokens = new TokenVerifier({
      issuers: trustedIssuers(issuers, options),
      isTenant: (name) => name === tenant || mounts.has(name),
      clockSkewSeconds,
      nowMs,
      timeMs,
    })
    this.#failures = new AuthFailures({}, nowMs)
  }

  async authenticate(standing: Standing, request: Request): Promise<Authenticated | Refused> {
    const { presented } = request
    requirePresentable(standing, presented)
    const common = commonOf(request, this.#options.newId)
    const { caller } = standing
    if (caller !== undefined) return this.#account(standing, caller, presented, common)
    if (presented?.token !== undefined) {
      return this.#bearer(presented, presented.token, common)
    }
    return presented?.proof === undefined ? this.#nobody(common) : this.#strayProof(presented)
  }

  /** Whoever the registry knows. Scopes do not limit him: what policy and the boundary of his token permit does. */
  #account(
    { peer }: Standing,
    principal: Caller,
    presented: Presented | undefined,
    common: Common,
  ): Authenticated | Refused {
    if (principal.restricted !== undefined) {
      throw new SecregError(
        'MFA_ENROLLMENT_REQUIRED',
        'this registry demands a second factor: set one up (sreg mfa enroll), and log in again',
      )
    }
    const { audience, inboundAuthMode, tenant } = this.#options.settings
    const { certificate, proof } = presented ?? {}
    // It names a token, and that was left to the login: nobody can say that it is of this one.
    if (proof !== undefined) return proofRefused()
    const asserted = principal.proof === 'asserted'
    if (principal.login === undefined) return credentialRefused('bearer')
    if (peer.gateway !== undefined && !isAccepted(inboundAuthMode, { asserted, certificate })) {
      return credentialRefused('bearer')
    }
    return authenticated({
      ...common,
      tenant,
      subject: `auth:account:${REGISTRY_NAME}:${principal.login}`,
      authenticated: true,
      scopes: SECRET_SCOPES,
      audience: [audience],
      proofs: certificateProof(inboundAuthMode, certificate),
      principal,
      rights: rightsOfSession(principal),
    })
  }

  /** Whoever another issuer knows. */
  async #bearer(
    presented: Presented,
    { scheme, text }: Token,
    common: Common,
  ): Promise<Authenticated | Refused> {
    const { inboundAuthMode, tenant } = this.#options.settings
    const { address, certificate, proof } = presented
    const source = sourceOfAddress(address).key
    const accepted = isAccepted(inboundAuthMode, { asserted: false, certificate })
    let token = accepted ? this.#tokens.known(text) : undefined
    // What costs no work, and cannot fail any more, is not held up by whoever else is at that address.
    if (token === undefined || scheme === 'dpop' || proof !== undefined) {
      const waitSeconds = this.#failures.retryAfterSeconds(source)
      if (waitSeconds !== undefined) return lockedOut(waitSeconds)
    }
    try {
      if (accepted) token ??= await this.#tokens.verify(text)
    } catch (error) {
      if (error instanceof KeysUnavailableError) return issuerUnavailable(error.retryAfterSeconds)
      throw error
    }
    if (token === undefined) return this.#failed(source, credentialRefused(scheme))
    const dpop = await this.#proven(presented, text)
    const isUnproven = proof !== undefined && dpop === undefined
    // A token that is bound to no key is not shown as one that is (RFC 9449 section 7.1).
    if (isUnproven || (scheme === 'dpop' && token.claims.confirmation?.dpop === undefined)) {
      return this.#failed(source, proofRefused())
    }
    const proofs = certificateProof(inboundAuthMode, certificate)
    return authenticated({
      ...common,
      ...bearerOf(token, { scheme, dpop, proofs }),
      rights: rightsOfToken(token, address),
      tenant: token.claims.tenant ?? tenant,
      principal: principalOf(token, address, common.correlationId),
    })
  }

  /** A proof is of a token: alone it is of somebody who has left that out. */
  #strayProof({ address }: Presented): Refused {
    const source = sourceOfAddress(address).key
    const waitSeconds = this.#failures.retryAfterSeconds(source)
    return waitSeconds === undefined ? this.#failed(source, proofRefused()) : lockedOut(waitSeconds)
  }

  /** Count what was no good. */
  #failed(source: string, refused: Refused): Refused {
    this.#failures.fail(source)
    return refused
  }

  async #proven({ method, proof, url }: Presented, token: string): Promise<SenderProofs['dpop']> {
    if (proof === undefined) return undefined
    return verifyProof(proof, { method, url, token }, this.#options.timeMs())
  }

  /** The enforcement point sends him away where authentication is required. Outside development he always is. */
  #nobody(common: Common): Authenticated | Refused {
    const { isDevelopment, requireAuth, tenant } = this.#options.settings
    if (!isDevelopment && !requireAuth) return nobodyRefused()
    return authenticated({
      ...common,
      tenant,
      subject: 'anonymous',
      authenticated: false,
      scopes: [],
    })
  }
}

/** @throws SecregError */
function requirePresentable({ caller, peer }: Standing, presented: Presented | undefined): void {
  if (presented === undefined) return
  if (peer.gateway === undefined) {
    throw new SecregError('INVALID_ARGUMENT', 'only a gateway tells what a request shows')
  }
  if (isIP(presented.address) === 0) {
    throw new SecregError('PAYLOAD_INVALID', 'presented.address: expected an IP address')
  }
  if (caller !== undefined && presented.token !== undefined) {
    throw new SecregError('INVALID_ARGUMENT', 'presented.token: there is a session already')
  }
}

function commonOf({ correlation, said = {} }: Request, newId: () => string): Common {
  const { node, system, workflow_run: workflowRun } = said
  return {
    correlationId: correlationIdOf(correlation, newId),
    ...(workflowRun === undefined ? {} : { workflowRunId: workflowRun }),
    ...(node === undefined ? {} : { nodeId: node }),
    ...(system === undefined ? {} : { systemId: system }),
  }
}

function subjectOf({ issuer, claims }: VerifiedToken): string {
  return `auth:account:${issuer.name}:${claims.subject}`
}

interface Shown {
  readonly scheme: Token['scheme']
  readonly dpop: SenderProofs['dpop']
  readonly proofs: SenderProofs
}

function bearerOf(
  token: VerifiedToken,
  { scheme, dpop, proofs }: Shown,
): Omit<AuthenticatedCaller, 'tenant' | 'correlationId'> {
  const { audience, clientId, confirmation, scopes, tokenId } = token.claims
  // Shown as a bearer's, a token that is bound to a key is not proven by it (RFC 9449 section 7.2).
  const isProven = scheme === 'dpop' || confirmation?.dpop === undefined
  return {
    subject: subjectOf(token),
    authenticated: true,
    scopes,
    issuer: token.issuer.issuer,
    proofs: { ...proofs, ...(dpop === undefined || !isProven ? {} : { dpop }) },
    ...(audience === undefined ? {} : { audience }),
    ...(clientId === undefined ? {} : { clientId }),
    ...(tokenId === undefined ? {} : { tokenId }),
    ...(confirmation === undefined ? {} : { confirmation }),
  }
}

/** What policy sees of a session beside the account: tokens of one account are bounded each in its way. */
function rightsOfSession(caller: Caller): string {
  const { address, boundary, door, mfa, principals, proof, withheld } = caller
  return digestOf({ address, boundary, door, mfa, principals, proof, withheld })
}

/** What whoever decides, here or elsewhere, sees of a token beside its subject, and that a renewed one has in common. */
function rightsOfToken({ claims }: VerifiedToken, address: string): string {
  const { audience, clientId, scopes } = claims
  return digestOf({ address, audience, clientId, scopes: [...scopes].sort() })
}

function digestOf(seen: object): string {
  return createHash('sha256').update(JSON.stringify(seen)).digest('base64url')
}

/** Local policy knows him by one name, which no account can have. */
function principalOf(token: VerifiedToken, address: string, correlationId: string): Caller {
  return Object.freeze({
    principals: Object.freeze([`account:${subjectOf(token)}`]),
    roles: Object.freeze([]),
    groups: Object.freeze([]),
    mfa: false,
    door: 'http',
    address,
    proof: 'credential',
    correlationId,
  })
}

function authenticated(caller: AuthenticatedCaller): Authenticated {
  return { kind: 'authenticated', caller }
}
