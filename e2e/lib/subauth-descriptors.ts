/** Which descriptors a process has open. */
import { readdirSync, readlinkSync } from 'node:fs'

/** Number of its sockets; files that a store opens and closes by itself are not among them. */
export function socketsOf(pid: number): number {
  return countOf(pid, /^socket:/)
}

/** Number of its descriptors of `/dev/null`. */
export function nullsOf(pid: number): number {
  return countOf(pid, /^\/dev\/null$/)
}

function countOf(pid: number, target: RegExp): number {
  const directory = `/proc/${pid}/fd`
  return readdirSync(directory).filter((name) => {
    try {
      return target.test(readlinkSync(`${directory}/${name}`))
    } catch {
      // Closed since it was listed.
      return false
    }
  }).length
}
