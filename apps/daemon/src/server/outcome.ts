/** How an operation ended, as it is counted and recorded. */
import type { OperationOutcome } from '@secreg/host'
import { type AuthResponse, type SecregError, STATUS, type Status } from '@secreg/protocol'
import type { RequestName } from '@secreg/protocol/messages'

/** Of one that failed. */
export function outcomeOf({ status }: Pick<SecregError, 'status'>): OperationOutcome {
  return status === STATUS.AccessDenied || status === STATUS.AuthFailed ? 'denied' : 'failed'
}

/** Of one with an answer: a refused login has one too. */
export function outcomeOfAnswer(name: RequestName, response: object): OperationOutcome {
  if (name !== 'auth') return 'ok'
  const { success, error } = response as AuthResponse
  if (success) return 'ok'
  return error === undefined ? 'denied' : outcomeOf({ status: error.code as Status })
}
