/**
 * Putting a store in the place of another, which takes two renames. What is to be done is written down before the first,
 * so that whoever opens the store next finishes it: there is the one or the other, never none.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { SecregError } from '@secreg/protocol'
import * as z from 'zod'

/** A replacement that has been decided. */
export interface Replacement {
  /** What it is done for, to be recognised when it is asked for again. */
  readonly reason: string
  /** Name of the new store, in the directory of the old one. */
  readonly incoming: string
  /** Name that the old one gets. */
  readonly aside: string
}

const NAME = z.string().regex(/^(?!\.{1,2}$)[A-Za-z0-9._-]{1,255}$/)
const schema: z.ZodType<Replacement> = z.object({
  reason: z.string().max(256),
  incoming: NAME,
  aside: NAME,
})

/** Replace the store at `path`; when it returns, the new one is durably in its place. */
export function replaceStore(path: string, replacement: Replacement): void {
  const note = notePath(path)
  const file = openSync(`${note}.tmp`, 'w', 0o600)
  try {
    writeSync(file, JSON.stringify(replacement))
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  renameSync(`${note}.tmp`, note)
  syncDirectory(dirname(path))
  finishReplacement(path)
}

/**
 * Finish a replacement that was interrupted.
 *
 * @returns the one that was finished; `undefined` when there was none
 * @throws SecregError `ERR_STORAGE_FAILED` when this process may not rename what is to be renamed
 */
export function finishReplacement(path: string): Replacement | undefined {
  const note = notePath(path)
  if (!existsSync(note)) return undefined
  const replacement = schema.parse(JSON.parse(readFileSync(note, 'utf8')))
  const directory = dirname(path)
  const incoming = join(directory, replacement.incoming)
  const aside = join(directory, replacement.aside)
  try {
    if (existsSync(incoming)) {
      if (existsSync(path)) renameSync(path, aside)
      renameSync(incoming, path)
      syncDirectory(directory)
    }
    rmSync(note)
    syncDirectory(directory)
  } catch (cause) {
    throw new SecregError(
      'STORAGE_FAILED',
      `${path} is being replaced (${replacement.reason}), which was interrupted and cannot be finished here; run the same command again`,
      { cause },
    )
  }
  return replacement
}

/** Beside the store, since nothing else may be in its directory. */
function notePath(path: string): string {
  return join(dirname(path), `.${basename(path)}.replacing`)
}

function syncDirectory(path: string): void {
  const directory = openSync(path, 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}
