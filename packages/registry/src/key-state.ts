/**
 * Seal state and keys (DESIGN §6): uninitialised, sealed or unsealed. While sealed nothing changes, encrypted values
 * cannot be read, and what is read from disk is checked against damage but not against tampering.
 */
import { deriveSubkey, type KeyRing, openKeyRing, type SealHeader, wipe } from '@secreg/crypto'
import { createRowCheck, nodeBackend } from '@secreg/crypto/node'
import { type SealState, SecregError, type ValueType } from '@secreg/protocol'
import type { Engine } from '@secreg/storage'

export class KeyState {
  readonly #engine: Engine
  readonly #sealedReads: () => boolean
  #header: SealHeader | undefined
  #ring: KeyRing | undefined
  #prepared: KeyRing | undefined

  constructor(engine: Engine, header: SealHeader | undefined, sealedReads: () => boolean) {
    this.#engine = engine
    this.#header = header
    this.#sealedReads = sealedReads
  }

  get state(): SealState {
    if (this.#header === undefined) return 'uninitialized'
    return this.#ring === undefined ? 'sealed' : 'unsealed'
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
      const ring = openKeyRing(root, header.epochs, nodeBackend)
      const checkKey = deriveSubkey(root, 'row-check', nodeBackend)
      this.#engine.setCheckKey(createRowCheck(checkKey))
      wipe(checkKey)
      this.#header = header
      this.#prepared?.wipe()
      this.#prepared = ring
    } finally {
      wipe(root)
    }
  }

  /** Put the prepared keys to use. */
  activate(): void {
    if (this.#prepared === undefined) throw this.#notUnsealed()
    this.#ring?.wipe()
    this.#ring = this.#prepared
    this.#prepared = undefined
  }

  /** Take note of a header that has turned up in the store; the registry is sealed then. */
  adopt(header: SealHeader): void {
    this.#header ??= header
  }

  /** Forget the keys, as far as JavaScript can. */
  lock(): void {
    this.#ring?.wipe()
    this.#ring = undefined
    this.#prepared?.wipe()
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
    if (this.#ring === undefined) throw this.#notUnsealed()
  }

  /** @throws SecregError `ERR_SEALED`, `ERR_UNINITIALIZED` */
  requireReadable(): void {
    if (this.#ring === undefined && (this.#header === undefined || !this.#sealedReads())) {
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
    const ring = this.#ring
    if (ring === undefined) throw this.#notUnsealed()
    return ring.sealValue(bindingOf(entry, version), plaintext)
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
    const ring = this.#ring
    if (ring === undefined) throw this.#notUnsealed()
    return ring.openValue(bindingOf(entry, version), blob)
  }

  #notUnsealed(): SecregError {
    return this.#header === undefined
      ? new SecregError('UNINITIALIZED', 'the registry is not initialised yet; run: sreg init')
      : new SecregError('SEALED', 'the registry is sealed; run: sreg unlock')
  }
}

function bindingOf(entry: { readonly id: string; readonly type: ValueType }, version: number) {
  return { entryId: Buffer.from(entry.id, 'hex'), version, type: entry.type }
}
