/** `sreg policy`: what policies there are, what follows from them, and changing them. */
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { withHints } from '../hints.ts'
import { changePolicy, showChange } from '../policy/change-policy.ts'
import { abilities, explain, grants, lint, trial } from '../policy/decisions.ts'
import { documentOf, foreignDocumentOf, get, list } from '../policy/documents.ts'

const HINTS = {
  NOT_FOUND: 'run: sreg policy list',
  USER_NOT_FOUND: 'run: sreg user list',
  VERSION_CONFLICT:
    'somebody else changed it: "sreg policy list" tells its revision; look at it again',
  VALUE_TOO_LARGE: 'make several policies of it',
}

export async function run(context: Context): Promise<number> {
  return await withHints(HINTS, () => runOne(context))
}

async function runOne(context: Context): Promise<number> {
  switch (context.invocation.subcommand) {
    case 'get':
      return get(context)
    case 'set':
      return changePolicy(context, await documentOf(context, context.operand(0)))
    case 'import':
      return changePolicy(context, await foreignDocumentOf(context))
    case 'delete':
      return changePolicy(context, { policy: context.operand(0) })
    case 'diff':
      return difference(context)
    case 'test':
      return trial(context)
    case 'explain':
      return explain(context)
    case 'who-can':
      return grants(context)
    case 'what-can':
      return abilities(context)
    case 'lint':
      return lint(context)
    default:
      return list(context)
  }
}

async function difference(context: Context): Promise<number> {
  const [source] = context.invocation.operands
  const policy = context.text('delete')
  if (source !== undefined && policy === undefined) {
    return showChange(context, await documentOf(context, source))
  }
  if (source === undefined && policy !== undefined) return showChange(context, { policy })
  throw new CliError(
    'INVALID_ARGUMENT',
    'give a file, or --delete ID',
    'run: sreg help policy diff',
  )
}
