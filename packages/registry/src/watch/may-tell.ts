/** Whether a caller may be told of an event, as policy and entry are at that moment. */
import type { Caller, ChangeEvent } from '@secreg/protocol'
import type { Engine } from '@secreg/storage'
import { type Authorizer, passes } from '../authorizer.ts'
import { decodeEntry } from '../entry.ts'
import { entryKey } from '../keys.ts'
import { goneWith } from './gone.ts'

/**
 * Where policy asks about the entry, it is decided by the entry as it is now, and for its end by what it was then. Where
 * that is not known any more, or the engine cannot show it at once, nothing is allowed by it, and everything is denied.
 */
export function createMayTell(
  engine: Pick<Engine, 'get'>,
  authorizer: Authorizer,
): (caller: Caller, event: Pick<ChangeEvent, 'key'>) => boolean {
  return (caller, event) => {
    const { key } = event
    if (!authorizer.asksEntry) return authorizer.allows(caller, 'watch', key)
    const gone = goneWith(event)
    if (gone !== undefined) return authorizer.allows(caller, 'watch', key, gone)
    const row = engine.get(entryKey(key))
    if (row instanceof Promise || row === undefined) {
      if (row instanceof Promise) row.catch(() => {})
      return passes(authorizer.filter(caller, 'watch', key.slice(0, key.lastIndexOf('/'))), key)
    }
    return authorizer.allows(caller, 'watch', key, decodeEntry(row))
  }
}
