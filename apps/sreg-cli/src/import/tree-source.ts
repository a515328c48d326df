/**
 * A directory tree: each regular file is one entry, its path below the root is its key. Integer where the text is a
 * canonical int64, else string, else (not UTF-8) bytes; one last newline of text is removed.
 *
 * Links are followed only to a regular file inside the root. Empty and unreadable files, and what is neither file nor
 * directory, are left out and counted.
 */
import { constants, type Dirent } from 'node:fs'
import { open, readdir, realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { encodeBase64, LIMITS, type Path, parseValue, type ValueType } from '@secreg/protocol'
import { fileError } from '../errors.ts'
import { EntryList, type Source } from './staged-entry.ts'

/** Levels that are gone down; a key has fewer, so a deeper file is a fault, not a silent loss. */
const MAX_DEPTH = 64

interface Walk {
  readonly root: string
  readonly prefix: Path | ''
  readonly list: EntryList
  readonly skipped: Record<string, number>
  readonly progress: ((files: number) => void) | undefined
  files: number
}

/**
 * Read the entries of a directory.
 *
 * @param progress - called with the number of files read so far
 * @throws CliError when it cannot be read, or a file in it cannot be an entry
 */
export async function readTree(
  directory: string,
  prefix: Path | '',
  progress?: (files: number) => void,
): Promise<Source> {
  const root = await realpath(directory).catch((error: unknown) => {
    throw fileError(directory, error)
  })
  const walk: Walk = { root, prefix, list: new EntryList(), skipped: {}, progress, files: 0 }
  await walkDirectory(walk, root, [], true)
  return { entries: walk.list.finish(), skipped: walk.skipped }
}

const skip = (walk: Walk, reason: string): void => {
  walk.skipped[reason] = (walk.skipped[reason] ?? 0) + 1
}

async function walkDirectory(
  walk: Walk,
  path: string,
  names: readonly string[],
  isRoot: boolean,
): Promise<void> {
  let children: Dirent<Buffer>[]
  try {
    children = await readdir(path, { withFileTypes: true, encoding: 'buffer' })
  } catch (error) {
    if (isRoot) throw fileError(path, error)
    skip(walk, 'unreadable')
    return
  }
  for (const child of children) {
    const name = nameOf(child.name)
    const below = name === undefined ? path : join(path, name)
    if (name === undefined) {
      walk.list.fault(`${path}: holds a name that is not UTF-8`)
    } else if (child.isDirectory()) {
      if (names.length >= MAX_DEPTH) walk.list.fault(`${below}: lies too deep`)
      else await walkDirectory(walk, below, [...names, name], false)
    } else if (child.isFile()) {
      await addFile(walk, below, [...names, name])
    } else if (child.isSymbolicLink()) {
      await addLink(walk, below, [...names, name])
    } else {
      skip(walk, 'not a file')
    }
  }
}

function nameOf(name: Buffer): string | undefined {
  const text = name.toString('utf8')
  return Buffer.from(text).equals(name) ? text : undefined
}

async function addLink(walk: Walk, path: string, names: readonly string[]): Promise<void> {
  const target = await realpath(path).catch(() => undefined)
  if (target?.startsWith(walk.root === sep ? sep : walk.root + sep)) {
    await addFile(walk, target, names)
  } else skip(walk, 'link')
}

async function addFile(walk: Walk, path: string, names: readonly string[]): Promise<void> {
  const bytes = await readFileBounded(path)
  if (typeof bytes === 'string') {
    if (bytes === 'too large') {
      walk.list.fault(`${names.join('/')}: exceeds ${LIMITS.valueBytes} bytes`)
    } else skip(walk, bytes)
    return
  }
  if (bytes.length === 0) {
    skip(walk, 'empty')
    return
  }
  const { value, type } = valueOfFile(bytes)
  walk.list.add(walk.prefix, names, value, type)
  walk.progress?.(++walk.files)
}

/** The bytes of a regular file, or why it is left out. Sizes are not believed: files of /proc say 0. */
async function readFileBounded(path: string): Promise<Buffer | string> {
  try {
    await using file = await open(
      path,
      constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
    )
    if (!(await file.stat()).isFile()) return 'not a file'
    const chunks: Buffer[] = []
    let size = 0
    for (;;) {
      const { bytesRead, buffer } = await file.read(Buffer.alloc(64 * 1024))
      if (bytesRead === 0) return Buffer.concat(chunks)
      size += bytesRead
      if (size > LIMITS.valueBytes) return 'too large'
      chunks.push(buffer.subarray(0, bytesRead))
    }
  } catch {
    return 'unreadable'
  }
}

/** Value and type of a file's bytes. */
export function valueOfFile(bytes: Uint8Array): {
  readonly value: string
  readonly type: ValueType
} {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return { value: encodeBase64(bytes), type: 'bytes' }
  }
  const value = text.endsWith('\n') ? text.slice(0, -1) : text
  return { value, type: isInteger(value) ? 'integer' : 'string' }
}

function isInteger(text: string): boolean {
  if (!/^-?\d{1,19}$/.test(text)) return false
  try {
    parseValue(text, 'integer')
    return true
  } catch {
    return false
  }
}
