/** `sreg user`: administration of accounts. */
import { ROLES, type Role, type UserInfo } from '@secreg/protocol'
import { closest } from '../closest.ts'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { formatTime } from '../format.ts'
import { readSecrets } from '../secrets.ts'
import { formatTable } from '../table.ts'

const PASSWORD = { question: 'Password', again: 'Password again' } as const

export async function run(context: Context): Promise<undefined> {
  const { subcommand } = context.invocation
  const request = await requestOf(context, subcommand ?? 'list')
  const answer = await context.withRegistry('needed', (registry) => registry.user(request))
  const shown = subcommand === 'list' || subcommand === 'show'
  await context.print(shown ? { users: answer.users ?? [] } : { success: true }, () =>
    shown ? usersTable(answer.users ?? []) : '',
  )
}

type UserRequest = Parameters<Parameters<Parameters<Context['withRegistry']>[1]>[0]['user']>[0]

async function requestOf(context: Context, op: string): Promise<UserRequest> {
  const user = context.operand(0)
  switch (op) {
    case 'add': {
      const given = context.text('roles')
      const roles = given === undefined ? undefined : rolesOf(given)
      const [password = ''] = await readSecrets(context, [PASSWORD])
      return { op, user, password, ...(roles === undefined ? {} : { roles }) }
    }
    case 'password': {
      const [password = ''] = await readSecrets(context, [PASSWORD])
      return { op, user, password }
    }
    case 'roles':
      return { op, user, roles: rolesOf(context.operand(1)) }
    case 'show':
    case 'remove':
    case 'enable':
    case 'disable':
      return { op, user }
    default:
      return { op: 'list' }
  }
}

function rolesOf(text: string): Role[] {
  const names = text.split(',').map((name) => name.trim())
  const roles = names.filter((name) => name !== '')
  const wrong = roles.find((name) => !(ROLES as readonly string[]).includes(name))
  if (wrong !== undefined) {
    const near = closest(wrong, ROLES)
    throw new CliError(
      'INVALID_ARGUMENT',
      `unknown role "${wrong}"${near === undefined ? '' : `; did you mean ${near}?`}`,
      `roles are ${ROLES.join(', ')}`,
    )
  }
  return [...new Set(roles)] as Role[]
}

function usersTable(users: readonly UserInfo[]): string {
  return formatTable(
    ['User', 'Roles', 'State', 'Created', 'Account'],
    users.map(({ user, roles, disabled, created_at, account }) => [
      user,
      roles.join(', '),
      disabled ? 'disabled' : 'enabled',
      formatTime(created_at),
      account,
    ]),
  )
}
