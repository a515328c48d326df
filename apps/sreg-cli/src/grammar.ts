/** What a command line may consist of, made from the table of commands or a part of it. */
import {
  type CommandSpec,
  GLOBAL_OPTIONS,
  type OptionSpec,
  VERSION_SWITCH,
} from './command-specs/spec.ts'

/** Commands and options by name. */
export interface Grammar {
  readonly commands: ReadonlyMap<string, CommandSpec>
  /**
   * Every option of every command; one name never has a value in one command and none in another. Only `--version` has,
   * in some commands; here it is the switch.
   */
  readonly options: ReadonlyMap<string, OptionSpec>
}

/** Make a grammar. */
export function grammarOf(specs: readonly CommandSpec[]): Grammar {
  const options = new Map<string, OptionSpec>()
  const add = (option: OptionSpec): unknown => options.set(option.name, option)
  for (const option of GLOBAL_OPTIONS) add(option)
  for (const command of specs) {
    for (const spec of [command, ...(command.subcommands ?? [])]) spec.options.forEach(add)
  }
  add(VERSION_SWITCH)
  return { commands: new Map(specs.map((command) => [command.name, command])), options }
}
