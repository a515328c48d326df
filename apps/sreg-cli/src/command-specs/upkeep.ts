/** Commands of operators about the installation. */
import type { CommandSpec } from './spec.ts'

export const UPKEEP_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'doctor',
    summary: 'Look for what is wrong with the installation, and say what to do',
    operands: [],
    options: [],
    notes: [
      'Ends with 0 when nothing is at fault, warnings or not, else with 6. Without a login, or when no daemon answers, it',
      'tells what can be seen from outside.',
    ],
    examples: ['doctor', 'doctor --json'],
  },
  {
    name: 'compact',
    summary: 'Make the files of the store as small as they can be',
    operands: [],
    options: [],
    notes: ['It runs beside the work, one at a time, and goes on when you stop waiting for it.'],
  },
  {
    name: 'metrics',
    summary: 'Print the figures of the daemon for Prometheus',
    operands: [],
    options: [],
    notes: ['Run it by a timer, and write it where the textfile collector of node_exporter looks.'],
    examples: ['metrics > /var/lib/node_exporter/secreg.prom'],
  },
  {
    name: 'support-bundle',
    summary: 'Write a file that a report of a fault needs',
    operands: [],
    options: [
      { name: 'output', value: 'FILE', completes: 'file', summary: 'file (0600), or - for output' },
    ],
    notes: [
      'It holds versions, state, findings, limits and counts; no value, and no name of an entry, an account, a file or a',
      'host. Look at it before you send it.',
    ],
    examples: ['support-bundle --output support.json'],
  },
]
