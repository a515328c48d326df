/** `X-Request-ID` of a client, which some protocols want back. */
import { SecregError } from '@secreg/protocol'
import { soleHeader } from '../identity/header.ts'
import type { Answer } from '../server/answer.ts'
import type { Exchange } from './route.ts'

/** What is put into a header: visible ASCII, and blanks within. */
const REQUEST_ID = /^[\x21-\x7e](?:[\x20-\x7e]{0,254}[\x21-\x7e])?$/

/** The id of a request for its answer; none where it has none, two, or what is none. */
export function requestIdOf({ facts }: Pick<Exchange, 'facts'>): Pick<Answer, 'requestId'> {
  let given: string | undefined
  try {
    given = soleHeader(facts.headers, 'x-request-id')
  } catch (error) {
    if (!SecregError.is(error)) throw error
  }
  return given !== undefined && REQUEST_ID.test(given) ? { requestId: given } : {}
}
