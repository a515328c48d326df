// Processor time of processes, from /proc (proc(5): user and system time in ticks).
import { readdirSync, readFileSync } from 'node:fs'

/** Microseconds of one tick: USER_HZ is 100 on Linux. */
const TICK_US = 10_000

/** Processor time that a process has used, microseconds. */
export function cpuUs(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * TICK_US
}

/** Processes that a process has started, and those that these have. */
export function descendantsOf(pid) {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'latin1').split(' ').filter(Boolean),
  )
  return children.map(Number).flatMap((child) => [child, ...descendantsOf(child)])
}
