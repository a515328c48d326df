/** How far long work is, on a terminal's standard error; nothing in a pipe. */
import progress from 'cli-progress'

export interface Progress {
  /** Rows so far. */
  update(rows: number): void
  stop(): void
}

const SILENT: Progress = Object.freeze({ update: () => {}, stop: () => {} })

export function startProgress(label: string): Progress {
  if (process.stderr.isTTY !== true) return SILENT
  const bar = new progress.SingleBar({
    format: `${label}: {value} rows`,
    stream: process.stderr,
    hideCursor: false,
    clearOnComplete: true,
  })
  bar.start(0, 0)
  return { update: (rows) => bar.update(rows), stop: () => bar.stop() }
}
