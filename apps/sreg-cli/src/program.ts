/** Everything that `get`, `set`, `delete` and `list` do without. */
import { GRAMMAR } from './command-table.ts'
import type { Program } from './run.ts'

export const program: Program = {
  grammar: GRAMMAR,
  commands: async () => (await import('./commands/more.ts')).MORE,
  helpText: async () => (await import('./help.ts')).helpText,
}
