/** Zones and their accounts, for people. */
import type { ZoneAccountInfo, ZoneInfo } from '@secreg/protocol'
import { formatDuration, formatTime } from './format.ts'
import { formatTable } from './table.ts'

export function zonesTable(zones: readonly ZoneInfo[]): string {
  return formatTable(
    ['Zone', 'Switches', 'Temporary tokens', 'Trusted users', 'Description'],
    zones.map((zone) => [
      zone.zone,
      switchesOf(zone).join(', '),
      zone.max_temp_validity_s === 0
        ? 'none'
        : `at most ${formatDuration(zone.max_temp_validity_s)}`,
      zone.trusted_uids.join(' '),
      zone.description,
    ]),
  )
}

/** As the options of `sreg zone set` call them. */
function switchesOf(zone: ZoneInfo): string[] {
  return [
    ...(zone.allow_passwd ? ['allow-passwd'] : []),
    ...(zone.allow_tokens ? ['allow-tokens'] : []),
    ...(zone.allow_passwd_auth ? ['allow-passwd-auth'] : []),
    ...(zone.auto_create ? ['auto-create'] : []),
    ...(zone.http ? ['http'] : []),
  ]
}

/** An account a line, its tokens below it. */
export function accountsTable(accounts: readonly ZoneAccountInfo[]): string {
  return formatTable(
    ['Login', 'Password', 'Manages itself', 'Token', 'Modified', 'Comment'],
    accounts.flatMap(({ login, password, allow_passwd_auth, tokens }) => {
      const yesNo = [password, allow_passwd_auth].map((one) => (one ? 'yes' : 'no'))
      const [first, ...rest] = tokens.map(({ ident, comment, modified_at }) => [
        ident,
        formatTime(modified_at),
        comment,
      ])
      return [
        [login, ...yesNo, ...(first ?? ['', '', ''])],
        ...rest.map((row) => ['', '', '', ...row]),
      ]
    }),
  )
}
