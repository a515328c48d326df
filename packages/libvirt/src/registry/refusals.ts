/** What refusals of the registry are to clients of libvirt. */
import { type Reason, SecregError } from '@secreg/protocol'
import { LIBVIRT_ERRORS } from '../wire/errors.ts'

/** Refusals that an administrator can do something about, in the words of this house; the rest is not told. */
const TOLD: Partial<Record<Reason, string>> = Object.freeze({
  SEALED: 'the registry is sealed',
  BUSY: 'the registry is busy; try again later',
  AUDIT_FAILED: 'the audit log cannot be written, so that nothing was done',
  QUOTA_EXCEEDED: 'the quota of the secrets is used up',
  LIMIT_EXCEEDED: 'the description or the name of the use is too long',
  VERSION_REQUIRED: 'the secret is changed through the registry only',
})

export function reasonOf(error: unknown): Reason | undefined {
  return SecregError.is(error) ? error.reason : undefined
}

export function isNotFound(error: unknown): boolean {
  return SecregError.is(error) && error.statusName === 'NotFound'
}

/** What a client is told of a failure; what is no matter of his stays what it is, and its door says nothing of it. */
export function told(error: unknown): unknown {
  const reason = reasonOf(error)
  const text = reason === undefined ? undefined : TOLD[reason]
  return text === undefined ? error : LIBVIRT_ERRORS.operationFailed(text, error)
}
