/** Commands about the versions of an entry. */
import {
  type CommandSpec,
  ifRevision,
  ifVersion,
  key,
  limit,
  recursive,
  version,
  versionOption,
  yes,
} from './spec.ts'

export const VERSION_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'history',
    summary: 'Show the versions of an entry, newest first',
    operands: [key],
    options: [limit('at most so many versions (all)')],
    notes: ['With --verbose, also when a version was deleted and when it expires.'],
    examples: ['history /app/config/port', 'history /app/config/port --limit 5 --json'],
  },
  {
    name: 'diff',
    summary: 'Compare two versions of a value',
    operands: [
      key,
      { name: 'from', optional: true, summary: 'a version; by default the one before the active' },
      { name: 'to', optional: true, summary: 'another version; by default the active one' },
    ],
    options: [{ name: 'decrypt', summary: 'show the lines of encrypted values too' }],
    notes: [
      'Prints "same", or "differs" for bytes, or the lines that differ. It ends with 0 in each case. Encrypted values are',
      'decrypted to compare them, and shown only with --decrypt.',
    ],
    examples: ['diff /app/config/nginx', 'diff /app/config/nginx 3', 'diff /app/config/nginx 3 5'],
  },
  {
    name: 'rollback',
    summary: 'Write the value of an older version as a new version',
    operands: [key, version('the older version')],
    options: [ifVersion],
    examples: ['rollback /app/config/port 2', 'rollback /app/config/port 2 --if-version 5'],
  },
  {
    name: 'activate',
    summary: 'Make a version the active one',
    operands: [key, version('the version')],
    options: [ifRevision],
    notes: ['Nothing is written anew; "sreg rollback" makes a new version instead.'],
    examples: ['activate /app/config/port 2'],
  },
  {
    name: 'undelete',
    summary: 'Bring back a deleted entry or version',
    operands: [key],
    options: [versionOption('only this version')],
    examples: ['undelete /app/config/port', 'undelete /app/config/port --version 2'],
  },
  {
    name: 'destroy',
    summary: 'Erase the values of versions for ever',
    operands: [key, { name: 'version', repeats: true, summary: 'the versions' }],
    options: [yes],
    notes: [
      'Who made them and when stays in the history. A terminal is asked first; anywhere else --yes is needed.',
    ],
    examples: ['destroy /app/secret/api_key 1 2 --yes'],
  },
  {
    name: 'purge',
    summary: 'Erase an entry with its history for ever',
    operands: [key],
    options: [recursive('purge everything below it too'), yes],
    notes: [
      'Deleted entries are purged too. A terminal is asked first; anywhere else --yes is needed.',
    ],
    examples: ['purge /app/secret/api_key', 'purge /app/old --recursive --yes'],
  },
]
