/**
 * From what is wanted to permits (specs: secrets-api §3.4 to §3.6). Uses of secrets go by grants; everything else is
 * decided afresh each time.
 */
import type { SecretUri } from '../uri/secret-uri.ts'
import { type Admission, questionParts } from './admission.ts'
import type { AntiReplay, TokenUse } from './anti-replay.ts'
import { type AttributesPort, readAttributes } from './attributes.ts'
import type { Binding } from './binding.ts'
import {
  askDecisions,
  type Decision,
  type DecisionPort,
  type DecisionQuestion,
  type DenyDecision,
  type PermitDecision,
  type SecretAttributes,
} from './decision.ts'
import { GRANT_DEFAULTS, type Grant, issueGrant } from './grant.ts'
import type { GrantBook, SettleGrant } from './grant-book.ts'
import type { Meter } from './metrics.ts'
import type { Purpose } from './purpose.ts'
import { FAILURE_REASONS, type FailureCode } from './refusal.ts'

/** Something that is wanted: a purpose, of a secret or of the tenant. */
export interface Wanted {
  readonly uri: SecretUri | 'tenant'
  readonly purpose: Purpose
}

/** What became of it. */
export type WantedOutcome =
  | {
      readonly kind: 'permitted'
      readonly wanted: Wanted
      readonly grant: Grant
      /** `grant`: no new decision was needed. */
      readonly hit: 'grant' | 'first'
      readonly attributes: SecretAttributes | undefined
    }
  | {
      readonly kind: 'failed'
      readonly wanted: Wanted
      readonly code: FailureCode
      /** Absent where it failed before a decision. */
      readonly decision?: DenyDecision
    }
  /** No mark against replay can be kept. */
  | { readonly kind: 'full'; readonly wanted: Wanted; readonly retryAfterSeconds: number }

/** What an authorizer works with. */
export interface AuthorizerParts {
  readonly decisions: DecisionPort
  readonly attributes: AttributesPort
  readonly book: GrantBook
  readonly antiReplay: AntiReplay
  readonly meter: Meter
  readonly nowMs: () => number
  readonly timeMs: () => number
  readonly newId: () => string
  readonly newDeadline: () => AbortSignal
}

/** Most questions that are asked at once. */
export const QUESTIONS_AT_ONCE = 100

interface Ask {
  readonly at: number
  readonly wanted: Wanted
  readonly settle: SettleGrant | undefined
}

/** Authorizes. */
export class Authorizer {
  readonly #parts: AuthorizerParts

  constructor(parts: AuthorizerParts) {
    this.#parts = parts
  }

  /** What became of each, in its place. Never rejects but for faults of the ports of time and ids. */
  async authorize(
    admission: Admission,
    wanted: readonly Wanted[],
  ): Promise<readonly WantedOutcome[]> {
    const outcomes: WantedOutcome[] = []
    let open = wanted.map((each, at) => ({ at, wanted: each }))
    while (open.length > 0) {
      const asks: Ask[] = []
      const waits: Promise<void>[] = []
      const waiting: typeof open = []
      try {
        for (const each of open) {
          const step = this.#begin(admission, each.wanted)
          if (step.kind === 'ask') asks.push({ ...each, settle: step.settle })
          else if (step.kind === 'wait') {
            waits.push(step.asked)
            waiting.push(each)
          } else outcomes[each.at] = step
        }
        // For all of them: a list of very many would keep a provider busy for as long as it likes.
        const inTime = asks.length === 0 ? undefined : this.#parts.newDeadline()
        // Own questions first: whoever waits for them must not be waited for.
        for (let from = 0; from < asks.length; from += QUESTIONS_AT_ONCE) {
          const part = asks.slice(from, from + QUESTIONS_AT_ONCE)
          await this.#ask(admission, part, inTime as AbortSignal, outcomes)
        }
      } finally {
        // Whatever happens, nobody waits for ever.
        for (const { settle } of asks) settle?.(undefined)
      }
      await Promise.all(waits)
      open = waiting
    }
    return outcomes
  }

  #begin(
    admission: Admission,
    wanted: Wanted,
  ):
    | WantedOutcome
    | { kind: 'wait'; asked: Promise<void> }
    | { kind: 'ask'; settle: SettleGrant | undefined } {
    const { uri, purpose } = wanted
    if (purpose !== 'execute' || uri === 'tenant') return { kind: 'ask', settle: undefined }
    const { book, antiReplay, meter } = this.#parts
    const { tenant, subject, rights } = admission.caller
    const key = { tenant, subject, rights, uri: uri.canonical, purpose }
    const step = book.begin(key, admission.binding)
    switch (step.kind) {
      case 'used':
        meter.count('grant_hit_total', {})
        return { kind: 'permitted', wanted, grant: step.grant, hit: 'grant', attributes: undefined }
      case 'drift':
        return this.#failed(wanted, 'BINDING_DRIFT')
      case 'denied':
        meter.count('grant_negative_cache_hit_total', {})
        return this.#failed(wanted, codeOf(step.decision), step.decision)
      case 'wait':
        return step
      default:
        meter.count('grant_miss_total', {})
        if (!antiReplay.isReplayed(useOf(admission, uri, purpose))) return step
        step.settle(undefined)
        return this.#replayed(wanted)
    }
  }

  /** Ask a part. @param inTime - of what is read about it; the decisions have their own time */
  async #ask(
    admission: Admission,
    asks: readonly Ask[],
    inTime: AbortSignal,
    outcomes: WantedOutcome[],
  ): Promise<void> {
    const { attributes, decisions, meter, newDeadline, nowMs, timeMs } = this.#parts
    const uris = asks.map(({ wanted }) => (wanted.uri === 'tenant' ? undefined : wanted.uri))
    const found = await readAttributes(attributes, uris, inTime, admission.caller.principal)
    const common = questionParts(admission, timeMs())
    const questions = asks.map(({ wanted }, at): DecisionQuestion => {
      const { uri, purpose } = wanted
      if (uri === 'tenant') return { ...common, purpose, resource: { kind: 'tenant' } }
      return { ...common, purpose, resource: { kind: 'secret', uri, attributes: found[at] } }
    })
    const startMs = nowMs()
    const answers = await askDecisions(decisions, questions, newDeadline())
    meter.record('pdp_latency_ms', {}, nowMs() - startMs)
    asks.forEach((ask, index) => {
      const decision = this.#named(answers[index] as Decision)
      outcomes[ask.at] = this.#conclude(admission, ask, decision, found[index])
    })
  }

  #conclude(
    admission: Admission,
    { wanted, settle }: Ask,
    decision: Decision,
    attributes: SecretAttributes | undefined,
  ): WantedOutcome {
    const { antiReplay, meter, newId } = this.#parts
    if (decision.effect === 'Deny') {
      if (decision.reason === 'unavailable') meter.count('pdp_error_total', {})
      else meter.count('secrets_decisions_total', { effect: 'Deny' })
      settle?.(decision)
      return this.#failed(wanted, codeOf(decision), decision)
    }
    meter.count('secrets_decisions_total', { effect: 'Permit' })
    if (!isProven(decision, admission.binding)) {
      settle?.(undefined)
      return this.#failed(wanted, 'BINDING_REQUIRED', {
        ...decision,
        effect: 'Deny',
        reason: 'policy',
      })
    }
    const permitted = (grant: Grant): WantedOutcome => {
      return { kind: 'permitted', wanted, grant, hit: 'first', attributes }
    }
    if (settle === undefined || wanted.uri === 'tenant') {
      return permitted(issueGrant(decision, admission.binding, GRANT_DEFAULTS, newId))
    }
    // Marked and granted as one step, or not at all.
    switch (antiReplay.record(useOf(admission, wanted.uri, wanted.purpose))) {
      case 'new':
        return permitted(settle(decision) as Grant)
      case 'seen':
        settle(undefined)
        return this.#replayed(wanted)
      default:
        settle(undefined)
        return {
          kind: 'full',
          wanted,
          retryAfterSeconds: antiReplay.retryAfterSeconds('token'),
        }
    }
  }

  #replayed(wanted: Wanted): WantedOutcome {
    this.#parts.meter.count('anti_replay_total', {})
    return this.#failed(wanted, 'JTI_REPLAY')
  }

  #failed(wanted: Wanted, code: FailureCode, decision?: DenyDecision): WantedOutcome {
    this.#parts.meter.count('secret_denies_total', { policy: FAILURE_REASONS[code] })
    return { kind: 'failed', wanted, code, ...(decision === undefined ? {} : { decision }) }
  }

  /** Answers and records meet by the id of a decision, so each has one; where there was no answer, there is none. */
  #named(decision: Decision): Decision {
    if (decision.effect === 'Deny' && decision.reason === 'unavailable') return decision
    return { ...decision, decisionId: decision.decisionId ?? this.#parts.newId() }
  }
}

function isProven({ obligations }: PermitDecision, binding: Binding): boolean {
  const { binding: wanted } = obligations
  if (wanted === undefined) return true
  return wanted === 'any' ? binding !== undefined : binding?.type === wanted
}

function codeOf({ reason }: DenyDecision): FailureCode {
  if (reason === 'unavailable') return 'PDP_UNAVAILABLE'
  return reason === 'obligation' ? 'OBLIGATION_UNSUPPORTED' : 'DENY'
}

function useOf({ caller, owner }: Admission, uri: SecretUri, purpose: Purpose): TokenUse {
  const { issuer, tokenId, subject } = caller
  return { owner, issuer, tokenId, subject, uri: uri.canonical, purpose }
}
