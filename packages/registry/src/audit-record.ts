/** Bodies of audit records, as JSON text: the actor's part is written once per caller (DESIGN §2, §8). */
import { ENVELOPE_BYTES, MAX_LINE_BYTES } from '@secreg/audit'
import {
  type AuditAction,
  type AuditActor,
  type AuditOutcome,
  type Caller,
  REASONS,
  type Reason,
  STATUS,
} from '@secreg/protocol'

/** What one record says beside its actor. */
export interface RecordFacts {
  readonly paths?: readonly string[]
  /** The same as JSON text, where they are too many to be written at once. */
  readonly pathsText?: string
  readonly versions?: readonly number[]
  readonly detail?: string
  readonly count?: number
  /** Id of the decision of an outside decision point. */
  readonly decision?: string
  /** What the caller said he needs it for. */
  readonly purpose?: string
  /** Keyed hashes of written values, by path. */
  readonly valueHashes?: Readonly<Record<string, string>>
  /** Events that the operation is elsewhere, as JSON text of an array. */
  readonly eventsText?: string
}

const actors = new WeakMap<Caller, string>()

/** The actor of a caller, as recorded. */
export function actorOf(caller: Caller): AuditActor {
  const [principal] = caller.principals
  return {
    ...(caller.login === undefined
      ? principal === undefined
        ? {}
        : { principal }
      : { user: caller.login }),
    ...(caller.accountId === undefined ? {} : { account: caller.accountId }),
    ...(caller.roles.length === 0 ? {} : { roles: caller.roles }),
    ...(caller.uid === undefined ? {} : { uid: caller.uid }),
    ...(caller.gid === undefined ? {} : { gid: caller.gid }),
    ...(caller.pid === undefined ? {} : { pid: caller.pid }),
    ...(caller.sessionRef === undefined ? {} : { session: caller.sessionRef }),
    ...(caller.token === undefined ? {} : { token: caller.token }),
    door: caller.door,
    ...(caller.address === undefined ? {} : { address: caller.address }),
    proof: caller.proof,
    mfa: caller.mfa,
  }
}

function actorText(caller: Caller): string {
  let text = actors.get(caller)
  if (text === undefined) {
    text = JSON.stringify(actorOf(caller))
    actors.set(caller, text)
  }
  return text
}

/** Whether a body is longer than the log takes as one line. */
export function isTooLong(body: string): boolean {
  const most = MAX_LINE_BYTES - ENVELOPE_BYTES
  return 3 * body.length > most && Buffer.byteLength(body) > most
}

/** Text that JSON writes as it is. */
const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/

function pathsText(paths: readonly string[]): string {
  const [only] = paths
  if (only !== undefined && paths.length === 1 && PLAIN.test(only)) return `["${only}"]`
  return JSON.stringify(paths)
}

/**
 * Write one body.
 *
 * @param reason - of an operation that did not succeed
 * @returns JSON text of an `AuditBody`, without line breaks
 */
export function auditBody(
  caller: Caller,
  action: AuditAction,
  outcome: AuditOutcome,
  facts: RecordFacts,
  reason?: Reason,
): string {
  let text = `{"action":"${action}","outcome":"${outcome}","paths":${facts.pathsText ?? pathsText(facts.paths ?? [])},"actor":${actorText(caller)}`
  if (reason !== undefined) {
    text += `,"reason":"${reason}","code":${STATUS[REASONS[reason].status]}`
  }
  if (facts.versions !== undefined) text += `,"versions":[${facts.versions.join(',')}]`
  if (facts.detail !== undefined) text += `,"detail":${JSON.stringify(facts.detail)}`
  if (facts.count !== undefined) text += `,"count":${facts.count}`
  if (caller.correlationId !== undefined) {
    text += `,"correlation":${JSON.stringify(caller.correlationId)}`
  }
  if (facts.decision !== undefined) text += `,"decision":${JSON.stringify(facts.decision)}`
  if (facts.purpose !== undefined) text += `,"purpose":${JSON.stringify(facts.purpose)}`
  if (facts.valueHashes !== undefined) {
    text += `,"value_hashes":${JSON.stringify(facts.valueHashes)}`
  }
  if (facts.eventsText !== undefined) text += `,"events":${facts.eventsText}`
  return `${text}}`
}
