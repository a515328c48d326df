/** What the command table is made of, and the options and operands that several commands have. */

/** What a value is, for completion. */
export type Completes = 'key' | 'file' | 'command' | 'user'

/** One option. */
export interface OptionSpec {
  /** Long name without dashes; takes a value in every command that has it, or in none, except `--version`. */
  readonly name: string
  /** One letter. */
  readonly short?: string
  /** Name of its value; absent for a switch. */
  readonly value?: string
  /** The only values it takes. */
  readonly values?: readonly string[]
  /** May be given several times; of a value only. */
  readonly repeats?: true
  readonly completes?: Completes
  readonly summary: string
}

/** One operand. */
export interface OperandSpec {
  readonly name: string
  readonly optional?: boolean
  /** Stands for one or more; only the last one may. */
  readonly repeats?: true
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
  /** Its operands are a command line of its own, which `--` has to keep apart. */
  readonly verbatim?: true
  /** More lines for its help. */
  readonly notes?: readonly string[]
  /** Command lines without `sreg`. */
  readonly examples?: readonly string[]
  /** With operands of its own, it does something without a subcommand too. */
  readonly subcommands?: readonly CommandSpec[]
  /** Does something without a subcommand and without operands too. */
  readonly alone?: true
}

/** Whether a command does something without the name of a subcommand. */
export function isCommand({ subcommands, operands, alone }: CommandSpec): boolean {
  return subcommands === undefined || operands.length > 0 || alone === true
}

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
] as const)

/** The switch of `sreg` without a command; some commands have an option of this name that takes a number. */
export const VERSION_SWITCH: OptionSpec = Object.freeze({
  name: 'version',
  summary: 'print the version',
})

export const passwordStdin: OptionSpec = {
  name: 'password-stdin',
  summary: 'read what is secret from standard input, one line each',
}
export const recursive = (summary: string): OptionSpec => ({ name: 'recursive', summary })
export const encrypt = (summary: string): OptionSpec => ({ name: 'encrypt', summary })
export const versionOption = (summary: string): OptionSpec => ({
  name: 'version',
  value: 'N',
  summary,
})
export const limit = (summary: string): OptionSpec => ({ name: 'limit', value: 'COUNT', summary })
export const after: OptionSpec = {
  name: 'after',
  value: 'KEY',
  completes: 'key',
  summary: 'go on behind this key, the last one of what was shown before',
}
export const ifVersion: OptionSpec = {
  name: 'if-version',
  value: 'N',
  summary: 'only if N is the latest version ever used; 0: none yet',
}
export const ifRevision: OptionSpec = {
  name: 'if-revision',
  value: 'N',
  summary: 'only if N is the revision of the last change; 0: there is no entry',
}
export const ttl: OptionSpec = {
  name: 'ttl',
  value: 'DURATION',
  summary: 'purge the entry so long from now: 90s 15m 1h 7d 2w; 0: never',
}
export const deleteAfter: OptionSpec = {
  name: 'delete-after',
  value: 'DURATION',
  summary: 'delete each new version so long after it was made',
}
export const maxVersions: OptionSpec = {
  name: 'max-versions',
  value: 'N',
  summary: 'versions to keep',
}
export const casRequired: OptionSpec = {
  name: 'cas-required',
  summary: 'take a new value only with --if-version',
}
export const yes: OptionSpec = { name: 'yes', summary: 'do not ask whether it is meant' }

export const key: OperandSpec = { name: 'key', completes: 'key', summary: 'path of an entry' }
export const username: OperandSpec = {
  name: 'username',
  completes: 'user',
  summary: 'name of an account',
}
export const version = (summary: string): OperandSpec => ({ name: 'version', summary })
