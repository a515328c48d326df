/** What a caller is told when the seal does not open or cannot be changed: each cause its own reason. */
import { isCryptoError, type Protector } from '@secreg/crypto'
import { type Reason, SecregError } from '@secreg/protocol'
import { asSecregError } from '../store-failure.ts'

const TOLD: Readonly<Record<string, readonly [Reason, string]>> = {
  ERR_CRYPTO_WRONG_KEY: ['UNLOCK_FAILED', 'what was given does not unlock it'],
  ERR_CRYPTO_SHARE: ['SHARE_INVALID', 'the share is mistyped or incomplete'],
  ERR_CRYPTO_SHARES_MISSING: ['SHARES_MISSING', 'more shares are needed'],
  ERR_CRYPTO_DAMAGED: ['SEAL_DAMAGED', 'the seal header is damaged: nothing can open it'],
  ERR_CRYPTO_KDF_BELOW_FLOOR: [
    'KDF_BELOW_FLOOR',
    'the seal header asks for a key derivation that is weaker than the floor',
  ],
}

/** The error to answer with; ours pass unchanged. */
export function sealFailure(cause: unknown): SecregError {
  if (!isCryptoError(cause) || cause.code === 'ERR_CRYPTO_BUSY') return asSecregError(cause)
  const told = TOLD[cause.code]
  if (told !== undefined) return new SecregError(...told, { cause })
  return new SecregError('CRYPTO_FAILED', `the seal cannot be opened: ${cause.message}`, { cause })
}

const NAMES: Readonly<Record<Protector['kind'], string>> = {
  passphrase: 'a passphrase',
  'key-file': 'a key file',
  'systemd-credential': 'a systemd credential',
  shamir: 'shares',
}

/** There is nothing that such a credential could open; tells what there is, which is no secret. */
export function noProtector(
  protectors: readonly Protector[],
  kind: Protector['kind'],
  cause?: unknown,
): SecregError {
  const namesOf = (recovery: boolean): string =>
    [
      ...new Set(
        protectors
          .filter((protector) => (protector.recovery === true) === recovery)
          .map((protector) => NAMES[protector.kind]),
      ),
    ].join(' or ')
  const [daily, kept] = [namesOf(false), namesOf(true)]
  const ways = [daily, kept === '' ? '' : `for recovery ${kept}`].filter((text) => text !== '')
  return new SecregError(
    'NO_PROTECTOR',
    `${NAMES[kind]} cannot open it in this way; it takes ${ways.join(', ')}`,
    cause === undefined ? {} : { cause },
  )
}
