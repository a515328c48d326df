/**
 * The native part (native/*.c): found, loaded once when it is first needed, and its calls given to whom they are for.
 *
 * What is built in the package's own folder comes first, then what the package brought with it (prebuilds/). Numbers below
 * zero that its functions answer are errno values with a minus.
 */
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { UnixSocketError } from './errors.ts'

/** Bits of what a socket is polled for, and of what is ready. */
export const READABLE = 1
export const WRITABLE = 2
/** The socket has an error, and polling has stopped. */
export const STOPPED = 4

/** Places in the array that {@link Native.receive} and {@link Native.peer} fill, and the bits of its flags. */
export const INFO = { flags: 0, pid: 1, uid: 2, gid: 3, length: 4 } as const
export const FLAG = { credentials: 1, truncated: 2 } as const

/** The functions of native/addon.c. A socket is a number, which never names another one later. */
export interface Native {
  open(passCredentials: boolean): number
  /** Bind and listen. */
  listen(id: number, path: string, backlog: number): number
  connect(id: number, path: string): number
  accept(id: number): number
  /** Send all of it as one packet, or nothing. */
  send(id: number, packet: Uint8Array): number
  /** Receive one packet, cut to the room that is there; 0 is the end or an empty packet. */
  receive(id: number, room: Uint8Array, info: Uint32Array): number
  poll(id: number, events: number): number
  /** Whether the socket keeps the process running while it is polled. */
  hold(id: number, hold: boolean): number
  /** Close at once. What was sent reaches the peer; what the peer has sent is thrown away. */
  close(id: number): number
  peer(id: number, info: Uint32Array): number
  peerOfDescriptor(fd: number, info: Uint32Array): number
}

type Listener = (events: number) => void
type Loaded = { readonly native: Native } | { readonly problem: string; readonly cause?: unknown }

/** The folder of the package, from src and from dist alike. */
const ROOT = fileURLToPath(new URL('..', import.meta.url))

const listeners = new Map<number, Listener>()
let loaded: Loaded | undefined

function load(): Loaded {
  if (process.platform !== 'linux') {
    return {
      problem: `peer credentials and SOCK_SEQPACKET of @secreg/unix-socket need Linux; this is ${process.platform}`,
    }
  }
  try {
    const require = createRequire(import.meta.url)
    const find = require('node-gyp-build') as (root: string) => {
      create(dispatch: (id: number, events: number) => void): Native
    }
    return { native: find(ROOT).create((id, events) => listeners.get(id)?.(events)) }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split('\n')[0] : String(cause)
    return {
      problem: `the native part of @secreg/unix-socket cannot be loaded (${why}); build it with: node ${ROOT}native/build.mjs (needs a C compiler and the headers of Node.js)`,
      cause,
    }
  }
}

function loadOnce(): Loaded {
  loaded ??= load()
  return loaded
}

/**
 * Whether the native part is there. It is looked for once.
 *
 * @returns Undefined when it is; else a sentence that says why not and how to get it.
 */
export function nativeProblem(): string | undefined {
  const result = loadOnce()
  return 'problem' in result ? result.problem : undefined
}

/**
 * The native part.
 *
 * @throws UnixSocketError ERR_UNIX_SOCKET_UNAVAILABLE
 */
export function getNative(): Native {
  const result = loadOnce()
  if ('native' in result) return result.native
  throw new UnixSocketError('ERR_UNIX_SOCKET_UNAVAILABLE', result.problem, { cause: result.cause })
}

/** Have a function called when a socket is ready; it keeps what it refers to alive until {@link unlisten}. */
export function listen(id: number, listener: Listener): void {
  listeners.set(id, listener)
}

export function unlisten(id: number): void {
  listeners.delete(id)
}
