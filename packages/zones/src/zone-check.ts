/** Whether a password or token opens an account of a zone (specs: subauth §3.3 `login`, §4). Changes nothing. */
import type { CryptoBackend } from '@secreg/crypto'
import { fromHex } from './hex.ts'
import type { PasswordHasher } from './password-hasher.ts'
import { checkTime } from './row.ts'
import type { Zone } from './zone.ts'
import type { ZoneAccount, ZoneToken } from './zone-account.ts'
import { normalizeZonePassword } from './zone-password.ts'
import {
  hashZoneToken,
  parseZoneToken,
  verifyTempToken,
  type ZoneSecretForm,
  zoneSecretForm,
} from './zone-secret.ts'

/** What a check needs from outside. */
export interface ZoneCheckPorts {
  readonly hasher: PasswordHasher
  readonly crypto: Pick<CryptoBackend, 'sha256' | 'hmacSha256' | 'equal'>
  /** 32 bytes, the one that temporary tokens were made with. */
  readonly key: Uint8Array
  /** Milliseconds since 1970. */
  readonly nowMs: number
}

const DECOY_SALT = '0'.repeat(32)
const DECOY_HASH = '0'.repeat(64)

/**
 * Check what was typed against an account. What it can be is told by its form; then the work is the same whether the
 * zone, the account or a secret of that form is there or not, and whether the zone allows it.
 *
 * Failures are not counted here: the caller counts them by login and source like those of logins.
 *
 * @param zone undefined where there is none
 * @param account as of `readZoneAccount`; undefined where there is none
 * @returns what it was, or undefined when it does not open the account
 * @throws what the hasher throws, as `ERR_BUSY`
 */
export async function checkZoneSecret(
  zone: Zone | undefined,
  account: ZoneAccount | undefined,
  text: string,
  ports: ZoneCheckPorts,
): Promise<ZoneSecretForm | undefined> {
  if (typeof text !== 'string') throw new TypeError('text: expected a string')
  checkTime(ports.nowMs)
  // An account that is not of this zone is none, whoever brought the two together.
  const own = zone !== undefined && account?.zone === zone.id ? account : undefined
  const form = zoneSecretForm(text)
  if (form === 'password') {
    const matches = await isPassword(ports.hasher, own, text)
    return matches && zone?.allowPasswd === true ? form : undefined
  }
  return checkZoneToken(zone, account, text, ports) === undefined ? undefined : form
}

/** A token that opens an account. */
export interface CheckedZoneToken {
  readonly zone: Zone
  readonly account: ZoneAccount
  /** The regular token; absent for a temporary one. */
  readonly token?: ZoneToken
  /** When the temporary one ends, milliseconds since 1970. */
  readonly expiresAtMs?: number
}

/**
 * The same for tokens alone, regular and temporary: a password is none, whatever it is. Does not wait for anything.
 *
 * @returns undefined when it does not open the account
 */
export function checkZoneToken(
  zone: Zone | undefined,
  account: ZoneAccount | undefined,
  text: string,
  ports: Pick<ZoneCheckPorts, 'crypto' | 'key' | 'nowMs'>,
): CheckedZoneToken | undefined {
  const nowMs = checkTime(ports.nowMs)
  const own = zone !== undefined && account?.zone === zone.id ? account : undefined
  const form = zoneSecretForm(text)
  if (form === 'password') return undefined
  if (form === 'token') {
    const token = tokenOf(ports.crypto, own, text)
    if (token === undefined || own === undefined || zone?.allowTokens !== true) return undefined
    return { zone, account: own, token }
  }
  const expiresAtMs = verifyTempToken(ports.crypto, ports.key, own, text, nowMs)
  if (expiresAtMs === undefined || own === undefined) return undefined
  return zone === undefined || zone.maxTempValidityS === 0
    ? undefined
    : { zone, account: own, expiresAtMs }
}

/**
 * Check the password by which an account is to be managed (`auth-passwd`): no token is accepted, and both the zone and
 * the account must allow it (specs: subauth §2.1).
 *
 * @returns whether it holds; then `account` is what a plan takes as `provenBy`
 */
export async function checkZoneAuthPassword(
  zone: Zone | undefined,
  account: ZoneAccount | undefined,
  text: string,
  hasher: PasswordHasher,
): Promise<boolean> {
  if (typeof text !== 'string') throw new TypeError('text: expected a string')
  const own = zone !== undefined && account?.zone === zone.id ? account : undefined
  const matches = await isPassword(hasher, own, text)
  // Where a zone has no passwords any more, those that are left open nothing.
  const isSupported = zone?.allowPasswd === true && zone.allowPasswdAuth
  return matches && isSupported && own?.allowPasswdAuth === true
}

async function isPassword(
  hasher: PasswordHasher,
  account: ZoneAccount | undefined,
  typed: string,
): Promise<boolean> {
  const text = normalizeZonePassword(typed)
  const stored = text === undefined ? undefined : account?.password?.hash
  const matches = await hasher.verify(text ?? '', stored ?? hasher.decoy())
  return matches && stored !== undefined
}

function tokenOf(
  crypto: ZoneCheckPorts['crypto'],
  account: ZoneAccount | undefined,
  text: string,
): ZoneToken | undefined {
  const parts = parseZoneToken(text)
  const token = account?.tokens.find(({ ident }) => ident === parts?.ident)
  const hash = hashZoneToken(crypto, token?.salt ?? DECOY_SALT, parts?.secret ?? '')
  const matches = crypto.equal(hash, fromHex(token?.hash ?? DECOY_HASH))
  return matches && parts !== undefined ? token : undefined
}
