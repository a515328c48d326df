/** The whole of it: from a request of an authenticated caller to what is answered (specs: secrets-api §2). */
import type { Admission, AuthenticatedCaller } from '../enforcement/admission.ts'
import type { Refused } from '../enforcement/refusal.ts'
import { SecretsApiError } from '../errors.ts'
import { doneAnswer, failureAnswer, failureOf, refusedAnswer } from './answers.ts'
import { FOLLOW_TASK } from './audit-tasks.ts'
import { parseBulk, performBulk } from './bulk.ts'
import { EventRing } from './event-ring.ts'
import { type Call, Performer } from './performer.ts'
import { type RouteContext, TASK_ROUTES } from './routes.ts'
import type {
  SecretsAnswer,
  SecretsEvents,
  SecretsRequest,
  SecretsService,
  SecretsServiceOptions,
} from './service.ts'
import { StreamStarts } from './stream-starts.ts'

/**
 * Make the API. The README has an example of the whole.
 *
 * @throws RangeError for a size of the ring, or a sampling, that is not a positive integer
 */
export function createSecretsService(options: SecretsServiceOptions): SecretsService {
  const { enforcement, devEndpoints, legacy, nowMs, timeMs } = options
  // Ids ascend over starts of the program, unless there were more than 100 events a millisecond all the time.
  const ring = new EventRing(options.ringSize, timeMs() * 100)
  const performer = new Performer(options, ring)
  const starts = new StreamStarts(nowMs)
  const { searchMounts } = options
  const context: RouteContext = { legacy, searchMounts, timeMs, ring }

  /** @param run - what is done with a request that is taken up */
  async function admitted<T>(
    caller: AuthenticatedCaller,
    run: (admission: Admission) => Promise<T>,
  ): Promise<T | SecretsAnswer> {
    const { correlationId } = caller
    try {
      const admission: Admission | Refused = enforcement.admit(caller)
      if (admission.kind === 'refused') return refusedAnswer(admission, correlationId)
      return await run(admission)
    } catch (error) {
      return failureAnswer(performer.fail(error), correlationId)
    }
  }

  async function answerBulk(call: Call, request: SecretsRequest): Promise<SecretsAnswer> {
    const { correlationId } = call.admission.caller
    const unknown = enforcement.refuseUnknown(call.admission)
    if (unknown !== undefined) return refusedAnswer(unknown, correlationId)
    const bulk = parseBulk(request, { legacy })
    performer.assertReady()
    const { status, body } = await performBulk(performer, call, bulk)
    return doneAnswer(body, status)
  }

  function notHere({ correlationId }: AuthenticatedCaller): SecretsAnswer {
    return failureAnswer(performer.count(failureOf('NOT_FOUND')), correlationId)
  }

  return {
    async answer(caller, request, signal) {
      const { route } = request
      if (route === 'audit' && !devEndpoints) return notHere(caller)
      return admitted(caller, async (admission) => {
        const call = { admission, signal }
        if (route === 'bulk') return answerBulk(call, request)
        const outcome = await performer.perform(call, TASK_ROUTES[route](request, caller, context))
        return outcome.kind === 'done'
          ? doneAnswer(outcome.body)
          : failureAnswer(outcome.failure, caller.correlationId)
      })
    },
    async follow(caller, after, waitMs, signal) {
      if (!devEndpoints) return notHere(caller)
      return admitted<SecretsEvents | SecretsAnswer>(caller, async (admission) => {
        if (after !== undefined && !(Number.isSafeInteger(after) && after >= 0)) {
          throw new SecretsApiError('INVALID_REQUEST')
        }
        // Pieces of one stream are one reading: else each record of one would be the next piece of all.
        const key = JSON.stringify([admission.owner, caller.rights ?? null])
        const quiet = !starts.isNew(key)
        const outcome = await performer.perform({ admission, signal }, FOLLOW_TASK, { quiet })
        if (outcome.kind === 'failed') return failureAnswer(outcome.failure, caller.correlationId)
        starts.touch(key)
        return ring.wait(caller.tenant, after ?? ring.last, waitMs, signal)
      })
    },
  }
}
