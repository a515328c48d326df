/** `secregd`: the registry daemon. */
import { ConfigError, formatFault, guardSignals, HostError } from '@secreg/host'
import { SecregError } from '@secreg/protocol'
import yargs from 'yargs'
import { load, run } from './run.ts'
import { version } from './version.ts'

// First of all: until it is taken, SIGUSR1 opens the inspector of Node.js to every process of this user.
guardSignals()

/** The messages of these name no secret; anything else is a fault of ours and shows its kind only. */
function explain(error: unknown): string {
  if (error instanceof ConfigError) return error.faults.map(formatFault).join('\n')
  const known = HostError.is(error) || SecregError.is(error)
  if (known || (error instanceof Error && 'syscall' in error)) return (error as Error).message
  return error instanceof Error ? error.message : 'unknown failure'
}

async function main(argv: readonly string[]): Promise<void> {
  const parsed = await yargs([...argv])
    .scriptName('secregd')
    .usage('$0 [--config FILE | --dev DIR | --check FILE]\n\nThe secreg registry daemon.')
    .option('config', {
      alias: 'c',
      type: 'string',
      requiresArg: true,
      describe: 'configuration file (default /etc/secreg/config.toml)',
    })
    .option('dev', {
      type: 'string',
      requiresArg: true,
      describe: 'run a development home: everything below DIR, made on the first start',
    })
    .option('check', {
      type: 'string',
      requiresArg: true,
      describe: 'check a configuration file and exit',
    })
    .conflicts('config', ['dev', 'check'])
    .conflicts('dev', 'check')
    .strict()
    .version(version)
    .help()
    .fail((message, error) => {
      throw error ?? new SecregError('INVALID_ARGUMENT', message)
    })
    .parseAsync()
  if (parsed._.length > 0) {
    throw new SecregError('INVALID_ARGUMENT', `unexpected argument: ${String(parsed._[0])}`)
  }
  if (parsed.check !== undefined) {
    load(parsed.check)
    process.stdout.write(`${parsed.check}: ok\n`)
    return
  }
  await run({
    ...(parsed.config === undefined ? {} : { config: parsed.config }),
    ...(parsed.dev === undefined ? {} : { dev: parsed.dev }),
  })
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`secregd: ${explain(error)}\n`)
  process.exit(SecregError.is(error) ? error.status : 1)
})
