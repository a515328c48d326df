/** What a gateway takes of the machine, and what the daemon has done for it. */
import { readdirSync, readFileSync } from 'node:fs'
import type { Child } from '@secreg/testkit'
import type { Wire } from './wire.ts'

export const MIB: number = 1024 * 1024

/** Ids of the workers of a gateway. */
export function workersOf({ pid }: Pick<Child, 'pid'>): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return text.trim().split(' ').filter(Boolean).map(Number)
}

/** Ids of the primary and its workers. */
export function processesOf(child: Pick<Child, 'pid'>): number[] {
  return [child.pid, ...workersOf(child)]
}

/** Resident memory of some processes, bytes; what they share counts in each. One that has ended has none. */
export function residentBytes(pids: readonly number[]): number {
  const sizes = pids.map((pid) => {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(ofProcess(pid, 'status') ?? '')?.[1]
    return Number(kib ?? 0) * 1024
  })
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** Processor time that some processes have taken, milliseconds. */
export function processorMs(pids: readonly number[]): number {
  const times = pids.map((pid) => {
    // After the name of the program, which may hold anything: state, then numbers; utime and stime are 14 and 15 of all.
    const text = ofProcess(pid, 'stat') ?? ''
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * TICK_MS
  })
  return times.reduce((sum, time) => sum + time, 0)
}

/** Of the clock of proc(5): a hundredth of a second on every machine that Node.js runs on. */
const TICK_MS = 10

function ofProcess(pid: number, name: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'latin1')
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
    throw error
  }
}

/** Open descriptors of some processes. */
export function descriptors(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + readdirSync(`/proc/${pid}/fd`).length, 0)
}

/** Operations of callers behind gateways that the daemon has counted, whatever came of them; logins are not among them. */
export async function operationsOverHttp(admin: Wire): Promise<number> {
  const { metrics } = await admin.ok('maintain', { op: 'metrics' })
  const lines = (metrics as string).matchAll(
    /^secreg_operations_total\{door="http",operation="(\w+)",outcome="\w+"\} (\d+)$/gm,
  )
  let count = 0
  for (const [, operation, value] of lines) if (operation !== 'auth') count += Number(value)
  return count
}
