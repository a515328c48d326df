/** Commands about secrets of any provider, which URIs name, and a program that is given some of them. */
import {
  type CommandSpec,
  limit,
  type OperandSpec,
  type OptionSpec,
  versionOption,
} from './spec.ts'

const uri: OperandSpec = { name: 'uri', summary: 'scheme://mount/path#key?version=N' }
const from: OperandSpec = { name: 'from', summary: 'URI of what is there' }
const to: OperandSpec = { name: 'to', summary: 'URI of what it becomes' }
const value: OperandSpec = {
  name: 'value',
  optional: true,
  completes: 'file',
  summary: 'the value; - reads standard input, @FILE reads a file, @@ stands for a first @',
}

const valueOptions: readonly OptionSpec[] = [
  { name: 'value-file', value: 'FILE', completes: 'file', summary: 'file of the value' },
  {
    name: 'type',
    value: 'TYPE',
    values: ['string', 'json'],
    summary: 'string (default of a key), json (of a whole secret)',
  },
  { name: 'raw', summary: 'keep the last newline of standard input or a file' },
]
const overwrite: OptionSpec = { name: 'overwrite', summary: 'replace what is there' }

const VALUE_NOTES: readonly string[] = [
  'Without a value, a terminal is asked. With #key it is that key alone, and all others stay; without, the whole secret,',
  'as an object of JSON. Of standard input or a file, one last newline is removed.',
]

export const SECRETS_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'secret',
    summary: 'Secrets of any provider, named by URIs',
    operands: [],
    options: [],
    subcommands: [
      {
        name: 'get',
        summary: 'Print a value; a whole secret as JSON',
        operands: [uri],
        options: [
          versionOption('this version instead of the current one'),
          { name: 'raw', summary: 'print the value without a newline' },
        ],
        examples: [
          'secret get openbao+kv2://secret/app/api#token',
          'secret get openbao+kv2://secret/app/api --version 3 --json',
        ],
      },
      {
        name: 'set',
        summary: 'Set a value',
        operands: [uri, value],
        options: [
          ...valueOptions,
          {
            name: 'cas',
            value: 'N',
            summary: 'only if N is the current version; 0: there is none yet',
          },
        ],
        notes: VALUE_NOTES,
        examples: [
          'secret set openbao+kv2://secret/app/api#token - < token.txt',
          'secret set yaml://secret/env#PORT 5432 --type json',
        ],
      },
      {
        name: 'rotate',
        summary: 'Set a value that replaces another, and tell both versions',
        operands: [uri, value],
        options: valueOptions,
        notes: VALUE_NOTES,
        examples: ['secret rotate openbao+kv2://secret/app/api#token --value-file token.txt'],
      },
      {
        name: 'copy',
        summary: 'Copy a secret or a key, to another provider too',
        operands: [from, to],
        options: [overwrite],
        examples: ['secret copy yaml://secret/env#TOKEN openbao+kv2://secret/app/api#token'],
      },
      {
        name: 'move',
        summary: 'Copy a secret or a key, then delete it where it was',
        operands: [from, to],
        options: [overwrite],
      },
      {
        name: 'search',
        summary: 'Find secrets and keys by name, never by value',
        operands: [{ name: 'text', summary: 'stands somewhere in the name' }],
        options: [
          { name: 'prefix', value: 'PREFIX', summary: 'URI above it: scheme://mount/path' },
          limit('at most so many, up to 1000 (100)'),
          { name: 'offset', value: 'N', summary: 'leave out the first N' },
        ],
        notes: [
          'With --verbose, also what each is: a key, a secret (path), or a folder, in which nothing has been looked for.',
        ],
        examples: ['secret search token --prefix openbao+kv2://secret/app'],
      },
    ],
  },
  {
    name: 'run',
    summary: 'Run a program with secrets in its environment',
    operands: [
      { name: 'command', repeats: true, completes: 'file', summary: 'program, arguments' },
    ],
    options: [],
    verbatim: true,
    notes: [
      'Of each variable NAME_POINTER, whose value is the URI of a secret, the program gets NAME with that secret instead.',
      'Unless all of them can be read, it is not started. Then sreg ends as the program does: 128 and more for a signal,',
      '126 for a program that cannot be started, 127 for one that is not there.',
    ],
    examples: ['run -- ./server --port 80', 'run -- sh -c "exec ./server"'],
  },
]
