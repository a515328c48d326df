/** Which versions of an entry can be read, by number alone; never their values. */
import type { Reader } from '@secreg/storage'
import { type Entry, isLive } from './entry.ts'
import { versionKey } from './keys.ts'
import { numbersUp } from './number-set.ts'
import { decodeVersion, stateOfVersion } from './version.ts'

/** Headers that are read before the event loop gets a turn. */
const PAGE = 64

/**
 * Numbers of the versions that a reader would get now, ascending.
 *
 * @param entry - one that is not deleted
 */
export async function readableNumbers(
  engine: Pick<Reader, 'get'>,
  entry: Entry,
  nowMs: number,
): Promise<readonly number[]> {
  const numbers: number[] = []
  let read = 0
  for (const number of numbersUp(entry.present)) {
    if (number === entry.active) {
      if (isLive(entry, nowMs)) numbers.push(number)
      continue
    }
    if (++read % PAGE === 0) await new Promise((resume) => setImmediate(resume))
    const row = engine.get(versionKey(entry.id, number))
    const header = row instanceof Promise ? await row : row
    // What was pruned since the entry was read is gone.
    if (header !== undefined && stateOfVersion(decodeVersion(header), nowMs) === 'kept') {
      numbers.push(number)
    }
  }
  return numbers
}
