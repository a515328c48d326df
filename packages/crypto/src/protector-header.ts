/** What a protector looks like in the seal header, and what of it its tags cover. */
import { assertText } from './assert.ts'
import { KEY_BYTES, NONCE_BYTES, TAG_BYTES } from './backend.ts'
import { encodeFields, type Field } from './bytes.ts'
import { COMMITMENT_BYTES, type CommittedBox } from './committed-box.ts'
import { CryptoError } from './errors.ts'
import { assertScryptBounds, type ScryptParams } from './scrypt.ts'
import { damaged, readBytes, readInteger, readMembers, readText } from './shape.ts'
import { SHARES_MAX } from './shares.ts'

/** Length of the salt of every derivation in a document, in bytes. */
export const SALT_BYTES = 32

/** A file name that systemd takes as a credential's id, without any of the special names. */
const CREDENTIAL_NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/
const ID = /^[0-9a-f]{32}$/
const LABEL = /^[^\p{C}\p{Zl}\p{Zp}]{1,64}$/u
const SET_ID = /^[0-9a-f]{16}$/

/** Derivation from a passphrase. */
export interface ScryptHeader extends ScryptParams {
  readonly name: 'scrypt'
  /** 32 bytes, base64. */
  readonly salt: string
}

/** Derivation from a secret that is random already. */
export interface HkdfHeader {
  readonly name: 'hkdf-sha256'
  /** 32 bytes, base64. */
  readonly salt: string
}

interface WrappedRoot {
  /** 32 hexadecimal digits. */
  readonly id: string
  /** What its operators call it: 1 to 64 printable characters. */
  readonly label?: string
  /** Kept apart: not for the daily unlock. */
  readonly recovery?: true
  /** 32 bytes, base64. */
  readonly commitment: string
  /** 24 bytes, base64. */
  readonly nonce: string
  /** 48 bytes, base64. */
  readonly wrapped: string
  /** 32 bytes, base64. */
  readonly checksum: string
}

/** Wraps the root key under a passphrase. */
export interface PassphraseProtector extends WrappedRoot {
  readonly kind: 'passphrase'
  readonly kdf: ScryptHeader
}

/** Wraps the root key under a key file. */
export interface KeyFileProtector extends WrappedRoot {
  readonly kind: 'key-file'
  readonly kdf: HkdfHeader
}

/** Wraps the root key under a credential that systemd passes to the service. */
export interface SystemdCredentialProtector extends WrappedRoot {
  readonly kind: 'systemd-credential'
  /** Name of the credential: a plain file name. */
  readonly credential: string
  readonly kdf: HkdfHeader
}

/** Wraps the root key under a secret that was split into shares. */
export interface ShamirProtector extends WrappedRoot {
  readonly kind: 'shamir'
  /** 16 hexadecimal digits. */
  readonly setId: string
  /** Shares needed. */
  readonly threshold: number
  /** Shares made. */
  readonly count: number
  readonly kdf: HkdfHeader
}

/** A wrapped root key; JSON-serialisable. */
export type Protector =
  | PassphraseProtector
  | KeyFileProtector
  | SystemdCredentialProtector
  | ShamirProtector

/** Kind of a protector. */
export type ProtectorKind = Protector['kind']

/**
 * Check the name of a systemd credential: a plain file name of letters, digits, `.`, `_` and `-`.
 *
 * @throws CryptoError `ERR_CRYPTO_CREDENTIAL_NAME`
 */
export function assertCredentialName(name: string): string {
  if (!CREDENTIAL_NAME.test(assertText(name, 'name'))) {
    throw new CryptoError('ERR_CRYPTO_CREDENTIAL_NAME')
  }
  return name
}

/**
 * Check the label of a protector: 1 to 64 printable characters.
 *
 * @throws RangeError
 */
export function assertProtectorLabel(label: string): string {
  if (!LABEL.test(assertText(label, 'label'))) {
    throw new RangeError('the label of a protector must be 1 to 64 printable characters')
  }
  return label
}

/** Whether a protector opens the seal on another host too, given what its operators hold. */
export function isPortable({ kind }: Pick<Protector, 'kind'>): boolean {
  return kind !== 'systemd-credential'
}

/** The bytes of a protector that its tags cover: every member before the commitment. */
export function protectorContext(protector: Protector): Uint8Array {
  const { id, kind, kdf } = protector
  const fields: Field[] = ['secreg/v1/protector', id, kind]
  if (kind === 'systemd-credential') fields.push(protector.credential)
  if (kind === 'shamir') fields.push(protector.setId, protector.threshold, protector.count)
  fields.push(kdf.name)
  if (kdf.name === 'scrypt') fields.push(kdf.N, kdf.r, kdf.p)
  fields.push(kdf.salt)
  if (protector.label !== undefined) fields.push('label', protector.label)
  if (protector.recovery === true) fields.push('recovery')
  return encodeFields(...fields)
}

/** The tags and the wrapped key of a protector, decoded. */
export function protectorBox(protector: Protector): CommittedBox {
  return {
    commitment: readBytes(protector.commitment, COMMITMENT_BYTES),
    nonce: readBytes(protector.nonce, NONCE_BYTES),
    sealed: readBytes(protector.wrapped, KEY_BYTES + TAG_BYTES),
    checksum: readBytes(protector.checksum, COMMITMENT_BYTES),
  }
}

/**
 * Check the shape of a protector that was read from a disk, and the bounds of its derivation.
 *
 * @throws CryptoError `ERR_CRYPTO_DAMAGED`, `ERR_CRYPTO_KDF_BELOW_FLOOR`, `ERR_CRYPTO_KDF_ABOVE_CEILING`
 */
export function parseProtector(value: unknown): Protector {
  const { kind, label, recovery } = (value ?? {}) as Readonly<Record<string, unknown>>
  const common = ['id', 'kind', 'kdf', 'commitment', 'nonce', 'wrapped', 'checksum'] as const
  const own =
    kind === 'systemd-credential'
      ? (['credential'] as const)
      : kind === 'shamir'
        ? (['setId', 'threshold', 'count'] as const)
        : []
  const optional = [
    ...(label === undefined ? [] : (['label'] as const)),
    ...(recovery === undefined ? [] : (['recovery'] as const)),
  ]
  const members: Record<string, unknown> = readMembers(value, [...common, ...own, ...optional])
  if (recovery !== undefined && recovery !== true) damaged()
  const base = {
    id: readText(members['id'], ID),
    ...(label === undefined ? {} : { label: readText(label, LABEL) }),
    ...(recovery === undefined ? {} : { recovery: true as const }),
    commitment: members['commitment'] as string,
    nonce: members['nonce'] as string,
    wrapped: members['wrapped'] as string,
    checksum: members['checksum'] as string,
  }
  const protector = ((): Protector => {
    switch (kind) {
      case 'passphrase':
        return { ...base, kind, kdf: parseScryptHeader(members['kdf']) }
      case 'key-file':
        return { ...base, kind, kdf: parseHkdfHeader(members['kdf']) }
      case 'systemd-credential': {
        const credential = readText(members['credential'], CREDENTIAL_NAME)
        return { ...base, kind, credential, kdf: parseHkdfHeader(members['kdf']) }
      }
      case 'shamir': {
        const setId = readText(members['setId'], SET_ID)
        const count = readInteger(members['count'], 2, SHARES_MAX)
        const threshold = readInteger(members['threshold'], 2, count)
        return { ...base, kind, setId, threshold, count, kdf: parseHkdfHeader(members['kdf']) }
      }
      default:
        return damaged()
    }
  })()
  protectorBox(protector)
  return protector
}

/** Check a scrypt header that was read from a disk, as {@link parseProtector} does. */
export function parseScryptHeader(value: unknown): ScryptHeader {
  const members = readMembers(value, ['name', 'N', 'r', 'p', 'salt'])
  const salt = members.salt as string
  readBytes(salt, SALT_BYTES)
  if (members.name !== 'scrypt') damaged()
  const [N, r, p] = [members.N, members.r, members.p].map((number) =>
    readInteger(number, 1, Number.MAX_SAFE_INTEGER),
  ) as [number, number, number]
  if (!Number.isInteger(Math.log2(N))) damaged()
  assertScryptBounds({ N, r, p })
  return { name: 'scrypt', N, r, p, salt }
}

function parseHkdfHeader(value: unknown): HkdfHeader {
  const members = readMembers(value, ['name', 'salt'])
  const salt = members.salt as string
  readBytes(salt, SALT_BYTES)
  if (members.name !== 'hkdf-sha256') damaged()
  return { name: 'hkdf-sha256', salt }
}
