/** Commands about zones and the accounts in them. */
import { type CommandSpec, type OperandSpec, type OptionSpec, passwordStdin, yes } from './spec.ts'

const zone: OperandSpec = { name: 'zone', summary: 'name of a zone' }
const login: OperandSpec = { name: 'login', summary: 'login of an account of the zone' }
const comment: OptionSpec = { name: 'comment', value: 'TEXT', summary: 'what the token is for' }

/** A switch of a zone, and the one that takes it back. */
const either = (name: string, what: string): readonly OptionSpec[] => [
  { name, summary: what },
  { name: `no-${name}`, summary: `not: ${what}` },
]

const switches: readonly OptionSpec[] = [
  { name: 'description', value: 'TEXT', summary: 'what the zone is' },
  ...either('allow-passwd', 'its accounts may have a password'),
  ...either('allow-tokens', 'its accounts may have tokens'),
  ...either('allow-passwd-auth', 'its accounts may be managed with their own password'),
  ...either('auto-create', 'an account is made with its first password or token'),
  ...either('http', 'its accounts are callers of the HTTP doors'),
  {
    name: 'max-temp-validity',
    value: 'DURATION',
    summary: 'longest life of a temporary token; 0: there are none',
  },
  {
    name: 'trusted-uids',
    value: 'UIDS',
    summary: 'system users who may check the secrets of others, separated by commas; none: none',
  },
]

export const ZONE_COMMANDS: readonly CommandSpec[] = [
  {
    name: 'zone',
    summary: 'Zones: accounts of one service each',
    operands: [],
    options: [],
    subcommands: [
      { name: 'list', summary: 'List zones with their switches', operands: [], options: [] },
      {
        name: 'add',
        summary: 'Add a zone; what is not named is off',
        operands: [zone],
        options: switches,
        examples: ['zone add mail --allow-passwd --allow-passwd-auth --max-temp-validity 1h'],
      },
      {
        name: 'set',
        summary: 'Change what is named and nothing else',
        operands: [zone],
        options: switches,
        examples: ['zone set mail --no-auto-create --trusted-uids 33,106'],
      },
      {
        name: 'remove',
        summary: 'Remove a zone with its accounts',
        operands: [zone],
        options: [yes],
      },
      {
        name: 'accounts',
        summary: 'List the accounts of a zone with their tokens; in the zone * those of one login',
        operands: [zone, { ...login, optional: true }],
        options: [],
        examples: ['zone accounts mail', "zone accounts '*' alice"],
      },
      { name: 'create-account', summary: 'Add an account', operands: [zone, login], options: [] },
      {
        name: 'delete-account',
        summary: 'Remove an account; in the zone * one of all zones',
        operands: [zone, login],
        options: [yes],
        notes: ['For all zones it asks on a terminal, and needs --yes anywhere else.'],
      },
      {
        name: 'create-token',
        summary: 'Make a token and print it, this once',
        operands: [zone, login],
        options: [comment],
      },
      {
        name: 'change-token',
        summary: 'Change the comment of a token',
        operands: [zone, login, { name: 'ident', summary: 'its public part' }],
        options: [comment],
      },
      {
        name: 'delete-token',
        summary: 'Remove a token',
        operands: [
          zone,
          login,
          { name: 'ident', summary: 'its public part; * for all, temporary ones too' },
        ],
        options: [],
      },
      {
        name: 'set-password',
        summary: 'Set the password of an account',
        operands: [zone, login],
        options: [passwordStdin],
      },
      {
        name: 'delete-password',
        summary: 'Remove the password of an account',
        operands: [zone, login],
        options: [],
      },
      {
        name: 'create-temp',
        summary: 'Make a temporary token and print it, this once',
        operands: [
          zone,
          login,
          { name: 'validity', summary: 'how long it is good: 90s 15m 1h 7d' },
        ],
        options: [],
        examples: ['zone create-temp mail alice 15m'],
      },
      {
        name: 'allow-password',
        summary: 'Let the account be managed with its own password, or not',
        operands: [zone, login, { name: 'state', values: ['on', 'off'], summary: 'on or off' }],
        options: [],
      },
      {
        name: 'check',
        summary: 'Tell whether a password or token opens an account',
        operands: [zone, login],
        options: [passwordStdin],
        notes: ['It ends with 4 when it does not.'],
      },
    ],
  },
]
