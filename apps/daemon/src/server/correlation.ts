/** The member `id` of a request, which its answer repeats (specs: row 8). */
import { LIMITS, SecregError } from '@secreg/protocol'

export type Correlation = string | number | undefined

/** @throws SecregError `ERR_PAYLOAD_INVALID` when it is not of the accepted form */
export function correlationOf(payload: Readonly<Record<string, unknown>>): Correlation {
  const { id } = payload
  if (id === undefined) return undefined
  if (typeof id === 'string' && id.length <= LIMITS.requestIdChars) return id
  if (Number.isSafeInteger(id)) return id as number
  throw new SecregError(
    'PAYLOAD_INVALID',
    `id must be an integer or a text of at most ${LIMITS.requestIdChars} characters`,
  )
}
