/** `secreg-gateway`: HTTP in front of the registry daemon. */
import cluster from 'node:cluster'
import { parseArgs } from 'node:util'
import { ConfigError, formatFault, guardSignals, HostError } from '@secreg/host'
import { DEFAULT_CONFIG, load } from './load-config.ts'
import { TlsError } from './server/tls.ts'
import { version } from './version.ts'

// First of all: until it is taken, SIGUSR1 opens the inspector of Node.js to every process of this user.
guardSignals()

const USAGE = `secreg-gateway [--config FILE] [--supervised] | --check FILE

HTTP in front of the secreg registry daemon.

  -c, --config FILE  configuration file, the one of the daemon (default ${DEFAULT_CONFIG})
      --check FILE   check a configuration file and exit
      --supervised   end when standard input ends
      --version
      --help
`

/** The messages of these name no secret; anything else is a fault of ours and shows its kind only. */
function explain(error: unknown): string {
  if (error instanceof ConfigError) return error.faults.map(formatFault).join('\n')
  const known = HostError.is(error) || error instanceof TlsError || isUsage(error)
  if (known || (error instanceof Error && 'syscall' in error)) return (error as Error).message
  return error instanceof Error ? error.name : 'unknown failure'
}

function isUsage(error: unknown): boolean {
  const { code } = (error ?? {}) as { readonly code?: unknown }
  return typeof code === 'string' && code.startsWith('ERR_PARSE_ARGS')
}

async function main(argv: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      config: { type: 'string', short: 'c', default: DEFAULT_CONFIG },
      check: { type: 'string' },
      supervised: { type: 'boolean', default: false },
      version: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) process.stdout.write(USAGE)
  else if (values.version) process.stdout.write(`${version}\n`)
  else if (values.check !== undefined) {
    load(values.check)
    process.stdout.write(`${values.check}: ok\n`)
  } else {
    const { run } = await import('./run.ts')
    await run({ config: values.config, supervised: values.supervised })
  }
}

if (cluster.isWorker) {
  const { runWorker } = await import('./cluster/worker.ts')
  runWorker()
} else {
  main(process.argv.slice(2)).catch((error: unknown) => {
    process.stderr.write(`secreg-gateway: ${explain(error)}\n`)
    process.exit(1)
  })
}
