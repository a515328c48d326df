/**
 * Replies in the spelling of the wire (subauth PROTOCOL; specs: subauth §2, §3). No reply has any other key than what
 * its command is answered with; one with an error has nothing else.
 */
import { REFUSALS, type RefusalReason } from '../errors.ts'
import type { SubauthAccount, SubauthAccounts, SubauthEntry, SubauthZone } from './accounts.ts'

/** What is sent besides an empty `error`. */
export type ReplyFields = Readonly<Record<string, unknown>>

const encoder = new TextEncoder()

/** Success. */
export function formatReply(fields: ReplyFields): Uint8Array {
  return encoder.encode(JSON.stringify({ error: '', ...fields }))
}

/** Failure. */
export function formatRefusal(reason: RefusalReason): Uint8Array {
  return encoder.encode(JSON.stringify({ error: REFUSALS[reason].text }))
}

/** Of `list-accts`. */
export function accountsReply({ login, accounts }: SubauthAccounts): ReplyFields {
  return { login, accounts: accounts.map(accountReply) }
}

/** Of `list-zones`. No public text says whether the key of the name is `name` or `zone`, so that both are there. */
export function zonesReply(zones: readonly SubauthZone[]): ReplyFields {
  return { zones: zones.map(zoneReply) }
}

function accountReply({ zone, allowPasswdAuth, tokens }: SubauthAccount): ReplyFields {
  return { zone, 'allow-passwd-auth': flag(allowPasswdAuth), tokens: tokens.map(entryReply) }
}

function entryReply(entry: SubauthEntry): ReplyFields {
  const { type, modifiedAtS: lastmod } = entry
  if (type === 'passwd') return { type, lastmod }
  return { type, ident: entry.ident, comment: entry.comment, lastmod }
}

function zoneReply(of: SubauthZone): ReplyFields {
  return {
    name: of.zone,
    zone: of.zone,
    desc: of.description,
    'allow-passwd': flag(of.allowPasswd),
    'allow-tokens': flag(of.allowTokens),
    'allow-passwd-auth': flag(of.allowPasswdAuth),
    'max-temp-validity': of.maxTempValidityS,
  }
}

const flag = (on: boolean): 0 | 1 => (on ? 1 : 0)
