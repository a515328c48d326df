/** Commands about the registry. */
import type { CommandSpec } from './spec.ts'

export const ADMINISTRATION_COMMANDS: readonly CommandSpec[] = [
  { name: 'status', summary: 'Show the state of the daemon', operands: [], options: [] },
  { name: 'lock', summary: 'Lock the registry', operands: [], options: [] },
  {
    name: 'security',
    summary: 'Check the installation or the audit log',
    operands: [],
    options: [],
    subcommands: [
      { name: 'check', summary: 'Check permissions, keys and policy', operands: [], options: [] },
      { name: 'audit', summary: 'Verify the chain of the audit log', operands: [], options: [] },
    ],
  },
]
