/**
 * Seal state and keys (DESIGN §6): uninitialised, sealed or unsealed. While sealed nothing changes, encrypted values
 * cannot be read, and what is read from disk is checked against damage but not against tampering.
 */
import { createHmac } from 'node:crypto'
import {
  deriveSubkey,
  KEY_BYTES,
  type KeyRing,
  openKeyRing,
  portableSeal,
  readValueEpoch,
  type SealHeader,
  type WrappedEpoch,
  wipe,
} from '@secreg/crypto'
import { nodeBackend } from '@secreg/crypto/node'
import { type SealState, SecregError, type ValueType } from '@secreg/protocol'
import type { Engine } from '@secreg/storage'
import { rowCheckOf } from './row-guard.ts'

/** Everything that the root key gives while it is unsealed; the root key itself is not kept. */
interface Keys {
  readonly ring: KeyRing
  /** For the check of a changed seal header, 32 bytes. */
  readonly header: Uint8Array
  /** For backups, 32 bytes. */
  readonly backup: Uint8Array
  /** For secrets of second factors, 32 bytes. */
  readonly mfa: Uint8Array
  /** For temporary tokens, 32 bytes. */
  readonly tokens: Uint8Array
  /** For keyed references, 32 bytes. */
  readonly references: Uint8Array
  /** For the keys that sign the audit log, 32 bytes. */
  readonly signing: Uint8Array
}

/** What a keyed reference stands for; the same text as two of them has two references. */
export type ReferenceKind = 'path' | 'resource' | 'value'

export class KeyState {
  readonly #engine: Engine
  readonly #sealedReads: () => boolean
  #header: SealHeader | undefined
  #keys: Keys | undefined
  #prepared: Keys | undefined
  #unsealings = 0

  constructor(engine: Engine, header: SealHeader | undefined, sealedReads: () => boolean) {
    this.#engine = engine
    this.#header = header
    this.#sealedReads = sealedReads
  }

  get state(): SealState {
    if (this.#header === undefined) return 'uninitialized'
    return this.#keys === undefined ? 'sealed' : 'unsealed'
  }

  /** How often it was unsealed so far. */
  get unsealings(): number {
    return this.#unsealings
  }

  /** Wrapped keys, once there are any. */
  get header(): SealHeader | undefined {
    return this.#header
  }

  /**
   * Have every row that is read from now on carry a valid tag under these keys. The state stays what it was until
   * {@link activate}: what stands on disk may authorise nothing before it is verified.
   *
   * @param root - root key, 32 bytes; wiped here
   */
  prepare(header: SealHeader, root: Uint8Array): void {
    try {
      const keys: Keys = {
        ring: openKeyRing(root, header.epochs, nodeBackend),
        header: deriveSubkey(root, 'seal-header', nodeBackend),
        backup: deriveSubkey(root, 'backup', nodeBackend),
        mfa: deriveSubkey(root, 'mfa', nodeBackend),
        tokens: deriveSubkey(root, 'tokens', nodeBackend),
        references: deriveSubkey(root, 'audit-ref', nodeBackend),
        signing: deriveSubkey(root, 'audit-sign', nodeBackend),
      }
      this.#header = header
      forget(this.#prepared)
      this.#prepared = keys
      this.#engine.setCheckKey(rowCheckOf(root))
    } finally {
      wipe(root)
    }
  }

  /** Put the prepared keys to use. */
  activate(): void {
    if (this.#prepared === undefined) throw this.#notUnsealed()
    forget(this.#keys)
    this.#keys = this.#prepared
    this.#prepared = undefined
    this.#unsealings++
  }

  /** Take note of a header that has turned up in the store; the registry is sealed then. */
  adopt(header: SealHeader): void {
    this.#header ??= header
  }

  /** Go on with a header that is durable now. */
  replaceHeader(header: SealHeader): void {
    this.#header = header
  }

  /** Forget the keys, as far as JavaScript can. */
  lock(): void {
    forget(this.#keys)
    this.#keys = undefined
    forget(this.#prepared)
    this.#prepared = undefined
    this.#engine.setCheckKey(undefined)
  }

  /** As after {@link lock}, for a registry whose first commit did not succeed. */
  forget(): void {
    this.lock()
    this.#header = undefined
  }

  /** @throws SecregError `ERR_SEALED`, `ERR_UNINITIALIZED` */
  requireUnsealed(): void {
    this.#require()
  }

  /** @throws SecregError `ERR_SEALED`, `ERR_UNINITIALIZED` */
  requireReadable(): void {
    if (this.#keys === undefined && (this.#header === undefined || !this.#sealedReads())) {
      throw this.#notUnsealed()
    }
  }

  /**
   * Seal a value for its entry and version.
   *
   * @returns a fresh blob
   */
  sealValue(
    entry: { readonly id: string; readonly type: ValueType },
    version: number,
    plaintext: Uint8Array,
  ): Uint8Array {
    return this.#require().ring.sealValue(bindingOf(entry, version), plaintext)
  }

  /**
   * Open a sealed value.
   *
   * @returns a fresh copy, which the caller wipes
   * @throws SecregError `ERR_SEALED`; CryptoError when it is not what was sealed for this entry and version
   */
  openValue(
    entry: { readonly id: string; readonly type: ValueType },
    version: number,
    blob: Uint8Array,
  ): Uint8Array {
    return this.#require().ring.openValue(bindingOf(entry, version), blob)
  }

  /** Whether a sealed value is of another epoch than new ones are. */
  isOfOldEpoch(blob: Uint8Array): boolean {
    return readValueEpoch(blob) !== this.#require().ring.currentEpoch
  }

  /** Epoch that new values are sealed in. */
  get currentEpoch(): number {
    return this.#require().ring.currentEpoch
  }

  /** Make the data key of a next epoch; it is used once {@link activateEpoch} says that its row is durable. */
  addEpoch(): WrappedEpoch {
    return this.#require().ring.addEpoch()
  }

  activateEpoch(epoch: number): void {
    this.#require().ring.activateEpoch(epoch)
  }

  /** Forget the data keys of all epochs but the current one. */
  dropOldEpochs(): void {
    const { ring } = this.#require()
    for (const epoch of ring.epochs) if (epoch !== ring.currentEpoch) ring.dropEpoch(epoch)
  }

  /**
   * Change a seal header under its key, which stays here.
   *
   * @param header - as it stands in the store
   */
  changeHeader(
    header: SealHeader,
    change: (header: SealHeader, headerKey: Uint8Array) => SealHeader,
  ): SealHeader {
    return change(header, this.#require().header)
  }

  /**
   * What a backup is sealed with: a header that travels, and a copy of the key for backups, which the caller wipes.
   *
   * @param header - as it stands in what is backed up
   * @throws CryptoError `ERR_CRYPTO_NO_PORTABLE`
   */
  backupSeal(header: SealHeader): { readonly seal: SealHeader; readonly backupKey: Uint8Array } {
    const keys = this.#require()
    const seal = portableSeal(header, keys.header, { backend: nodeBackend })
    return { seal, backupKey: Uint8Array.from(keys.backup) }
  }

  /**
   * The key for backups, to read one back.
   *
   * @returns a copy of 32 bytes, which the caller wipes
   * @throws SecregError `ERR_SEALED`, `ERR_UNINITIALIZED`
   */
  backupKey(): Uint8Array {
    return Uint8Array.from(this.#require().backup)
  }

  /**
   * The key for secrets of second factors.
   *
   * @returns the key itself, 32 bytes, good until it is locked: not kept
   * @throws SecregError `ERR_SEALED`, `ERR_UNINITIALIZED`
   */
  mfaKey(): Uint8Array {
    return this.#require().mfa
  }

  /**
   * The key for temporary tokens.
   *
   * @returns the key itself, 32 bytes, good until it is locked: not kept
   * @throws SecregError `ERR_SEALED`, `ERR_UNINITIALIZED`
   */
  tokensKey(): Uint8Array {
    return this.#require().tokens
  }

  /**
   * A reference under the registry's key, for records and readers that must not see what it stands for.
   *
   * @returns `hmac-sha256:` and 43 characters of base64url: HMAC-SHA256 over kind, NUL and `of`
   * @throws SecregError `ERR_SEALED`, `ERR_UNINITIALIZED`
   */
  reference(kind: ReferenceKind, of: string | Uint8Array): string {
    const mac = createHmac('sha256', this.#require().references)
    return `hmac-sha256:${mac.update(`${kind}\0`).update(of).digest('base64url')}`
  }

  /**
   * Seed of the n-th key that signs the audit log.
   *
   * @param number - from 1
   * @returns a fresh seed of 32 bytes, which the caller wipes
   * @throws SecregError `ERR_SEALED`, `ERR_UNINITIALIZED`
   */
  signingSeed(number: number): Uint8Array {
    const { signing } = this.#require()
    const info = Buffer.from(`secreg/v1/audit-sign/${number}`)
    return nodeBackend.hkdfSha256(signing, new Uint8Array(0), info, KEY_BYTES)
  }

  #require(): Keys {
    if (this.#keys === undefined) throw this.#notUnsealed()
    return this.#keys
  }

  #notUnsealed(): SecregError {
    return this.#header === undefined
      ? new SecregError('UNINITIALIZED', 'the registry is not initialised yet; run: sreg init')
      : new SecregError('SEALED', 'the registry is sealed; run: sreg unlock')
  }
}

function forget(keys: Keys | undefined): void {
  if (keys === undefined) return
  keys.ring.wipe()
  wipe(keys.header, keys.backup, keys.mfa, keys.tokens, keys.references, keys.signing)
}

function bindingOf(entry: { readonly id: string; readonly type: ValueType }, version: number) {
  return { entryId: Buffer.from(entry.id, 'hex'), version, type: entry.type }
}
