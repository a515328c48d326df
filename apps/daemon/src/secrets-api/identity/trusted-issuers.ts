/** Issuers whose tokens are believed, by `iss`. */
import type { IssuerSettings } from '../settings.ts'
import { FetchedKeys } from './fetched-keys.ts'
import { FileKeys } from './file-keys.ts'
import type { KeySource, KeysFault } from './key-source.ts'

/** One issuer with its keys. */
export interface TrustedIssuer {
  readonly settings: IssuerSettings
  readonly keys: KeySource
}

export interface TrustedIssuersOptions {
  /** Ask an issuer that has a URL for its keys, once; see `FetchedKeysOptions`. */
  readonly fetchKeys: (issuer: IssuerSettings) => Promise<unknown>
  /** Told why keys of an issuer cannot be had, once for each cause, and `undefined` when they can again. */
  readonly tellKeys?: (name: string, fault: KeysFault | undefined) => void
  /** Monotonic clock, milliseconds. */
  readonly nowMs: () => number
}

/** No colon: what stands behind the next one in a subject is what the issuer says. */
const NAME = /^[A-Za-z0-9._-]{1,64}$/
/** Name of the registry itself, in subjects of its accounts. */
export const REGISTRY_NAME = 'secreg'

/**
 * @throws RangeError where two issuers could not be told apart, in what they sign or in whom they name, or one could name
 *   accounts of the registry
 */
export function trustedIssuers(
  issuers: readonly IssuerSettings[],
  options: TrustedIssuersOptions,
): ReadonlyMap<string, TrustedIssuer> {
  const { fetchKeys, tellKeys = () => {}, nowMs } = options
  const trusted = new Map<string, TrustedIssuer>()
  const names = new Set([REGISTRY_NAME])
  for (const settings of issuers) {
    const { issuer, keys, name } = settings
    if (!NAME.test(name)) throw new RangeError('issuers: expected names of [A-Za-z0-9._-]')
    if (names.has(name.toLowerCase())) {
      throw new RangeError(`issuers: expected each name once, and none ${REGISTRY_NAME}`)
    }
    if (issuer === '' || trusted.has(issuer)) {
      throw new RangeError('issuers: expected each issuer once')
    }
    names.add(name.toLowerCase())
    const tell = (fault: KeysFault | undefined) => tellKeys(name, fault)
    const source =
      'url' in keys
        ? new FetchedKeys({ fetch: () => fetchKeys(settings), nowMs, tell })
        : new FileKeys(keys.file, tell)
    trusted.set(issuer, { settings, keys: source })
  }
  return trusted
}
