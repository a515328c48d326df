/**
 * Second factors, as rows: one-time codes (RFC 6238) with recovery codes. Each plan that accepts a code also writes
 * that it is used up, so of two logins with one code, planned one after the other, one gets in.
 *
 * Failures are not counted here: whoever calls counts a wrong code like a wrong password.
 */
import { SecregError } from '@secreg/protocol'
import type { Op } from '@secreg/storage'
import { findAccount } from './account-change.ts'
import { encodeBase32 } from './base32.ts'
import {
  encodeSecondFactor,
  mfaKey,
  RECOVERY_CODES,
  readSecondFactor,
  type SecondFactor,
} from './mfa-row.ts'
import {
  type MfaContext,
  newRecoveryCode,
  normalizeRecoveryCode,
  openSecret,
  otpauthUri,
  recoveryMac,
  sealSecret,
} from './mfa-secret.ts'
import { randomBytes, repeatedRandom } from './random-id.ts'
import { checkTime, deleteRow, putRow } from './row.ts'
import type { RowView } from './row-view.ts'
import { isTotpCode, TOTP_SECRET_BYTES, totpStep } from './totp.ts'

/** What to write. */
export interface MfaPlan {
  readonly ops: readonly Op[]
}

/**
 * Make a secret for an account. It counts for nothing until a code of it has confirmed it; beginning anew replaces it.
 *
 * @param issuer name of this service in the authenticator
 * @returns `secret` in base32 and `uri` for a QR code: to the owner, once, and nowhere else
 * @throws SecregError `ERR_USER_NOT_FOUND`; `ERR_MFA_STATE` when one is on; `ERR_INVALID_ARGUMENT` for the issuer
 */
export function planBeginMfa(
  view: RowView,
  accountId: string,
  issuer: string,
  context: MfaContext,
): MfaPlan & { readonly secret: string; readonly uri: string } {
  const account = findAccount(view, accountId)
  if (readSecondFactor(view, accountId)?.confirmed !== undefined) {
    throw new SecregError('MFA_STATE', 'there is a second factor already; remove it first')
  }
  const bytes = randomBytes(context.crypto, TOTP_SECRET_BYTES)
  const secret = encodeBase32(bytes)
  const uri = otpauthUri(issuer, account.login, secret)
  const sealed = sealSecret(context, accountId, bytes)
  bytes.fill(0)
  const createdAtMs = checkTime(context.nowMs)
  return { ...write({ account: accountId, sealed, createdAtMs }), secret, uri }
}

/**
 * Confirm a secret with a code of it. From now on it is demanded, and the code is used up.
 *
 * @returns `recoveryCodes`: to the owner, once, and nowhere else
 * @throws SecregError `ERR_AUTH_FAILED` for a wrong code; `ERR_MFA_STATE` when nothing is to be confirmed
 */
export function planConfirmMfa(
  view: RowView,
  accountId: string,
  code: string,
  context: MfaContext,
): MfaPlan & { readonly recoveryCodes: readonly string[] } {
  findAccount(view, accountId)
  const factor = readSecondFactor(view, accountId)
  if (factor === undefined || factor.confirmed !== undefined) {
    throw new SecregError('MFA_STATE', 'there is no second factor to confirm')
  }
  const lastStep = stepOf(factor, code, -1, context)
  if (lastStep === undefined) throw wrongCode()
  const { codes, recovery } = makeRecovery(accountId, context)
  const confirmed = { atMs: context.nowMs, lastStep, recovery }
  return { ...write({ ...factor, confirmed }), recoveryCodes: codes }
}

/**
 * Use a one-time code or a recovery code. Commit the plan before anything is opened by it.
 *
 * @param text six ASCII digits, or a recovery code as it was shown
 * @throws SecregError `ERR_AUTH_FAILED`, one for a wrong code, a used one and an account without a second factor
 */
export function planUseMfa(
  view: RowView,
  accountId: string,
  text: string,
  context: MfaContext,
): MfaPlan & { readonly method: 'totp' | 'recovery'; readonly recoveryCodesLeft: number } {
  const { factor, confirmed, method } = use(view, accountId, text, context)
  return {
    ...write({ ...factor, confirmed }),
    method,
    recoveryCodesLeft: confirmed.recovery.length,
  }
}

/**
 * Make new recovery codes; the old ones are dead.
 *
 * @param text as of {@link planUseMfa}; it is used up
 * @throws as {@link planUseMfa}
 */
export function planNewRecoveryCodes(
  view: RowView,
  accountId: string,
  text: string,
  context: MfaContext,
): MfaPlan & { readonly recoveryCodes: readonly string[] } {
  const { factor, confirmed } = use(view, accountId, text, context)
  const { codes, recovery } = makeRecovery(accountId, context)
  return { ...write({ ...factor, confirmed: { ...confirmed, recovery } }), recoveryCodes: codes }
}

/** Remove the second factor of an account, pending or on; no `ops` where there is none. */
export function planRemoveMfa(view: RowView, accountId: string): MfaPlan {
  const factor = readSecondFactor(view, accountId)
  return { ops: factor === undefined ? [] : [deleteRow(mfaKey(accountId))] }
}

/** A second factor, and what is left of it after a code. */
function use(view: RowView, accountId: string, text: string, context: MfaContext) {
  const factor = readSecondFactor(view, accountId)
  const confirmed = factor?.confirmed
  if (factor === undefined || confirmed === undefined) throw wrongCode()
  if (isTotpCode(text)) {
    const lastStep = stepOf(factor, text, confirmed.lastStep, context)
    if (lastStep === undefined) throw wrongCode()
    return { factor, confirmed: { ...confirmed, lastStep }, method: 'totp' as const }
  }
  const code = normalizeRecoveryCode(text)
  if (code === undefined) throw wrongCode()
  const encoder = new TextEncoder()
  const given = encoder.encode(recoveryMac(context, accountId, code))
  const recovery = confirmed.recovery.filter(
    (mac) => !context.crypto.equal(encoder.encode(mac), given),
  )
  if (recovery.length === confirmed.recovery.length) throw wrongCode()
  return { factor, confirmed: { ...confirmed, recovery }, method: 'recovery' as const }
}

function stepOf(
  factor: SecondFactor,
  code: string,
  after: number,
  context: MfaContext,
): number | undefined {
  const secret = openSecret(context, factor.account, factor.sealed)
  try {
    const { crypto } = context
    const nowMs = checkTime(context.nowMs)
    return totpStep(secret, code, { nowMs, after, equal: (a, b) => crypto.equal(a, b) })
  } finally {
    secret.fill(0)
  }
}

function makeRecovery(accountId: string, context: MfaContext) {
  const codes = Array.from({ length: RECOVERY_CODES }, () => newRecoveryCode(context.crypto))
  if (new Set(codes).size !== codes.length) throw repeatedRandom('a recovery code')
  const recovery = codes.map((code) => recoveryMac(context, accountId, code)).sort()
  return { codes: Object.freeze(codes), recovery: Object.freeze(recovery) }
}

function write(factor: SecondFactor): MfaPlan {
  return { ops: [putRow(mfaKey(factor.account), encodeSecondFactor(factor))] }
}

function wrongCode(): SecregError {
  return new SecregError('AUTH_FAILED', 'the code is wrong')
}
