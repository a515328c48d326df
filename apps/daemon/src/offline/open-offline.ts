/** The registry of a configuration, opened by a command while no daemon serves it. */
import { lstatSync } from 'node:fs'
import { createScryptPool } from '@secreg/crypto/node'
import { type Config, createLogger } from '@secreg/host'
import { SecregError } from '@secreg/protocol'
import { RegistryHost } from '../registry-host.ts'
import { version } from '../version.ts'

/**
 * Do some work on a registry that nobody else has open.
 *
 * @throws SecregError as a start of the daemon; `ERR_BUSY` while a daemon runs on it
 */
export async function withRegistry<T>(
  config: Config,
  work: (host: RegistryHost) => Promise<T>,
): Promise<T> {
  assertOwner(config.database.path)
  const log = createLogger({
    name: 'secregd',
    level: 'error',
    messageOf: (error) => (SecregError.is(error) ? error.message : undefined),
  })
  const scrypt = createScryptPool()
  try {
    const host = await RegistryHost.open({ config, log, version, scrypt })
    try {
      return await work(host)
    } finally {
      await host.close()
    }
  } finally {
    await scrypt.close()
  }
}

/**
 * Refuse to work as another user than the daemon's: what a command makes must be the daemon's to read.
 *
 * @throws SecregError `ERR_ACCESS_DENIED`
 */
export function assertOwner(path: string): void {
  const facts = lstatSync(path, { throwIfNoEntry: false })
  const uid = process.geteuid?.()
  if (facts === undefined || uid === undefined || facts.uid === uid) return
  throw new SecregError(
    'ACCESS_DENIED',
    `${path} belongs to uid ${facts.uid}; run this as that user, for example: sudo -u '#${facts.uid}' secregd …`,
  )
}
