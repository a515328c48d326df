/** `secregd recover`: break-glass, when nobody can administer the registry any more. */
import { SecregError } from '@secreg/protocol'
import { load } from '../load-config.ts'
import { withRegistry } from './open-offline.ts'
import type { SecretSource } from './secret-source.ts'

export interface RecoverOptions {
  readonly config: string
  /** Who is to be an administrator. */
  readonly admin: string
  readonly resetPolicies: boolean
  readonly secrets: SecretSource
}

/**
 * Make an administrator under a protector of the root key. The daemon must not run.
 *
 * @returns what to tell the operator
 * @throws SecregError, CryptoError, HostError, ConfigError
 */
export async function recover(options: RecoverOptions): Promise<string> {
  const { config } = load(options.config)
  return withRegistry(config, async ({ registry }) => {
    const { sealHeader } = registry
    if (sealHeader === undefined) {
      throw new SecregError('UNINITIALIZED', 'the registry is not initialised yet; run: sreg init')
    }
    const peer = {
      door: 'internal',
      address: 'secregd recover',
      uid: process.getuid?.() ?? 0,
    } as const
    const credential = await options.secrets.credential(sealHeader, config)
    await registry.unlock(peer, credential, 'all')
    const password = await options.secrets.ask(`New password of ${options.admin}`, true)
    const { login, created } = await registry.recoverAdministrator(peer, {
      login: options.admin,
      password,
      resetPolicies: options.resetPolicies,
    })
    const what = created ? 'was made' : 'is enabled, with a new password'
    return `administrator ${login} ${what}; start secregd, then run: sreg login ${login}`
  })
}
