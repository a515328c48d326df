/** `secregd`: the registry daemon. */
import { AuditError } from '@secreg/audit'
import { ConfigError, formatFault, guardSignals, HostError } from '@secreg/host'
import { SecregError, STATUS } from '@secreg/protocol'
import { isStorageError } from '@secreg/storage'
import { plainStart } from './plain-start.ts'

// First of all: until it is taken, SIGUSR1 opens the inspector of Node.js to every process of this user.
guardSignals()

/** The messages of these name no secret; anything else is a fault of ours and shows its kind only. */
function explain(error: unknown): string {
  if (error instanceof ConfigError) return error.faults.map(formatFault).join('\n')
  const known = HostError.is(error) || SecregError.is(error)
  if (known || (error instanceof Error && 'syscall' in error)) return (error as Error).message
  return error instanceof Error ? error.message : 'unknown failure'
}

/** The documented status of what went wrong with a store or its log, else 1. */
function statusOf(error: unknown): number {
  if (SecregError.is(error)) return error.status
  return isStorageError(error) || AuditError.is(error) ? STATUS.DatabaseError : 1
}

async function main(argv: readonly string[]): Promise<void> {
  if (argv.length === 1 && argv[0] === EGRESS) {
    const { runEgressChild } = await import('./egress/egress-child.ts')
    runEgressChild()
    return
  }
  const options = plainStart(argv)
  if (options === undefined) {
    const { runCommandLine } = await import('./command-line.ts')
    await runCommandLine(argv)
    return
  }
  const { run } = await import('./run.ts')
  await run(options)
}

/** What the daemon starts itself by, for what goes out; no command for people. */
const EGRESS = 'egress'

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`secregd: ${explain(error)}\n`)
  process.exit(statusOf(error))
})
