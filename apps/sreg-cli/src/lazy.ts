/** Everything that `get`, `set`, `delete` and `list` do without. */
import type { Lazy } from './run.ts'

export const lazy: Lazy = {
  commands: async () => (await import('./commands/more.ts')).MORE,
  helpText: async () => (await import('./help.ts')).helpText,
}
