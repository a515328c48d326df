/** How much memory a daemon and all that it has started take while something happens. */
import { residentBytes } from './gateway-processes.ts'
import { processTree } from './process-image.ts'

/** Greatest resident memory, of all processes together, from now until the end of some work; bytes. */
export async function peakDuring(pid: number, work: Promise<unknown>): Promise<number> {
  let peak = 0
  let over = false
  const end = (): void => {
    over = true
  }
  work.then(end, end)
  while (!over) {
    peak = Math.max(peak, memoryOf(pid))
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return peak
}

export function memoryOf(pid: number): number {
  return residentBytes(processTree(pid))
}
