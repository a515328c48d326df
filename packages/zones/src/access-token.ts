/**
 * Access tokens: rows, and the text that their owners hold.
 *
 * ```
 * sreg_<ident>_<secret>     ident 16 lower-case hexadecimal digits, public; secret 32 random bytes in base64url, 43 characters
 * g/token/<ident>           {"v":1,"ident":…,"account":…,"label":…?,"boundary":"full"|[…],"created_at":…,"expires_at":…?,
 *                            "uses_left":…?,"generation":…,"hash":…}
 * g/tokens/<account id>     JSON list of the idents of an account, sorted; absent when there are none
 * ```
 * `hash` is the SHA-256 of the secret's bytes, in hexadecimal. A secret of 256 random bits cannot be guessed at any
 * speed, so a slow hash would cost every request and protect nothing.
 */
import { LIMITS } from '@secreg/protocol'
import { corruptIndex } from './account.ts'
import { isLine } from './name.ts'
import { isRandomId } from './random-id.ts'
import {
  decodeRow,
  encodeRow,
  equalBytes,
  isCount,
  isListOf,
  isTime,
  type Members,
  parseRow,
  type RowSpace,
  spaceBelow,
} from './row.ts'
import type { RowView } from './row-view.ts'

/** What bounds a token: nothing but its owner's rights, or policies of which one must allow too. Never empty. */
export type TokenBoundary = 'full' | readonly string[]

/** One access token. */
export interface AccessToken {
  /** 16 lower-case hexadecimal digits; may be logged. */
  readonly ident: string
  /** Id of its owner. */
  readonly account: string
  /** One line, at most `LIMITS.labelChars`. */
  readonly label?: string
  /** Ids of policies sorted, each once. */
  readonly boundary: TokenBoundary
  /** Milliseconds since 1970. */
  readonly createdAtMs: number
  /** From this millisecond on it is dead. Absent: no end. */
  readonly expiresAtMs?: number
  /** At least 1; with the last use its row goes. Absent: any number. */
  readonly usesLeft?: number
  /** Generation of its owner when it was made; with another one it is dead. */
  readonly generation: number
  /** SHA-256 of the secret, 64 lower-case hexadecimal digits. */
  readonly hash: string
}

/** Tokens of one account. */
export const ACCESS_TOKENS_MAX = 100
/** Rows of all tokens. */
export const ACCESS_TOKEN_SPACE: RowSpace = spaceBelow('g/token/')

const IDENT = /^[0-9a-f]{16}$/
const HASH = /^[0-9a-f]{64}$/
/** As the engine has them (policy-engine, rule ids and document ids). */
const POLICY_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

/** Tell whether a value is the ident of an access token. */
export function isTokenIdent(value: unknown): value is string {
  return typeof value === 'string' && IDENT.test(value)
}

/** Tell whether a value is a boundary: `full`, or ids of policies. An empty list is none. */
export function isTokenBoundary(value: unknown): value is TokenBoundary {
  if (value === 'full') return true
  return (
    isListOf(value, (id): id is string => typeof id === 'string' && POLICY_ID.test(id)) &&
    value.length >= 1 &&
    value.length <= LIMITS.boundaryPolicies
  )
}

/** Key of the row of a token. */
export function accessTokenKey(ident: string): string {
  if (!isTokenIdent(ident)) throw new RangeError('ident: expected 16 hexadecimal digits')
  return `g/token/${ident}`
}

/** Key of the list of the tokens of an account. */
export function accountTokensKey(accountId: string): string {
  if (!isRandomId(accountId)) throw new RangeError('account id: expected 32 hexadecimal digits')
  return `g/tokens/${accountId}`
}

/** Bytes of the row of a token. */
export function encodeAccessToken(token: AccessToken): Uint8Array {
  return encodeRow({
    v: 1,
    ident: token.ident,
    account: token.account,
    label: token.label,
    boundary: token.boundary,
    created_at: token.createdAtMs,
    expires_at: token.expiresAtMs,
    uses_left: token.usesLeft,
    generation: token.generation,
    hash: token.hash,
  })
}

/**
 * Read the row of a token.
 *
 * @param ident the one in the row's key
 * @throws ZonesError `ERR_ZONES_ROW_CORRUPT`
 */
export function decodeAccessToken(row: Uint8Array, ident: string): AccessToken {
  return decodeRow(row, accessTokenKey(ident), (members) => read(members, ident), encodeAccessToken)
}

function read(members: Members, ident: string): AccessToken | undefined {
  const { account, label, boundary, generation, hash } = members
  const createdAtMs = members['created_at']
  const expiresAtMs = members['expires_at']
  const usesLeft = members['uses_left']
  if (members['ident'] !== ident || !isRandomId(account)) return undefined
  if (!(label === undefined || isLine(label, LIMITS.labelChars))) return undefined
  if (!isTokenBoundary(boundary) || !isTime(createdAtMs) || !isTime(generation)) return undefined
  if (!(expiresAtMs === undefined || isTime(expiresAtMs))) return undefined
  if (!(usesLeft === undefined || isCount(usesLeft))) return undefined
  if (typeof hash !== 'string' || !HASH.test(hash)) return undefined
  return Object.freeze({
    ident,
    account,
    ...(label === undefined ? {} : { label }),
    boundary: sortBoundary(boundary),
    createdAtMs,
    ...(expiresAtMs === undefined ? {} : { expiresAtMs }),
    ...(usesLeft === undefined ? {} : { usesLeft }),
    generation,
    hash,
  })
}

/** A boundary as it is stored. */
export function sortBoundary(boundary: TokenBoundary): TokenBoundary {
  return boundary === 'full' ? boundary : Object.freeze([...new Set(boundary)].sort())
}

/**
 * The token of an ident; whether it may be used is another question.
 *
 * @throws ZonesError `ERR_ZONES_ROW_CORRUPT`
 */
export function readAccessToken(view: RowView, ident: string): AccessToken | undefined {
  if (!isTokenIdent(ident)) return undefined
  const row = view.get(accessTokenKey(ident))
  return row === undefined ? undefined : decodeAccessToken(row, ident)
}

/** Bytes of the list of the tokens of an account. */
export function encodeTokenIdents(idents: readonly string[]): Uint8Array {
  return encodeRow([...idents].sort())
}

/**
 * Idents of the tokens of an account, sorted.
 *
 * @throws ZonesError `ERR_ZONES_INDEX_CORRUPT`
 */
export function readTokenIdents(view: RowView, accountId: string): readonly string[] {
  if (!isRandomId(accountId)) return []
  const key = accountTokensKey(accountId)
  const row = view.get(key)
  if (row === undefined) return []
  const idents: unknown = parseRow(row)
  if (
    !isListOf(idents, isTokenIdent) ||
    idents.length === 0 ||
    new Set(idents).size !== idents.length ||
    !equalBytes(encodeTokenIdents(idents), row)
  ) {
    throw corruptIndex(key)
  }
  return idents
}

/**
 * The tokens of an account, in the order of their idents.
 *
 * @throws ZonesError `ERR_ZONES_INDEX_CORRUPT` where the list names one that is not his
 */
export function readAccessTokensOf(view: RowView, accountId: string): readonly AccessToken[] {
  return readTokenIdents(view, accountId).map((ident) => {
    const token = readAccessToken(view, ident)
    if (token?.account !== accountId) throw corruptIndex(accountTokensKey(accountId))
    return token
  })
}

/** Keys of every row of the tokens of an account. */
export function tokenRowsOf(view: RowView, accountId: string): readonly string[] {
  const tokens = readAccessTokensOf(view, accountId)
  if (tokens.length === 0) return []
  return [...tokens.map(({ ident }) => accessTokenKey(ident)), accountTokensKey(accountId)]
}
