/** `sreg zone`: zones, and the accounts in them. A new token stands alone on standard output. */
import { type RequestOf, STATUS, type ZoneResponse } from '@secreg/protocol'
import { confirm } from '../confirm.ts'
import type { Context } from '../context.ts'
import { parseDuration } from '../duration.ts'
import { CliError } from '../errors.ts'
import { withHints } from '../hints.ts'
import { readSecrets } from '../secrets.ts'
import { assertSecret } from '../shown-secret.ts'
import { requestOfSwitches } from '../zone-switches.ts'
import { accountsTable, zonesTable } from '../zone-tables.ts'

type ZoneRequest = RequestOf<'zone'>

const PASSWORD = { question: 'Password', again: 'Password again' } as const
/** Stands for all zones. */
const ALL = '*'
const HINTS = {
  NOT_FOUND: 'run: sreg zone list, or: sreg zone accounts ZONE',
  USER_NOT_FOUND: 'run: sreg zone accounts ZONE',
  ALREADY_EXISTS: 'run: sreg zone list, or: sreg zone accounts ZONE',
  USER_EXISTS: 'run: sreg zone accounts ZONE',
  IN_USE: '"sreg policy list" shows the policies; one of them names it',
}
/** Of what changes the zone itself. */
const ZONE_HINTS = {
  ...HINTS,
  ZONE_REFUSED:
    '"sreg zone list" shows which zones the configuration file has: it alone changes those',
}

export async function run(context: Context): Promise<number> {
  const request = await requestOf(context)
  const ofZone = request.op === 'add' || request.op === 'set' || request.op === 'remove'
  const answer = await withHints(ofZone ? ZONE_HINTS : HINTS, () =>
    context.withRegistry('needed', (registry) => registry.zone(request)),
  )
  switch (request.op) {
    case 'list':
      return await show(context, { zones: answer.zones ?? [] }, () =>
        zonesTable(answer.zones ?? []),
      )
    case 'accounts':
      return await show(context, { accounts: answer.accounts ?? [] }, () =>
        accountsTable(answer.accounts ?? [], request.zone === undefined),
      )
    case 'create-token':
    case 'create-temp':
      return await showToken(context, answer)
    case 'check': {
      const matches = answer.matches === true
      const code = matches ? STATUS.Success : STATUS.AuthFailed
      context.io.brokenPipeCode = code
      await context.print({ matches }, () => (matches ? 'matches' : 'does not match'))
      return code
    }
    default:
      return await show(context, { success: true }, () => '')
  }
}

async function show(context: Context, value: object, lines: () => string): Promise<number> {
  await context.print(value, lines)
  return STATUS.Success
}

async function showToken(context: Context, { secret, ident }: ZoneResponse): Promise<number> {
  assertSecret(secret)
  await context.print({ ...(ident === undefined ? {} : { ident }), secret }, () => secret)
  await context.note(`the token ${ident ?? ''}`.trimEnd().concat(' is shown this once'))
  return STATUS.Success
}

async function requestOf(context: Context): Promise<ZoneRequest> {
  const op = context.invocation.subcommand ?? 'list'
  const [zone, login, third] = [0, 1, 2].map((index) => context.operand(index)) as [
    string,
    string,
    string,
  ]
  const comment = context.text('comment')
  const commented = comment === undefined ? {} : { comment }
  switch (op) {
    case 'add':
    case 'set':
      return requestOfSwitches(context, op, zone)
    case 'remove':
      await confirm(context, `The zone ${zone} is removed with all its accounts and tokens`)
      return { op, zone }
    case 'accounts':
      return accountsOf(zone, login)
    case 'delete-account':
      if (zone === ALL) await confirm(context, `The account ${login} is removed in all zones`)
      return { op, zone, login }
    case 'create-account':
    case 'delete-password':
      return { op, zone, login }
    case 'create-token':
      return { op, zone, login, ...commented }
    case 'change-token':
      return { op, zone, login, ident: third, ...commented }
    case 'delete-token':
      return { op, zone, login, ident: third }
    case 'set-password': {
      const [password = ''] = await readSecrets(context, [PASSWORD])
      return { op, zone, login, password }
    }
    case 'check': {
      const [password = ''] = await readSecrets(context, [{ question: 'Password or token' }])
      return { op, zone, login, password }
    }
    case 'create-temp':
      return { op, zone, login, validity_s: validityOf(third) }
    case 'allow-password':
      return { op, zone, login, allow: third === 'on' }
    default:
      return { op: 'list' }
  }
}

function accountsOf(zone: string, login: string): ZoneRequest {
  if (zone !== ALL) return { op: 'accounts', zone, ...(login === '' ? {} : { login }) }
  if (login !== '') return { op: 'accounts', login }
  throw new CliError('INVALID_ARGUMENT', '<login> is missing: of all zones, it lists one login')
}

function validityOf(text: string): number {
  const seconds = parseDuration(text, '<validity>')
  if (seconds > 0) return seconds
  throw new CliError('INVALID_ARGUMENT', '<validity> must not be 0', 'use 90s 15m 1h 7d 2w')
}
