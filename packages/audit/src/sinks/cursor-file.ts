/**
 * How far each sink has got, in the directory of the log: `cursor-NAME`, 0600, one line
 *
 * ```
 * {"cursor":{"segment":S,"offset":O,"sequence":N,"hash":"<64 hex>","revision":R},"check":"<64 hex>"}
 * ```
 *
 * with `check` = SHA-256("secreg audit cursor" ‖ 0x00 ‖ NAME ‖ 0x00 ‖ text of the member `cursor`).
 * It is written as `cursor-NAME.part`, synced and renamed, so that there is the old one or the new
 * one. The check is against damage and mixed-up files; who can write here can forge it, and then
 * makes a sink repeat or leave out records, which its receiver sees by their numbers.
 */
import { hash } from 'node:crypto'
import { join } from 'node:path'
import { assertCursor } from '../audit-log.ts'
import type { LogCursor } from '../cursor.ts'
import { openOwn } from '../directory.ts'
import { systemCode } from '../errors.ts'
import type { LogFile, LogFiles } from '../log-files.ts'

/** A stored cursor, or why what is stored is not trusted; neither where nothing is stored. */
export interface LoadedCursor {
  readonly cursor?: LogCursor
  /** `damaged`: not a cursor of this sink. `foreign`: not a file that this package makes. */
  readonly rejected?: 'damaged' | 'foreign'
}

/** Where sinks keep their cursors. Failures are thrown as they come from the system. */
export interface SinkCursors {
  load(name: string): Promise<LoadedCursor>
  /** Durable when it resolves. One call at a time for each name. */
  store(name: string, cursor: LogCursor): Promise<void>
}

const NAME = /^[a-z0-9-]{1,32}$/
const MAX_BYTES = 1024
const STORED = /^\{"cursor":(\{[^{}]*\}),"check":"([0-9a-f]{64})"\}\n$/
/** What opening an own regular file can fail with that says nothing about the file. */
const PASSING = new Set(['EIO', 'EMFILE', 'ENFILE', 'ENOMEM', 'EINTR', 'EAGAIN'])

/** @throws RangeError unless `name` can be the name of a sink: `[a-z0-9-]{1,32}`. */
export function assertSinkName(name: string): void {
  if (typeof name !== 'string' || !NAME.test(name)) {
    throw new RangeError('name of a sink must be 1 to 32 of a-z, 0-9 and -')
  }
}

/** Cursors in files of the log's directory, which must exist. */
export function createCursorFiles(files: LogFiles, directory: string): SinkCursors {
  const pathOf = (name: string): string => {
    assertSinkName(name)
    return join(directory, `cursor-${name}`)
  }
  return {
    load: async (name) => load(files, pathOf(name), name),
    store: async (name, cursor) => {
      assertCursor(cursor)
      const path = pathOf(name)
      await write(files, `${path}.part`, encode(name, cursor))
      files.rename(`${path}.part`, path)
      files.syncDirectory(directory)
    },
  }
}

async function load(files: LogFiles, path: string, name: string): Promise<LoadedCursor> {
  if (files.facts(path) === undefined) return {}
  let file: LogFile
  try {
    file = openOwn(files, path, 'read')
  } catch (error) {
    const { cause } = error as { cause?: unknown }
    if (PASSING.has(systemCode(cause) ?? '')) throw cause
    return { rejected: 'foreign' }
  }
  try {
    const bytes = Buffer.alloc(MAX_BYTES)
    const length = await file.read(bytes, 0)
    const cursor = decode(name, bytes.toString('latin1', 0, length))
    return cursor === undefined ? { rejected: 'damaged' } : { cursor }
  } finally {
    file.close()
  }
}

async function write(files: LogFiles, path: string, bytes: Buffer): Promise<void> {
  // Left by a failure; a link there is taken away, not followed.
  if (files.facts(path) !== undefined) files.remove(path)
  const file = files.create(path)
  try {
    for (let at = 0; at < bytes.length; ) {
      const count = file.write(bytes, at, bytes.length - at, at)
      if (count === 0) throw new Error('nothing written')
      at += count
    }
    await file.syncLater()
  } finally {
    file.close()
  }
}

function encode(name: string, cursor: LogCursor): Buffer {
  const { segment, offset, sequence, hash, revision } = cursor
  const text = JSON.stringify({ segment, offset, sequence, hash, revision })
  return Buffer.from(`{"cursor":${text},"check":"${checkOf(name, text)}"}\n`, 'latin1')
}

function decode(name: string, stored: string): LogCursor | undefined {
  const [, text = '', check] = STORED.exec(stored) ?? []
  if (check === undefined || check !== checkOf(name, text)) return undefined
  try {
    const cursor = JSON.parse(text) as LogCursor
    assertCursor(cursor)
    return cursor
  } catch {
    return undefined
  }
}

function checkOf(name: string, text: string): string {
  return hash('sha256', `secreg audit cursor\0${name}\0${text}`, 'hex')
}
