/** Commands about who somebody is: oneself, accounts, groups, roles, tokens and second factors. */
import { ROLES } from '@secreg/protocol'
import {
  type CommandSpec,
  type OperandSpec,
  type OptionSpec,
  passwordStdin,
  username,
} from './spec.ts'

const roleList = `separated by commas, such as ${ROLES.join(', ')}`
const ofUser = (summary: string): OptionSpec => ({
  name: 'user',
  value: 'USER',
  completes: 'user',
  summary,
})
const CODE_NOTE = 'With --password-stdin: a code of the authenticator, or a recovery code.'

/** Groups and roles are managed alike. */
function names(name: 'group' | 'role', what: string, examples: readonly string[]): CommandSpec {
  const operand: OperandSpec = { name, summary: `name of a ${name}` }
  return {
    name,
    summary: `Manage ${name}s: ${what}`,
    operands: [],
    options: [],
    subcommands: [
      { name: 'list', summary: `List ${name}s`, operands: [], options: [] },
      {
        name: 'show',
        summary: `Show a ${name}: who is in it, and which policies name it`,
        operands: [operand],
        options: [],
      },
      {
        name: 'add',
        summary: `Add a ${name}`,
        operands: [operand],
        options: [{ name: 'description', value: 'TEXT', summary: `what the ${name} is` }],
        examples,
      },
      {
        name: 'describe',
        summary: `Change the description of a ${name}`,
        operands: [operand, { name: 'text', summary: `what the ${name} is; "" for nothing` }],
        options: [],
      },
      {
        name: 'remove',
        summary: `Remove a ${name} that no policy names`,
        operands: [operand],
        options: [],
      },
      {
        name: 'join',
        summary: `Put an account into a ${name}`,
        operands: [operand, username],
        options: [],
      },
      {
        name: 'leave',
        summary: `Take an account out of a ${name}`,
        operands: [operand, username],
        options: [],
      },
    ],
  }
}

const USER_COMMAND: CommandSpec = {
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
        { name: 'roles', value: 'ROLES', summary: roleList },
        { name: 'groups', value: 'GROUPS', summary: 'separated by commas' },
        {
          name: 'uids',
          value: 'UIDS',
          summary: 'system users who are this account, separated by commas',
        },
        { name: 'system', summary: 'its password is that of the system user of this name' },
        { name: 'no-password', summary: 'nobody logs in to it with a password' },
        passwordStdin,
      ],
      examples: ['user add alice --roles operator', 'user add web --no-password --uids 33'],
    },
    {
      name: 'remove',
      summary: 'Remove an account with its tokens; its name may be used again and inherits nothing',
      operands: [username],
      options: [],
    },
    {
      name: 'rename',
      summary: 'Give an account another name; it keeps its rights',
      operands: [username, { name: 'name', summary: 'its new name' }],
      options: [],
    },
    {
      name: 'roles',
      summary: 'Set the roles of an account',
      operands: [username, { name: 'roles', summary: `${roleList}; "" for none` }],
      options: [],
      examples: ['user roles alice operator,auditor'],
    },
    {
      name: 'groups',
      summary: 'Set the groups of an account',
      operands: [username, { name: 'groups', summary: 'separated by commas; "" for none' }],
      options: [],
    },
    {
      name: 'uids',
      summary: 'Set the system users who are this account, without a login',
      operands: [username, { name: 'uids', summary: 'separated by commas; "" for none' }],
      options: [],
      examples: ['user uids web 33'],
    },
    {
      name: 'system',
      summary: 'Let the password of the system user of this name open the account, or not',
      operands: [username, { name: 'state', values: ['on', 'off'], summary: 'on or off' }],
      options: [],
    },
    {
      name: 'password',
      summary: 'Set the password of an account',
      operands: [username],
      options: [passwordStdin],
    },
    { name: 'enable', summary: 'Enable an account', operands: [username], options: [] },
    { name: 'disable', summary: 'Disable an account', operands: [username], options: [] },
    {
      name: 'revoke',
      summary: 'End all sessions of an account and take all its tokens',
      operands: [username],
      options: [],
    },
  ],
}

const TOKEN_COMMAND: CommandSpec = {
  name: 'token',
  summary: 'Access tokens, for programs',
  operands: [],
  options: [],
  subcommands: [
    {
      name: 'list',
      summary: 'List tokens, never their secrets',
      operands: [],
      options: [
        ofUser('those of this account (your own)'),
        { name: 'all', summary: 'those of every account' },
      ],
    },
    {
      name: 'create',
      summary: 'Make a token and print it, this once',
      operands: [],
      options: [
        ofUser('for this account (your own)'),
        { name: 'label', value: 'TEXT', summary: 'what it is for' },
        {
          name: 'boundary',
          value: 'POLICY',
          repeats: true,
          summary: 'policies that alone must allow what is done with it',
        },
        { name: 'full', summary: 'no boundary: whatever its owner may' },
        { name: 'expires', value: 'DURATION', summary: 'so long from now: 90s 15m 1h 7d 2w' },
        { name: 'uses', value: 'N', summary: 'how often it can be used' },
      ],
      notes: [
        'One of --boundary and --full is needed. The token stands alone on standard output; what is to know about it on',
        'standard error.',
      ],
      examples: [
        'token create --boundary ci --label "build server" --expires 90d',
        'token create --user web --full > token.txt',
      ],
    },
    {
      name: 'revoke',
      summary: 'Take a token away; it ends with all its sessions',
      operands: [{ name: 'ident', summary: 'its public part, as "token list" tells' }],
      options: [],
    },
  ],
}

const MFA_COMMAND: CommandSpec = {
  name: 'mfa',
  summary: 'The second factor of a login',
  operands: [],
  options: [],
  subcommands: [
    {
      name: 'status',
      summary: 'Show whether there is one',
      operands: [],
      options: [ofUser('of this account (your own)')],
    },
    {
      name: 'enroll',
      summary: 'Set up an authenticator',
      operands: [],
      options: [passwordStdin],
      notes: [
        'On a terminal it shows the secret, asks for a code of it, and then shows the recovery codes, once. Anywhere else,',
        'and with --json, it prints the secret and stops; "sreg mfa confirm" goes on.',
        'With --password-stdin: your password.',
      ],
    },
    {
      name: 'confirm',
      summary: 'Confirm a new authenticator by a code of it, and print the recovery codes',
      operands: [],
      options: [passwordStdin],
      notes: ['With --password-stdin: the code.'],
    },
    {
      name: 'recovery',
      summary: 'Make new recovery codes instead of the old ones',
      operands: [],
      options: [passwordStdin],
      notes: [CODE_NOTE],
    },
    {
      name: 'remove',
      summary: 'Remove your second factor',
      operands: [],
      options: [passwordStdin],
      notes: [CODE_NOTE],
    },
    {
      name: 'reset',
      summary: 'Remove the second factor of somebody who has lost it',
      operands: [username],
      options: [],
    },
  ],
}

export const IDENTITY_COMMANDS: readonly CommandSpec[] = [
  { name: 'whoami', summary: 'Show who the daemon takes you for', operands: [], options: [] },
  {
    name: 'passwd',
    summary: 'Change your password',
    operands: [],
    options: [passwordStdin],
    notes: ['With --password-stdin: first line the old password, second the new one.'],
  },
  MFA_COMMAND,
  TOKEN_COMMAND,
  USER_COMMAND,
  names('group', 'names for accounts that belong together', [
    'group add web --description "web servers"',
  ]),
  names('role', 'names for what somebody does', ['role add deployer', 'role join deployer alice']),
]
