/**
 * Names of processes by which others tell, later, whether they have ended: as file names,
 * `machine-boot-namespace-pid-start-random`. A part that the system does not tell is `0`.
 */
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'

const IDENTITY = /^([0-9a-f]+)-([0-9a-f]+)-(\d+)-(\d+)-(\d+)-[0-9a-f]{16}$/

/** A name of this process, another one at each call. */
export function ownIdentity(): string {
  const start = processStat(process.pid)?.start ?? '0'
  return [...surroundings(), process.pid, start, randomBytes(8).toString('hex')].join('-')
}

/** Tell whether a text is a name of a process. */
export function isIdentity(text: string): boolean {
  return IDENTITY.test(text)
}

/**
 * Tell whether a process has certainly ended: its machine was started again, or its number is free or somebody else's.
 * Of another machine, or of a container whose processes cannot be seen, nothing is certain.
 */
export function hasEnded(identity: string): boolean {
  const [, machine, boot, namespace, pid, start] = IDENTITY.exec(identity) ?? []
  if (pid === undefined) return false
  const [ownMachine, ownBoot, ownNamespace] = surroundings()
  if (machine !== ownMachine) return false
  if (boot !== ownBoot) return machine !== '0'
  if (namespace !== ownNamespace) return false
  try {
    process.kill(Number(pid), 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
  const now = processStat(Number(pid))
  if (now === undefined) return false
  // Ended, but its parent has not asked how (proc(5)).
  return now.state === 'Z' || now.state === 'X' || (start !== '0' && now.start !== start)
}

/** Machine, boot, and namespace of process numbers. */
function surroundings(): [string, string, string] {
  const namespace = /\d+/.exec(attempt(() => readlinkSync('/proc/self/ns/pid')))?.[0] ?? '0'
  return [digest('/etc/machine-id'), digest('/proc/sys/kernel/random/boot_id'), namespace]
}

/** The machine's id is not to be shown as it is (machine-id(5)). */
function digest(path: string): string {
  const text = attempt(() => readFileSync(path, 'utf8')).trim()
  return text === '' ? '0' : createHash('sha256').update(text).digest('hex').slice(0, 16)
}

/** State and time of start of a process (proc(5), /proc/pid/stat, fields 3 and 22). */
function processStat(pid: number): { state: string; start: string } | undefined {
  const text = attempt(() => readFileSync(`/proc/${pid}/stat`, 'utf8'))
  // The name in parentheses may hold anything.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [state, start] = [fields[0], fields[19]]
  return state === undefined || start === undefined ? undefined : { state, start }
}

function attempt(read: () => string): string {
  try {
    return read()
  } catch {
    return ''
  }
}
