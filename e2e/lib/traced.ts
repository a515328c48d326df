import { readFileSync } from 'node:fs'
import { requireProgram, type SkippableContext, skipTest, startChild } from '@secreg/testkit'
import { SECREGD, type Site } from './site.ts'

/** A daemon whose system calls are written down; killed when it is disposed of. */
export interface Traced extends AsyncDisposable {
  /** What strace has written so far. */
  text(): string
  /** Kill the daemon, and wait until all is written. */
  kill(): Promise<void>
}

/**
 * Start the daemon of a site under strace, and wait until it is ready. Skips the test where that cannot be done.
 *
 * @param calls - system calls, as `trace=` takes them
 * @param options - further options of strace
 */
export async function startTraced(
  context: SkippableContext,
  site: Site,
  calls: string,
  options: readonly string[] = [],
): Promise<Traced> {
  const strace = requireProgram(context, 'strace')
  const trace = site.home.file('trace')
  const daemon = [process.execPath, SECREGD, '--config', site.config]
  const tracing = ['-f', ...options, '-e', `trace=${calls}`, '-o', trace]
  const traced = startChild(strace, [...tracing, ...daemon])
  const ready = await traced
    .line(/"event":"ready"/, { from: 'stderr', timeoutMs: 40_000 })
    .catch((error: Error) => error)
  if (ready instanceof Error) {
    await traced.kill()
    if (/ptrace|Operation not permitted/.test(ready.message)) {
      skipTest(context, 'this user cannot trace')
    }
    throw ready
  }
  const { pid } = JSON.parse(ready)
  let isKilled = false
  const kill = async (): Promise<void> => {
    if (!isKilled) process.kill(pid, 'SIGKILL')
    isKilled = true
    await traced.exit
  }
  return { text: () => readFileSync(trace, 'utf8'), kill, [Symbol.asyncDispose]: kill }
}
