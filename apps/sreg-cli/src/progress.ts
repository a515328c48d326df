/** A progress bar on a terminal's standard error; nothing in a pipe. */
import type { Context } from './context.ts'

/** Shows how far some work is. */
export interface ProgressBar {
  /** Parts done so far. */
  readonly update: (done: number) => void
  readonly stop: () => void
}

const SILENT: ProgressBar = { update: () => {}, stop: () => {} }

/**
 * Start a bar.
 *
 * @param total - parts in all; 0 when it is not known
 */
export async function startProgress(
  context: Context,
  label: string,
  total: number,
): Promise<ProgressBar> {
  if (context.json || context.io.stderr.isTTY !== true) return SILENT
  const { default: progress } = await import('cli-progress')
  const format = total === 0 ? `${label} {value}` : `${label} [{bar}] {percentage}% {value}/{total}`
  const bar = new progress.SingleBar({
    format,
    stream: context.io.stderr as NodeJS.WritableStream,
    hideCursor: false,
    clearOnComplete: true,
    barsize: 30,
  })
  bar.start(total, 0)
  return {
    update: (done) => bar.update(done),
    stop: () => bar.stop(),
  }
}
