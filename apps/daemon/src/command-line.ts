/** The command line of `secregd`: its options, its commands, and its help. */
import { SecregError } from '@secreg/protocol'
import yargs from 'yargs'
import { DEFAULT_CONFIG, load } from './load-config.ts'
import { version } from './version.ts'

const CONFIG = {
  alias: 'c',
  type: 'string',
  requiresArg: true,
  describe: 'configuration file (default /etc/secreg/config.toml)',
} as const

/** Options of the commands that work on a store which no daemon serves. */
const SECRETS = {
  'password-stdin': {
    type: 'boolean',
    default: false,
    describe: 'read the secrets from standard input, one a line',
  },
  'key-file': {
    type: 'string',
    requiresArg: true,
    describe: 'open the store with this key file instead of a passphrase',
  },
  share: { type: 'boolean', default: false, describe: 'open the store with shares' },
} as const

/**
 * Read a command line and do what it says; what it cannot mean is refused with the options that there are.
 *
 * @throws SecregError `ERR_INVALID_ARGUMENT` for a line that is none, and what the command throws
 */
export async function runCommandLine(argv: readonly string[]): Promise<void> {
  await yargs([...argv])
    .scriptName('secregd')
    .usage('$0 [--config FILE | --dev DIR | --check FILE]\n\nThe secreg registry daemon.')
    .command(
      '$0',
      'run the daemon',
      (command) =>
        command
          .option('config', CONFIG)
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
          .conflicts('dev', 'check'),
      async ({ config, dev, check }) => {
        if (check !== undefined) {
          const [{ readSecretsSettings }, { takeSecretsVariables }] = await Promise.all([
            import('./secrets-api/read-settings.ts'),
            import('./secrets-api/settings-variables.ts'),
          ])
          await readSecretsSettings(load(check), takeSecretsVariables(process.env))
          say(`${check}: ok`)
          return
        }
        const { run } = await import('./run.ts')
        await run({
          ...(config === undefined ? {} : { config }),
          ...(dev === undefined ? {} : { dev }),
        })
      },
    )
    .command(
      'recover <admin>',
      'make an administrator where nobody can administer the registry any more (stop secregd first)',
      (command) =>
        command
          .positional('admin', {
            type: 'string',
            demandOption: true,
            describe: 'name of the account',
          })
          .option('config', CONFIG)
          .option('reset-policies', {
            type: 'boolean',
            default: false,
            describe: 'put the policies of the built-in roles back as they were in the beginning',
          })
          .options(SECRETS),
      async ({ admin, config = DEFAULT_CONFIG, resetPolicies, ...given }) => {
        const { recover } = await import('./offline/recover.ts')
        say(await recover({ config, admin, resetPolicies, secrets: await secretsOf(given) }))
      },
    )
    .command(
      'migrate',
      'bring the store to the format of this version, after a copy of it was made (stop secregd first)',
      (command) =>
        command
          .option('config', CONFIG)
          .option('dry-run', {
            type: 'boolean',
            default: false,
            describe: 'verify that it can be migrated, on a copy, and change nothing',
          })
          .option('scratch', {
            type: 'string',
            requiresArg: true,
            describe: 'where the copy of a dry run is made',
          })
          .options(SECRETS),
      async ({ config = DEFAULT_CONFIG, dryRun, scratch, ...given }) => {
        const { migrate } = await import('./offline/migrate.ts')
        say(await migrate({ config, dryRun, scratch, secrets: await secretsOf(given) }))
      },
    )
    .command(
      'restore <backup>',
      'restore a whole registry from a backup (stop secregd first)',
      (command) =>
        command
          .positional('backup', {
            type: 'string',
            demandOption: true,
            describe: 'file with the backup',
          })
          .option('config', CONFIG)
          .option('force', {
            type: 'boolean',
            default: false,
            describe: 'move the registry that is there aside',
          })
          .option('new-log', {
            type: 'boolean',
            default: false,
            describe: 'move the audit log that is there aside too, instead of going on with it',
          })
          .option('drill', {
            type: 'boolean',
            default: false,
            describe: 'only try it, in a scratch home that is removed again',
          })
          .option('scratch', {
            type: 'string',
            requiresArg: true,
            describe: 'where the scratch home of a drill is made',
          })
          .options(SECRETS),
      async ({ backup, config = DEFAULT_CONFIG, force, newLog, drill, scratch, ...given }) => {
        const secrets = await secretsOf(given)
        if (drill) {
          const tried = await import('./offline/drill.ts')
          say(await tried.drill({ backup, scratch, secrets }))
          return
        }
        const { restore } = await import('./offline/restore.ts')
        say(await restore({ config, backup, force, newLog, secrets }))
      },
    )
    .strict()
    .version(version)
    .help()
    .fail((message, error) => {
      throw error ?? new SecregError('INVALID_ARGUMENT', message)
    })
    .parseAsync()
}

async function secretsOf(given: {
  readonly passwordStdin: boolean
  readonly keyFile: string | undefined
  readonly share: boolean
}) {
  const { SecretSource } = await import('./offline/secret-source.ts')
  return SecretSource.open(given)
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
