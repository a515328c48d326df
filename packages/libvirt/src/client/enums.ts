/**
 * The numbers of libvirt's public enumerations that have to do with secrets.
 *
 * Source: libvirt-secret.h and libvirt-host.h. The `*_LAST` members only count the others and are left out.
 */

/** virSecretUsageType: what a secret is used with. */
export const SecretUsageType: Readonly<{
  NONE: 0
  VOLUME: 1
  CEPH: 2
  ISCSI: 3
  TLS: 4
  VTPM: 5
}> = Object.freeze({ NONE: 0, VOLUME: 1, CEPH: 2, ISCSI: 3, TLS: 4, VTPM: 5 })

/** virConnectListAllSecretsFlags: which secrets are listed. */
export const ListAllSecretsFlags: Readonly<{
  EPHEMERAL: 1
  NO_EPHEMERAL: 2
  PRIVATE: 4
  NO_PRIVATE: 8
}> = Object.freeze({ EPHEMERAL: 1, NO_EPHEMERAL: 2, PRIVATE: 4, NO_PRIVATE: 8 })

/** virSecretDefineFlags: whether XML is held against libvirt's schema first. */
export const SecretDefineFlags: Readonly<{ VALIDATE: 1 }> = Object.freeze({ VALIDATE: 1 })

/** virSecretEventID: the kinds of events. */
export const SecretEventId: Readonly<{ LIFECYCLE: 0; VALUE_CHANGED: 1 }> = Object.freeze({
  LIFECYCLE: 0,
  VALUE_CHANGED: 1,
})

/** virSecretEventLifecycleType: what became of a secret. */
export const SecretEventLifecycleType: Readonly<{ DEFINED: 0; UNDEFINED: 1 }> = Object.freeze({
  DEFINED: 0,
  UNDEFINED: 1,
})

/** virConnectFlags, as far as secrets know them. */
export const ConnectFlags: Readonly<{ RO: 1; NO_ALIASES: 2 }> = Object.freeze({
  RO: 1,
  NO_ALIASES: 2,
})

/** virConnectCloseReason: why a connection ended. */
export const ConnectCloseReason: Readonly<{ ERROR: 0; EOF: 1; KEEPALIVE: 2; CLIENT: 3 }> =
  Object.freeze({ ERROR: 0, EOF: 1, KEEPALIVE: 2, CLIENT: 3 })

/** The names of `ConnectCloseReason`, in lower case. */
export type CloseReason = 'error' | 'eof' | 'keepalive' | 'client'

const CLOSE_REASONS: readonly CloseReason[] = Object.freeze(['error', 'eof', 'keepalive', 'client'])

/** @returns `error` for a number that this version does not know */
export function closeReasonOf(number: number): CloseReason {
  return CLOSE_REASONS[number] ?? 'error'
}
