/** `sreg user`: administration of accounts. */
import type { RegistryConnection } from '@secreg/client'
import { type RequestOf, ROLES, SecregError, type UserInfo } from '@secreg/protocol'
import { closest } from '../closest.ts'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { printable } from '../escape.ts'
import { formatTime } from '../format.ts'
import { withHints } from '../hints.ts'
import { parseNames, parseUids } from '../name-lists.ts'
import { readPages } from '../read-pages.ts'
import { readSecrets } from '../secrets.ts'
import { formatPairs, formatTable } from '../table.ts'

type UserRequest = RequestOf<'user'>

const PASSWORD = { question: 'Password', again: 'Password again' } as const
const HINTS = {
  USER_NOT_FOUND: 'run: sreg user list',
  USER_EXISTS: 'choose another name, or see: sreg user show NAME',
  NOT_FOUND: 'run: sreg role list, sreg group list',
  LAST_ADMINISTRATOR: 'let somebody else administer first: sreg user roles NAME admin',
}

export async function run(context: Context): Promise<undefined> {
  const request = await requestOf(context)
  const users = await withHints(HINTS, () =>
    context
      .withRegistry('needed', (registry) => ask(registry, request))
      .catch((error) => Promise.reject(withClosestRole(error, request))),
  )
  const shown = request.op === 'list' || request.op === 'show'
  await context.print(shown ? { users } : { success: true }, () => {
    if (request.op === 'list') return usersTable(users)
    return request.op === 'show' ? users.map(userLines).join('\n\n') : ''
  })
}

async function ask(
  registry: RegistryConnection,
  request: UserRequest,
): Promise<readonly UserInfo[]> {
  if (request.op === 'list') return listUsers(registry)
  const { users = [] } = await registry.user(request)
  return users
}

/** All accounts. */
export function listUsers(registry: RegistryConnection): Promise<UserInfo[]> {
  return readPages(async (more) => {
    const { users = [], next } = await registry.user({ op: 'list', ...more })
    return { items: users, next }
  })
}

async function requestOf(context: Context): Promise<UserRequest> {
  const { subcommand: op } = context.invocation
  const [user, value] = [context.operand(0), context.operand(1)]
  switch (op) {
    case 'add':
      return addition(context, user)
    case 'rename':
      return { op, user, name: value }
    case 'roles':
      return { op, user, roles: parseNames(value, 'role') }
    case 'groups':
      return { op, user, groups: parseNames(value, 'group') }
    case 'uids':
      return { op, user, uids: parseUids(value, '<uids>') }
    case 'system':
      return { op, user, system: value === 'on' }
    case 'password': {
      const [password = ''] = await readSecrets(context, [PASSWORD])
      return { op, user, password }
    }
    case 'show':
    case 'remove':
    case 'enable':
    case 'disable':
    case 'revoke':
      return { op, user }
    default:
      return { op: 'list' }
  }
}

async function addition(context: Context, user: string): Promise<UserRequest> {
  const [roles, groups, uids] = ['roles', 'groups', 'uids'].map((name) => context.text(name))
  const [system, none] = [context.flag('system'), context.flag('no-password')]
  if (context.flag('password-stdin') && (system || none)) {
    const option = system ? '--system' : '--no-password'
    throw new CliError('INVALID_ARGUMENT', `with ${option} there is no password to read`)
  }
  const given = {
    ...(roles === undefined ? {} : { roles: parseNames(roles, 'role') }),
    ...(groups === undefined ? {} : { groups: parseNames(groups, 'group') }),
    ...(uids === undefined ? {} : { uids: parseUids(uids, '--uids') }),
    ...(system ? { system } : {}),
  }
  if (system || none) return { op: 'add', user, ...given }
  const [password = ''] = await readSecrets(context, [PASSWORD])
  return { op: 'add', user, password, ...given }
}

/** A role that is not known was probably meant to be one that every registry has. */
function withClosestRole(error: unknown, request: UserRequest): unknown {
  const roles = 'roles' in request ? (request.roles ?? []) : []
  if (!SecregError.is(error) || error.reason !== 'NOT_FOUND') return error
  const near = roles
    .filter((role) => !(ROLES as readonly string[]).includes(role))
    .map((role) => closest(role, ROLES))
    .find((role) => role !== undefined)
  if (near === undefined) return error
  const message = `${printable(error.message)}; did you mean ${near}?`
  return new CliError(error.reason, message, HINTS.NOT_FOUND, { cause: error })
}

const stateOf = ({ disabled }: UserInfo): string => (disabled ? 'disabled' : 'enabled')

/** How somebody comes to be this account. */
function waysIn({ system, password, mfa, uids, tokens }: UserInfo): string {
  return [
    ...(system ? ['system password'] : []),
    ...(password ? ['password'] : []),
    ...(mfa ? ['second factor'] : []),
    ...(uids.length === 0 ? [] : [`uid ${uids.join(' ')}`]),
    ...(tokens === 0 ? [] : [`${tokens} token${tokens === 1 ? '' : 's'}`]),
  ].join(', ')
}

function usersTable(users: readonly UserInfo[]): string {
  return formatTable(
    ['User', 'Roles', 'Groups', 'State', 'Ways in', 'Account'],
    users.map((user) => [
      user.user,
      user.roles.join(', '),
      user.groups.join(', '),
      stateOf(user),
      waysIn(user),
      user.account,
    ]),
  )
}

function userLines(user: UserInfo): string {
  return formatPairs([
    ['User', user.user],
    ['Account', user.account],
    ['Roles', user.roles.join(', ') || 'none'],
    ['Groups', user.groups.join(', ') || 'none'],
    ['State', stateOf(user)],
    ['Password', user.system ? "the system user's" : user.password ? 'yes' : 'no'],
    ['Second factor', user.mfa ? 'yes' : 'no'],
    ['Uids', user.uids.join(', ') || 'none'],
    ['Tokens', String(user.tokens)],
    ['Created', formatTime(user.created_at)],
    ['Modified', formatTime(user.modified_at)],
  ])
}
