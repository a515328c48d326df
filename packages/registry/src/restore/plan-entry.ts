/** What bringing one entry back does, decided and written like a set by the same caller (DESIGN §4). */
import { isDeepStrictEqual } from 'node:util'
import type { Caller, RestoreChange } from '@secreg/protocol'
import type { Core } from '../core.ts'
import type { Metadata } from '../entry.ts'
import type { EntryEdit } from '../entry-edit.ts'
import { isSame } from '../operations/same.ts'
import { planSet, requireWrite } from '../operations/set.ts'
import { carried } from '../operations/transfer.ts'
import type { BackupEntry } from './backup-entry.ts'

/**
 * Bring an entry back.
 *
 * @returns what that changes; nothing for one that is as in the backup
 * @throws SecregError what a `set` throws, except that no version has to be named: whoever restores means to replace
 */
export function planEntry(
  core: Core,
  caller: Caller,
  kept: BackupEntry,
  edit: EntryEdit,
): RestoreChange {
  const { path, value } = kept
  const { isLive, entry: before } = edit
  // Who may not write here learns neither whether the key exists nor whether its value is the same.
  requireWrite(core, caller, edit, kept.metadata.custom)
  const draft = {
    path,
    value,
    encrypt: kept.encrypted,
    ephemeral: false,
    ifVersion: edit.latestOfLife,
    ...(kept.private ? { private: true } : {}),
  }
  const metadata = metadataOf(core, caller, kept, edit)
  const isKept =
    isLive &&
    before !== undefined &&
    !before.ephemeral &&
    (before.private || !kept.private) &&
    before.expiresAtMs === kept.expiresAtMs &&
    isDeepStrictEqual(before.metadata, metadata) &&
    isDeepStrictEqual(before.limits, kept.limits) &&
    isSame(core, caller, draft, edit)
  const old =
    isLive && before !== undefined
      ? { old_type: before.type, old_version: before.active }
      : undefined
  if (!isKept) {
    planSet(core, caller, draft, edit, kept.metadata.custom)
    edit.expireAt(kept.expiresAtMs)
    if (isDeepStrictEqual(edit.entry?.limits, kept.limits)) edit.carry(metadata)
    else edit.describe({ metadata, limits: kept.limits })
  }
  return {
    key: path,
    change: isKept ? 'same' : isLive ? 'update' : 'create',
    type: value.type,
    encrypted: edit.entry?.encrypted ?? kept.encrypted,
    ...old,
  }
}

/** What policy relies on comes back only for who may change it there; for others it stays as it is. */
function metadataOf(core: Core, caller: Caller, kept: BackupEntry, edit: EntryEdit): Metadata {
  const there = edit.entry?.metadata ?? {}
  const touches = kept.metadata.granted !== undefined || there.granted !== undefined
  if (!touches || core.authorizer.allows(caller, 'grant', kept.path, edit.entry)) {
    return kept.metadata
  }
  return carried(kept.metadata, there)
}
