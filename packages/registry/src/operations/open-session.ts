/** Opening the session of a login that was good, against what changes meanwhile. */
import { SecregError } from '@secreg/protocol'
import type { OpenedSession, SessionDetails, SessionTable } from '@secreg/zones'

/** How often a login that lost against a change of any account starts over. */
const ATTEMPTS = 4

/**
 * Open the session of somebody who has proven who he is.
 *
 * @param since - `epoch` of the table from before that
 * @param again - proves it once more, after some account or token has changed; throws when it was this one
 * @throws SecregError `ERR_BUSY`, and what `again` throws
 */
export function openSince(
  sessions: SessionTable,
  since: number,
  details: SessionDetails,
  again: () => SessionDetails,
): OpenedSession {
  let epoch = since
  let proven = details
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const opened = sessions.open(proven, epoch)
    if (opened !== undefined) return opened
    epoch = sessions.epoch
    proven = again()
  }
  throw new SecregError('BUSY', 'accounts are being changed; try again', { retryAfterSeconds: 1 })
}
