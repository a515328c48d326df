/** Commands about the program itself. */
import type { CommandSpec } from './spec.ts'

export const PROGRAM_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'completion',
    summary: 'Print a completion script',
    operands: [{ name: 'shell', values: ['bash', 'zsh', 'fish'], summary: 'bash, zsh or fish' }],
    options: [],
    examples: ['completion bash > /etc/bash_completion.d/sreg'],
  },
  { name: 'version', summary: 'Print the version', operands: [], options: [] },
  {
    name: 'help',
    summary: 'Print help',
    operands: [
      {
        name: 'command',
        optional: true,
        repeats: true,
        completes: 'command',
        summary: 'name of a command',
      },
    ],
    options: [],
  },
]
