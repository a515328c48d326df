/**
 * Commands on a store run as its owner: what they make must be the daemon's to read. Root works as the owner, and is
 * root again where directories beside the store are made and renamed.
 */
import { lstatSync } from 'node:fs'
import { SecregError } from '@secreg/protocol'

/** Who owns a store. */
export interface Owner {
  readonly uid: number
  readonly gid: number
}

const ROOT = 0

/**
 * The owner of a directory, whom this process is or can become; this process itself when there is none yet.
 *
 * @throws SecregError `ERR_ACCESS_DENIED`, `ERR_INVALID_ARGUMENT`
 */
export function ownerOf(directory: string): Owner {
  const facts = lstatSync(directory, { throwIfNoEntry: false })
  const uid = process.geteuid?.()
  if (facts === undefined) {
    return { uid: uid ?? ROOT, gid: process.getegid?.() ?? ROOT }
  }
  if (!facts.isDirectory()) {
    throw new SecregError('INVALID_ARGUMENT', `${directory} is not a directory`)
  }
  if (uid !== ROOT && facts.uid !== uid) {
    throw new SecregError(
      'ACCESS_DENIED',
      `${directory} belongs to uid ${facts.uid}; run this as that user or as root`,
    )
  }
  return { uid: facts.uid, gid: facts.gid }
}

/** Do some work as the owner of a store, and be who one was again. */
export async function asOwner<T>({ uid, gid }: Owner, work: () => Promise<T>): Promise<T> {
  const [euid, egid] = [process.geteuid?.(), process.getegid?.()]
  if (euid !== ROOT || uid === ROOT || egid === undefined) return work()
  process.setegid?.(gid)
  process.seteuid?.(uid)
  try {
    return await work()
  } finally {
    process.seteuid?.(euid)
    process.setegid?.(egid)
  }
}
