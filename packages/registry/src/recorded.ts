/** The common frame of operations that change nothing: run, record, and only then answer (DESIGN §2, step 6). */
import type { AuditAction, AuditOutcome, Caller, SecregError } from '@secreg/protocol'
import type { MaybePromise } from '@secreg/storage'
import { auditBody, isTooLong, type RecordFacts } from './audit-record.ts'
import type { Journal } from './journal.ts'
import { asSecregError } from './store-failure.ts'

/** What the record will say; the operation fills it in as it goes. */
export type Facts = {
  action: AuditAction
  /** Nothing was read: an unchanged conditional read leaves no record (DESIGN §2). */
  unrecorded?: true
} & { -readonly [K in keyof RecordFacts]: RecordFacts[K] }

/**
 * Run a reading operation and answer once its record is written. When the record cannot be written, the value is
 * dropped and the answer is the audit error.
 */
export function recorded<T>(
  journal: Journal,
  caller: Caller,
  facts: Facts,
  run: () => MaybePromise<T>,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const done = (value: T): void => {
      if (facts.unrecorded === true) {
        resolve(value)
        return
      }
      journal.record(auditBody(caller, facts.action, 'ok', facts), (failure) => {
        if (failure === undefined) resolve(value)
        else reject(failure)
      })
    }
    const failed = (cause: unknown): void => {
      const error = asSecregError(cause)
      journal.record(refusalBody(caller, facts, error), (failure) => reject(failure ?? error))
    }
    try {
      const value = run()
      if (isPromise(value)) value.then(done, failed)
      else done(value)
    } catch (cause) {
      failed(cause)
    }
  })
}

/**
 * Check what needs no state, and go on with it; a refusal leaves its record. Synchronous up to then, so that operations
 * reach the writer in the order in which they were asked.
 */
export function prepared<P, T>(
  journal: Journal,
  caller: Caller,
  facts: Facts,
  prepare: () => P,
  run: (prepared: P) => Promise<T>,
): Promise<T> {
  let ready: P
  try {
    ready = prepare()
  } catch (error) {
    return recorded(journal, caller, facts, () => {
      throw error
    })
  }
  return run(ready)
}

/** Run what comes before the writer's turn; a failure is recorded before it is answered. */
export function recordedFailure<T>(
  journal: Journal,
  caller: Caller,
  facts: Facts,
  run: () => Promise<T>,
): Promise<T> {
  return run().catch((error: unknown) =>
    recorded<T>(journal, caller, facts, () => {
      throw error
    }),
  )
}

/** Body of an operation that was refused or failed; says nothing that only success may tell. */
export function refusalBody(caller: Caller, facts: Facts, error: SecregError): string {
  const { paths, pathsText, detail, count } = facts
  const said = detail === undefined ? {} : { detail }
  const body = auditBody(
    caller,
    facts.action,
    outcomeOf(error),
    {
      ...(paths === undefined ? {} : { paths }),
      ...(pathsText === undefined ? {} : { pathsText }),
      ...said,
    },
    error.reason,
  )
  if (!isTooLong(body)) return body
  // It was refused for being too much: how many there were has to do.
  const many = count === undefined ? {} : { count }
  return auditBody(caller, facts.action, outcomeOf(error), { ...said, ...many }, error.reason)
}

function outcomeOf(error: SecregError): AuditOutcome {
  return error.statusName === 'AccessDenied' || error.statusName === 'AuthFailed'
    ? 'denied'
    : 'failed'
}

export function isPromise<T>(value: MaybePromise<T>): value is Promise<T> {
  return value instanceof Promise
}

/** Go on with a value that may not be here yet, without a turn of the event loop when it is. */
export function whenReady<T, U>(
  value: MaybePromise<T>,
  next: (value: T) => MaybePromise<U>,
): MaybePromise<U> {
  return isPromise(value) ? value.then(next) : next(value)
}
