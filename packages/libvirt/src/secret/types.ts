/**
 * What a secret of libvirt is, without its value.
 *
 * Source: libvirt, formatsecret.html and virSecretUsageType of libvirt-secret.h.
 */

/** The uses libvirt knows; `none` is a secret that nothing names. */
export type UsageType = 'none' | 'volume' | 'ceph' | 'iscsi' | 'tls' | 'vtpm'

/** The number of each use on the wire, `VIR_SECRET_USAGE_TYPE_*`. */
export const USAGE_NUMBERS: Readonly<Record<UsageType, number>> = Object.freeze({
  none: 0,
  volume: 1,
  ceph: 2,
  iscsi: 3,
  tls: 4,
  vtpm: 5,
})

/** What a secret is for. */
export interface SecretUsage {
  readonly type: UsageType
  /** The path of a volume, else a name; empty for `none` and only for it. */
  readonly id: string
}

/** What a secret is. */
export interface SecretDefinition {
  /** In canonical form: 32 lower-case hexadecimal digits, with dashes. */
  readonly uuid: string
  /** Never empty: libvirt does not tell an empty description from none. */
  readonly description?: string
  readonly usage: SecretUsage
  /** Kept in memory alone. */
  readonly ephemeral: boolean
  /** Its value is for the daemon's own use and is read by no ordinary caller. */
  readonly private: boolean
}

/** What a definition asks for: without a UUID, a random one is to be made. */
export type SecretDraft = Omit<SecretDefinition, 'uuid'> & { readonly uuid?: string }
