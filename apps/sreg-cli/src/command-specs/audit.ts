/** Commands about the audit log: questions to it, and what proves it to others. */
import { AUDIT_OUTCOMES, DOORS } from '@secreg/protocol'
import { type CommandSpec, limit, type OptionSpec, yes } from './spec.ts'

const output: OptionSpec = {
  name: 'output',
  value: 'FILE',
  completes: 'file',
  summary: 'write to a file (mode 0600) instead of standard output',
}
const keyOption: OptionSpec = {
  name: 'key',
  value: 'VKEY',
  repeats: true,
  summary: 'a key that the log was signed with, as "sreg audit keys" tells it',
}
const keyFile: OptionSpec = {
  name: 'key-file',
  value: 'FILE',
  completes: 'file',
  repeats: true,
  summary: 'file of such keys, one a line',
}

const FILTERS: readonly OptionSpec[] = [
  { name: 'user', value: 'USER', completes: 'user', summary: 'operations of this user' },
  { name: 'key', value: 'KEY', completes: 'key', summary: 'about this path or below it' },
  { name: 'action', value: 'ACTION', summary: 'for example read, write, delete, auth' },
  { name: 'since', value: 'TIME', summary: 'from this time on' },
  { name: 'until', value: 'TIME', summary: 'before this time' },
  { name: 'failed', summary: 'only what was denied or failed' },
  {
    name: 'outcome',
    value: 'OUTCOME',
    values: AUDIT_OUTCOMES,
    summary: `how it ended: ${AUDIT_OUTCOMES.join(', ')}`,
  },
  { name: 'door', value: 'DOOR', values: DOORS, summary: 'come in through this door' },
  { name: 'account', value: 'ID', summary: 'operations of this account, however it was named' },
  { name: 'session', value: 'REFERENCE', summary: 'operations of this session' },
  // Not --token: some would give it the token itself, and arguments are for all to see.
  { name: 'ident', value: 'IDENT', summary: 'by a session that the token of this ident opened' },
  { name: 'correlation', value: 'ID', summary: 'parts of what the caller gave this id' },
]

export const AUDIT_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'audit',
    summary: 'Show the audit log, newest first',
    operands: [],
    options: [
      ...FILTERS,
      limit('at most so many records (100); with --follow, those to begin with (10)'),
      { name: 'scan', summary: 'read every record instead of asking the indexes' },
      { name: 'lines', summary: 'a line for each record as it is read, instead of a table' },
      { name: 'follow', summary: 'oldest first, then what is recorded, until a signal' },
    ],
    notes: [
      'All filters hold together. TIME: 90s 15m 1h 7d 2w (ago), today, 2026-01-31, 2026-01-31T09:00, 2026-01-31T09:00Z,',
      'or seconds or milliseconds since 1970. Without a zone, local time is meant. With --json and --lines or --follow: one',
      'object a line. With --verbose, also the numbers of records. --follow goes on by itself when the daemon was away; where',
      'that has ended the session, it waits for the next login.',
    ],
    examples: [
      'audit --since 1h',
      'audit --user alice --key /app --failed --limit 20',
      'audit --follow --outcome denied',
    ],
    alone: true,
    subcommands: [
      {
        name: 'verify',
        summary: 'Verify every record and every signed checkpoint',
        operands: [],
        options: [
          {
            name: 'checkpoint',
            value: 'FILE',
            completes: 'file',
            repeats: true,
            summary:
              'a checkpoint that was kept elsewhere, which the log must continue; - is input',
          },
          {
            name: 'directory',
            value: 'DIR',
            completes: 'file',
            summary: 'verify the files of this directory here, without a daemon',
          },
          keyOption,
          keyFile,
        ],
        notes: [
          'Ends with 7 at a fault, and names the first record that it is at. With --directory, on files that no daemon is',
          'writing or on a copy of them; --key and --key-file tell whose signatures count, and one key of the log is enough.',
          'Only --checkpoint shows that the log and its checkpoints were not both put back to an earlier state.',
        ],
        examples: [
          'audit verify',
          'audit verify --checkpoint kept.checkpoint',
          'audit verify --directory /backup/audit --key-file audit.keys',
        ],
      },
      {
        name: 'checkpoint',
        summary: 'Sign the log as it is now, for keeping elsewhere',
        operands: [],
        options: [output],
        notes: [
          'It holds no record and no secret. Keep it where nobody who can write the log can write.',
        ],
        examples: ['audit checkpoint | ssh other "cat > registry.checkpoint"'],
      },
      {
        name: 'prove',
        summary: 'Prove that a record is in the log',
        operands: [{ name: 'sequence', summary: 'number of the record' }],
        options: [
          output,
          {
            name: 'line',
            value: 'FILE',
            completes: 'file',
            summary: 'write the record as it stands in the log (mode 0600)',
          },
        ],
        notes: [
          '"sreg audit --verbose" tells the numbers. "sreg audit check-proof" checks it anywhere.',
        ],
        examples: ['audit prove 1234 --output 1234.proof --line 1234.line'],
      },
      {
        name: 'check-proof',
        summary: 'Check a proof; needs no daemon',
        operands: [
          {
            name: 'proof',
            completes: 'file',
            summary: 'file of the proof; - reads standard input',
          },
        ],
        options: [
          {
            name: 'line',
            value: 'FILE',
            completes: 'file',
            summary: 'the record that the proof is of',
          },
          {
            name: 'old',
            value: 'FILE',
            completes: 'file',
            summary: 'the earlier checkpoint that the log is to continue',
          },
          keyOption,
          keyFile,
        ],
        notes: [
          'A proof of "audit prove" needs --line, one of "audit consistency" --old, and each a key. Ends with 7 when it does',
          'not show what it should.',
        ],
        examples: [
          'audit check-proof 1234.proof --line 1234.line --key-file audit.keys',
          'audit check-proof grown.proof --old kept.checkpoint --key-file audit.keys',
        ],
      },
      {
        name: 'consistency',
        summary: 'Prove that the log continues an earlier checkpoint',
        operands: [
          {
            name: 'file',
            completes: 'file',
            summary: 'checkpoint that was kept; - reads standard input',
          },
        ],
        options: [output],
        notes: ['Ends with 7 when the log is not the one that was signed then.'],
        examples: ['audit consistency kept.checkpoint --output grown.proof'],
      },
      {
        name: 'keys',
        summary: 'Show the keys that the log was signed with',
        operands: [],
        options: [],
        examples: ['audit keys --json'],
      },
      {
        name: 'rotate-key',
        summary: 'Sign the log with a new key from now on',
        operands: [],
        options: [yes],
        notes: [
          'The old key signs for the new one, so that whoever knows one of them gets to know the other. Asks on a terminal.',
        ],
      },
    ],
  },
]
