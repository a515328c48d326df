/**
 * Protectors: each wraps the root key of a store under something that its operators hold (DESIGN §6).
 *
 * Secret of a protector, 32 bytes:
 *   passphrase          scrypt(NFC in UTF-8, salt, N, r, p)
 *   key-file            HKDF-SHA256(file, salt, info = 'secreg/v1/key-file')
 *   systemd-credential  the same, over the credential
 *   shamir              HKDF-SHA256(32 random bytes that the shares give, salt, info = 'secreg/v1/shamir')
 * It wraps the root key as `committed-box.ts` describes; the context is every member of the protector in a fixed order.
 */
import { assertBytes, assertObject } from './assert.ts'
import { type CryptoBackend, KEY_BYTES } from './backend.ts'
import { encodeBase64 } from './base64.ts'
import { utf8Bytes, wipe } from './bytes.ts'
import { sealCommitted } from './committed-box.ts'
import { CryptoError } from './errors.ts'
import { assertPassphrase, encodePassphrase, type Passphrase } from './passphrase.ts'
import {
  assertCredentialName,
  assertProtectorLabel,
  type HkdfHeader,
  type Protector,
  protectorContext,
  SALT_BYTES,
} from './protector-header.ts'
import { assertScryptBounds, DEFAULT_SCRYPT, type Scrypt, type ScryptParams } from './scrypt.ts'
import { readBytes } from './shape.ts'
import {
  assertThreshold,
  combineShares,
  formatSetId,
  SHARE_SET_ID_BYTES,
  splitSecret,
} from './shares.ts'

/** Shortest key file in bytes. */
export const KEY_FILE_MIN_BYTES = 32
/** Longest key file in bytes. */
export const KEY_FILE_MAX_BYTES = 4096

/** What a new protector is made from. Secrets are not kept; the caller wipes them. */
export type NewProtector = {
  /** What its operators call it: 1 to 64 printable characters. */
  readonly label?: string
  /** Keep it apart from the daily unlock. */
  readonly recovery?: boolean
} & NewProtectorSecret

type NewProtectorSecret =
  | {
      readonly kind: 'passphrase'
      readonly passphrase: Passphrase
      /** Default {@link DEFAULT_SCRYPT}; refused below the floor. */
      readonly params?: ScryptParams
    }
  /** `bytes`: 32 to 4096 random bytes. */
  | { readonly kind: 'key-file'; readonly bytes: Uint8Array }
  | { readonly kind: 'systemd-credential'; readonly name: string; readonly bytes: Uint8Array }
  | { readonly kind: 'shamir'; readonly threshold: number; readonly count: number }

/** What opens a seal. `protectorId` limits it to one protector. */
export type Credential = { readonly protectorId?: string } & (
  | { readonly kind: 'passphrase'; readonly passphrase: Passphrase }
  | { readonly kind: 'key-file'; readonly bytes: Uint8Array }
  | { readonly kind: 'systemd-credential'; readonly bytes: Uint8Array }
  | { readonly kind: 'shamir'; readonly shares: readonly string[] }
)

/** The primitives that protectors work with. */
export interface ProtectorTools {
  readonly backend: CryptoBackend
  readonly scrypt: Scrypt
}

/** A new protector, and the texts of its shares if it has any: shown once, kept nowhere. */
export interface MadeProtector {
  readonly protector: Protector
  readonly shares: readonly string[]
}

/** Wrap a root key of 32 bytes under a new protector; `id` defaults to a random one. */
export async function makeProtector(
  root: Uint8Array,
  spec: NewProtector,
  tools: ProtectorTools,
  id: string = formatSetId(tools.backend.randomBytes(16)),
): Promise<MadeProtector> {
  const { backend } = tools
  assertObject(spec, 'protector')
  const salt = encodeBase64(backend.randomBytes(SALT_BYTES))
  const hkdf: HkdfHeader = { name: 'hkdf-sha256', salt }
  const { label, recovery } = spec
  const blank = {
    id,
    ...(label === undefined ? {} : { label: assertProtectorLabel(label) }),
    ...(recovery === true ? { recovery } : {}),
    commitment: '',
    nonce: '',
    wrapped: '',
    checksum: '',
  }
  switch (spec.kind) {
    case 'passphrase': {
      const { N, r, p } = spec.params ?? DEFAULT_SCRYPT
      assertScryptBounds({ N, r, p })
      wipe(assertPassphrase(spec.passphrase))
      const head = { ...blank, kind: spec.kind, kdf: { name: 'scrypt' as const, N, r, p, salt } }
      return { protector: await wrapRoot(root, head, spec, tools), shares: [] }
    }
    case 'key-file': {
      const head = { ...blank, kind: spec.kind, kdf: hkdf }
      return { protector: await wrapRoot(root, head, spec, tools), shares: [] }
    }
    case 'systemd-credential': {
      const credential = assertCredentialName(spec.name)
      const head = { ...blank, kind: spec.kind, credential, kdf: hkdf }
      return { protector: await wrapRoot(root, head, spec, tools), shares: [] }
    }
    case 'shamir': {
      const { threshold, count } = spec
      assertThreshold(threshold, count)
      const set = backend.randomBytes(SHARE_SET_ID_BYTES)
      const secret = backend.randomBytes(KEY_BYTES)
      const shares = await splitSecret(secret, set, threshold, count, backend)
      wipe(secret)
      const setId = formatSetId(set)
      const head = { ...blank, kind: spec.kind, setId, threshold, count, kdf: hkdf }
      // Wrapped through the shares themselves, so that shares which do not combine are never handed out.
      return { protector: await wrapRoot(root, head, { kind: spec.kind, shares }, tools), shares }
    }
    default:
      throw new RangeError('the kind of a protector must be a known one')
  }
}

/**
 * Derive the secret of a protector from a credential of its kind; the caller wipes it.
 *
 * @returns `undefined` if this credential cannot fit
 */
export async function deriveSecret(
  protector: Protector,
  credential: Credential,
  { backend, scrypt }: ProtectorTools,
): Promise<Uint8Array | undefined> {
  if (protector.kind === 'passphrase') {
    if (credential.kind !== 'passphrase') return undefined
    const bytes = encodePassphrase(credential.passphrase)
    if (bytes === undefined) return undefined
    const { N, r, p, salt } = protector.kdf
    try {
      return await scrypt(bytes, readBytes(salt, SALT_BYTES), { N, r, p, length: KEY_BYTES })
    } finally {
      wipe(bytes)
    }
  }
  const salt = readBytes(protector.kdf.salt, SALT_BYTES)
  if (protector.kind === 'shamir') {
    if (credential.kind !== 'shamir') return undefined
    const ikm = await combineShares(credential.shares, protector, backend)
    if (ikm === undefined) return undefined
    const secret = backend.hkdfSha256(ikm, salt, utf8Bytes('secreg/v1/shamir'), KEY_BYTES)
    wipe(ikm)
    return secret
  }
  if (credential.kind !== protector.kind) return undefined
  const { length } = assertBytes(credential.bytes, 'bytes')
  if (length < KEY_FILE_MIN_BYTES || length > KEY_FILE_MAX_BYTES) {
    throw new RangeError(
      `a key file must be ${KEY_FILE_MIN_BYTES} to ${KEY_FILE_MAX_BYTES} bytes long`,
    )
  }
  return backend.hkdfSha256(credential.bytes, salt, utf8Bytes('secreg/v1/key-file'), KEY_BYTES)
}

async function wrapRoot(
  root: Uint8Array,
  head: Protector,
  credential: Credential,
  tools: ProtectorTools,
): Promise<Protector> {
  const secret = await deriveSecret(head, credential, tools)
  if (secret === undefined) throw new CryptoError('ERR_CRYPTO_KDF_FAILED')
  const box = sealCommitted(tools.backend, secret, protectorContext(head), root)
  wipe(secret)
  return {
    ...head,
    commitment: encodeBase64(box.commitment),
    nonce: encodeBase64(box.nonce),
    wrapped: encodeBase64(box.sealed),
    checksum: encodeBase64(box.checksum),
  }
}
