/** One operation through enforcement, provider and record (specs: secrets-api §0, P2 to P11). It always ends. */
import type { Admission } from '../enforcement/admission.ts'
import { type AuditedOutcome, isAuditedStep } from '../enforcement/audit-envelope.ts'
import type { Permitted } from '../enforcement/enforcement.ts'
import { Meter } from '../enforcement/metrics.ts'
import type { Refused } from '../enforcement/refusal.ts'
import type { SecretRequest } from '../enforcement/targets.ts'
import { ProviderError, SecretsApiError } from '../errors.ts'
import type { SecretPrefix, SecretProviderName, SecretUri } from '../uri/secret-uri.ts'
import { type Failure, failureOf, failureOfError } from './answers.ts'
import type { EventRing } from './event-ring.ts'
import { measuredProvider } from './measured-provider.ts'
import { AuditUnavailable, type Ended, Recorder } from './recorder.ts'
import type { SecretsServiceOptions } from './service.ts'
import type { Access, Done, Prepared, Task } from './task.ts'

/** A request on its way. */
export interface Call {
  readonly admission: Admission
  readonly signal: AbortSignal | undefined
}

/** How an operation ended. */
export type Outcome =
  | { readonly kind: 'done'; readonly body: Done['body'] }
  | { readonly kind: 'failed'; readonly failure: Failure }

/** What is recorded besides what always is: refusals from the guard of mounts on, and all that was permitted. */
export interface RecordRules {
  /** Refusals at any step. */
  readonly anyStep?: boolean
  /** Not what succeeded. */
  readonly quiet?: boolean
}

/** A listing was refused after all. */
class Refusal extends Error {
  override readonly name: string = 'Refusal'
  readonly refused: Refused

  constructor(refused: Refused) {
    super(refused.message)
    this.refused = refused
  }
}

interface Held {
  places: readonly (SecretUri | SecretPrefix)[]
  run?: (access: Access) => Promise<Done>
}

/** What is recorded, and what is answered. */
type Concluded = Pick<Ended, 'outcome' | 'operationId' | 'unstamped'> & {
  readonly result: Outcome
}

/** Performs operations. */
export class Performer {
  readonly #options: SecretsServiceOptions
  readonly #recorder: Recorder
  readonly #meter: Meter

  constructor(options: SecretsServiceOptions, ring: EventRing) {
    this.#options = options
    this.#recorder = new Recorder(options, ring)
    this.#meter = new Meter(options.observer)
  }

  /** Whether anything could be recorded. @throws AuditUnavailable */
  assertReady(): void {
    this.#recorder.assertReady()
  }

  /** Never rejects. What was read is dropped where it cannot be recorded. */
  async perform(call: Call, task: Task, rules: RecordRules = {}): Promise<Outcome> {
    const held: Held = { places: [] }
    try {
      const concluded = await this.#conclude(call, task, held)
      if (isRecorded(concluded.outcome, rules)) {
        const { result: _answered, ...ended } = concluded
        const { caller } = call.admission
        const { operation } = task
        await this.#recorder.record({ caller, operation, places: held.places, ...ended })
      }
      return concluded.result
    } catch (error) {
      return failed(this.fail(error))
    }
  }

  /** What is answered to an error that nothing else is: whoever runs the service is told what it is. */
  fail(error: unknown): Failure {
    if (error instanceof AuditUnavailable) return this.count(failureOf('AUDIT_UNAVAILABLE'))
    if (SecretsApiError.is(error)) return this.count(failureOfError(error))
    try {
      this.#options.onFault?.(error)
    } catch {}
    return this.count(failureOf('INTERNAL'))
  }

  /** Count what no enforcement point has counted. */
  count(failure: Failure): Failure {
    this.#meter.count('secrets_errors_total', { code: failure.code })
    return failure
  }

  async #conclude(call: Call, task: Task, held: Held): Promise<Concluded> {
    const { enforcement, newId } = this.#options
    let permitted: Permitted | undefined
    try {
      const result = await enforcement.enforce(call.admission, this.#requestOf(task, held))
      if (result.kind === 'refused') {
        const outcome = { kind: 'refused', refused: result } as const
        return { outcome, operationId: newId(), result: failed(result) }
      }
      permitted = result
      return await this.#run(call, task, held, permitted)
    } catch (error) {
      if (error instanceof AuditUnavailable) throw error
      const operationId = permitted?.operationId ?? newId()
      if (error instanceof Refusal) {
        const { refused } = error
        return { outcome: { kind: 'refused', refused }, operationId, result: failed(refused) }
      }
      const failure = this.fail(error)
      const permits = permitted?.permits ?? []
      const outcome = { kind: 'failed', permits, code: failure.code } as const
      return { outcome, operationId, result: failed(failure) }
    }
  }

  async #run(
    call: Call,
    task: Task,
    { run }: Held,
    { permits, operationId }: Permitted,
  ): Promise<Concluded> {
    if (run === undefined) throw new Error('permitted without having been read')
    const { body, facts, stamped } = await run(this.#accessOf(call, task))
    const unstamped = stamped === 'failed'
    if (unstamped) this.count(failureOf('PROVIDER_ERROR'))
    const outcome = { kind: 'done', permits, facts } as const
    return { outcome, operationId, unstamped, result: { kind: 'done', body } }
  }

  /** The request of a task: what is read is kept, and nothing beyond it happens that could not be recorded. */
  #requestOf(task: Task, held: Held): SecretRequest {
    const read = <Target extends object>({ target, run }: Prepared<Target>): Target => {
      held.places = placesOf(target)
      held.run = run
      this.#recorder.assertReady()
      return target
    }
    switch (task.on) {
      case 'secret':
        return { operation: task.operation, target: () => read(task.prepare()) }
      case 'transfer':
        return { operation: task.operation, target: () => read(task.prepare()) }
      case 'listing':
        return { operation: task.operation, target: () => read(task.prepare()) }
      default:
        return { operation: task.operation, check: () => void read(task.prepare()) }
    }
  }

  #accessOf({ admission, signal }: Call, task: Task): Access {
    const { enforcement, providersOf, nowMs, timeMs } = this.#options
    const call = signal === undefined ? {} : { signal }
    const { caller } = admission
    const providerOf = providersOf(caller, task.operation)
    return {
      provider: (name: SecretProviderName) => {
        const provider = providerOf(name)
        if (provider === undefined) throw new ProviderError('PROVIDER_NOT_CONFIGURED')
        return measuredProvider(provider, name, this.#meter, nowMs)
      },
      call,
      author: { ...call, subject: caller.subject, nowMs: timeMs() },
      show: async (items, uriOf) => {
        if (task.on !== 'listing') throw new Error('expected a listing')
        const result = await enforcement.filter(admission, task.operation, items, uriOf)
        if (result.kind === 'refused') throw new Refusal(result)
        return result.items
      },
    }
  }
}

const failed = (failure: Failure): Outcome => ({ kind: 'failed', failure })

function isRecorded(outcome: AuditedOutcome, { anyStep, quiet }: RecordRules): boolean {
  if (outcome.kind === 'done') return quiet !== true
  return outcome.kind === 'failed' || anyStep === true || isAuditedStep(outcome.refused.step)
}

function placesOf(target: object): readonly (SecretUri | SecretPrefix)[] {
  const { uri, from, to, prefixes } = target as {
    readonly uri?: SecretUri
    readonly from?: SecretUri
    readonly to?: SecretUri
    readonly prefixes?: readonly SecretPrefix[]
  }
  return prefixes ?? [uri, from, to].filter((place) => place !== undefined)
}
