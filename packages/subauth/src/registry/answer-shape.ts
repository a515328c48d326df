/** What of a registry's answers is relied on, checked. */
import {
  SecregError,
  type ZoneAccountInfo,
  type ZoneInfo,
  type ZoneResponse,
  type ZoneTokenInfo,
} from '@secreg/protocol'
import type { SubauthAccount, SubauthEntry, SubauthZone } from '../wire/accounts.ts'

/** The whole token. */
export function tokenOf({ secret }: ZoneResponse): string {
  if (typeof secret !== 'string' || secret === '') throw malformed()
  return secret
}

/** Public part of a token. */
export function identOf({ ident }: ZoneResponse): string {
  if (typeof ident !== 'string' || !/^[0-9a-f]{4}$/.test(ident)) throw malformed()
  return ident
}

/** @param login - whose accounts were asked for: nobody else's are shown */
export function accountsOf({ accounts }: ZoneResponse, login: string): SubauthAccount[] {
  if (!Array.isArray(accounts)) throw malformed()
  return (accounts as ZoneAccountInfo[]).map((account) => {
    if (account.login !== login) throw malformed()
    const { zone, allow_passwd_auth: allowPasswdAuth, tokens } = account
    return { zone, allowPasswdAuth, tokens: [...passwordOf(account), ...tokens.map(entryOf)] }
  })
}

export function zonesOf({ zones }: ZoneResponse): SubauthZone[] {
  if (!Array.isArray(zones)) throw malformed()
  return (zones as ZoneInfo[]).map((info) => ({
    zone: info.zone,
    description: info.description,
    allowPasswd: info.allow_passwd,
    allowTokens: info.allow_tokens,
    allowPasswdAuth: info.allow_passwd_auth,
    maxTempValidityS: info.max_temp_validity_s,
  }))
}

export function malformed(): SecregError {
  return new SecregError('INTERNAL', 'the registry answered something else than was asked for')
}

function passwordOf({ password, password_modified_at: at }: ZoneAccountInfo): SubauthEntry[] {
  return password ? [{ type: 'passwd', modifiedAtS: secondsOf(at) }] : []
}

function entryOf({ ident, comment, modified_at }: ZoneTokenInfo): SubauthEntry {
  return { type: 'token', ident, comment, modifiedAtS: secondsOf(modified_at) }
}

function secondsOf(ms: number | undefined): number {
  if (typeof ms !== 'number' || !Number.isFinite(ms)) throw malformed()
  return Math.floor(ms / 1000)
}
