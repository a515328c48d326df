/** Commands that find entries and take them elsewhere. */
import { after, type CommandSpec, limit, type OperandSpec, recursive } from './spec.ts'

const from: OperandSpec = { name: 'from', completes: 'key', summary: 'path of what is there' }
const to: OperandSpec = { name: 'to', completes: 'key', summary: 'its new path' }

export const ENTRY_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'search',
    summary: 'Find entries by path and metadata, never by value',
    operands: [{ name: 'text', optional: true, summary: 'stands somewhere in the path' }],
    options: [
      { name: 'prefix', value: 'PREFIX', completes: 'key', summary: 'only what is below it' },
      { name: 'key', value: 'KEY', summary: 'stands somewhere in the last segment' },
      {
        name: 'metadata',
        value: 'NAME=VALUE',
        repeats: true,
        summary: 'custom metadata that it has, exactly',
      },
      { name: 'tag', value: 'TAG', summary: 'tag that it has' },
      limit('at most so many entries (all)'),
      after,
    ],
    notes: [
      'All filters hold together; upper and lower case of text and KEY are the same. With --verbose, also type, version,',
      'last change, tags and description.',
    ],
    examples: ['search database', 'search --prefix /app --metadata owner=alice --tag production'],
  },
  {
    name: 'copy',
    summary: 'Copy the value and metadata of an entry',
    operands: [from, to],
    options: [
      recursive('copy everything below it too'),
      { name: 'force', summary: 'write a new version where there is an entry' },
    ],
    notes: ['One operation, all or nothing. The history stays behind.'],
    examples: ['copy /app/config/port /app2/config/port', 'copy /app /app2 --recursive'],
  },
  {
    name: 'move',
    summary: 'Move an entry with its whole history',
    operands: [from, to],
    options: [recursive('move everything below it too')],
    notes: ['One operation, all or nothing. Where there is an entry already, nothing is moved.'],
    examples: ['move /app/config/prot /app/config/port', 'move /app /old/app --recursive'],
  },
]
