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

/** Resident memory of some processes, bytes; what they share counts in each. */
export function residentBytes(pids: readonly number[]): number {
  const sizes = pids.map((pid) => {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024
  })
  return sizes.reduce((sum, size) => sum + size, 0)
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
