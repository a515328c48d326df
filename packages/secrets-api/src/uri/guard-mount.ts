/** The mounts of a tenant: specs secrets-api §1.5. */
import { SecretUriError } from '../errors.ts'
import { isSecretSegment } from './characters.ts'
import type { SecretPrefix, SecretUri } from './secret-uri.ts'

/**
 * Refuse what is not in a mount of the tenant. To be asked for every URI and prefix of a request, before policy.
 *
 * @param allowedMounts - compared exactly; of an empty one, nothing is allowed
 * @throws SecretUriError `TENANT_MOUNT_MISMATCH`
 */
export function guardMount(
  uri: SecretUri | SecretPrefix,
  allowedMounts: ReadonlySet<string> | readonly string[],
): void {
  const allowed: ReadonlySet<string> = new Set(allowedMounts)
  if (!allowed.has(uri.mount)) throw new SecretUriError('TENANT_MOUNT_MISMATCH')
}

/**
 * Read the list of a tenant's mounts.
 *
 * @param text - names with commas between them, blanks around them; nothing stands for no mounts
 * @throws RangeError for a name that no mount can have: an asterisk is not all of them
 */
export function parseAllowedMounts(text: string | undefined): ReadonlySet<string> {
  const names = (text ?? '').split(',').map((name) => name.trim())
  const mounts = new Set(names.filter((name) => name !== ''))
  for (const mount of mounts) {
    if (!isSecretSegment(mount)) {
      throw new RangeError('allowed mounts: expected names of letters, digits, ".", "_" and "-"')
    }
  }
  return mounts
}
