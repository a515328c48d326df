/** Creating, opening and changing the seal of a store. Pure but for random bytes: the caller reads and writes the header. */
import { assertBytes, assertObject, assertText } from './assert.ts'
import { type CryptoBackend, KEY_BYTES } from './backend.ts'
import { wipe } from './bytes.ts'
import { openCommitted } from './committed-box.ts'
import { CryptoError } from './errors.ts'
import { createKeyRing } from './key-ring.ts'
import { nobleBackend } from './noble-backend.ts'
import type { Passphrase } from './passphrase.ts'
import {
  type Credential,
  deriveSecret,
  makeProtector,
  type NewProtector,
  type ProtectorTools,
} from './protector.ts'
import { isPortable, type Protector, protectorBox, protectorContext } from './protector-header.ts'
import { nobleScrypt, type Scrypt, type ScryptParams } from './scrypt.ts'
import {
  assertSealHeader,
  buildSealHeader,
  parseSealHeader,
  type SealHeader,
} from './seal-header.ts'
import { damaged } from './shape.ts'
import { deriveSubkey } from './subkey.ts'
import { parseWrappedEpoch, type WrappedEpoch } from './wrapped-epoch.ts'

/** Options of the seal functions. */
export interface SealOptions {
  /** Default: {@link nobleBackend}. */
  readonly backend?: CryptoBackend
  /** Default: {@link nobleScrypt}. A server passes the one of a worker pool. */
  readonly scrypt?: Scrypt
}

/** Options of {@link openSeal}. */
export interface OpenSealOptions extends SealOptions {
  /** Which protectors may open it: all (default), those for daily use, or those kept for recovery. */
  readonly protectors?: 'all' | 'daily' | 'recovery'
}

/** A seal that was opened. */
export interface OpenedSeal {
  /** 32 bytes; the caller wipes it. */
  readonly rootKey: Uint8Array
  /** Which protector the credential belongs to. */
  readonly protectorId: string
}

/** Options of {@link createSeal}. */
export interface CreateSealOptions extends SealOptions {
  /** Root key of 32 random bytes to seal instead of a new one; copied. */
  readonly rootKey?: Uint8Array
}

/** Options of {@link changePassphrase}. */
export interface ChangePassphraseOptions extends SealOptions {
  /** Only this protector. Default: the first that the current passphrase opens. */
  readonly protectorId?: string
  /** scrypt parameters from now on. Default: {@link DEFAULT_SCRYPT}. */
  readonly params?: ScryptParams
}

/** The shares of one new protector. They are shown once and kept nowhere. */
export interface ShareSet {
  readonly protectorId: string
  readonly shares: readonly string[]
}

/** A new seal. */
export interface NewSeal {
  readonly header: SealHeader
  /** 32 bytes; the caller wipes it. */
  readonly rootKey: Uint8Array
  /** One set per Shamir protector, in order. */
  readonly shareSets: readonly ShareSet[]
}

/** A header with one protector more. */
export interface AddedProtector {
  readonly header: SealHeader
  readonly protectorId: string
  /** Texts of the shares of a Shamir protector, else empty. */
  readonly shares: readonly string[]
}

const toolsOf = ({
  backend = nobleBackend,
  scrypt = nobleScrypt,
}: SealOptions = {}): ProtectorTools => ({
  backend,
  scrypt,
})

/**
 * Seal a new root key under one or more protectors, with the data key of epoch 1.
 *
 * @throws CryptoError `ERR_CRYPTO_KDF_BELOW_FLOOR`, `ERR_CRYPTO_KDF_ABOVE_CEILING`, `ERR_CRYPTO_CREDENTIAL_NAME`
 */
export async function createSeal(
  protectors: readonly NewProtector[],
  options: CreateSealOptions = {},
): Promise<NewSeal> {
  if (!Array.isArray(protectors)) throw new TypeError('protectors must be an array')
  if (protectors.length < 1) throw new RangeError('a seal needs at least one protector')
  const tools = toolsOf(options)
  const rootKey =
    options.rootKey === undefined
      ? tools.backend.randomBytes(KEY_BYTES)
      : Uint8Array.from(assertBytes(options.rootKey, 'rootKey', KEY_BYTES))
  try {
    const made: Protector[] = []
    const shareSets: ShareSet[] = []
    for (const spec of protectors as readonly NewProtector[]) {
      const { protector, shares } = await makeProtector(rootKey, spec, tools)
      made.push(protector)
      if (shares.length > 0) shareSets.push({ protectorId: protector.id, shares })
    }
    const { ring, epoch } = createKeyRing(rootKey, tools.backend)
    ring.wipe()
    const header = buildUnder(rootKey, made, [epoch], tools)
    return { header, rootKey, shareSets }
  } catch (error) {
    wipe(rootKey)
    throw error
  }
}

/**
 * Find the root key.
 *
 * @param header - as {@link createSeal} returned it, for example from `JSON.parse`
 * @returns the root key, and which protector gave it
 * @throws CryptoError `ERR_CRYPTO_WRONG_KEY` if the credential does not fit, `ERR_CRYPTO_DAMAGED` if the header is not
 *   as it was written, `ERR_CRYPTO_FORMAT` for another version, `ERR_CRYPTO_NO_PROTECTOR`, `ERR_CRYPTO_SHARE`,
 *   `ERR_CRYPTO_SHARES_MISSING`, `ERR_CRYPTO_KDF_BELOW_FLOOR`, `ERR_CRYPTO_KDF_ABOVE_CEILING`, and what `scrypt` throws
 */
export async function openSeal(
  header: unknown,
  credential: Credential,
  options: OpenSealOptions = {},
): Promise<OpenedSeal> {
  const tools = toolsOf(options)
  const parsed = parseSealHeader(header, tools.backend)
  const { root, protector } = await unlock(parsed, credential, tools, options.protectors)
  return { rootKey: root, protectorId: protector.id }
}

/**
 * Wrap the root key under one protector more.
 *
 * @throws CryptoError as {@link createSeal}, and `ERR_CRYPTO_DAMAGED` if the header does not belong to the root key
 */
export async function addProtector(
  header: unknown,
  rootKey: Uint8Array,
  protector: NewProtector,
  options: SealOptions = {},
): Promise<AddedProtector> {
  const tools = toolsOf(options)
  const { protectors, epochs } = parseOwn(header, rootKey, tools)
  const made = await makeProtector(rootKey, protector, tools)
  const list = [...protectors, made.protector]
  return {
    header: buildUnder(rootKey, list, epochs, tools),
    protectorId: made.protector.id,
    shares: made.shares,
  }
}

/**
 * Make a protector anew from something else; it keeps its id and its place, the root key and every value stay as they
 * are.
 *
 * @throws CryptoError as {@link addProtector}, and `ERR_CRYPTO_NO_PROTECTOR`
 */
export async function replaceProtector(
  header: unknown,
  rootKey: Uint8Array,
  protectorId: string,
  spec: NewProtector,
  options: SealOptions = {},
): Promise<AddedProtector> {
  const tools = toolsOf(options)
  const { protectors, epochs } = parseOwn(header, rootKey, tools)
  assertText(protectorId, 'protectorId')
  if (!protectors.some(({ id }) => id === protectorId)) {
    throw new CryptoError('ERR_CRYPTO_NO_PROTECTOR')
  }
  const { protector, shares } = await makeProtector(rootKey, spec, tools, protectorId)
  const list = protectors.map((old) => (old.id === protectorId ? protector : old))
  return { header: buildUnder(rootKey, list, epochs, tools), protectorId, shares }
}

/**
 * Put a protector that was made under the same root key into a header: in place of the one with its id, else as the
 * last. For a header that has changed since {@link addProtector} or {@link replaceProtector} made the protector.
 *
 * @param headerKey - key of purpose `seal-header`, 32 bytes
 * @throws CryptoError `ERR_CRYPTO_DAMAGED` if header and key do not belong together, or the protector is damaged
 */
export function putProtector(
  header: unknown,
  headerKey: Uint8Array,
  protector: Protector,
  { backend = nobleBackend }: Pick<SealOptions, 'backend'> = {},
): SealHeader {
  const { protectors, epochs } = parseUnder(header, headerKey, backend)
  const isThere = protectors.some(({ id }) => id === protector.id)
  const list = isThere
    ? protectors.map((old) => (old.id === protector.id ? protector : old))
    : [...protectors, protector]
  return parseSealHeader(buildSealHeader(headerKey, list, epochs, backend), backend)
}

/**
 * Take a protector out. An older copy of the header still opens with it, since the root key stays the same.
 *
 * @param headerKey - key of purpose `seal-header`, 32 bytes
 * @throws CryptoError `ERR_CRYPTO_NO_PROTECTOR`, `ERR_CRYPTO_LAST_PROTECTOR`, `ERR_CRYPTO_DAMAGED`
 */
export function removeProtector(
  header: unknown,
  headerKey: Uint8Array,
  protectorId: string,
  { backend = nobleBackend }: Pick<SealOptions, 'backend'> = {},
): SealHeader {
  const { protectors, epochs } = parseUnder(header, headerKey, backend)
  assertText(protectorId, 'protectorId')
  const rest = protectors.filter(({ id }) => id !== protectorId)
  if (rest.length === protectors.length) throw new CryptoError('ERR_CRYPTO_NO_PROTECTOR')
  if (rest.length === 0) throw new CryptoError('ERR_CRYPTO_LAST_PROTECTOR')
  return buildSealHeader(headerKey, rest, epochs, backend)
}

/**
 * The header as it travels with a backup: with those protectors alone that open it on another host too.
 *
 * @param headerKey - key of purpose `seal-header`, 32 bytes
 * @throws CryptoError `ERR_CRYPTO_NO_PORTABLE` if there are none, `ERR_CRYPTO_DAMAGED`
 */
export function portableSeal(
  header: unknown,
  headerKey: Uint8Array,
  { backend = nobleBackend }: Pick<SealOptions, 'backend'> = {},
): SealHeader {
  const { protectors, epochs } = parseUnder(header, headerKey, backend)
  const portable = protectors.filter(isPortable)
  if (portable.length === 0) throw new CryptoError('ERR_CRYPTO_NO_PORTABLE')
  return buildSealHeader(headerKey, portable, epochs, backend)
}

/**
 * Replace a passphrase by another; the protector keeps its id, the root key and every value stay as they are.
 *
 * @throws CryptoError as {@link openSeal}
 */
export async function changePassphrase(
  header: unknown,
  current: Passphrase,
  next: Passphrase,
  options: ChangePassphraseOptions = {},
): Promise<SealHeader> {
  const tools = toolsOf(options)
  const parsed = parseSealHeader(header, tools.backend)
  const { protectorId, params } = options
  const credential: Credential = {
    kind: 'passphrase',
    passphrase: current,
    ...(protectorId === undefined ? {} : { protectorId }),
  }
  const { root, protector } = await unlock(parsed, credential, tools)
  try {
    const { label, recovery } = protector
    const spec: NewProtector = {
      kind: 'passphrase',
      passphrase: next,
      ...(label === undefined ? {} : { label }),
      ...(recovery === undefined ? {} : { recovery }),
      ...(params === undefined ? {} : { params }),
    }
    const made = await makeProtector(root, spec, tools, protector.id)
    const list = parsed.protectors.map((old) => (old === protector ? made.protector : old))
    return buildUnder(root, list, parsed.epochs, tools)
  } finally {
    wipe(root)
  }
}

/**
 * Write the wrapped data keys anew, after an epoch was added to or dropped from the key ring.
 *
 * @param headerKey - key of purpose `seal-header`, 32 bytes
 * @throws CryptoError `ERR_CRYPTO_DAMAGED` if header, key and epochs do not belong together
 */
export function replaceEpochs(
  header: unknown,
  headerKey: Uint8Array,
  epochs: readonly WrappedEpoch[],
  { backend = nobleBackend }: Pick<SealOptions, 'backend'> = {},
): SealHeader {
  const { protectors } = parseUnder(header, headerKey, backend)
  if (!Array.isArray(epochs)) throw new TypeError('epochs must be an array')
  const rows = epochs.map(parseWrappedEpoch).sort((a, b) => a.epoch - b.epoch)
  return parseSealHeader(buildSealHeader(headerKey, protectors, rows, backend), backend)
}

function parseUnder(header: unknown, headerKey: Uint8Array, backend: CryptoBackend): SealHeader {
  assertBytes(headerKey, 'headerKey', KEY_BYTES)
  const parsed = parseSealHeader(header, backend)
  assertSealHeader(headerKey, parsed, backend)
  return parsed
}

function parseOwn(header: unknown, rootKey: Uint8Array, { backend }: ProtectorTools): SealHeader {
  assertBytes(rootKey, 'rootKey', KEY_BYTES)
  return withHeaderKey(rootKey, backend, (headerKey) => parseUnder(header, headerKey, backend))
}

function buildUnder(
  rootKey: Uint8Array,
  protectors: readonly Protector[],
  epochs: readonly WrappedEpoch[],
  { backend }: ProtectorTools,
): SealHeader {
  return withHeaderKey(rootKey, backend, (headerKey) =>
    buildSealHeader(headerKey, protectors, epochs, backend),
  )
}

function withHeaderKey<T>(
  rootKey: Uint8Array,
  backend: CryptoBackend,
  use: (headerKey: Uint8Array) => T,
): T {
  const headerKey = deriveSubkey(rootKey, 'seal-header', backend)
  try {
    return use(headerKey)
  } finally {
    wipe(headerKey)
  }
}

async function unlock(
  header: SealHeader,
  credential: Credential,
  tools: ProtectorTools,
  allowed: OpenSealOptions['protectors'] = 'all',
): Promise<{ readonly root: Uint8Array; readonly protector: Protector }> {
  const { kind, protectorId } = assertObject(credential, 'credential') as Partial<Credential>
  const candidates = header.protectors.filter(
    (protector) =>
      protector.kind === kind &&
      (protectorId === undefined || protector.id === protectorId) &&
      (allowed === 'all' || (protector.recovery === true) === (allowed === 'recovery')),
  )
  if (candidates.length === 0) throw new CryptoError('ERR_CRYPTO_NO_PROTECTOR')
  let missing: unknown
  for (const protector of candidates) {
    const root = await tryProtector(protector, credential, tools).catch((error: unknown) => {
      // Too few shares for this set may be enough for the next.
      if (!(error instanceof CryptoError && error.code === 'ERR_CRYPTO_SHARES_MISSING')) throw error
      missing = error
      return undefined
    })
    if (root === undefined) continue
    try {
      if (root.length !== KEY_BYTES) damaged()
      withHeaderKey(root, tools.backend, (headerKey) =>
        assertSealHeader(headerKey, header, tools.backend),
      )
    } catch (error) {
      wipe(root)
      throw error
    }
    return { root, protector }
  }
  throw missing ?? new CryptoError('ERR_CRYPTO_WRONG_KEY')
}

async function tryProtector(
  protector: Protector,
  credential: Credential,
  tools: ProtectorTools,
): Promise<Uint8Array | undefined> {
  const secret = await deriveSecret(protector, credential, tools)
  if (secret === undefined) return undefined
  const context = protectorContext(protector)
  try {
    return openCommitted(tools.backend, secret, context, protectorBox(protector))
  } finally {
    wipe(secret)
  }
}
