/**
 * The data directory: who may use it, and the FORMAT file that tells a store from an empty place.
 *
 * FORMAT is one line of JSON, `{"format":2,"state":"ready","generation":"<32 hex digits>"}`.
 * LevelDB creates a database wherever CURRENT is missing; with FORMAT in the state "ready" it is
 * never allowed to, so a lost CURRENT cannot turn into an empty store. The state is "creating"
 * from before LevelDB's first file until the first synced head row, and "loading" while a store is
 * filled with rows from elsewhere (load-store.ts): what was not loaded to the end is never opened.
 */
import { randomBytes } from 'node:crypto'
import { chmod, lstat, mkdir, open, readdir, readFile, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { StorageError, StoreFormatError } from './errors.ts'

/** Format of the stores that this version opens and makes; `migrateStore` brings older ones to it. */
export const STORE_FORMAT = 2
const FORMAT_FILE = 'FORMAT'
const FORMAT_TEMPORARY = 'FORMAT.tmp'

export interface StoreFormat {
  readonly format: number
  readonly state: 'creating' | 'loading' | 'ready'
  /** 32 hex digits. */
  readonly generation: string
}

/**
 * Create the directory (0700) or make sure that nobody else can reach into it.
 *
 * @throws StorageError ERR_STORAGE_PERMISSIONS, ERR_STORAGE_UNAVAILABLE
 */
export async function prepareDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 })
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') {
      throw new StorageError('ERR_STORAGE_UNAVAILABLE', `cannot create ${directory}`, { cause })
    }
  }
  await assertPrivate(directory, 'directory')
  for (const name of await readdir(directory)) await assertPrivate(join(directory, name), 'file')
}

/** LevelDB creates files under the process's umask; what others could read is closed here. */
export async function closeModes(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const path = join(directory, name)
    try {
      if (((await stat(path)).mode & 0o077) !== 0) await chmod(path, 0o600)
    } catch (cause) {
      // A compaction may delete a table between the listing and here.
      if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') {
        throw new StorageError('ERR_STORAGE_PERMISSIONS', `cannot close ${path}`, { cause })
      }
    }
  }
}

async function assertPrivate(path: string, kind: 'directory' | 'file'): Promise<void> {
  const found = await lstat(path).catch((cause: NodeJS.ErrnoException) => {
    // Another owner of the store may delete files; the lock settles that later.
    if (kind === 'file' && cause.code === 'ENOENT') return undefined
    throw new StorageError('ERR_STORAGE_UNAVAILABLE', `cannot inspect ${path}`, { cause })
  })
  if (found === undefined) return
  const uid = process.geteuid?.()
  if (found.isSymbolicLink()) throw permissions(`${path} is a symbolic link`)
  if (kind === 'directory' ? !found.isDirectory() : !found.isFile()) {
    throw permissions(`${path} is no regular ${kind}`)
  }
  if (uid !== undefined && found.uid !== uid) throw permissions(`${path} has another owner`)
  if (uid !== undefined && kind === 'directory' && (found.mode & 0o077) !== 0) {
    throw permissions(`${path} is open to group or others; expected mode 0700`)
  }
}

function permissions(message: string): StorageError {
  return new StorageError('ERR_STORAGE_PERMISSIONS', message)
}

/**
 * What the FORMAT file of a directory says; nothing else is looked at, and nothing written.
 *
 * @returns undefined when the directory is empty or absent
 * @throws StorageError ERR_STORAGE_CORRUPT, ERR_STORAGE_UNAVAILABLE, ERR_STORAGE_FORMAT when it is
 *   no store or one of a newer format
 */
export async function inspectStore(directory: string): Promise<StoreFormat | undefined> {
  try {
    return await readFormat(directory)
  } catch (cause) {
    if (cause instanceof StorageError) throw cause
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new StorageError('ERR_STORAGE_UNAVAILABLE', `cannot read ${directory}`, { cause })
  }
}

/**
 * The store's format, or undefined when the directory is empty.
 *
 * @throws StorageError ERR_STORAGE_FORMAT, ERR_STORAGE_CORRUPT
 */
export async function readFormat(directory: string): Promise<StoreFormat | undefined> {
  let text: string
  try {
    text = await readFile(join(directory, FORMAT_FILE), 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') {
      throw new StorageError('ERR_STORAGE_UNAVAILABLE', 'cannot read FORMAT', { cause })
    }
    const names = (await readdir(directory)).filter((name) => name !== FORMAT_TEMPORARY)
    if (names.length === 0) return undefined
    throw new StorageError(
      names.includes('CURRENT') ? 'ERR_STORAGE_CORRUPT' : 'ERR_STORAGE_FORMAT',
      `${directory} is not empty and has no FORMAT file`,
    )
  }
  return parseFormat(text)
}

function parseFormat(text: string): StoreFormat {
  let value: Partial<StoreFormat> | null
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new StorageError('ERR_STORAGE_CORRUPT', 'FORMAT is malformed', { cause })
  }
  const { format, state, generation } = value ?? {}
  if (Number.isInteger(format) && (format as number) > STORE_FORMAT) {
    throw new StoreFormatError(format as number, STORE_FORMAT)
  }
  if (
    !Number.isInteger(format) ||
    (format as number) < 1 ||
    (state !== 'creating' && state !== 'loading' && state !== 'ready') ||
    typeof generation !== 'string' ||
    !/^[0-9a-f]{32}$/.test(generation)
  ) {
    throw new StorageError('ERR_STORAGE_CORRUPT', 'FORMAT is malformed')
  }
  return { format: format as number, state, generation }
}

/** Replace FORMAT atomically and durably. */
export async function writeFormat(
  directory: string,
  state: StoreFormat['state'],
  generation: string,
): Promise<StoreFormat> {
  const value: StoreFormat = { format: STORE_FORMAT, state, generation }
  const temporary = join(directory, FORMAT_TEMPORARY)
  const file = await open(temporary, 'w', 0o600)
  try {
    await file.writeFile(`${JSON.stringify(value)}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, join(directory, FORMAT_FILE))
  await syncDirectory(directory)
  return value
}

export function createGeneration(): string {
  return randomBytes(16).toString('hex')
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/**
 * Whether a process holds LevelDB's lock, as far as the system tells (Linux: /proc/locks). Opening
 * is what settles it; this only keeps a store in use from being reported as damaged, because its
 * files change while they are checked.
 */
export async function isLocked(directory: string): Promise<boolean> {
  try {
    const { ino } = await stat(join(directory, 'LOCK'))
    const locks = await readFile('/proc/locks', 'utf8')
    return locks.split('\n').some((line) => line.includes(`:${ino} `))
  } catch {
    return false
  }
}
