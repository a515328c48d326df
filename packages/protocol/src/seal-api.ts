/** Answers about the seal of the registry and what opens it, type only. */

/** Seal state of the registry (DESIGN §6). */
export type SealState = 'uninitialized' | 'sealed' | 'unsealed'

/** How many shares of a set have been given, and how many are needed. Whether they are genuine is not known before. */
export interface ShareProgress {
  readonly have: number
  readonly need: number
  /** Of a set that is kept for recovery. */
  readonly recovery?: true
}

export interface SealResponse {
  readonly state: SealState
  /** Of a new registry: the shares that open it, told once and kept nowhere. */
  readonly shares?: readonly string[]
  /** After a share: more are needed. */
  readonly share_progress?: ShareProgress
}

/** Kind of a protector, by what its operators hold. */
export type ProtectorKindName = 'passphrase' | 'shares' | 'key-file' | 'systemd-credential'

/** One protector, without anything that opens it. */
export interface ProtectorInfo {
  /** 32 hexadecimal digits. */
  readonly id: string
  readonly kind: ProtectorKindName
  readonly label?: string
  /** Kept apart from the daily unlock. */
  readonly recovery: boolean
  /** Opens the registry, and its backups, on another host too. */
  readonly portable: boolean
  /** Shares needed and made. */
  readonly threshold?: number
  readonly count?: number
  /** Name of the systemd credential. */
  readonly credential?: string
  /** Derivation; of `scrypt` with its costs. */
  readonly kdf: {
    readonly name: string
    readonly N?: number
    readonly r?: number
    readonly p?: number
  }
}

export interface ProtectorResponse {
  /** Of a list. */
  readonly protectors?: readonly ProtectorInfo[]
  /** The one that was added, changed or removed. */
  readonly protector?: ProtectorInfo
  /** Its new shares, told once and kept nowhere. */
  readonly shares?: readonly string[]
  /** Whether the old header is in no file any more; otherwise it leaves in the background. */
  readonly erased?: boolean
}
