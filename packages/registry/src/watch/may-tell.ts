/** Whether a caller may be told of an event, as policy and entry are at that moment. */
import type { Caller, ChangeEvent } from '@secreg/protocol'
import type { Engine } from '@secreg/storage'
import { type Authorizer, passes } from '../authorizer.ts'
import { decodeEntry } from '../entry.ts'
import { entryKey } from '../keys.ts'

/**
 * Where policy asks for metadata, those of the entry as it is now decide. Of an entry that is gone, or that the engine
 * cannot show at once, they are not known: nothing is allowed by them then, and everything is denied by them.
 */
export function createMayTell(
  engine: Pick<Engine, 'get'>,
  authorizer: Authorizer,
): (caller: Caller, event: Pick<ChangeEvent, 'key'>) => boolean {
  return (caller, { key }) => {
    if (!authorizer.asksEntry) return authorizer.allows(caller, 'watch', key)
    const row = engine.get(entryKey(key))
    if (row instanceof Promise || row === undefined) {
      if (row instanceof Promise) row.catch(() => {})
      return passes(authorizer.filter(caller, 'watch', key.slice(0, key.lastIndexOf('/'))), key)
    }
    return authorizer.allows(caller, 'watch', key, decodeEntry(row))
  }
}
