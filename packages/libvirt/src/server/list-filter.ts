/** `virConnectListAllSecretsFlags` (libvirt-secret.h). */
import type { SecretDefinition } from '../secret/types.ts'

const EPHEMERAL = 1
const NO_EPHEMERAL = 2
const PRIVATE = 4
const NO_PRIVATE = 8

/** Every flag there is. */
export const LIST_FLAGS: number = EPHEMERAL | NO_EPHEMERAL | PRIVATE | NO_PRIVATE

/** Whether flags keep a secret. A pair of which none or both are set does not filter; pairs are ANDed. */
export function isListed(secret: SecretDefinition, flags: number): boolean {
  return (
    isKept(flags, EPHEMERAL, NO_EPHEMERAL, secret.ephemeral) &&
    isKept(flags, PRIVATE, NO_PRIVATE, secret.private)
  )
}

function isKept(flags: number, yes: number, no: number, value: boolean): boolean {
  const asked = flags & (yes | no)
  return asked === 0 || asked === (yes | no) || asked === (value ? yes : no)
}
