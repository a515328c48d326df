/** What the configuration names to unseal without a person: a key file or a systemd credential. */
import type { Credential } from '@secreg/crypto'
import { readKeyFile, readSystemdCredential } from '@secreg/crypto/node'
import type { Config } from '@secreg/host'

/**
 * Read it; `undefined` when the configuration names none.
 *
 * @throws CryptoError `ERR_CRYPTO_KEY_FILE_…`, `ERR_CRYPTO_CREDENTIAL_…`
 */
export async function configuredCredential({
  unlock,
}: Pick<Config, 'unlock'>): Promise<Extract<Credential, { bytes: Uint8Array }> | undefined> {
  if (unlock.keyFile !== undefined) {
    return { kind: 'key-file', bytes: await readKeyFile(unlock.keyFile) }
  }
  if (unlock.systemdCredential !== undefined) {
    const name = unlock.systemdCredential
    return { kind: 'systemd-credential', bytes: await readSystemdCredential(name, process.env) }
  }
  return undefined
}
