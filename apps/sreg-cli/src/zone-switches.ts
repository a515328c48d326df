/** The switches of a zone as options. */
import type { RequestOf } from '@secreg/protocol'
import type { Context } from './context.ts'
import { CliError } from './errors.ts'
import { parseUids } from './name-lists.ts'

type Settings = Extract<RequestOf<'zone'>, { op: 'set' }>

/** Members of the request that a switch sets, and one with `no-` before it takes back. */
const SWITCHES = {
  'allow-passwd': 'allow_passwd',
  'allow-tokens': 'allow_tokens',
  'allow-passwd-auth': 'allow_passwd_auth',
  'auto-create': 'auto_create',
  http: 'http',
} as const

/**
 * The request that adds a zone, or changes what is named.
 *
 * @throws CliError `INVALID_ARGUMENT` when nothing is to be changed, or two options exclude each other
 */
export function requestOfSwitches(
  context: Context,
  op: 'add' | 'set',
  zone: string,
): RequestOf<'zone'> {
  const settings: Partial<Settings> = {}
  for (const [name, member] of Object.entries(SWITCHES)) {
    const [on, off] = [context.flag(name), context.flag(`no-${name}`)]
    if (on && off) {
      throw new CliError('INVALID_ARGUMENT', `--${name} and --no-${name} exclude each other`)
    }
    if (on || off) settings[member] = on
  }
  const description = context.text('description')
  if (description !== undefined) settings.description = description
  const validity = context.seconds('max-temp-validity')
  if (validity !== undefined) settings.max_temp_validity_s = validity
  const uids = context.text('trusted-uids')
  if (uids !== undefined)
    settings.trusted_uids = uids === 'none' ? [] : parseUids(uids, '--trusted-uids')
  if (op === 'set' && Object.keys(settings).length === 0) {
    throw new CliError('INVALID_ARGUMENT', 'what to set is missing', 'run: sreg help zone set')
  }
  return { ...settings, op, zone }
}
