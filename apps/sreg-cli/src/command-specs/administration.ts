/** Commands about the registry and its log. */
import { type CommandSpec, limit } from './spec.ts'

export const ADMINISTRATION_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'audit',
    summary: 'Show the audit log, newest first',
    operands: [],
    options: [
      { name: 'user', value: 'USER', completes: 'user', summary: 'operations of this user' },
      { name: 'key', value: 'KEY', completes: 'key', summary: 'about this path or below it' },
      { name: 'action', value: 'ACTION', summary: 'for example read, write, delete, auth' },
      { name: 'since', value: 'TIME', summary: 'from this time on' },
      { name: 'until', value: 'TIME', summary: 'before this time' },
      { name: 'failed', summary: 'only what was denied or failed' },
      limit('at most so many records (100)'),
    ],
    notes: [
      'All filters hold together. TIME: 90s 15m 1h 7d 2w (ago), today, 2026-01-31, 2026-01-31T09:00, 2026-01-31T09:00Z,',
      'or seconds or milliseconds since 1970. Without a zone, local time is meant.',
    ],
    examples: ['audit --since 1h', 'audit --user alice --key /app --failed --limit 20'],
  },
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
