/** What a caller gives to open the seal, as credentials, checked before anything is derived from them. */
import {
  type Credential,
  isCryptoError,
  KEY_FILE_MAX_BYTES,
  KEY_FILE_MIN_BYTES,
  openSeal,
  type Protector,
  parseSealHeader,
  readShare,
  type Scrypt,
  type SealHeader,
  type ShamirProtector,
  wipe,
} from '@secreg/crypto'
import { nodeBackend } from '@secreg/crypto/node'
import { type RequestOf, SecregError } from '@secreg/protocol'
import { noProtector, sealFailure } from './seal-failure.ts'
import { compactShare } from './share-collector.ts'

/** Which protectors may open it. */
export type SealUse = 'all' | 'daily' | 'recovery'

/** What opened the seal. */
export interface Opened {
  /** 32 bytes; the caller wipes it. */
  readonly rootKey: Uint8Array
  readonly protector: Protector
}

export interface OpenTools {
  readonly scrypt: Scrypt
  readonly use: SealUse
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** Members of a request that each can open a seal. */
export type GivenProof = Extract<RequestOf<'protector'>, { op: 'add' }>['proof']

/** @throws SecregError `ERR_SEAL_DAMAGED`, `ERR_KDF_BELOW_FLOOR`, `ERR_CRYPTO_FAILED` */
export function checkedHeader(header: unknown): SealHeader {
  try {
    return parseSealHeader(header, nodeBackend)
  } catch (cause) {
    throw sealFailure(cause)
  }
}

/**
 * Open a seal by the first of these that does.
 *
 * @throws SecregError `ERR_UNLOCK_FAILED`, `ERR_NO_PROTECTOR`, `ERR_SHARES_MISSING`, `ERR_SHARE_INVALID`, `ERR_BUSY`,
 *   and as {@link checkedHeader}
 */
export async function openWith(
  header: unknown,
  credentials: readonly Credential[],
  { scrypt, use }: OpenTools,
): Promise<Opened> {
  const checked = checkedHeader(header)
  let failure: SecregError | undefined
  for (const credential of credentials) {
    try {
      const options = { backend: nodeBackend, scrypt, protectors: use }
      const { rootKey, protectorId } = await openSeal(checked, credential, options)
      const protector = checked.protectors.find(({ id }) => id === protectorId) as Protector
      return { rootKey, protector }
    } catch (cause) {
      const error = isCryptoError(cause, 'ERR_CRYPTO_NO_PROTECTOR')
        ? noProtector(checked.protectors, credential.kind, cause)
        : sealFailure(cause)
      // That one of them is wrong says more than that there is nothing for another.
      if (failure === undefined || failure.reason === 'NO_PROTECTOR') failure = error
      if (error.reason !== 'NO_PROTECTOR' && error.reason !== 'UNLOCK_FAILED') throw error
    }
  }
  throw failure ?? new SecregError('INVALID_ARGUMENT', 'nothing was given that could open it')
}

/**
 * What one given secret can be.
 *
 * @returns credentials whose bytes the caller wipes with {@link wipeCredentials}
 * @throws SecregError `ERR_INVALID_ARGUMENT`, `ERR_SHARE_INVALID`, `ERR_SHARE_FOREIGN`, `ERR_NO_PROTECTOR`
 */
export function credentialsOf(
  header: SealHeader,
  { passphrase, shares, key_file }: GivenProof,
  use: SealUse,
): readonly Credential[] {
  const given = [passphrase, shares, key_file].filter((one) => one !== undefined)
  if (given.length !== 1) {
    throw new SecregError(
      'INVALID_ARGUMENT',
      'what opens the registry now is needed: one of passphrase, key file and shares',
    )
  }
  if (passphrase !== undefined) return [{ kind: 'passphrase', passphrase }]
  if (key_file !== undefined) return keyFileCredentials(key_file)
  return [sharesCredential(header, shares ?? [], use)]
}

/** A key file may also be what systemd passes to the daemon: whoever holds those bytes may use them by hand. */
export function keyFileCredentials(base64: string): readonly Credential[] {
  const bytes = decodeKeyFile(base64)
  return [
    { kind: 'key-file', bytes },
    { kind: 'systemd-credential', bytes },
  ]
}

/** @throws SecregError `ERR_INVALID_ARGUMENT` */
export function decodeKeyFile(base64: string): Uint8Array {
  if (!BASE64.test(base64)) {
    throw new SecregError('INVALID_ARGUMENT', 'a key file is given in base64 with padding')
  }
  const decoded = Buffer.from(base64, 'base64')
  const bytes = Uint8Array.from(decoded)
  wipe(decoded)
  if (bytes.length < KEY_FILE_MIN_BYTES || bytes.length > KEY_FILE_MAX_BYTES) {
    wipe(bytes)
    throw new SecregError(
      'INVALID_ARGUMENT',
      `a key file must be ${KEY_FILE_MIN_BYTES} to ${KEY_FILE_MAX_BYTES} bytes long`,
    )
  }
  return bytes
}

export function wipeCredentials(credentials: readonly Credential[]): void {
  for (const credential of credentials) if ('bytes' in credential) wipe(credential.bytes)
}

/**
 * The protector to whose set a share belongs.
 *
 * @throws SecregError `ERR_SHARE_INVALID`, `ERR_SHARE_FOREIGN`, `ERR_NO_PROTECTOR`
 */
export function setOfShare(
  { protectors }: SealHeader,
  text: string,
  use: SealUse,
): ShamirProtector {
  let share: ReturnType<typeof readShare>
  try {
    share = readShare(text, nodeBackend)
  } catch (cause) {
    throw sealFailure(cause)
  }
  const sets = protectors.filter((protector) => protector.kind === 'shamir')
  const isAllowed = ({ recovery }: Protector): boolean =>
    use === 'all' || (recovery === true) === (use === 'recovery')
  if (!sets.some(isAllowed)) throw noProtector(protectors, 'shamir')
  const found = sets.find(
    ({ setId, threshold, count }) =>
      setId === share.setId && threshold === share.threshold && count === share.count,
  )
  if (found === undefined) {
    throw new SecregError('SHARE_FOREIGN', 'the share is of no set of this registry')
  }
  if (!isAllowed(found)) {
    const kept = found.recovery === true
    throw new SecregError(
      'SHARE_FOREIGN',
      kept
        ? 'the share is of a set that is kept for recovery'
        : 'the share is of a set for daily use, not of one for recovery',
    )
  }
  return found
}

function sharesCredential(header: SealHeader, texts: readonly string[], use: SealUse): Credential {
  const [first, ...rest] = texts.map((text) => setOfShare(header, text, use))
  if (first === undefined) {
    if (header.protectors.some(({ kind }) => kind === 'shamir')) {
      throw new SecregError('SHARES_MISSING', 'no share was given')
    }
    throw noProtector(header.protectors, 'shamir')
  }
  if (rest.some(({ id }) => id !== first.id)) {
    throw new SecregError('SHARE_FOREIGN', 'the shares are of different sets of this registry')
  }
  const have = new Set(texts.map(compactShare)).size
  if (have < first.threshold) {
    throw new SecregError(
      'SHARES_MISSING',
      `${first.threshold} shares are needed, and ${have} are there`,
    )
  }
  return { kind: 'shamir', protectorId: first.id, shares: texts }
}
