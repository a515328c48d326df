/** Who decides: one question for each secret and purpose, and what is answered (specs: secrets-api §3.5, §3.7). */
import type { SecretUri } from '../uri/secret-uri.ts'
import type { Binding } from './binding.ts'
import { checkedObligations, type Obligations } from './obligations.ts'
import type { Purpose } from './purpose.ts'

/** Custom metadata that policy sees, as the provider keeps them: none that a caller sends. */
export interface SecretAttributes {
  readonly owner?: string
  readonly created_by?: string
  readonly created_at?: string
}

/** Who asks. */
export interface DecisionSubject {
  /** Such as `auth:account:idp:alice`; `anonymous` where nobody has to say who he is. */
  readonly id: string
  readonly tenant: string
  readonly issuer: string | undefined
  readonly clientId: string | undefined
  readonly scopes: readonly string[]
  /** As of the caller; for those who decide in this process, and in no message. */
  readonly principal?: object | undefined
}

/** What is asked about: a secret, or what has happened in the subject's tenant. */
export type DecisionResource =
  | {
      readonly kind: 'secret'
      readonly uri: SecretUri
      /** Undefined where they could not be read. */
      readonly attributes: SecretAttributes | undefined
    }
  | { readonly kind: 'tenant' }

/** Circumstances. */
export interface DecisionContext {
  readonly audience: readonly string[]
  readonly tokenId: string | undefined
  readonly correlationId: string
  /** Proven by the request. */
  readonly binding: Binding
  /** Milliseconds since 1970. */
  readonly timeMs: number
  /** What a caller says of himself: nothing to rely on. */
  readonly workflowRunId: string | undefined
  readonly nodeId: string | undefined
  readonly systemId: string | undefined
}

/** One question. Those of one call have one subject and one context. */
export interface DecisionQuestion {
  readonly subject: DecisionSubject
  readonly purpose: Purpose
  readonly resource: DecisionResource
  readonly context: DecisionContext
}

/** What names a decision. */
export interface DecisionFacts {
  readonly decisionId?: string
  readonly policyVersion?: string
  readonly classification?: string
}

/** Permission. */
export interface PermitDecision extends DecisionFacts {
  readonly effect: 'Permit'
  readonly obligations: Obligations
}

/** None, and why. */
export interface DenyDecision extends DecisionFacts {
  readonly effect: 'Deny'
  readonly reason: /** Policy denies. */
    | 'policy'
    /** It permits under an obligation that is not understood. */
    | 'obligation'
    /** It permits once the subject has proved more, see `acrValues`. */
    | 'step-up'
    /** There is no answer that counts. */
    | 'unavailable'
  readonly acrValues?: readonly string[]
}

/** The answer to one question. */
export type Decision = PermitDecision | DenyDecision

/** Decides. */
export interface DecisionPort {
  /**
   * Answer questions, at least one, each in its place.
   *
   * @param signal - aborted when nobody waits any more
   * @throws anything: then there is no answer to any of them
   */
  decide(questions: readonly DecisionQuestion[], signal: AbortSignal): Promise<readonly Decision[]>
}

/** No answer that counts. */
export const UNAVAILABLE: DenyDecision = Object.freeze({ effect: 'Deny', reason: 'unavailable' })

/**
 * Ask, whatever the port does: it may throw, never answer, or answer something else. Then nothing is permitted.
 *
 * @returns one decision for each question
 */
export async function askDecisions(
  port: DecisionPort,
  questions: readonly DecisionQuestion[],
  signal: AbortSignal,
): Promise<readonly Decision[]> {
  const none = (): readonly Decision[] => questions.map(() => UNAVAILABLE)
  if (questions.length === 0) return []
  if (signal.aborted) return none()
  let forget = (): void => {}
  const aborted = new Promise<readonly Decision[]>((resolve) => {
    const onAbort = (): void => resolve(none())
    signal.addEventListener('abort', onAbort, { once: true })
    forget = () => signal.removeEventListener('abort', onAbort)
  })
  try {
    const asked = (async () => port.decide(questions, signal))()
    // An answer may still come once nobody waits for it.
    asked.catch(() => {})
    const answers = await Promise.race([asked, aborted])
    if (!Array.isArray(answers) || answers.length !== questions.length) return none()
    return answers.map(checked)
  } catch {
    return none()
  } finally {
    forget()
  }
}

const DENIALS: ReadonlySet<unknown> = new Set<DenyDecision['reason']>([
  'policy',
  'obligation',
  'step-up',
  'unavailable',
])

/** A decision as it was given, or a denial. */
function checked(answer: Decision): Decision {
  if (typeof answer !== 'object' || answer === null) return UNAVAILABLE
  if (answer.effect !== 'Permit') {
    return (answer.effect as unknown) === 'Deny' && DENIALS.has(answer.reason)
      ? answer
      : UNAVAILABLE
  }
  const obligations = checkedObligations(answer.obligations)
  return obligations === undefined
    ? { ...factsOf(answer), effect: 'Deny', reason: 'obligation' }
    : { ...factsOf(answer), effect: 'Permit', obligations }
}

/** What names a decision, alone. */
export function factsOf({
  decisionId,
  policyVersion,
  classification,
}: DecisionFacts): DecisionFacts {
  return {
    ...(decisionId === undefined ? {} : { decisionId }),
    ...(policyVersion === undefined ? {} : { policyVersion }),
    ...(classification === undefined ? {} : { classification }),
  }
}
