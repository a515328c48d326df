/** The command lines by which a daemon is mostly started, without the parser of all the others. */
import type { RunOptions } from './run.ts'

/**
 * What such a line says: nothing, or one of `--config`, `-c` and `--dev` with a word that is no option. It is read as the
 * whole command line would read it.
 *
 * @returns undefined for every other line
 */
export function plainStart(argv: readonly string[]): RunOptions | undefined {
  const [option, value, ...more] = argv
  if (option === undefined) return {}
  if (value === undefined || value === '' || value.startsWith('-') || more.length > 0) {
    return undefined
  }
  if (option === '--config' || option === '-c') return { config: value }
  return option === '--dev' ? { dev: value } : undefined
}
