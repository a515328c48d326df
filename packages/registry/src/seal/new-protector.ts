/** What a caller gives to make a protector from, checked before anything is derived from it. */
import {
  assertProtectorLabel,
  isCryptoError,
  type NewProtector,
  type ScryptParams,
  wipe,
} from '@secreg/crypto'
import { type ProtectorKindName, type RequestOf, SecregError } from '@secreg/protocol'
import { decodeKeyFile } from './credential.ts'

/** Least characters of a passphrase. */
const PASSPHRASE_CHARS = 12

type InitRequest = Extract<RequestOf<'seal'>, { op: 'init' }>
type AddRequest = Extract<RequestOf<'protector'>, { op: 'add' }>

/** Members of a request that a protector can be made from. */
export type GivenSecrets = Pick<AddRequest, 'passphrase' | 'shares' | 'key_file'>

export interface NewProtectorTools {
  /** Of new passphrases. */
  readonly params: ScryptParams
  /** What the configuration names: a key file or a systemd credential. */
  readonly protectors: () => Promise<readonly NewProtector[]>
}

const MEMBERS: Readonly<Record<ProtectorKindName, keyof GivenSecrets | undefined>> = {
  passphrase: 'passphrase',
  shares: 'shares',
  'key-file': 'key_file',
  'systemd-credential': undefined,
}

/**
 * Make the protector of a kind that a request asks for.
 *
 * @returns with bytes that the caller wipes with {@link wipeNew}
 * @throws SecregError `ERR_PASSWORD_POLICY`, `ERR_INVALID_ARGUMENT`, `ERR_CRYPTO_FAILED` when what the configuration
 *   names cannot be read
 */
export async function newProtectorOf(
  kind: ProtectorKindName,
  given: GivenSecrets,
  tools: NewProtectorTools,
  marks: Pick<NewProtector, 'label' | 'recovery'> = {},
): Promise<NewProtector> {
  const member = MEMBERS[kind]
  for (const other of Object.values(MEMBERS)) {
    if (other === undefined || (given[other] !== undefined) === (other === member)) continue
    throw new SecregError(
      'INVALID_ARGUMENT',
      `a protector of the kind ${kind} ${other === member ? 'needs' : 'takes no'} ${other}`,
    )
  }
  switch (kind) {
    case 'passphrase':
      return { ...marks, ...passphraseProtector(given.passphrase ?? '', tools) }
    case 'shares':
      return { ...marks, ...sharesProtector(given.shares ?? { count: 0, threshold: 0 }) }
    case 'key-file':
      return { ...marks, kind, bytes: decodeKeyFile(given.key_file ?? '') }
    case 'systemd-credential': {
      const named = await configured(tools)
      const found = named.find((one) => one.kind === kind)
      if (found !== undefined) return { ...found, ...marks }
      wipeNew(named)
      throw new SecregError(
        'INVALID_ARGUMENT',
        'the configuration of the daemon names no systemd credential',
      )
    }
  }
}

/**
 * The protectors of a new registry: passphrase and shares as asked, and what the configuration names.
 *
 * @throws SecregError as {@link newProtectorOf}, and `ERR_INVALID_ARGUMENT` when there are none
 */
export async function firstProtectors(
  { passphrase, shares }: Pick<InitRequest, 'passphrase' | 'shares'>,
  tools: NewProtectorTools,
): Promise<readonly NewProtector[]> {
  const made: NewProtector[] = []
  if (passphrase !== undefined) made.push(passphraseProtector(passphrase, tools))
  if (shares !== undefined) made.push(sharesProtector(shares))
  made.push(...(await configured(tools)))
  if (made.length > 0) return made
  throw new SecregError(
    'INVALID_ARGUMENT',
    'a new registry needs a passphrase, shares, or a key file or credential in the configuration',
  )
}

/** @throws SecregError `ERR_INVALID_ARGUMENT` */
export function requireLabel(label: string | undefined): void {
  if (label === undefined) return
  try {
    assertProtectorLabel(label)
  } catch (cause) {
    throw new SecregError('INVALID_ARGUMENT', 'a label must be 1 to 64 printable characters', {
      cause,
    })
  }
}

export function wipeNew(protectors: readonly NewProtector[]): void {
  for (const protector of protectors) if ('bytes' in protector) wipe(protector.bytes)
}

function passphraseProtector(passphrase: string, { params }: NewProtectorTools): NewProtector {
  if (/\p{Surrogate}/u.test(passphrase)) {
    throw new SecregError('PASSWORD_POLICY', 'the passphrase is not valid text')
  }
  if ([...passphrase].length < PASSPHRASE_CHARS) {
    throw new SecregError(
      'PASSWORD_POLICY',
      `the passphrase needs at least ${PASSPHRASE_CHARS} characters`,
    )
  }
  return { kind: 'passphrase', passphrase, params }
}

function sharesProtector({ count, threshold }: NonNullable<GivenSecrets['shares']>): NewProtector {
  if (threshold > count) {
    throw new SecregError('INVALID_ARGUMENT', `of ${count} shares, ${threshold} cannot be needed`)
  }
  return { kind: 'shamir', count, threshold }
}

async function configured({ protectors }: NewProtectorTools): Promise<readonly NewProtector[]> {
  try {
    return await protectors()
  } catch (cause) {
    if (!isCryptoError(cause)) throw cause
    throw new SecregError(
      'CRYPTO_FAILED',
      `what the configuration names to unlock it cannot be used: ${cause.message}`,
      { cause },
    )
  }
}
