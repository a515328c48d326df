/**
 * Every command with its operands and options, in one table: parsing, help, completion and the reference in the README
 * are made from it (SecReg-Linux docs/API.md, "Command line").
 */
import { ROLES, VALUE_TYPES } from '@secreg/protocol'

/** What a value is, for completion. */
export type Completes = 'key' | 'file' | 'command' | 'user'

/** One option. */
export interface OptionSpec {
  /** Long name without dashes; means the same kind of thing in every command that has it. */
  readonly name: string
  /** One letter. */
  readonly short?: string
  /** Name of its value; absent for a switch. */
  readonly value?: string
  /** The only values it takes. */
  readonly values?: readonly string[]
  readonly completes?: Completes
  readonly summary: string
}

/** One operand. */
export interface OperandSpec {
  readonly name: string
  readonly optional?: boolean
  readonly values?: readonly string[]
  readonly completes?: Completes
  readonly summary: string
}

/** One command or subcommand. */
export interface CommandSpec {
  readonly name: string
  readonly summary: string
  readonly operands: readonly OperandSpec[]
  readonly options: readonly OptionSpec[]
  /** More lines for its help. */
  readonly notes?: readonly string[]
  /** Command lines without `sreg`. */
  readonly examples?: readonly string[]
  readonly subcommands?: readonly CommandSpec[]
}

const passwordStdin: OptionSpec = {
  name: 'password-stdin',
  summary: 'read what is secret from standard input, one line each',
}
const recursive = (summary: string): OptionSpec => ({ name: 'recursive', summary })
const username: OperandSpec = { name: 'username', completes: 'user', summary: 'name of an account' }
const key: OperandSpec = { name: 'key', completes: 'key', summary: 'path of an entry' }
const encrypt = (summary: string): OptionSpec => ({ name: 'encrypt', summary })

/** Options of every command. */
export const GLOBAL_OPTIONS: readonly OptionSpec[] = Object.freeze([
  {
    name: 'socket',
    short: 's',
    value: 'PATH',
    completes: 'file',
    summary: 'socket of the daemon (SECREG_SOCKET, /run/secreg/socket)',
  },
  { name: 'json', short: 'j', summary: 'print one JSON object; errors too, on standard error' },
  { name: 'verbose', short: 'v', summary: 'tell more' },
  { name: 'help', short: 'h', summary: 'print help' },
  { name: 'version', summary: 'print the version' },
] as const)

/** Names of the commands, in the order of the help. */
export type CommandName =
  | 'init'
  | 'login'
  | 'logout'
  | 'get'
  | 'set'
  | 'delete'
  | 'list'
  | 'audit'
  | 'status'
  | 'export'
  | 'import'
  | 'unlock'
  | 'lock'
  | 'whoami'
  | 'passwd'
  | 'user'
  | 'security'
  | 'completion'
  | 'version'
  | 'help'

const LIST: readonly CommandSpec[] = [
  {
    name: 'init',
    summary: 'Initialise the registry: passphrase and first administrator',
    operands: [],
    options: [
      { name: 'admin', value: 'NAME', summary: 'name of the first administrator' },
      { name: 'force', summary: 'move an existing registry aside (needs a login)' },
      { name: 'yes', summary: 'do not ask whether --force is meant' },
      passwordStdin,
    ],
    notes: [
      'With --password-stdin: first line the passphrase, second the password of the administrator.',
    ],
    examples: ['init', 'init --admin root --password-stdin < secrets.txt'],
  },
  {
    name: 'login',
    summary: 'Log in; the session is kept for the following commands',
    operands: [username],
    options: [passwordStdin],
    notes: [
      'The session is kept in $SECREG_SESSION, else $XDG_RUNTIME_DIR/secreg/session, else ~/.cache/secreg/session.',
    ],
    examples: ['login alice'],
  },
  { name: 'logout', summary: 'End the session', operands: [], options: [] },
  {
    name: 'get',
    summary: 'Print a value',
    operands: [key],
    options: [
      { name: 'decrypt', summary: 'decrypt an encrypted value' },
      { name: 'raw', summary: 'print the bytes of the value, without a newline' },
    ],
    notes: ['An encrypted value without --decrypt prints nothing and ends with 0.'],
    examples: ['get /app/config/database', 'get /app/secret/api_key --decrypt'],
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
    ],
    notes: [
      'Of text from standard input or a file, one last newline is removed. With --type bytes, every byte of them is',
      'kept; given as an operand, such a value is base64. Put -- before a value that starts with a dash.',
    ],
    examples: [
      'set /app/config/port 5432 --type integer',
      'set /app/secret/api_key - --encrypt < api_key.txt',
      'set /app/tls/key @server.key --encrypt',
    ],
  },
  {
    name: 'delete',
    summary: 'Delete an entry',
    operands: [key],
    options: [recursive('delete everything below it too')],
    examples: ['delete /app/config/old', 'delete /app --recursive'],
  },
  {
    name: 'list',
    summary: 'List keys',
    operands: [{ name: 'prefix', completes: 'key', summary: 'path above the keys' }],
    options: [recursive('list everything below it, not only its children')],
    notes: ['A subtree ends with a slash. With --verbose, also type, version and last change.'],
    examples: ['list /', 'list /app --recursive'],
  },
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
      { name: 'limit', value: 'COUNT', summary: 'at most so many records (100)' },
    ],
    notes: [
      'All filters hold together. TIME: 90s 15m 1h 7d 2w (ago), today, 2026-01-31, 2026-01-31T09:00, 2026-01-31T09:00Z,',
      'or seconds or milliseconds since 1970. Without a zone, local time is meant.',
    ],
    examples: ['audit --since 1h', 'audit --user alice --key /app --failed --limit 20'],
  },
  { name: 'status', summary: 'Show the state of the daemon', operands: [], options: [] },
  {
    name: 'export',
    summary: 'Export entries',
    operands: [],
    options: [
      {
        name: 'output',
        value: 'FILE',
        completes: 'file',
        summary: 'write to a file (mode 0600) instead of standard output',
      },
      encrypt('encrypt the export with a passphrase; secrets are included'),
      { name: 'with-secrets', summary: 'include secrets in the clear' },
      { name: 'prefix', value: 'PREFIX', completes: 'key', summary: 'only what is below it' },
      passwordStdin,
    ],
    notes: ['Without --encrypt or --with-secrets, encrypted values are left out.'],
    examples: ['export --output plain.json', 'export --encrypt --output backup.json'],
  },
  {
    name: 'import',
    summary: 'Import entries, all or nothing',
    operands: [
      { name: 'file', completes: 'file', summary: 'file or directory; - reads standard input' },
    ],
    options: [
      { name: 'decrypt', summary: 'decrypt an encrypted export' },
      { name: 'force', summary: 'overwrite entries that differ' },
      { name: 'dry-run', summary: 'show what would change and change nothing' },
      {
        name: 'format',
        value: 'FORMAT',
        values: ['secreg', 'dotenv', 'json', 'tree'],
        summary: 'secreg (found by itself), dotenv, json, tree (a directory)',
      },
      { name: 'prefix', value: 'PREFIX', completes: 'key', summary: 'put everything below it' },
      encrypt('keep every value encrypted'),
      passwordStdin,
    ],
    notes: [
      'tree: each regular file becomes one entry; empty and unreadable ones are skipped. json: objects become paths.',
      'Names that cannot be path segments are encoded with %.',
    ],
    examples: [
      'import backup.json --decrypt',
      'import .env --format dotenv --prefix /app/web',
      'import /proc/sys --format tree --prefix /system --dry-run',
    ],
  },
  {
    name: 'unlock',
    summary: 'Unlock the registry with its passphrase',
    operands: [],
    options: [passwordStdin],
  },
  { name: 'lock', summary: 'Lock the registry', operands: [], options: [] },
  { name: 'whoami', summary: 'Show who the daemon takes you for', operands: [], options: [] },
  {
    name: 'passwd',
    summary: 'Change your password',
    operands: [],
    options: [passwordStdin],
    notes: ['With --password-stdin: first line the old password, second the new one.'],
  },
  {
    name: 'user',
    summary: 'Manage accounts',
    operands: [],
    options: [],
    subcommands: [
      { name: 'list', summary: 'List accounts', operands: [], options: [] },
      { name: 'show', summary: 'Show an account', operands: [username], options: [] },
      {
        name: 'add',
        summary: 'Add an account',
        operands: [username],
        options: [
          { name: 'roles', value: 'ROLES', summary: `separated by commas: ${ROLES.join(', ')}` },
          passwordStdin,
        ],
        examples: ['user add alice --roles operator'],
      },
      { name: 'remove', summary: 'Remove an account', operands: [username], options: [] },
      {
        name: 'roles',
        summary: 'Set the roles of an account',
        operands: [
          username,
          { name: 'roles', summary: `separated by commas: ${ROLES.join(', ')}; "" for none` },
        ],
        options: [],
        examples: ['user roles alice operator,auditor'],
      },
      {
        name: 'password',
        summary: 'Set the password of an account',
        operands: [username],
        options: [passwordStdin],
      },
      { name: 'enable', summary: 'Enable an account', operands: [username], options: [] },
      { name: 'disable', summary: 'Disable an account', operands: [username], options: [] },
    ],
  },
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
      { name: 'command', optional: true, completes: 'command', summary: 'name of a command' },
    ],
    options: [],
  },
]

/** Commands by name. */
export const COMMANDS: ReadonlyMap<string, CommandSpec> = new Map(
  LIST.map((command) => [command.name, command]),
)
