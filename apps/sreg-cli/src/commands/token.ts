/** `sreg token list|create|revoke`. A new token stands alone on standard output. */
import type { RegistryConnection } from '@secreg/client'
import type { RequestOf, TokenInfo } from '@secreg/protocol'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { formatTime } from '../format.ts'
import { withHints } from '../hints.ts'
import { assertSecret } from '../shown-secret.ts'
import { formatTable } from '../table.ts'
import { listUsers } from './user.ts'

type Creation = Extract<RequestOf<'token'>, { op: 'create' }>

const HINTS = {
  NOT_FOUND: 'run: sreg token list',
  USER_NOT_FOUND: 'run: sreg user list',
}
const NO_POLICY = { NOT_FOUND: 'run: sreg policy list' }

export async function run(context: Context): Promise<undefined> {
  await withHints(HINTS, () => {
    switch (context.invocation.subcommand) {
      case 'create':
        return withHints(NO_POLICY, () => create(context, creationOf(context)))
      case 'revoke':
        return revoke(context)
      default:
        return list(context)
    }
  })
}

async function create(context: Context, request: Creation): Promise<void> {
  const { tokens, secret } = await context.withRegistry('needed', (registry) =>
    registry.token(request),
  )
  const [token] = tokens
  assertSecret(secret)
  await context.print({ token, secret }, () => secret)
  if (token === undefined) return
  const ends =
    token.expires_at === undefined ? 'never expires' : `expires ${formatTime(token.expires_at)}`
  await context.note(`the token ${token.token} is shown this once; it ${ends}`)
}

function creationOf(context: Context): Creation {
  const [boundary, full] = [context.texts('boundary'), context.flag('full')]
  if (boundary.length > 0 === full) {
    throw new CliError(
      'INVALID_ARGUMENT',
      full ? 'give one of --boundary and --full' : 'what the token is good for is missing',
      'give --boundary POLICY, or --full: whatever its owner may',
    )
  }
  const [user, label] = [context.text('user'), context.text('label')]
  const expires = context.seconds('expires')
  if (expires === 0) {
    throw new CliError(
      'INVALID_ARGUMENT',
      '--expires must not be 0',
      'leave it out: it never expires',
    )
  }
  const uses = context.whole('uses', 1, 1_000_000_000)
  return {
    op: 'create',
    boundary: full ? 'full' : [...new Set(boundary)],
    ...(user === undefined ? {} : { user }),
    ...(label === undefined ? {} : { label }),
    ...(expires === undefined ? {} : { expires_in_s: expires }),
    ...(uses === undefined ? {} : { uses }),
  }
}

async function revoke(context: Context): Promise<void> {
  await context.withRegistry('needed', (registry) =>
    registry.token({ op: 'revoke', token: context.operand(0) }),
  )
  await context.print({ success: true }, () => '')
}

async function list(context: Context): Promise<void> {
  const [user, all] = [context.text('user'), context.flag('all')]
  if (user !== undefined && all) {
    throw new CliError('INVALID_ARGUMENT', 'give one of --user and --all')
  }
  const tokens = await context.withRegistry('needed', (registry) =>
    all ? listAll(registry) : listOf(registry, user),
  )
  await context.print({ tokens }, () => tokensTable(tokens))
}

async function listOf(registry: RegistryConnection, user?: string): Promise<readonly TokenInfo[]> {
  const { tokens } = await registry.token({ op: 'list', ...(user === undefined ? {} : { user }) })
  return tokens
}

async function listAll(registry: RegistryConnection): Promise<readonly TokenInfo[]> {
  const tokens: TokenInfo[] = []
  for (const { user, tokens: count } of await listUsers(registry)) {
    if (count > 0) tokens.push(...(await listOf(registry, user)))
  }
  return tokens
}

function tokensTable(tokens: readonly TokenInfo[]): string {
  return formatTable(
    ['Token', 'User', 'Good for', 'Uses left', 'Created', 'Expires', 'Label'],
    tokens.map((token) => [
      token.token,
      token.user,
      token.boundary === 'full' ? 'everything' : token.boundary.join(', '),
      token.uses_left === undefined ? '' : String(token.uses_left),
      formatTime(token.created_at),
      token.expires_at === undefined ? 'never' : formatTime(token.expires_at),
      token.label ?? '',
    ]),
  )
}
