/** Zones and their accounts as administrators see them; never a secret. */
import type { ZoneAccountInfo, ZoneInfo } from '@secreg/protocol'
import type { Zone, ZoneAccount } from '@secreg/zones'

/** A zone as administrators see it. */
export function infoOfZone(found: Zone): ZoneInfo {
  return {
    zone: found.name,
    zone_id: found.id,
    description: found.description ?? '',
    allow_passwd: found.allowPasswd,
    allow_tokens: found.allowTokens,
    allow_passwd_auth: found.allowPasswdAuth,
    auto_create: found.autoCreate,
    http: found.http,
    max_temp_validity_s: found.maxTempValidityS,
    trusted_uids: found.trustedUids,
    ...(found.configured === undefined ? {} : { configured: found.configured }),
  }
}

/** A zone as everybody on the machine may see it. */
export function publicInfoOfZone(found: Zone): ZoneInfo {
  const { zone_id: _, trusted_uids: __, configured: ___, ...shown } = infoOfZone(found)
  return shown
}

/** An account of a zone, without its secrets. */
export function infoOfZoneAccount(zone: string, account: ZoneAccount): ZoneAccountInfo {
  const { password } = account
  return {
    zone,
    login: account.login,
    password: password !== undefined,
    ...(password === undefined ? {} : { password_modified_at: password.modifiedAtMs }),
    allow_passwd_auth: account.allowPasswdAuth,
    tokens: account.tokens.map(({ comment, ident, modifiedAtMs }) => ({
      ident,
      comment: comment ?? '',
      modified_at: modifiedAtMs,
    })),
  }
}
