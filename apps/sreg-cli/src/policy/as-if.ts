/** Whose rights are asked about, and as which request: the options, and their members in a file of trials. */
import type { RequestOf } from '@secreg/protocol'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { parseTime } from '../time-form.ts'

type Explain = Extract<RequestOf<'policy'>, { op: 'explain' }>

/** What is known of a request beside who, what and which. */
export type AsIf = NonNullable<Explain['context']>

/** Whose rights. */
export type Whose = Pick<Explain, 'user' | 'principals'>

/** The options `--ip`, `--mfa`, `--no-mfa`, `--door`, `--proof`, `--purpose`, `--usage`, `--time`. */
export function asIfOf(context: Context): { readonly context?: AsIf } {
  const [mfa, noMfa] = [context.flag('mfa'), context.flag('no-mfa')]
  if (mfa && noMfa) {
    throw new CliError('INVALID_ARGUMENT', '--mfa and --no-mfa exclude each other')
  }
  const [ip, door, purpose] = ['ip', 'door', 'purpose'].map((name) => context.text(name))
  const proof = context.text('proof') as AsIf['proof']
  const usage = context.text('usage')
  const time = context.text('time')
  const asIf: AsIf = {
    ...(ip === undefined ? {} : { ip }),
    ...(mfa || noMfa ? { mfa } : {}),
    ...(door === undefined ? {} : { door }),
    ...(proof === undefined ? {} : { proof }),
    ...(purpose === undefined ? {} : { purpose }),
    ...(usage === undefined ? {} : { usage: parseUsage(usage) }),
    ...(time === undefined ? {} : { time_ms: parseTime(time, context.io.now()) }),
  }
  return Object.keys(asIf).length === 0 ? {} : { context: asIf }
}

/** What an entry is for: `none`, or a type and an id such as `volume:/dev/vg/a`. */
export function parseUsage(text: string): NonNullable<AsIf['usage']> {
  const colon = text.indexOf(':')
  return colon === -1 ? { type: text } : { type: text.slice(0, colon), id: text.slice(colon + 1) }
}

/**
 * The options `--user` and `--principal`.
 *
 * @param user - as an operand instead
 * @throws CliError `INVALID_ARGUMENT` for both
 */
export function whoseOf(context: Context, user: string | undefined = context.text('user')): Whose {
  const principals = context.texts('principal')
  if (user !== undefined && principals.length > 0) {
    throw new CliError('INVALID_ARGUMENT', 'give an account or --principal, not both')
  }
  return {
    ...(user === undefined ? {} : { user }),
    ...(principals.length === 0 ? {} : { principals: [...new Set(principals)] }),
  }
}

/** Whose rights, for people. */
export function whoText({ user, principals }: Whose): string {
  return user ?? principals?.join(', ') ?? 'You'
}
