/** `sreg group` and `sreg role`: names that accounts have and policies speak of. */
import { type GroupInfo, isRoleName, type RequestOf } from '@secreg/protocol'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { formatTime } from '../format.ts'
import { withHints } from '../hints.ts'
import { formatPairs, formatTable } from '../table.ts'

type Kind = GroupRequest['kind']
type GroupRequest = RequestOf<'group'>

export async function run(context: Context): Promise<undefined> {
  const kind: Kind = context.invocation.command === 'role' ? 'role' : 'group'
  const request = requestOf(context, kind)
  const hints = {
    NOT_FOUND: `run: sreg ${kind} list`,
    USER_NOT_FOUND: 'run: sreg user list',
    ALREADY_EXISTS: `run: sreg ${kind} list`,
    IN_USE: `"sreg ${kind} show NAME" tells which policies name it`,
  }
  const { groups } = await withHints(hints, () =>
    context.withRegistry('needed', (registry) => registry.group(request)),
  )
  const shown = request.op === 'list' || request.op === 'show'
  await context.print(shown ? { [`${kind}s`]: groups } : { success: true }, () => {
    if (request.op === 'list') return groupsTable(kind, groups)
    return request.op === 'show' ? groups.map((one) => groupLines(kind, one)).join('\n\n') : ''
  })
}

function requestOf(context: Context, kind: Kind): GroupRequest {
  const { subcommand: op } = context.invocation
  if (op === undefined || op === 'list') return { op: 'list', kind }
  const [name, value] = [context.operand(0), context.operand(1)]
  if (!isRoleName(name)) {
    throw new CliError(
      'INVALID_ARGUMENT',
      `that cannot be the name of a ${kind}`,
      'a name is a small letter, then small letters, digits, "-" and "_"; at most 32',
    )
  }
  switch (op) {
    case 'add': {
      const description = context.text('description')
      return { op, kind, name, ...(description === undefined ? {} : { description }) }
    }
    case 'describe':
      return { op, kind, name, description: value }
    case 'join':
    case 'leave':
      return { op, kind, name, user: value }
    case 'remove':
      return { op, kind, name }
    default:
      return { op: 'show', kind, name }
  }
}

const titleOf = (kind: Kind): string => (kind === 'role' ? 'Role' : 'Group')

function groupsTable(kind: Kind, groups: readonly GroupInfo[]): string {
  return formatTable(
    [titleOf(kind), 'Members', 'Policies', 'Description'],
    groups.map(({ name, members, policies, description, built_in }) => [
      name,
      String(members.length),
      policies.join(', '),
      description ?? (built_in === true ? '(built in)' : ''),
    ]),
  )
}

function groupLines(kind: Kind, group: GroupInfo): string {
  return formatPairs([
    [titleOf(kind), group.name],
    ['Description', group.description],
    ['Built in', group.built_in === true ? 'yes' : undefined],
    ['Members', group.members.join(', ')],
    ['Policies', group.policies.join(', ')],
    ['Created', group.created_at === undefined ? undefined : formatTime(group.created_at)],
  ])
}
