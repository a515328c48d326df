/**
 * Whether a program may be told passwords: nobody but root and the own user can have written it, or can put another in
 * its place, now or between this look and its start.
 */
import { constants } from 'node:fs'
import { access, lstat, realpath } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join } from 'node:path'

/** The program's real path, or what is wrong with it, in words without a path. */
export type HelperFile = { readonly path: string } | { readonly fault: string }

const GROUP_OR_OTHERS_WRITE = 0o022
const STICKY = 0o1000

/**
 * Look at a helper: an absolute path of a regular executable file, no symbolic link, owned by root or `uid`, that neither
 * group nor others can write; and every directory above it the same, or sticky.
 *
 * @param uid - user beside root who may own it. Default: the effective user of the process
 */
export async function checkHelperFile(
  path: string,
  uid: number = process.geteuid?.() ?? 0,
): Promise<HelperFile> {
  if (!isAbsolute(path) || path.includes('\0')) return { fault: 'its path is not absolute' }
  try {
    const stat = await lstat(path)
    if (stat.isSymbolicLink()) return { fault: 'it is a symbolic link' }
    if (!stat.isFile()) return { fault: 'it is not a regular file' }
    if (!isOwn(stat.uid, uid)) return { fault: `it belongs to user ${stat.uid}` }
    if ((stat.mode & GROUP_OR_OTHERS_WRITE) !== 0) {
      return { fault: 'its group or others can write it' }
    }
    await access(path, constants.X_OK)
    const directory = await realpath(dirname(path))
    return (await isSafeDirectory(directory, uid))
      ? { path: join(directory, basename(path)) }
      : { fault: 'others can put another program in its place' }
  } catch (error) {
    return {
      fault: FAULTS[(error as NodeJS.ErrnoException).code ?? ''] ?? 'it cannot be looked at',
    }
  }
}

const FAULTS: Readonly<Record<string, string>> = {
  ENOENT: 'it is not there',
  ENOTDIR: 'it is not there',
  EACCES: 'it is not executable for this user',
}

/** Who can write a directory on the way can exchange everything below it. */
async function isSafeDirectory(directory: string, uid: number): Promise<boolean> {
  for (let path = directory; ; path = dirname(path)) {
    const { mode, uid: owner } = await lstat(path)
    const isShared = (mode & GROUP_OR_OTHERS_WRITE) !== 0 && (mode & STICKY) === 0
    if (isShared || !isOwn(owner, uid)) return false
    if (path === dirname(path)) return true
  }
}

const isOwn = (owner: number, uid: number): boolean => owner === 0 || owner === uid
