/** The registry of a configuration, opened by a command while no daemon serves it. */
import { createScryptPool } from '@secreg/crypto/node'
import { type Config, createLogger } from '@secreg/host'
import { SecregError } from '@secreg/protocol'
import { RegistryHost } from '../registry-host.ts'
import { KERNEL_WORD } from '../server/kernel-word.ts'
import { version } from '../version.ts'
import { asOwner, ownerOf } from './owner.ts'

/**
 * Do some work on a registry that nobody else has open.
 *
 * @throws SecregError as a start of the daemon; `ERR_BUSY` while a daemon runs on it
 */
export async function withRegistry<T>(
  config: Config,
  work: (host: RegistryHost) => Promise<T>,
): Promise<T> {
  const owner = ownerOf(config.database.path)
  const log = createLogger({
    name: 'secregd',
    level: 'error',
    messageOf: (error) => (SecregError.is(error) ? error.message : undefined),
  })
  const scrypt = createScryptPool()
  try {
    return await asOwner(owner, async () => {
      const host = await RegistryHost.open({ config, kernel: KERNEL_WORD, log, version, scrypt })
      try {
        return await work(host)
      } finally {
        await host.close()
      }
    })
  } finally {
    await scrypt.close()
  }
}
