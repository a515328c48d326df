/**
 * Making, using, verifying and revoking access tokens. A token is looked at anew for every operation, so that what
 * was revoked, ended or used up is so from the next one on.
 */
import { type CryptoBackend, decodeBase64, encodeBase64 } from '@secreg/crypto'
import { LIMITS, SecregError } from '@secreg/protocol'
import type { Op } from '@secreg/storage'
import {
  ACCESS_TOKENS_MAX,
  type AccessToken,
  accessTokenKey,
  accountTokensKey,
  decodeAccessToken,
  encodeAccessToken,
  encodeTokenIdents,
  isTokenBoundary,
  readAccessToken,
  readAccessTokensOf,
  readTokenIdents,
  sortBoundary,
  type TokenBoundary,
} from './access-token.ts'
import type { Account } from './account.ts'
import { findAccount } from './account-change.ts'
import { readAccount } from './account-view.ts'
import { readDecoyAccount } from './decoy-account.ts'
import { fromHex, toHex } from './hex.ts'
import { checkLine, invalid } from './name.ts'
import { randomBytes, repeatedRandom } from './random-id.ts'
import { checkTime, deleteRow, isCount, isTime, putRow } from './row.ts'
import type { RowView } from './row-view.ts'

/** What to write, and the token as it is then (or was, when it goes). */
export interface AccessTokenPlan {
  readonly ops: readonly Op[]
  readonly token: AccessToken
}

/** A new token. */
export interface NewAccessToken {
  /** Id of its owner. */
  readonly account: string
  /** One line, at most `LIMITS.labelChars`. */
  readonly label?: string
  /** `full` is said, never assumed; else 1 to `LIMITS.boundaryPolicies` ids of policies. */
  readonly boundary: TokenBoundary
  /** Milliseconds since 1970, after now. Absent: no end. */
  readonly expiresAtMs?: number
  /** How often it may be used, at least once. Absent: any number. */
  readonly uses?: number
}

/** What verifying needs from outside. */
export interface TokenContext {
  /** Milliseconds since 1970. */
  readonly nowMs: number
  readonly crypto: Pick<CryptoBackend, 'sha256' | 'equal'>
}

/** A token that may be used now, and its owner as he is now. */
export interface VerifiedToken {
  readonly token: AccessToken
  readonly account: Account
}

const IDENT_BYTES = 8
const SECRET_BYTES = 32
const TEXT = /^sreg_([0-9a-f]{16})_([A-Za-z0-9_-]{43})$/

/** Decoded and compared where there is no token of an ident, so that the step costs the same. */
const DECOY: AccessToken = Object.freeze({
  ident: '0'.repeat(2 * IDENT_BYTES),
  account: '0'.repeat(32),
  boundary: 'full',
  createdAtMs: 0,
  generation: 0,
  hash: '0'.repeat(64),
})
const DECOY_ROW = encodeAccessToken(DECOY)

/**
 * Make a token. Those of the same owner that can do nothing any more go, and do not count.
 *
 * @returns `text` is the whole token: to its owner, once, and nowhere else
 * @throws SecregError `ERR_USER_NOT_FOUND`, `ERR_LIMIT_EXCEEDED` over `ACCESS_TOKENS_MAX`, `ERR_INVALID_ARGUMENT`
 */
export function planCreateAccessToken(
  view: RowView,
  wanted: NewAccessToken,
  context: {
    readonly nowMs: number
    readonly crypto: Pick<CryptoBackend, 'randomBytes' | 'sha256'>
  },
): AccessTokenPlan & { readonly text: string } {
  const { crypto } = context
  const nowMs = checkTime(context.nowMs)
  const { boundary, expiresAtMs, uses } = wanted
  const label = checkLine(wanted.label, LIMITS.labelChars, 'label')
  if (!isTokenBoundary(boundary)) {
    throw invalid(`boundary: expected full, or 1 to ${LIMITS.boundaryPolicies} ids of policies`)
  }
  if (expiresAtMs !== undefined && !(isTime(expiresAtMs) && expiresAtMs > nowMs)) {
    throw invalid('end of the token: expected a time to come')
  }
  if (uses !== undefined && !isCount(uses)) throw invalid('uses: expected a number from 1 on')
  const account = findAccount(view, wanted.account)
  const all = readAccessTokensOf(view, account.id)
  const kept = all.filter((token) => !isOver(token, account, nowMs))
  if (kept.length >= ACCESS_TOKENS_MAX) {
    throw new SecregError(
      'LIMIT_EXCEEDED',
      `a user has at most ${ACCESS_TOKENS_MAX} tokens; revoke one first`,
    )
  }
  const ident = toHex(randomBytes(crypto, IDENT_BYTES))
  const secret = randomBytes(crypto, SECRET_BYTES)
  if (view.get(accessTokenKey(ident)) !== undefined) throw repeatedRandom('the ident of a token')
  const token: AccessToken = Object.freeze({
    ident,
    account: account.id,
    ...(label === undefined ? {} : { label }),
    boundary: sortBoundary(boundary),
    createdAtMs: nowMs,
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
    ...(uses === undefined ? {} : { usesLeft: uses }),
    generation: account.generation ?? 0,
    hash: toHex(crypto.sha256(secret)),
  })
  const text = `sreg_${ident}_${base64url(secret)}`
  secret.fill(0)
  return {
    token,
    text,
    ops: [
      ...all
        .filter((one) => !kept.includes(one))
        .map((one) => deleteRow(accessTokenKey(one.ident))),
      putRow(accessTokenKey(ident), encodeAccessToken(token)),
      putRow(
        accountTokensKey(account.id),
        encodeTokenIdents([...kept.map((one) => one.ident), ident]),
      ),
    ],
  }
}

/**
 * Revoke a token.
 *
 * @param options `owner`: id of the account whose token it must be; another's is as good as none
 * @throws SecregError `ERR_NOT_FOUND`
 */
export function planRevokeAccessToken(
  view: RowView,
  ident: string,
  options: { readonly owner?: string } = {},
): AccessTokenPlan {
  const token = readAccessToken(view, ident)
  if (token === undefined || (options.owner !== undefined && options.owner !== token.account)) {
    throw new SecregError('NOT_FOUND', 'no such token')
  }
  return { ops: removal(view, token), token }
}

/**
 * Use a token once. Belongs to the turn in which the operation is decided: it finds what was revoked, used up or
 * ended since the token was verified. With the last use the row goes.
 *
 * @returns no `ops` for a token without a count
 * @throws SecregError `ERR_AUTH_FAILED`, one for all reasons
 */
export function planConsumeUse(
  view: RowView,
  ident: string,
  options: { readonly nowMs: number },
): AccessTokenPlan & VerifiedToken {
  const token = readAccessToken(view, ident)
  const account = ownerOf(view, token, checkTime(options.nowMs))
  if (token === undefined || account === undefined) throw tokenRefused()
  if (token.usesLeft === undefined) return { ops: [], token, account }
  if (token.usesLeft === 1) return { ops: removal(view, token), token, account }
  const after: AccessToken = Object.freeze({ ...token, usesLeft: token.usesLeft - 1 })
  return { ops: [putRow(accessTokenKey(ident), encodeAccessToken(after))], token: after, account }
}

/**
 * Verify the text of a token. Uses nothing up: see {@link planConsumeUse}.
 *
 * The secret is hashed and compared in constant time in every case where the text has the form of a token, against a
 * decoy where there is no such ident.
 *
 * @returns undefined for a wrong, unknown, ended or revoked one, and for one of an account that is gone or disabled
 */
export function verifyAccessToken(
  view: RowView,
  text: string,
  { nowMs, crypto }: TokenContext,
): VerifiedToken | undefined {
  const parts = TEXT.exec(text)
  const secret = parts === null ? undefined : fromBase64url(parts[2] as string)
  if (parts === null || secret === undefined) return undefined
  const known = readAccessToken(view, parts[1] as string)
  const token = known ?? decodeAccessToken(DECOY_ROW, DECOY.ident)
  const matches = crypto.equal(crypto.sha256(secret), fromHex(token.hash))
  const account = ownerOf(view, token, checkTime(nowMs))
  if (known === undefined) readDecoyAccount()
  return matches && known !== undefined && account !== undefined ? { token, account } : undefined
}

/** What the bearer of a token that is not good is told, whatever is wrong with it. */
export function tokenRefused(): SecregError {
  return new SecregError('AUTH_FAILED', 'the token is not valid')
}

function ownerOf(
  view: RowView,
  token: AccessToken | undefined,
  nowMs: number,
): Account | undefined {
  const account = token === undefined ? undefined : readAccount(view, token.account)
  if (token === undefined || account === undefined || account.disabled) return undefined
  return isOver(token, account, nowMs) ? undefined : account
}

function isOver(token: AccessToken, account: Account, nowMs: number): boolean {
  return (
    token.generation !== (account.generation ?? 0) ||
    (token.expiresAtMs !== undefined && nowMs >= token.expiresAtMs)
  )
}

function removal(view: RowView, token: AccessToken): Op[] {
  const key = accountTokensKey(token.account)
  const left = readTokenIdents(view, token.account).filter((ident) => ident !== token.ident)
  return [
    deleteRow(accessTokenKey(token.ident)),
    left.length === 0 ? deleteRow(key) : putRow(key, encodeTokenIdents(left)),
  ]
}

function base64url(bytes: Uint8Array): string {
  return encodeBase64(bytes, false).replaceAll('+', '-').replaceAll('/', '_')
}

function fromBase64url(text: string): Uint8Array | undefined {
  return decodeBase64(text.replaceAll('-', '+').replaceAll('_', '/'), false)
}
