/**
 * What `subauth` does and what each of it takes, in one table: parsing and help are made from it. `--zones`, `--passwd`,
 * `--delete-passwd`, `--create-token` and `--delete-token` are named as the subauth man page names them.
 */

/** Names of what it does. */
export type OperationName =
  | 'zones'
  | 'list'
  | 'passwd'
  | 'delete-passwd'
  | 'create-token'
  | 'change-token'
  | 'delete-token'
  | 'create-temp'
  | 'allow-passwd-auth'
  | 'login'
  | 'create-acct'
  | 'delete-acct'
  | 'pam'

/** Names of options that change how it is done. */
export type OptionName =
  | 'zone'
  | 'user'
  | 'comment'
  | 'ident'
  | 'validity'
  | 'auth-passwd'
  | 'password-stdin'
  | 'socket'
  | 'json'
  | 'verbose'

/** One thing to do. */
export interface Operation {
  readonly name: OperationName
  /** The only values it takes; absent for one that takes none. */
  readonly values?: readonly string[]
  /** Options that it cannot do without. */
  readonly needs: readonly OptionName[]
  /** Options that it may have too, besides `--socket`. */
  readonly takes: readonly OptionName[]
  readonly summary: string
}

/** One option. */
export interface Option {
  readonly name: OptionName | 'help' | 'version'
  /** Name of its value; absent for a switch. */
  readonly value?: string
  /** Its value may be empty. */
  readonly mayBeEmpty?: true
  readonly short?: string
  readonly summary: string
}

const MANAGED = ['user', 'auth-passwd', 'password-stdin', 'json'] as const

export const OPERATIONS: readonly Operation[] = Object.freeze([
  { name: 'zones', needs: [], takes: ['json'], summary: 'list the zones and what they allow' },
  {
    name: 'list',
    needs: [],
    takes: ['user', 'json'],
    summary: 'list your accounts in all zones, with their tokens',
  },
  { name: 'passwd', needs: ['zone'], takes: MANAGED, summary: 'set the password' },
  { name: 'delete-passwd', needs: ['zone'], takes: MANAGED, summary: 'remove the password' },
  {
    name: 'create-token',
    needs: ['zone'],
    takes: [...MANAGED, 'comment'],
    summary: 'make a token and print it, this once',
  },
  {
    name: 'change-token',
    needs: ['zone', 'ident', 'comment'],
    takes: MANAGED,
    summary: 'change the comment of a token',
  },
  { name: 'delete-token', needs: ['zone', 'ident'], takes: MANAGED, summary: 'remove a token' },
  {
    name: 'create-temp',
    needs: ['zone', 'validity'],
    takes: MANAGED,
    summary: 'make a temporary token and print it, this once',
  },
  {
    name: 'allow-passwd-auth',
    values: ['yes', 'no'],
    needs: ['zone'],
    takes: MANAGED,
    summary: 'let the account be managed with its own password, or not',
  },
  {
    name: 'login',
    needs: ['zone'],
    takes: ['user', 'password-stdin', 'json'],
    summary: 'tell whether a password or token opens the account',
  },
  {
    name: 'create-acct',
    needs: ['zone', 'user'],
    takes: ['json'],
    summary: 'add an account; for root',
  },
  {
    name: 'delete-acct',
    needs: ['zone', 'user'],
    takes: ['json'],
    summary: "remove an account; for root; of all zones with --zone='*'",
  },
  {
    name: 'pam',
    needs: ['zone'],
    takes: ['verbose'],
    summary: 'be the program of pam_exec(8): docs/pam.md',
  },
] satisfies readonly Operation[])

export const OPTIONS: readonly Option[] = Object.freeze([
  { name: 'zone', value: 'ZONE', summary: 'name of the zone' },
  { name: 'user', value: 'LOGIN', summary: 'whose account; without it, your own' },
  { name: 'comment', value: 'TEXT', mayBeEmpty: true, summary: 'what the token is for' },
  { name: 'ident', value: 'IDENT', summary: "public part of a token; '*' for all of them" },
  { name: 'validity', value: 'DURATION', summary: 'how long: seconds, or 15m 1h 7d 2w' },
  { name: 'auth-passwd', summary: 'ask for the password of the account, which then decides' },
  {
    name: 'password-stdin',
    summary: 'read what is secret from standard input, one line each',
  },
  {
    name: 'socket',
    value: 'PATH',
    summary: 'socket of the server (SUBAUTH_SOCKET, /run/secreg/subauth.sock)',
  },
  { name: 'json', summary: 'print one JSON object; errors too, on standard error' },
  { name: 'verbose', summary: 'with --pam: say on standard error why somebody is refused' },
  { name: 'help', short: 'h', summary: 'print this help' },
  { name: 'version', summary: 'print the version' },
] satisfies readonly Option[])
