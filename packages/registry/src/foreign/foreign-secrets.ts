/**
 * Secrets that are kept elsewhere, or here, as far as the Secrets API asks about them: policies decide, and the log takes
 * what was done (DESIGN §2, §7). What is kept elsewhere is read and changed by others.
 */
import {
  type Context,
  type EntryMetadata,
  isForeignSecret,
  type Obligations,
} from '@secreg/policy-engine'
import { authzenActions, isPurpose } from '@secreg/policy-engine/authzen'
import { type Caller, isPath, type RegistryApi } from '@secreg/protocol'
import type { Identity } from '../identity.ts'
import { auditFailed } from '../journal.ts'
import { seenValue } from '../operations/get.ts'
import { seenHistory } from '../operations/history.ts'
import { partReads } from '../operations/parts.ts'
import { type AboutEntry, aboutPath } from '../policy/about-entry.ts'
import { strictestObligations } from '../policy/obligations.ts'
import { isPromise } from '../recorded.ts'
import { refuseEnrolling, useToken } from '../session-api.ts'
import { type SecretRecord, secretBody } from './secret-record.ts'

/** What is asked about: an entry, by its path, or what is kept elsewhere, by scheme, mount and segments alone. */
export type AskedSecret = { readonly path: string } | { readonly foreign: string }

/** What is known beside the caller and the secret. */
export interface SecretFacts {
  /** Of a secret elsewhere: what conditions about metadata see. Absent: nothing is known. */
  readonly attributes?: object
  /** Milliseconds since the epoch; default now. */
  readonly timeMs?: number
}

/** What policy says. */
export interface SecretDecision {
  readonly effect: 'Permit' | 'Deny'
  /** The strictest of all that permit; absent where nothing obliges. */
  readonly obligations?: Obligations
  /** `documentId/ruleId` of the rules that decided; none where no rule spoke. */
  readonly rules: readonly string[]
}

/** Bytes of log that an operation may need: of many, it takes as much again each time. */
const RECORD_BYTES = 64 * 1024

const DENIED: SecretDecision = Object.freeze({ effect: 'Deny', rules: Object.freeze([]) })

/** What an operation of the Secrets API may need of a registry: {@link ForeignSecrets.partsOf}. */
export type SecretParts = Pick<
  RegistryApi,
  'get' | 'set' | 'txn' | 'versions' | 'history' | 'meta' | 'list'
>

/** What the registry lends. */
export interface ForeignSecretsPorts {
  /** How often settings have changed. */
  settingsChanges(): number
  as(caller: Caller): RegistryApi
}

export class ForeignSecrets {
  readonly #identity: Identity
  readonly #ports: ForeignSecretsPorts

  constructor(identity: Identity, ports: ForeignSecretsPorts) {
    this.#identity = identity
    this.#ports = ports
  }

  /**
   * Another number whenever policies, accounts, groups, roles, zones or settings have changed, so that what was decided
   * before may be decided otherwise. Time, addresses and what entries say of themselves are not in it.
   */
  get epoch(): number {
    const { changes, core } = this.#identity
    return changes + core.authorizer.changes + this.#ports.settingsChanges()
  }

  /**
   * Decide whether a caller may have a secret for a purpose: all its actions must be allowed, by the policies in force and
   * by what bounds his token. Leaves no record.
   *
   * @param purpose - of the Secrets API; any other is denied
   * @throws SecregError `ERR_SEALED`, `ERR_UNINITIALIZED`: then no policy can be believed
   */
  decide(
    caller: Caller,
    purpose: string,
    secret: AskedSecret,
    facts: SecretFacts = {},
  ): SecretDecision {
    const { authorizer, keys, now } = this.#identity.core
    keys.requireUnsealed()
    const resource = resourceOf(secret)
    const actions = isPurpose(purpose) ? authzenActions({ name: purpose }) : undefined
    if (resource === undefined || actions === undefined || caller.restricted !== undefined) {
      return DENIED
    }
    const context: Context = {
      ...authorizer.contextOf(caller),
      purpose,
      ...this.#about(secret, facts),
    }
    const time = facts.timeMs ?? now()
    const decisions = actions.flatMap((action) =>
      authorizer.decisions(caller, { action, resource, time, context }),
    )
    const denials = decisions.filter(({ decision }) => decision !== 'allow')
    const spoken = denials.length > 0 ? denials : decisions
    const rules = Object.freeze([...new Set(spoken.flatMap((one) => one.rules))])
    if (denials.length > 0) return { effect: 'Deny', rules }
    const obligations = strictestObligations(decisions)
    return { effect: 'Permit', rules, ...(obligations === undefined ? {} : { obligations }) }
  }

  /**
   * What any operation of a session needs first, once for each request: a session that is good for it, and a use of a
   * counted token.
   *
   * @param correlationId - that records of the request have; default that of the caller
   * @returns who goes on: the same caller, of whose token nothing more is used
   * @throws SecregError `ERR_MFA_ENROLLMENT_REQUIRED`, `ERR_AUTH_FAILED` when no use is left, `ERR_SEALED`; recorded
   */
  async begin(caller: Caller, correlationId?: string): Promise<Caller> {
    if (caller.restricted !== undefined) await refuseEnrolling(this.#identity, caller)
    await useToken(this.#identity, caller)
    if (caller.counted !== true && correlationId === undefined) return caller
    const { counted: _, ...rest } = caller
    return Object.freeze({ ...rest, ...(correlationId === undefined ? {} : { correlationId }) })
  }

  /**
   * What is kept here, as parts of one operation of a caller that leaves its record, see {@link record}: reads leave none
   * of their own, whether they are allowed or not; changes do, with the commit that they are. Everything is decided as
   * ever.
   *
   * @param begun - as {@link begin} returned him
   * @param permitted - purposes of which each has been permitted to him, under obligations that are kept; absent where
   *   nobody has decided
   * @throws TypeError for one of whom something is needed first
   */
  partsOf(begun: Caller, permitted?: readonly string[]): SecretParts {
    if (begun.counted === true || begun.restricted !== undefined) {
      throw new TypeError('caller: expected one who has begun')
    }
    const caller = permitted === undefined ? begun : Object.freeze({ ...begun, permitted })
    const { core } = this.#identity
    const { meta, set, txn, versions } = this.#ports.as(caller)
    const parts = partReads(core, caller)
    return {
      get: (request) => seenValue(core, caller, request),
      history: (request) => seenHistory(core, caller, request),
      list: parts.list,
      meta: (request) => (request.op === 'set' ? meta(request) : parts.meta(request)),
      set,
      txn,
      versions,
    }
  }

  /**
   * Ask before an operation whether it could be recorded.
   *
   * @throws SecregError `ERR_AUDIT_FAILED`, `ERR_SEALED`, `ERR_UNINITIALIZED`
   */
  assertRecordable(): void {
    const { journal, keys } = this.#identity.core
    keys.requireUnsealed()
    if (!journal.gate(RECORD_BYTES)) throw auditFailed(new Error('the log takes nothing'))
  }

  /**
   * Record an operation that has ended, before it is answered. Of counted tokens and sessions nothing is asked.
   *
   * @param caller - who did it, as {@link begin} returned him
   * @throws SecregError `ERR_AUDIT_FAILED`: then nothing that was read may be answered
   */
  record(caller: Caller, record: SecretRecord): Promise<void> {
    const { journal } = this.#identity.core
    return new Promise<void>((resolve, reject) => {
      journal.record(secretBody(caller, record), (failure) => {
        if (failure === undefined) resolve()
        else reject(failure)
      })
    })
  }

  #about(secret: AskedSecret, { attributes }: SecretFacts): AboutEntry {
    if ('path' in secret) {
      const about = aboutPath(this.#identity.core, secret.path)
      // Where the store would have to wait for it, it is unknown: allows by it fail, and denies fire.
      return isPromise(about) ? {} : about
    }
    return attributes === undefined ? {} : { metadata: textsOf(attributes) }
  }
}

function resourceOf(secret: AskedSecret): string | undefined {
  if ('path' in secret) {
    const { path } = secret
    return path === '/' || isPath(path) ? path : undefined
  }
  return isForeignSecret(secret.foreign) ? secret.foreign : undefined
}

function textsOf(attributes: object): EntryMetadata {
  const texts = Object.entries(attributes).filter(([, text]) => typeof text === 'string')
  return Object.fromEntries(texts) as EntryMetadata
}
