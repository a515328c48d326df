/**
 * A Unix socket at a path, made so that nobody else's file is harmed and that it never has wider rights than asked.
 *
 * The socket is bound inside a private directory (0700) beside its path, gets its mode and its group there, and only
 * then a link at its path. A link fails where something exists already, so nothing is overwritten. The umask plays no
 * part: it belongs to all threads of the process, and widening it for a moment would widen what they create then.
 */
import {
  type BigIntStats,
  chmodSync,
  chownSync,
  closeSync,
  constants,
  linkSync,
  lstatSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { connect } from 'node:net'
import { dirname, isAbsolute, join } from 'node:path'
import { HostError } from './errors.ts'
import { MAX_SOCKET_PATH_BYTES } from './socket-path.ts'

/**
 * What listens at a path as a `net.Server` does: it binds the path in {@link listen}, is heard of by `listening` or
 * `error`, and says `close` when it is closed.
 */
export interface UnixListener {
  readonly listening: boolean
  listen(options: {
    readonly path: string
    readonly backlog: number
    readonly exclusive: boolean
  }): unknown
  close(): unknown
  once(event: 'listening' | 'close', listener: () => void): unknown
  once(event: 'error', listener: (error: Error) => void): unknown
  off(event: 'listening' | 'close', listener: () => void): unknown
  off(event: 'error', listener: (error: Error) => void): unknown
}

/** Options of {@link listenUnix}. */
export interface ListenUnixOptions {
  /** Absolute path, at most {@link MAX_SOCKET_PATH_BYTES} bytes; its directory exists. */
  readonly path: string
  /** Permission bits. Default 0o600. */
  readonly mode?: number
  /** Number of the group that owns the socket. Default: that of the process. */
  readonly gid?: number
  /** Connections that wait to be accepted. Default 128. */
  readonly backlog?: number
}

/** A socket that listens at a path. */
export interface UnixSocketFile {
  readonly path: string
  /** Remove the file, if it is still this socket; called by itself when the server closes. */
  remove(): void
}

const PROBE_TIMEOUT_MS = 1000
const EXACT = { bigint: true } as const

/**
 * Listen on a Unix socket. A dead socket of this user at the path is replaced; anything else there is left alone.
 *
 * @param server - A server that does not listen yet, of whatever type of socket. When it closes, the file is removed.
 * @throws HostError ERR_HOST_SOCKET_PATH for a path that is too long, not absolute, or in a directory that others may
 * change; ERR_HOST_SOCKET_IN_USE when a server answers there; ERR_HOST_SOCKET_OCCUPIED when something else is there.
 */
export async function listenUnix(
  server: UnixListener,
  options: ListenUnixOptions,
): Promise<UnixSocketFile> {
  const { path, mode = 0o600 } = options
  if (!Number.isInteger(mode) || mode < 0 || mode > 0o777) {
    throw new RangeError(`mode: expected permission bits from 0 to 0o777, got ${mode}`)
  }
  assertSocketPath(path)
  assertDirectory(dirname(path))
  const dead = await findDeadSocket(path)

  const staging = mkdtempSync(join(dirname(path), '.sr-'))
  // The umask can take rights from its owner too.
  chmodSync(staging, 0o700)
  const directory = openSync(staging, constants.O_RDONLY | constants.O_DIRECTORY)
  const closeDirectory = (): void => closeSync(directory)
  server.once('close', closeDirectory)
  try {
    const bound = join(staging, 's')
    await listenAt(server, shortName(bound, directory), options.backlog ?? 128)
    if (options.gid !== undefined) changeGroup(bound, options.gid)
    // After the group: its change may clear bits (chown(2)).
    chmodSync(bound, mode)
    if (dead !== undefined) setAside(path, dead, staging)
    linkNew(bound, path)
  } catch (error) {
    if (server.listening) {
      server.close()
    } else {
      server.off('close', closeDirectory)
      closeDirectory()
    }
    throw error
  } finally {
    rmSync(staging, { recursive: true, force: true })
  }
  const own = lstatSync(path, EXACT)
  const remove = (): void => {
    const now = lstatSync(path, { ...EXACT, throwIfNoEntry: false })
    if (now !== undefined && isSame(now, own)) rmSync(path, { force: true })
  }
  server.once('close', remove)
  return { path, remove }
}

/**
 * Refuse a path that cannot be bound: the kernel, or a library in between, would cut it.
 *
 * @throws HostError ERR_HOST_SOCKET_PATH
 */
export function assertSocketPath(path: string): void {
  const bytes = Buffer.byteLength(path)
  if (bytes > MAX_SOCKET_PATH_BYTES) {
    throw new HostError(
      'ERR_HOST_SOCKET_PATH',
      `socket path: expected at most ${MAX_SOCKET_PATH_BYTES} bytes, got ${bytes}`,
    )
  }
  if (!isAbsolute(path) || path.includes('\0') || path.endsWith('/')) {
    throw new HostError('ERR_HOST_SOCKET_PATH', 'socket path: expected an absolute path of a file')
  }
}

/** Who may change the directory may replace the socket and receive the logins that are meant for it. */
function assertDirectory(directory: string): void {
  const stat = statSync(directory, { throwIfNoEntry: false })
  if (stat === undefined || !stat.isDirectory()) {
    throw new HostError('ERR_HOST_SOCKET_PATH', `${directory}: no such directory`)
  }
  const sticky = (stat.mode & 0o1000) !== 0
  const shared = (stat.mode & 0o022) !== 0 && !sticky
  if (shared || (stat.uid !== 0 && stat.uid !== process.geteuid?.())) {
    throw new HostError(
      'ERR_HOST_SOCKET_PATH',
      `${directory}: other users can replace a socket here; expected a directory of root or of this user that only its owner can write, or a sticky one`,
    )
  }
}

/** Look at what is at the path; undefined when nothing is. */
async function findDeadSocket(path: string): Promise<BigIntStats | undefined> {
  const stat = lstatSync(path, { ...EXACT, throwIfNoEntry: false })
  if (stat === undefined) return undefined
  if (!stat.isSocket()) {
    const kind = stat.isSymbolicLink()
      ? 'a symbolic link'
      : stat.isDirectory()
        ? 'a directory'
        : 'a file that is not a socket'
    throw new HostError(
      'ERR_HOST_SOCKET_OCCUPIED',
      `${path}: ${kind} is in the way; it was left alone`,
    )
  }
  const answer = await probe(path)
  if (answer === 'live') {
    throw new HostError('ERR_HOST_SOCKET_IN_USE', `${path}: another server answers here`)
  }
  if (answer === 'gone') return undefined
  if (answer !== 'dead' || Number(stat.uid) !== process.geteuid?.()) {
    throw new HostError(
      'ERR_HOST_SOCKET_OCCUPIED',
      `${path}: a socket of user ${stat.uid} is in the way and was left alone (${answer})`,
    )
  }
  return stat
}

/** `dead` is a socket that refuses connections; another word is an error that leaves it open. */
function probe(path: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(path)
    const finish = (answer: string): void => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(PROBE_TIMEOUT_MS, () => finish('live'))
    socket.once('connect', () => finish('live'))
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') finish('dead')
      else if (error.code === 'ENOENT') finish('gone')
      // A full backlog is a server that is busy (unix(7)).
      else if (error.code === 'EAGAIN') finish('live')
      // Somebody has it open who speaks in packets; a dead one refuses, whatever its type was.
      else if (error.code === 'EPROTOTYPE') finish('live')
      else finish(error.code ?? 'unknown')
    })
  })
}

/**
 * The staging directory may make a path too long that itself is short enough: bind through the open directory then.
 * It stays open as long as the server: libuv unlinks the bound name at the end, and the number must not name another.
 */
function shortName(bound: string, directory: number): string {
  return Buffer.byteLength(bound) <= MAX_SOCKET_PATH_BYTES ? bound : `/proc/self/fd/${directory}/s`
}

function changeGroup(path: string, gid: number): void {
  try {
    chownSync(path, -1, gid)
  } catch (cause) {
    throw new HostError(
      'ERR_HOST_GROUP_UNKNOWN',
      `this process cannot give its socket to group ${gid}: it is not a member`,
      { cause },
    )
  }
}

function listenAt(server: UnixListener, path: string, backlog: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.once('listening', () => {
      server.off('error', reject)
      resolve()
    })
    server.listen({ path, backlog, exclusive: true })
  })
}

/** Take the dead socket away, unless another server has put its own there since it was probed. */
function setAside(path: string, dead: BigIntStats, staging: string): void {
  const aside = join(staging, 'dead')
  try {
    renameSync(path, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  if (isSame(lstatSync(aside, EXACT), dead)) return
  linkNew(aside, path)
  throw new HostError('ERR_HOST_SOCKET_IN_USE', `${path}: another server took this path meanwhile`)
}

function linkNew(from: string, to: string): void {
  try {
    linkSync(from, to)
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause
    throw new HostError('ERR_HOST_SOCKET_IN_USE', `${to}: appeared while this server started`, {
      cause,
    })
  }
}

/** A file system may give the number of a removed file to the next one, so its time of creation must be the same too. */
function isSame(a: BigIntStats, b: BigIntStats): boolean {
  return (
    a.dev === b.dev &&
    a.ino === b.ino &&
    a.mtimeNs === b.mtimeNs &&
    a.birthtimeNs === b.birthtimeNs &&
    a.isSocket() === b.isSocket()
  )
}
