/** What proves to others that the audit log is what it was: checkpoints, proofs, verification, and the keys that sign. */
import { AuditError, type LogSigner } from '@secreg/audit'
import {
  type AuditKeyInfo,
  type Caller,
  type EvidenceResponse,
  type RequestOf,
  SecregError,
} from '@secreg/protocol'
import type { AuditEvidence } from '../audit/audit-evidence.ts'
import { auditBody } from '../audit-record.ts'
import type { Core } from '../core.ts'
import { type Facts, recorded, recordedFailure, refusalBody } from '../recorded.ts'

/**
 * Run one request.
 *
 * @throws SecregError `ERR_ACCESS_DENIED`, `ERR_SEALED` for what is signed, `ERR_INVALID_ARGUMENT`, `ERR_NOT_FOUND`,
 *   `ERR_AUDIT_FAILED` when the log cannot be read or written, or is not what it was
 */
export function evidence(
  core: Core,
  parts: AuditEvidence,
  caller: Caller,
  request: RequestOf<'evidence'>,
): Promise<EvidenceResponse> {
  if (request.op === 'rotate-key') return rotateKey(core, parts, caller)
  const facts: Facts = { action: 'audit-proof', detail: request.op }
  return recorded(core.journal, caller, facts, async () => {
    core.authorizer.require(caller, 'audit-read', '/')
    return answer(core, parts, request).catch((cause: unknown) => {
      throw asEvidenceError(cause)
    })
  })
}

async function answer(
  core: Core,
  parts: AuditEvidence,
  request: Exclude<RequestOf<'evidence'>, { op: 'rotate-key' }>,
): Promise<EvidenceResponse> {
  const log = core.journal.log.evidence
  switch (request.op) {
    case 'checkpoint': {
      await signerOf(core, parts)
      const checkpoint = await parts.keeper.checkpoint()
      if (checkpoint === undefined) return {}
      parts.copies.note()
      return { checkpoint }
    }
    case 'prove':
      return log.prove(request.sequence, await signerOf(core, parts))
    case 'consistency':
      return log.consistency(request.checkpoint, await signerOf(core, parts))
    case 'verify': {
      // Only with the key can it be told who signed them.
      if (request.checkpoints !== undefined) await signerOf(core, parts)
      const { verification } = parts
      // One that runs does not look at them.
      if (
        request.checkpoints !== undefined &&
        request.job === undefined &&
        verification.isRunning
      ) {
        const retry = { retryAfterSeconds: 10 }
        throw new SecregError(
          'BUSY',
          'a verification is running; ask again when it has ended',
          retry,
        )
      }
      const job = request.job ?? verification.start(request.checkpoints ?? [])
      const { done, state } = await parts.verification.settle(job)
      return { verification: { job, done, ...state } }
    }
    case 'keys':
      // Where nothing was signed yet, the first one comes into force now.
      await parts.signing.signer()
      return { keys: keysOf(core) }
  }
}

/**
 * Sign with a new key from now on: the next one in number, handed over by the old one.
 *
 * @throws SecregError `ERR_ACCESS_DENIED`, `ERR_SEALED`, and the failures of store and log
 */
function rotateKey(
  core: Core,
  { signing, keeper }: AuditEvidence,
  caller: Caller,
): Promise<EvidenceResponse> {
  const facts: Facts = { action: 'rotate', detail: 'audit key' }
  const authorize = (): void => {
    core.authorizer.require(caller, 'rotate', '/')
    core.keys.requireUnsealed()
  }
  const prepare = async (): Promise<void> => {
    authorize()
    // What cannot be signed now is told before anything is stored.
    await keeper.checkpoint()
  }
  return recordedFailure(core.journal, caller, facts, prepare).then(async () => {
    await signing.rotate(({ signer, op }) =>
      core.writer.submit({
        plan: () => {
          authorize()
          const detail = `audit key ${signer.vkey}`
          const record = auditBody(caller, 'rotate', 'ok', { ...facts, detail })
          return { ops: [op], record, result: () => undefined }
        },
        refusal: (error) => refusalBody(caller, facts, error),
      }),
    )
    await keeper.checkpoint()
    return { keys: keysOf(core) }
  })
}

async function signerOf({ keys }: Core, { signing }: AuditEvidence): Promise<LogSigner> {
  keys.requireUnsealed()
  const signer = await signing.signer()
  if (signer === undefined)
    throw new SecregError('SEALED', 'the registry is sealed; run: sreg unlock')
  return signer
}

function keysOf({ journal }: Core): AuditKeyInfo[] {
  const { keys, key } = journal.log.evidence
  return keys.map(({ vkey, from }) => ({ key: vkey, from, current: vkey === key }))
}

/** Messages of the log name no body. */
function asEvidenceError(cause: unknown): unknown {
  if (cause instanceof RangeError) {
    return new SecregError('INVALID_ARGUMENT', cause.message, { cause })
  }
  if (!AuditError.is(cause)) return cause
  const reason = cause.code === 'ERR_AUDIT_TAMPERED' ? 'AUDIT_TAMPERED' : 'AUDIT_FAILED'
  return new SecregError(reason, cause.message, { cause })
}
