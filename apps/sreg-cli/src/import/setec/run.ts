/** `sreg import --format setec ADDRESS`: the secrets of a running setec server. */
import type { RegistryConnection } from '@secreg/client'
import { undoOnSignal } from '@secreg/host/terminal'
import type { SecretMetadata } from '@secreg/setec'
import type { Context } from '../../context.ts'
import { CliError } from '../../errors.ts'
import { startProgress } from '../../progress.ts'
import { AGAIN, brokenOff } from '../broken-off.ts'
import { asServerError } from './failures.ts'
import { SecretsImport } from './import-secrets.ts'
import { report } from './report.ts'
import { type Server, serverOf } from './server-address.ts'

/** Switches that are for files, and why they are not for this. */
const REFUSED: Readonly<Record<string, string>> = {
  decrypt: 'a server is no encrypted export',
  encrypt: 'secrets of setec are always encrypted',
  prefix: 'secrets of setec have their place below /setec',
  'password-stdin': 'a server has no passphrase',
}

export async function run(context: Context): Promise<number> {
  for (const [option, why] of Object.entries(REFUSED)) {
    if (!context.flag(option)) continue
    throw new CliError('INVALID_ARGUMENT', why, `leave --${option} out`)
  }
  const server = await serverOf(context)
  return context.withRegistry('needed', async (registry) => {
    // Before the server is asked for anything: whether there is a login.
    await registry.whoami()
    return importFrom(context, server, registry)
  })
}

async function importFrom(
  context: Context,
  server: Server,
  registry: RegistryConnection,
): Promise<number> {
  const secrets = await listOf(server)
  const dryRun = context.flag('dry-run')
  const total = secrets.reduce((sum, { versions }) => sum + versions.length, 0)
  const bar = await startProgress(context, dryRun ? 'comparing' : 'importing', total)
  const work = new SecretsImport(server.client, registry, secrets, {
    force: context.flag('force'),
    dryRun,
    progress: bar.update,
  })
  const tell = async (): Promise<void> => {
    bar.stop()
    if (!dryRun) await context.note(`stopped: ${work.state}; ${AGAIN}`)
  }
  try {
    const outcomes = await undoOnSignal(tell, () => work.run())
    bar.stop()
    return await report(context, outcomes, dryRun)
  } catch (error) {
    const failure = asServerError(error, server.host)
    throw dryRun ? failure : brokenOff(failure, work.state)
  } finally {
    bar.stop()
  }
}

async function listOf({ host, list }: Server): Promise<readonly SecretMetadata[]> {
  let secrets: readonly SecretMetadata[]
  try {
    secrets = await list()
  } catch (error) {
    throw asServerError(error, host)
  }
  if (secrets.length === 0) {
    throw new CliError(
      'INVALID_ARGUMENT',
      `nothing to import: ${host} shows no secret`,
      'who asks needs the right "info" there to see a secret, and "get" to read it',
    )
  }
  if (new Set(secrets.map(({ name }) => name)).size === secrets.length) return secrets
  throw new CliError('INVALID_ARGUMENT', `${host} is no usable setec server: it lists a name twice`)
}
