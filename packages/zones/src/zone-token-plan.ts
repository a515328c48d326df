/** Tokens of accounts of zones, as rows (specs: subauth §3.3). */
import type { CryptoBackend } from '@secreg/crypto'
import { SecregError } from '@secreg/protocol'
import { toHex } from './hex.ts'
import { checkLine, invalid } from './name.ts'
import { randomBytes, repeatedRandom } from './random-id.ts'
import { checkTime } from './row.ts'
import type { RowView } from './row-view.ts'
import {
  readZoneAccount,
  ZONE_COMMENT_MAX,
  ZONE_TOKENS_MAX,
  type ZoneAccount,
  type ZoneToken,
} from './zone-account.ts'
import {
  findZoneAccount,
  openZoneAccount,
  writeZoneAccount,
  type ZoneAccountPlan,
  type ZoneContext,
  zoneRefused,
} from './zone-account-plan.ts'
import { findZone } from './zone-plan.ts'
import { makeTempToken, makeZoneToken } from './zone-secret.ts'

/** Draws of an ident before the random source is not believed: of 65,536, at most 100 are taken. */
const IDENT_DRAWS = 64

/**
 * Make a regular token. Makes the account where the zone says so.
 *
 * @returns `token` is the whole token: to its owner, once, and nowhere else
 * @throws SecregError `ERR_NOT_FOUND`, `ERR_ZONE_REFUSED` where the zone allows no tokens, `ERR_LIMIT_EXCEEDED` over
 *   `ZONE_TOKENS_MAX`, `ERR_INVALID_ARGUMENT`, `ERR_AUTH_FAILED` by `provenBy`
 */
export function planCreateZoneToken(
  view: RowView,
  zoneName: string,
  login: string,
  wanted: { readonly comment?: string },
  context: ZoneContext & { readonly crypto: Pick<CryptoBackend, 'randomBytes' | 'sha256'> },
): ZoneAccountPlan & { readonly token: string; readonly ident: string } {
  const comment = checkLine(wanted.comment, ZONE_COMMENT_MAX, 'comment')
  const zone = findZone(view, zoneName)
  if (!zone.allowTokens) throw zoneRefused('the zone allows no tokens')
  const account = openZoneAccount(view, zone, login, context)
  if (account.tokens.length >= ZONE_TOKENS_MAX) {
    throw new SecregError(
      'LIMIT_EXCEEDED',
      `an account has at most ${ZONE_TOKENS_MAX} tokens; delete one first`,
    )
  }
  const ident = freshIdent(context.crypto, account)
  const { salt, hash, text } = makeZoneToken(context.crypto, ident)
  const modifiedAtMs = checkTime(context.nowMs)
  const made: ZoneToken = Object.freeze({
    ident,
    salt,
    hash,
    ...(comment === undefined ? {} : { comment }),
    modifiedAtMs,
  })
  const tokens = [...account.tokens, made].sort((a, b) => (a.ident < b.ident ? -1 : 1))
  return {
    ...writeZoneAccount(zone, { ...account, tokens: Object.freeze(tokens), modifiedAtMs }),
    token: text,
    ident,
  }
}

/**
 * Delete a regular token; with `*` all of them, and then the temporary ones are dead too. The password stays.
 *
 * @throws SecregError `ERR_NOT_FOUND` for the zone, the account or the ident, `ERR_AUTH_FAILED` by `provenBy`
 */
export function planDeleteZoneToken(
  view: RowView,
  zoneName: string,
  login: string,
  ident: string,
  context: Omit<ZoneContext, 'crypto'>,
): ZoneAccountPlan {
  const { zone, account } = findZoneAccount(view, zoneName, login, context)
  const modifiedAtMs = checkTime(context.nowMs)
  if (ident === '*') {
    const generation = account.generation + 1
    return writeZoneAccount(zone, { ...account, generation, tokens: [], modifiedAtMs })
  }
  const found = findToken(account, ident)
  const tokens = account.tokens.filter((token) => token !== found)
  return writeZoneAccount(zone, { ...account, tokens: Object.freeze(tokens), modifiedAtMs })
}

/**
 * Change the comment of a regular token; absent, nothing changes.
 *
 * @throws SecregError `ERR_NOT_FOUND` for the zone, the account or the ident, `ERR_INVALID_ARGUMENT`,
 *   `ERR_AUTH_FAILED` by `provenBy`
 */
export function planChangeZoneToken(
  view: RowView,
  zoneName: string,
  login: string,
  ident: string,
  wanted: { readonly comment?: string },
  context: Omit<ZoneContext, 'crypto'>,
): ZoneAccountPlan {
  const comment = checkLine(wanted.comment, ZONE_COMMENT_MAX, 'comment')
  const { zone, account } = findZoneAccount(view, zoneName, login, context)
  const found = findToken(account, ident)
  if (wanted.comment === undefined || comment === found.comment) return { ops: [], zone, account }
  const modifiedAtMs = checkTime(context.nowMs)
  const { comment: _, ...rest } = found
  const changed: ZoneToken = Object.freeze({
    ...rest,
    ...(comment === undefined ? {} : { comment }),
    modifiedAtMs,
  })
  const tokens = account.tokens.map((token) => (token === found ? changed : token))
  return writeZoneAccount(zone, { ...account, tokens: Object.freeze(tokens), modifiedAtMs })
}

/**
 * Make a temporary token. Makes the account where the zone says so, and writes nothing else.
 *
 * @param validityS seconds; above what the zone allows is refused, as the owner is not told the end
 * @returns `token` is the whole token: to its owner, once, and nowhere else
 * @throws SecregError `ERR_NOT_FOUND`, `ERR_ZONE_REFUSED` where the zone allows no temporary tokens,
 *   `ERR_INVALID_ARGUMENT` for the validity, `ERR_AUTH_FAILED` by `provenBy`
 */
export function planCreateTempToken(
  view: RowView,
  zoneName: string,
  login: string,
  validityS: number,
  context: ZoneContext & {
    readonly crypto: Pick<CryptoBackend, 'randomBytes' | 'hmacSha256'>
    /** 32 bytes, for temporary tokens alone. Another key makes all of them dead. */
    readonly key: Uint8Array
  },
): ZoneAccountPlan & { readonly token: string; readonly expiresAtMs: number } {
  const zone = findZone(view, zoneName)
  const longest = zone.maxTempValidityS
  if (longest === 0) throw zoneRefused('the zone allows no temporary tokens')
  if (!Number.isSafeInteger(validityS) || validityS < 1 || validityS > longest) {
    throw invalid(`validity: expected 1 to ${longest} seconds`)
  }
  const isNew = readZoneAccount(view, zone, login) === undefined
  const account = openZoneAccount(view, zone, login, context)
  const expiresAtMs = checkTime(context.nowMs) + validityS * 1000
  const token = makeTempToken(context.crypto, context.key, account, expiresAtMs)
  const plan = writeZoneAccount(zone, account)
  return { ...plan, ops: isNew ? plan.ops : [], token, expiresAtMs }
}

function findToken(account: ZoneAccount, ident: string): ZoneToken {
  const wanted = ident.toLowerCase()
  const found = account.tokens.find((token) => token.ident === wanted)
  if (found === undefined) throw new SecregError('NOT_FOUND', 'the account has no such token')
  return found
}

function freshIdent(crypto: ZoneContext['crypto'], account: ZoneAccount): string {
  for (let draw = 0; draw < IDENT_DRAWS; draw++) {
    const ident = toHex(randomBytes(crypto, 2))
    if (!account.tokens.some((token) => token.ident === ident)) return ident
  }
  throw repeatedRandom('the ident of a token')
}
