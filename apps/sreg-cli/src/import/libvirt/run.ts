/** `sreg import --format libvirt DIR`: the secrets of libvirt's own directory. */
import type { RegistryConnection } from '@secreg/client'
import { undoOnSignal } from '@secreg/host/terminal'
import type { Context } from '../../context.ts'
import { CliError } from '../../errors.ts'
import { startProgress } from '../../progress.ts'
import { AGAIN, brokenOff } from '../broken-off.ts'
import { SecretsImport } from './import-secrets.ts'
import { readDirectory, type SecretsThere, wipe } from './read-directory.ts'
import { report } from './report.ts'
import { readSecretsKey } from './secrets-key.ts'

/** Switches that are for other sources, and why they are not for this. */
const REFUSED: Readonly<Record<string, string>> = {
  decrypt: 'libvirt encrypts with a key: give --key FILE',
  encrypt: 'secrets of libvirt are always encrypted',
  prefix: 'secrets of libvirt have their place below /libvirt',
  'password-stdin': 'libvirt has no passphrase',
}

export async function run(context: Context): Promise<number> {
  for (const [option, why] of Object.entries(REFUSED)) {
    if (!context.flag(option)) continue
    throw new CliError('INVALID_ARGUMENT', why, `leave --${option} out`)
  }
  if (context.operand(0) === '-') {
    throw new CliError('INVALID_ARGUMENT', 'standard input is no directory', 'name the directory')
  }
  return context.withRegistry('needed', async (registry) => {
    // Before any secret is read: whether there is a login.
    await registry.whoami()
    const there = await read(context)
    try {
      return await importAll(context, registry, there)
    } finally {
      wipe(there.secrets)
    }
  })
}

async function read(context: Context): Promise<SecretsThere> {
  const keyPath = context.text('key')
  const key = keyPath === undefined ? undefined : await readSecretsKey(keyPath)
  const bar = await startProgress(context, 'reading', 0)
  try {
    return await readDirectory(context.operand(0), { key, progress: bar.update })
  } finally {
    bar.stop()
    key?.fill(0)
  }
}

async function importAll(
  context: Context,
  registry: RegistryConnection,
  there: SecretsThere,
): Promise<number> {
  const dryRun = context.flag('dry-run')
  const label = dryRun ? 'comparing' : 'importing'
  const bar = await startProgress(context, label, there.secrets.length)
  const work = new SecretsImport(registry, there.secrets, {
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
    return await report(context, there, outcomes, dryRun)
  } catch (error) {
    throw dryRun ? error : brokenOff(error, work.state)
  } finally {
    bar.stop()
  }
}
