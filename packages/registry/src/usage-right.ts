/**
 * What an entry is for decides who may have it, where policies ask that. So whoever makes an entry must be allowed to make
 * one that is for this, and what one that is there is for is changed by the write rules of its own protocol, or under
 * `grant` like everything else that policies rely on (DESIGN §7).
 */
import type { Action, Caller } from '@secreg/protocol'
import type { Core } from './core.ts'
import { isExpired } from './entry.ts'
import type { EntryEdit } from './entry-edit.ts'
import { usageOf } from './policy/about-entry.ts'

/**
 * Decide about an entry as an edit leaves it; to be asked before anything is said of other entries.
 *
 * @param right - that the write rules of the mount need, where they change what an entry is for
 * @throws SecregError `ERR_ACCESS_DENIED`
 */
export function requireUsage(
  { authorizer }: Pick<Core, 'authorizer'>,
  caller: Caller,
  { before, context, entry, mount, path }: EntryEdit,
  right: Action = 'grant',
): void {
  if (mount.rules?.usage === undefined || entry === undefined || entry === before) return
  const was = usageOf(mount, path, before)
  const is = usageOf(mount, path, entry)
  if (was?.type === is?.type && was?.id === is?.id) return
  const isThere =
    before !== undefined &&
    before.deletedAtMs === undefined &&
    !isExpired(before, context.expiryNowMs)
  // The write rules have asked about the entry as it was before they were let at it.
  if (isThere && right === 'grant') authorizer.require(caller, right, path, before)
  else authorizer.require(caller, isThere ? right : 'create', path, entry)
}
