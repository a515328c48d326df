/**
 * Where a login keeps its session: one private file with a session for each socket, so that two daemons on a machine
 * do not take each other's.
 *
 * `{"version":1,"sessions":{"/run/secreg/socket":{"session_id":"…","user":"alice"}}}`
 */
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { CliError, fileError } from './errors.ts'
import type { Io } from './io.ts'

const MAX_BYTES = 64 * 1024
/** Permission bits of anybody but the owner. */
const OTHERS = 0o077

/** A session of one daemon. */
export interface StoredSession {
  readonly session_id: string
  readonly user: string
}

interface Stored {
  readonly version: 1
  readonly sessions: Record<string, StoredSession>
}

/** Path of the session file, and whether its directory is ours to make. */
export function sessionPath(env: Io['env']): { readonly path: string; readonly own: boolean } {
  const named = env['SECREG_SESSION']
  if (named !== undefined && named !== '') return { path: resolve(named), own: false }
  const runtime = env['XDG_RUNTIME_DIR']
  if (runtime?.startsWith('/')) return { path: join(runtime, 'secreg', 'session'), own: true }
  return { path: join(env['HOME'] ?? homedir(), '.cache', 'secreg', 'session'), own: true }
}

const errno = (error: unknown): string | undefined =>
  (error as NodeJS.ErrnoException | undefined)?.code

function refuse(path: string, why: string): CliError {
  return new CliError(
    'AUTH_REQUIRED',
    `the session file ${path} ${why}`,
    `remove it, then run: sreg login NAME`,
  )
}

/** Refuse what somebody else could have written or can read. */
function assertPrivate(path: string, stat: { uid: number; mode: number }, what = ''): void {
  if (stat.uid !== process.geteuid?.()) throw refuse(path, `${what}belongs to another user`)
  if ((stat.mode & OTHERS) !== 0) {
    const mode = (stat.mode & 0o777).toString(8).padStart(4, '0')
    throw refuse(path, `${what}is open to others (mode ${mode})`)
  }
}

function read(env: Io['env']): Stored {
  const empty: Stored = { version: 1, sessions: {} }
  const { path, own } = sessionPath(env)
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    const code = errno(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return empty
    if (code === 'ELOOP') throw refuse(path, 'is a symbolic link')
    throw fileError(path, error)
  }
  try {
    const stat = fstatSync(fd)
    if (!stat.isFile()) throw refuse(path, 'is not a regular file')
    assertPrivate(path, stat)
    if (own) assertPrivate(path, lstatSync(dirname(path)), 'lies in a directory that ')
    if (stat.size > MAX_BYTES) throw refuse(path, 'is too large')
    return parse(readFileSync(fd, 'utf8')) ?? empty
  } finally {
    closeSync(fd)
  }
}

/** A file that is damaged holds no session; the next login replaces it. */
function parse(text: string): Stored | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  const stored = value as Partial<Stored> | null
  if (typeof stored !== 'object' || stored === null || stored.version !== 1) return undefined
  if (typeof stored.sessions !== 'object' || stored.sessions === null) return undefined
  const sessions: Record<string, StoredSession> = {}
  for (const [socket, session] of Object.entries(stored.sessions)) {
    if (
      typeof session?.session_id === 'string' &&
      /^[\x20-\x7e]{1,255}$/.test(session.session_id) &&
      typeof session.user === 'string'
    ) {
      sessions[socket] = { session_id: session.session_id, user: session.user }
    }
  }
  return { version: 1, sessions }
}

/**
 * The session kept for a socket.
 *
 * @throws CliError `AUTH_REQUIRED` when the file is not private to this user
 */
export function loadSession(env: Io['env'], socket: string): StoredSession | undefined {
  const { sessions } = read(env)
  const name = resolve(socket)
  return Object.hasOwn(sessions, name) ? sessions[name] : undefined
}

/** Keep a session; it replaces that of the same socket. */
export function saveSession(env: Io['env'], socket: string, session: StoredSession): void {
  update(env, socket, session)
}

/** Forget the session of a socket; without other sessions the file goes. */
export function forgetSession(env: Io['env'], socket: string): void {
  update(env, socket, undefined)
}

function update(env: Io['env'], socket: string, session: StoredSession | undefined): void {
  const { path, own } = sessionPath(env)
  const { sessions } = read(env)
  const name = resolve(socket)
  if (session === undefined) {
    if (!Object.hasOwn(sessions, name)) return
    delete sessions[name]
  } else {
    Object.defineProperty(sessions, name, { value: session, enumerable: true, configurable: true })
  }
  if (Object.keys(sessions).length === 0) unlinkSync(path)
  else replace(path, own, JSON.stringify({ version: 1, sessions } satisfies Stored))
}

/** Write a private file at once: a reader sees the old one or the new one, and a link is replaced, not followed. */
function replace(path: string, own: boolean, text: string): void {
  const directory = dirname(path)
  if (own) {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    assertPrivate(path, lstatSync(directory), 'lies in a directory that ')
  }
  const temporary = `${path}.${globalThis.crypto.randomUUID()}`
  let fd: number
  try {
    fd = openSync(
      temporary,
      constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
      0o600,
    )
  } catch (error) {
    if (errno(error) === 'ENOENT') throw fileError(directory, error)
    throw fileError(path, error)
  }
  try {
    try {
      writeFileSync(fd, text)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    renameSync(temporary, path)
  } catch (error) {
    unlinkSync(temporary)
    throw fileError(path, error)
  }
}
