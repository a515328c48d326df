/** Zones and their accounts, for people. */
import type { ZoneAccountInfo, ZoneInfo } from '@secreg/protocol'
import { formatDuration, formatTime } from './format.ts'
import { formatTable } from './table.ts'

export function zonesTable(zones: readonly ZoneInfo[]): string {
  return formatTable(
    ['Zone', 'Switches', 'Temporary tokens', 'Trusted users', 'Configuration', 'Description'],
    zones.map((zone) => [
      zone.zone,
      switchesOf(zone).join(', '),
      zone.max_temp_validity_s === 0
        ? 'none'
        : `at most ${formatDuration(zone.max_temp_validity_s)}`,
      zone.trusted_uids?.join(' ') ?? '',
      zone.configured === true ? 'file' : '',
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

/**
 * An account a line, its tokens below it.
 *
 * @param ofZones - they are of several zones, which a first column names
 */
export function accountsTable(accounts: readonly ZoneAccountInfo[], ofZones: boolean): string {
  const heading = ['Login', 'Password', 'Manages itself', 'Token', 'Modified', 'Comment']
  return formatTable(
    ofZones ? ['Zone', ...heading] : heading,
    accounts.flatMap((account) => {
      const { zone, login, allow_passwd_auth, tokens } = account
      const names = ofZones ? [zone, login] : [login]
      const row = [...names, passwordOf(account), allow_passwd_auth ? 'yes' : 'no']
      const [first, ...rest] = tokens.map(({ ident, comment, modified_at }) => [
        ident,
        formatTime(modified_at),
        comment,
      ])
      return [
        [...row, ...(first ?? ['', '', ''])],
        ...rest.map((token) => [...row.map(() => ''), ...token]),
      ]
    }),
  )
}

/** When it was set, as far as that is told. */
function passwordOf({ password, password_modified_at }: ZoneAccountInfo): string {
  if (!password) return 'no'
  return password_modified_at === undefined ? 'yes' : formatTime(password_modified_at)
}
