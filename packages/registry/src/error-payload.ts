/** Our errors as the documented error payload. */
import type { ErrorPayload, SecregError } from '@secreg/protocol'

/**
 * Payload of an ErrorResponse.
 *
 * @param request - type byte and correlation id of the request, where there was one
 */
export function errorPayload(
  error: SecregError,
  request: { readonly type?: number; readonly id?: string | number } = {},
): ErrorPayload {
  return {
    code: error.status,
    name: error.statusName,
    message: error.message,
    reason: error.reason,
    errno: error.errno,
    ...(request.type === undefined ? {} : { request_type: request.type }),
    ...(request.id === undefined ? {} : { id: request.id }),
    ...(error.retryAfterSeconds === undefined ? {} : { retry_after: error.retryAfterSeconds }),
    ...(error.minRevision === undefined ? {} : { min_revision: error.minRevision }),
    ...(error.pointer === undefined ? {} : { pointer: error.pointer }),
  }
}
