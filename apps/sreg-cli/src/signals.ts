/** Work that simply ends when the process is told to end in the middle of it. */

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Time for work to end after a signal, milliseconds. */
const GRACE_MS = 1000

/**
 * Do some work that goes on until the process is told to end: a signal aborts it, and that is no failure. A second one
 * ends the process as usual.
 */
export async function untilSignal(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const controller = new AbortController()
  let late: NodeJS.Timeout | undefined
  const onSignal = (): void => {
    detach()
    controller.abort()
    // An output that nobody reads takes no last byte.
    late = setTimeout(() => process.exit(0), GRACE_MS)
  }
  const detach = (): void => {
    for (const signal of SIGNALS) process.off(signal, onSignal)
  }
  for (const signal of SIGNALS) process.on(signal, onSignal)
  try {
    await work(controller.signal)
  } catch (error) {
    if (!controller.signal.aborted) throw error
  } finally {
    detach()
    clearTimeout(late)
  }
}
