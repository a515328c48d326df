/** Commands about backups of the whole registry. */
import { type CommandSpec, type OperandSpec, type OptionSpec, passwordStdin } from './spec.ts'

const file: OperandSpec = { name: 'file', completes: 'file', summary: 'file of the backup' }

const proofs: readonly OptionSpec[] = [
  {
    name: 'key-file',
    value: 'FILE',
    completes: 'file',
    summary: 'open it with this key file instead of the passphrase',
  },
  { name: 'share', summary: 'open it with shares instead of the passphrase' },
  passwordStdin,
]

const PROOF_NOTES = [
  'The passphrase is asked for: that of the registry when the backup was made. With --password-stdin: the passphrase, or',
  'with --share the shares, one a line.',
]

export const BACKUP_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'backup',
    summary: 'Back up the whole registry as it is now, encrypted, to a private file',
    operands: [
      { name: 'file', completes: 'file', summary: 'file (0600) to write, or - for output' },
    ],
    options: [{ name: 'force', summary: 'overwrite the file' }],
    notes: [
      'It holds everything at one revision, however much is written meanwhile: entries with their history, accounts,',
      'policies, mounts. What opens the registry now opens it. Keep it on another machine.',
    ],
    examples: [
      'backup /backup/registry.backup',
      'backup - | ssh other "cat > registry.backup"',
      'backup verify /backup/registry.backup',
    ],
    subcommands: [
      {
        name: 'verify',
        summary: 'Open a backup and read it to its end; needs no daemon',
        operands: [file],
        options: proofs,
        notes: PROOF_NOTES,
        examples: ['backup verify /backup/registry.backup'],
      },
      {
        name: 'info',
        summary: 'Show what a backup says about itself; needs no secret and no daemon',
        operands: [file],
        options: [],
        examples: ['backup info /backup/registry.backup'],
      },
      {
        name: 'status',
        summary: 'Show the last backups, and what the schedule does',
        operands: [],
        options: [],
        notes: ['Ends with 6 when scheduled backups fail.'],
      },
    ],
  },
  {
    name: 'restore',
    summary: 'Bring entries back from a backup',
    operands: [file],
    options: [
      {
        name: 'only',
        value: 'PATH',
        completes: 'key',
        summary: 'this entry and everything below it',
      },
      { name: 'dry-run', summary: 'show what would change and change nothing' },
      ...proofs,
    ],
    notes: [
      'Their active values come back with type, protection, metadata, limits and expiry, as one operation: those that',
      'differ get a new version, those that exist only now stay. The backup may be of another registry. The whole of one',
      'is restored with the daemon stopped, by secregd restore.',
      ...PROOF_NOTES,
    ],
    examples: [
      'restore /backup/registry.backup --only /app/db --dry-run',
      'restore /backup/registry.backup --only /app/db',
    ],
  },
]
