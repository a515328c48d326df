/** Directories beside a store, which belong to the store's owner whoever makes them. */
import { lchownSync, lstatSync, mkdirSync, rmSync } from 'node:fs'
import { SecregError } from '@secreg/protocol'
import type { Owner } from './owner.ts'

/** An empty directory of the owner; what a run before has left in it is removed. */
export function makeEmpty(path: string, { uid, gid }: Owner): void {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found !== undefined && (!found.isDirectory() || found.uid !== uid)) {
    throw new SecregError('ALREADY_EXISTS', `${path} is in the way, and is none of ours`)
  }
  try {
    rmSync(path, { recursive: true, force: true })
    mkdirSync(path, { mode: 0o700 })
  } catch (cause) {
    throw new SecregError('ACCESS_DENIED', `${path} cannot be made; run this as root`, { cause })
  }
  giveTo(path, { uid, gid })
}

/** Let a directory be the owner's. */
export function giveTo(path: string, { uid, gid }: Owner): void {
  if (process.geteuid?.() !== uid) lchownSync(path, uid, gid)
}

/** The time as a part of a name. */
export function timestamp(): string {
  return new Date().toISOString().replaceAll(/[-:.]/g, '')
}
