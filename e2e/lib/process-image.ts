/** The memory of running processes, as whoever may read it finds it in `/proc` (proc(5)). */
import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs'

/** A process and all that it has started, itself first. */
export function processTree(pid: number): number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      // After the name of the program, which may hold anything: state, then the parent.
      const text = readFileSync(`/proc/${name}/stat`, 'latin1')
      const [, parent] = text.slice(text.lastIndexOf(')') + 2).split(' ')
      parents.set(Number(name), Number(parent))
    } catch {
      // It has ended.
    }
  }
  const found = [pid]
  for (const one of found) {
    for (const [child, parent] of parents) if (parent === one) found.push(child)
  }
  return found
}

/** Why the memory of a process cannot be read; undefined when it can. */
export function unreadableMemory(pid: number): string | undefined {
  try {
    closeSync(openSync(`/proc/${pid}/mem`, 'r'))
    return undefined
  } catch (error) {
    return `/proc/PID/mem of another process: ${(error as NodeJS.ErrnoException).code}`
  }
}

const CHUNK_BYTES = 4 * 1024 * 1024
/** Longest of what is looked for. */
const OVERLAP_BYTES = 128

/**
 * Read all regions of a process that can be read, in pieces that overlap.
 *
 * @param see - gets each piece in latin1
 */
export function readMemory(pid: number, see: (piece: string) => void): void {
  const file = openSync(`/proc/${pid}/mem`, 'r')
  try {
    const buffer = Buffer.alloc(CHUNK_BYTES)
    for (const line of readFileSync(`/proc/${pid}/maps`, 'latin1').split('\n')) {
      const [, from = '', to = ''] = /^([0-9a-f]+)-([0-9a-f]+) r/.exec(line) ?? []
      if (from === '' || /\[v(?:var|syscall)/.test(line)) continue
      const end = Number.parseInt(to, 16)
      for (let at = Number.parseInt(from, 16); at < end; at += CHUNK_BYTES - OVERLAP_BYTES) {
        const read = readPiece(file, buffer, at, Math.min(CHUNK_BYTES, end - at))
        if (read === 0) break
        see(buffer.toString('latin1', 0, read))
      }
    }
  } finally {
    closeSync(file)
  }
}

function readPiece(file: number, buffer: Buffer, at: number, length: number): number {
  try {
    return readSync(file, buffer, 0, length, at)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // Unmapped since, or of a device.
    if (code === 'EIO' || code === 'EFAULT') return 0
    throw error
  }
}

/** UUIDv4 in lower case (RFC 9562 section 5.4). @param padding - what follows each character */
function uuid(padding: string): RegExp {
  const hex = (digits: number): string => `(?:[0-9a-f]${padding}){${digits}}`
  const dash = `-${padding}`
  const parts = [hex(8), hex(4), `4${padding}${hex(3)}`, `[89ab]${padding}${hex(3)}`, hex(12)]
  return new RegExp(parts.join(dash), 'g')
}

const UUID = uuid('')
/** UTF-16, little-endian: strings with characters beyond latin1 are kept so. */
const WIDE_UUID = uuid('\\0')

/** Everything in the memory of processes that looks like the id of a session: UUIDv4 in either width of text. */
export function sessionIdsIn(pids: readonly number[]): Set<string> {
  const found = new Set<string>()
  for (const pid of pids) {
    readMemory(pid, (piece) => {
      for (const [id] of piece.matchAll(UUID)) found.add(id)
      for (const [id] of piece.matchAll(WIDE_UUID)) found.add(id.replaceAll('\0', ''))
    })
  }
  return found
}
