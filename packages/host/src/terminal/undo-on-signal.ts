/** Work that must be undone when the process is told to end in the middle of it. */

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Do some work; on a signal, undo it and then end by that signal, as if nothing had been in the way.
 *
 * @param undo - called at most once, only on a signal
 */
export async function undoOnSignal<T>(
  undo: () => void | Promise<void>,
  work: () => Promise<T>,
): Promise<T> {
  const onSignal = async (signal: NodeJS.Signals): Promise<void> => {
    detach()
    try {
      await undo()
    } finally {
      process.kill(process.pid, signal)
    }
  }
  const detach = (): void => {
    for (const signal of SIGNALS) process.off(signal, onSignal)
  }
  for (const signal of SIGNALS) process.on(signal, onSignal)
  try {
    return await work()
  } finally {
    detach()
  }
}
