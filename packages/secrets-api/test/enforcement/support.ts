/** An enforcement point over providers in memory, with a clock that stands and a decision point that is recorded. */
import { parseSecretUri, type SecretProvider, type SecretUri } from '@secreg/secrets-api'
import {
  type Admission,
  type AuthenticatedCaller,
  createEnforcement,
  type Decision,
  type DecisionPort,
  type DecisionQuestion,
  type Enforcement,
  type EnforcementOptions,
  type Permitted,
  type Purpose,
  type Refused,
  SECRET_SCOPES,
  type SecretRequest,
} from '@secreg/secrets-api/enforcement'
import { PlainMemory, VersionedMemory } from '../provider/memory-provider.ts'

export const ALICE = 'auth:account:idp:alice'
export const BOB = 'auth:account:idp:bob'

export const kv = (tail: string): SecretUri => parseSecretUri(`openbao+kv2://secret/${tail}`)
export const yaml = (tail: string): SecretUri => parseSecretUri(`yaml://secret/${tail}`)

/** A decision point that remembers what it was asked, call by call. */
export class Recorder implements DecisionPort {
  readonly calls: (readonly DecisionQuestion[])[] = []
  #answer: (question: DecisionQuestion) => Decision | Promise<Decision>

  constructor(answer: (question: DecisionQuestion) => Decision | Promise<Decision> = () => PERMIT) {
    this.#answer = answer
  }

  /** Change policy. */
  answer(answer: (question: DecisionQuestion) => Decision | Promise<Decision>): void {
    this.#answer = answer
  }

  async decide(questions: readonly DecisionQuestion[]): Promise<readonly Decision[]> {
    this.calls.push(questions)
    return Promise.all(questions.map((question) => this.#answer(question)))
  }

  /** Purposes and URIs asked about, in order. */
  get asked(): readonly (readonly [Purpose, string])[] {
    return this.calls.flat().map(({ purpose, resource }) => {
      return [purpose, resource.kind === 'secret' ? resource.uri.canonical : 'tenant'] as const
    })
  }
}

export const PERMIT: Decision = { effect: 'Permit', obligations: {}, decisionId: 'd-permit' }
export const DENY: Decision = { effect: 'Deny', reason: 'policy', decisionId: 'd-deny' }
export const permitWith = (obligations: object): Decision =>
  ({ ...PERMIT, obligations }) as Decision

/** Of the conformance cases, with what is told apart by subject, purpose and URI. */
export function casesPolicy({ subject, purpose, resource }: DecisionQuestion): Decision {
  const uri = resource.kind === 'secret' ? resource.uri.canonical : ''
  if (subject.id === ALICE) {
    const app = uri.startsWith('openbao+kv2://secret/app/')
    return purpose === 'execute' && app ? PERMIT : DENY
  }
  if (subject.id === BOB) {
    const held = purpose === 'rotate' && uri.startsWith('openbao+kv2://secret/app/api')
    return held ? DENY : PERMIT
  }
  return DENY
}

export interface Bench {
  readonly enforcement: Enforcement
  readonly recorder: Recorder
  readonly openbao: VersionedMemory
  readonly yaml: PlainMemory
  /** Metrics, each as its name and labels in one text. */
  readonly counts: Map<string, number>
  advance(milliseconds: number): void
  caller(more?: Partial<AuthenticatedCaller>): AuthenticatedCaller
  /** Admit as a request of its own. */
  admit(more?: Partial<AuthenticatedCaller>): Admission
  enforce(request: SecretRequest, more?: Partial<AuthenticatedCaller>): Promise<Permitted | Refused>
  /** Use a secret; tells the status, and the code of the failure if there is one. */
  use(uri: SecretUri, more?: Partial<AuthenticatedCaller>): Promise<string>
}

/** As environment B of the conformance cases, unless options say otherwise. */
export function bench(
  options: Partial<EnforcementOptions> = {},
  recorder: Recorder = new Recorder(),
): Bench {
  let nowMs = 5_000
  let ids = 0
  let tokens = 0
  const openbao = new VersionedMemory()
  const plain = new PlainMemory()
  const counts = new Map<string, number>()
  const providers: Partial<Record<string, SecretProvider>> = { openbao, yaml: plain }
  const enforcement = createEnforcement({
    decisions: recorder,
    allowedMounts: (tenant) => new Set(tenant === 'dev' ? ['secret'] : []),
    environment: 'test',
    providerOf: (name) => providers[name],
    requireAuth: true,
    enforceScopes: true,
    audience: 'crud.secrets',
    observer: {
      record(name, labels, value) {
        const key = [name, ...Object.values(labels)].join(' ')
        counts.set(key, (counts.get(key) ?? 0) + value)
      },
    },
    nowMs: () => nowMs,
    timeMs: () => Date.parse('2026-11-21T23:00:00Z'),
    newId: () => `id-${++ids}`,
    newDeadline: () => new AbortController().signal,
    ...options,
  })
  const caller = (more: Partial<AuthenticatedCaller> = {}): AuthenticatedCaller => ({
    tenant: 'dev',
    subject: ALICE,
    authenticated: true,
    scopes: SECRET_SCOPES,
    audience: ['crud.secrets'],
    issuer: 'https://idp.example',
    tokenId: `jti-${++tokens}`,
    correlationId: 'c-1',
    ...more,
  })
  const admit = (more: Partial<AuthenticatedCaller> = {}): Admission => {
    const admission = enforcement.admit(caller(more))
    if (admission.kind !== 'admitted') throw new Error(`refused: ${admission.code}`)
    return admission
  }
  const enforce = (request: SecretRequest, more?: Partial<AuthenticatedCaller>) =>
    enforcement.enforce(admit(more), request)
  return {
    enforcement,
    recorder,
    openbao,
    yaml: plain,
    counts,
    advance(milliseconds) {
      nowMs += milliseconds
    },
    caller,
    admit,
    enforce,
    async use(uri, more) {
      const result = await enforce({ operation: 'value', target: () => ({ uri }) }, more)
      return told(result)
    },
  }
}

/** `200`, or the status with the code of the failure, else of the refusal. */
export function told(result: Permitted | Refused): string {
  if (result.kind === 'permitted') return '200'
  const { status, code, details } = result
  const failures = details !== undefined && 'failures' in details ? details.failures : []
  return `${status} ${(failures as readonly { code: string }[])[0]?.code ?? code}`
}
