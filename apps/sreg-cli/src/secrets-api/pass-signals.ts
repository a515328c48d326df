/** Signals to this process for the program that it runs. */
import type { ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** Those that a terminal sends too, to every process of the group in its foreground. */
const OF_TERMINALS: ReadonlySet<NodeJS.Signals> = new Set(['SIGINT', 'SIGQUIT', 'SIGWINCH'])

const PASSED: readonly NodeJS.Signals[] = [
  'SIGTERM',
  'SIGHUP',
  'SIGUSR1',
  'SIGUSR2',
  ...OF_TERMINALS,
]

/**
 * Pass signals on instead of doing what they say. What a terminal sends, the program has got by itself, and must not get
 * twice: many take a second SIGINT for an order to give up at once. Node.js does not tell who has sent a signal, so in the
 * foreground of a terminal SIGINT, SIGQUIT and SIGWINCH are taken for its own.
 *
 * @returns `stop` takes it back
 */
export function passSignals(child: Pick<ChildProcess, 'kill'>): { stop(): void } {
  const onSignal = (signal: NodeJS.Signals): void => {
    if (OF_TERMINALS.has(signal) && isInForeground()) return
    child.kill(signal)
  }
  for (const signal of PASSED) process.on(signal, onSignal)
  return {
    stop: () => {
      for (const signal of PASSED) process.off(signal, onSignal)
    },
  }
}

/**
 * Whether this process group is the one in the foreground of its terminal (proc_pid_stat(5): fields 5 and 8); without a
 * terminal, there is none.
 */
function isInForeground(): boolean {
  try {
    const text = readFileSync('/proc/self/stat', 'latin1')
    // The second field is a name in parentheses, which may hold anything.
    const [, , group, , , foreground] = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return group !== undefined && group === foreground
  } catch {
    return false
  }
}
