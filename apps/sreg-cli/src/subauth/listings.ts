/** Zones and accounts in the words of `sreg zone`, for people and as JSON. */
import type { ZoneAccountInfo, ZoneInfo } from '@secreg/protocol'
import type { SubauthAccount, SubauthAccounts, SubauthZone } from '@secreg/subauth'
import { formatDuration } from '../format.ts'
import { formatTable } from '../table.ts'

/** What anybody may know of a zone. */
export type PublicZone = Omit<
  ZoneInfo,
  'zone_id' | 'auto_create' | 'http' | 'trusted_uids' | 'configured'
>

/** A zone as JSON has it. */
export function zoneInfoOf(of: SubauthZone): PublicZone {
  return {
    zone: of.zone,
    description: of.description,
    allow_passwd: of.allowPasswd,
    allow_tokens: of.allowTokens,
    allow_passwd_auth: of.allowPasswdAuth,
    max_temp_validity_s: of.maxTempValidityS,
  }
}

/** A zone a line. */
export function zonesTable(zones: readonly SubauthZone[]): string {
  return formatTable(
    ['Zone', 'Password', 'Tokens', 'Managed by password', 'Temporary tokens', 'Description'],
    zones.map((zone) => [
      zone.zone,
      ...[zone.allowPasswd, zone.allowTokens, zone.allowPasswdAuth].map(yesNo),
      zone.maxTempValidityS === 0 ? 'no' : `at most ${formatDuration(zone.maxTempValidityS)}`,
      zone.description,
    ]),
  )
}

/** The accounts of one login as JSON has them. */
export function accountInfosOf({ login, accounts }: SubauthAccounts): ZoneAccountInfo[] {
  return accounts.map((account) => accountInfoOf(login, account))
}

function accountInfoOf(login: string, account: SubauthAccount): ZoneAccountInfo {
  const passwd = account.tokens.find(({ type }) => type === 'passwd')
  return {
    zone: account.zone,
    login,
    password: passwd !== undefined,
    ...(passwd === undefined ? {} : { password_modified_at: passwd.modifiedAtS * 1000 }),
    allow_passwd_auth: account.allowPasswdAuth,
    tokens: account.tokens.flatMap((entry) =>
      entry.type === 'token'
        ? { ident: entry.ident, comment: entry.comment, modified_at: entry.modifiedAtS * 1000 }
        : [],
    ),
  }
}

const yesNo = (on: boolean): string => (on ? 'yes' : 'no')
