/** Commands about values and keys. */
import { VALUE_TYPES } from '@secreg/protocol'
import {
  after,
  type CommandSpec,
  encrypt,
  ifRevision,
  ifVersion,
  key,
  limit,
  type OperandSpec,
  recursive,
  ttl,
  versionOption,
} from './spec.ts'

const from: OperandSpec = { name: 'from', completes: 'key', summary: 'path of what is there' }
const to: OperandSpec = { name: 'to', completes: 'key', summary: 'its new path' }

export const ENTRY_COMMANDS: readonly CommandSpec[] = [
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
