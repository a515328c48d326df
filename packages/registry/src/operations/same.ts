/** Whether writing a value would change anything, without telling those who may not know. */
import type { Action, Caller } from '@secreg/protocol'
import type { Core } from '../core.ts'
import type { EntryEdit } from '../entry-edit.ts'
import { isToBeEncrypted, type SetDraft } from './set.ts'

/** Whether an entry has the type, protection and value of a draft already; never for who may not read it. */
export function isSame(
  core: Core,
  caller: Caller,
  draft: Pick<SetDraft, 'path' | 'value' | 'encrypt'>,
  edit: EntryEdit,
): boolean {
  const { entry } = edit
  if (entry === undefined || !edit.isLive) return false
  const may = (action: Action): boolean => core.authorizer.allows(caller, action, draft.path, entry)
  if (!may('read') || (entry.encrypted && !may('decrypt'))) return false
  if (entry.private && !may('use-internal')) return false
  if (entry.type !== draft.value.type) return false
  if (isToBeEncrypted(core, draft, edit) !== entry.encrypted) return false
  return edit.holds(entry.active, draft.value.bytes)
}
