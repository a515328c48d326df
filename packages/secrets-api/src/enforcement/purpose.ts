/** What a secret is wanted for, and what a token may be used for (specs: secrets-api §3.2, §3.3). */

/** What a secret is wanted for; `execute` is its use through the enforcement point, the others manage it. */
export type Purpose =
  | 'execute'
  | 'read'
  | 'write'
  | 'delete'
  | 'undelete'
  | 'destroy_versions'
  | 'rotate'
  | 'read_metadata'
  | 'owner_update'

/** Every purpose; one names what a decision permits, and none implies another. */
export const PURPOSES: readonly Purpose[] = Object.freeze<Purpose[]>([
  'execute',
  'read',
  'write',
  'delete',
  'undelete',
  'destroy_versions',
  'rotate',
  'read_metadata',
  'owner_update',
])

/** What a token may be used for. */
export type SecretScope =
  | 'secrets.read'
  | 'secrets.write'
  | 'secrets.delete'
  | 'secrets.destroy'
  | 'secrets.rotate'
  | 'secrets.read_metadata'
  | 'secrets.set_owner'

/** Every scope; none implies another. */
export const SECRET_SCOPES: readonly SecretScope[] = Object.freeze<SecretScope[]>([
  'secrets.read',
  'secrets.write',
  'secrets.delete',
  'secrets.destroy',
  'secrets.rotate',
  'secrets.read_metadata',
  'secrets.set_owner',
])
