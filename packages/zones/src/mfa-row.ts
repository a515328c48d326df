/**
 * The second factor of an account, as a row.
 *
 * ```
 * g/mfa/<account id>   {"v":1,"account":…,"sealed":…,"created_at":…,"confirmed_at":…?,"last_step":…?,"recovery":[…]?}
 * sealed               base64 of nonce (24 bytes) | XChaCha20-Poly1305 of the secret (20 bytes + tag of 16)
 * recovery             HMAC-SHA-256 of the codes that are left, 64 hexadecimal digits each, sorted
 * ```
 * The last three are there once a code has confirmed it, and only then it counts.
 */
import { decodeBase64 } from '@secreg/crypto'
import { isRandomId } from './random-id.ts'
import { decodeRow, encodeRow, isListOf, isTime, type Members } from './row.ts'
import type { RowView } from './row-view.ts'
import { TOTP_SECRET_BYTES } from './totp.ts'

/** A second factor as it is stored. */
export interface SecondFactor {
  /** Id of its account. */
  readonly account: string
  /** The secret, sealed; base64. */
  readonly sealed: string
  /** Milliseconds since 1970. */
  readonly createdAtMs: number
  /** Absent while it is pending. */
  readonly confirmed?: {
    /** Milliseconds since 1970. */
    readonly atMs: number
    /** Step of the last code that was accepted. Codes of steps up to it are refused. */
    readonly lastStep: number
    /** HMAC of each recovery code that is left, sorted. */
    readonly recovery: readonly string[]
  }
}

/** What a second factor is to its account: none, begun and not confirmed, or demanded. */
export interface MfaState {
  readonly state: 'off' | 'pending' | 'on'
  /** 0 unless it is on. */
  readonly recoveryCodesLeft: number
  /** Milliseconds since 1970. */
  readonly confirmedAtMs?: number
}

/** Recovery codes that are made at a time. */
export const RECOVERY_CODES = 10
/** Bytes of a nonce, a secret and a tag. */
const SEALED_BYTES = 24 + TOTP_SECRET_BYTES + 16
const MAC = /^[0-9a-f]{64}$/

/** Key of the row of the second factor of an account. */
export function mfaKey(accountId: string): string {
  if (!isRandomId(accountId)) throw new RangeError('account id: expected 32 hexadecimal digits')
  return `g/mfa/${accountId}`
}

/** Bytes of the row of a second factor. */
export function encodeSecondFactor(factor: SecondFactor): Uint8Array {
  return encodeRow({
    v: 1,
    account: factor.account,
    sealed: factor.sealed,
    created_at: factor.createdAtMs,
    confirmed_at: factor.confirmed?.atMs,
    last_step: factor.confirmed?.lastStep,
    recovery: factor.confirmed === undefined ? undefined : [...factor.confirmed.recovery].sort(),
  })
}

/**
 * Read the row of a second factor.
 *
 * @param accountId the one in the row's key
 * @throws ZonesError `ERR_ZONES_ROW_CORRUPT`
 */
export function decodeSecondFactor(row: Uint8Array, accountId: string): SecondFactor {
  return decodeRow(
    row,
    mfaKey(accountId),
    (members) => read(members, accountId),
    encodeSecondFactor,
  )
}

function read(members: Members, accountId: string): SecondFactor | undefined {
  const { account, sealed, recovery } = members
  const createdAtMs = members['created_at']
  const atMs = members['confirmed_at']
  const lastStep = members['last_step']
  if (account !== accountId || !isTime(createdAtMs) || typeof sealed !== 'string') return undefined
  if (decodeBase64(sealed)?.length !== SEALED_BYTES) return undefined
  const factor = { account: accountId, sealed, createdAtMs }
  if (atMs === undefined && lastStep === undefined && recovery === undefined) {
    return Object.freeze(factor)
  }
  if (!isTime(atMs) || !isTime(lastStep) || !isListOf(recovery, isMac)) return undefined
  if (new Set(recovery).size !== recovery.length || recovery.length > RECOVERY_CODES) {
    return undefined
  }
  const confirmed = Object.freeze({ atMs, lastStep, recovery: Object.freeze(recovery) })
  return Object.freeze({ ...factor, confirmed })
}

function isMac(value: unknown): value is string {
  return typeof value === 'string' && MAC.test(value)
}

/**
 * The second factor of an account.
 *
 * @throws ZonesError `ERR_ZONES_ROW_CORRUPT`
 */
export function readSecondFactor(view: RowView, accountId: string): SecondFactor | undefined {
  if (!isRandomId(accountId)) return undefined
  const row = view.get(mfaKey(accountId))
  return row === undefined ? undefined : decodeSecondFactor(row, accountId)
}

/**
 * Whether an account has a second factor. By the id, which a login finds through the one spelling of its name: there
 * is no other name that has none.
 *
 * @throws ZonesError `ERR_ZONES_ROW_CORRUPT`
 */
export function mfaStateOf(view: RowView, accountId: string): MfaState {
  const factor = readSecondFactor(view, accountId)
  if (factor === undefined) return { state: 'off', recoveryCodesLeft: 0 }
  const { confirmed } = factor
  if (confirmed === undefined) return { state: 'pending', recoveryCodesLeft: 0 }
  return {
    state: 'on',
    recoveryCodesLeft: confirmed.recovery.length,
    confirmedAtMs: confirmed.atMs,
  }
}
