/** The commands that are run in loops: their table is all that the short way into `sreg` knows. */
import { VALUE_TYPES } from '@secreg/protocol'
import {
  after,
  type CommandSpec,
  encrypt,
  ifRevision,
  ifVersion,
  key,
  limit,
  recursive,
  ttl,
  versionOption,
} from './spec.ts'

export const HOT_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'get',
    summary: 'Print a value',
    operands: [key],
    options: [
      { name: 'decrypt', summary: 'decrypt an encrypted value' },
      { name: 'raw', summary: 'print the bytes of the value, without a newline' },
      versionOption('this version instead of the active one'),
    ],
    notes: ['An encrypted value without --decrypt prints nothing and ends with 0.'],
    examples: [
      'get /app/config/database',
      'get /app/secret/api_key --decrypt',
      'get /app/config/database --version 2',
    ],
  },
  {
    name: 'set',
    summary: 'Set a value',
    operands: [
      key,
      {
        name: 'value',
        summary: 'the value; - reads standard input, @FILE reads a file, @@ stands for a first @',
        completes: 'file',
      },
    ],
    options: [
      {
        name: 'type',
        value: 'TYPE',
        values: [...VALUE_TYPES, 'binary'],
        summary: 'string (default), integer, boolean, json, bytes (binary)',
      },
      encrypt('keep the value encrypted'),
      { name: 'raw', summary: 'keep the last newline of standard input or a file' },
      ifVersion,
      ifRevision,
      ttl,
      {
        name: 'private',
        summary: 'let nobody read it back without the right to use it internally',
      },
      { name: 'ephemeral', summary: 'keep it in memory only, until the daemon ends' },
    ],
    notes: [
      'Of text from standard input or a file, one last newline is removed. With --type bytes, every byte of them is',
      'kept; given as an operand, such a value is base64. Put -- before a value that starts with a dash.',
      'With --if-version or --if-revision it ends with 6 and changes nothing if someone else was faster.',
    ],
    examples: [
      'set /app/config/port 5432 --type integer',
      'set /app/secret/api_key - --encrypt < api_key.txt',
      'set /app/tls/key @server.key --encrypt',
      'set /app/config/port 5433 --type integer --if-version 1',
      'set /app/token/session - --ephemeral --ttl 15m',
    ],
  },
  {
    name: 'delete',
    summary: 'Delete an entry; its history is kept',
    operands: [key],
    options: [recursive('delete everything below it too')],
    notes: ['"sreg undelete" brings it back, "sreg purge" erases it for ever.'],
    examples: ['delete /app/config/old', 'delete /app --recursive'],
  },
  {
    name: 'list',
    summary: 'List keys',
    operands: [{ name: 'prefix', completes: 'key', summary: 'path above the keys' }],
    options: [
      recursive('list everything below it, not only its children'),
      limit('at most so many keys (all)'),
      after,
    ],
    notes: ['A subtree ends with a slash. With --verbose, also type, version and last change.'],
    examples: ['list /', 'list /app --recursive', 'list /app --limit 100 --after /app/k099'],
  },
]
