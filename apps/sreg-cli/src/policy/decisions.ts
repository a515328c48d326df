/** `sreg policy test`, `explain`, `who-can`, `what-can` and `lint`: what follows from policies. */
import { type DecisionInfo, type RequestOf, STATUS } from '@secreg/protocol'
import type { Context } from '../context.ts'
import { CliError } from '../errors.ts'
import { formatTable } from '../table.ts'
import { asIfOf, whoseOf, whoText } from './as-if.ts'
import { askPolicy, INCOMPLETE } from './change-policy.ts'
import { checkLocally, placed } from './check-locally.ts'
import { documentOf } from './documents.ts'
import { readDocument } from './policy-file.ts'
import { abilitiesTable, decisionLines, findingsTable, grantsTable } from './tables.ts'
import { readTrials } from './trials.ts'

type Trial = Extract<RequestOf<'policy'>, { op: 'test' }>['requests'][number]
type Action = Extract<RequestOf<'policy'>, { op: 'explain' }>['action']

/** What is asked about: `ACTION PATH`. */
function subjectOf(context: Context): { readonly action: Action; readonly resource: string } {
  return { action: context.operand(0), resource: context.operand(1) }
}

export async function explain(context: Context): Promise<number> {
  const { action, resource } = subjectOf(context)
  const whose = whoseOf(context)
  const { decisions: [decision] = [] } = await askPolicy(context, {
    op: 'explain',
    ...whose,
    action,
    resource,
    ...asIfOf(context),
  })
  if (decision === undefined) throw new CliError('INTERNAL', 'the daemon gave no decision')
  await context.print(decision, () => decisionLines(whoText(whose), action, resource, decision))
  const fails = context.flag('exit-code') && decision.decision !== 'allow'
  return fails ? STATUS.AccessDenied : STATUS.Success
}

export async function grants(context: Context): Promise<number> {
  const { grants: found = [], complete = true } = await askPolicy(context, {
    op: 'who-can',
    ...subjectOf(context),
    ...asIfOf(context),
  })
  await context.print({ grants: found, complete }, () =>
    found.length === 0 ? 'nobody' : grantsTable(found),
  )
  if (!complete) await context.note(INCOMPLETE)
  return STATUS.Success
}

export async function abilities(context: Context): Promise<number> {
  const [user] = context.invocation.operands
  const { abilities: found = [] } = await askPolicy(context, {
    op: 'what-can',
    ...whoseOf(context, user),
    ...asIfOf(context),
  })
  await context.print({ abilities: found }, () =>
    found.length === 0 ? 'nothing' : abilitiesTable(found),
  )
  return STATUS.Success
}

export async function lint(context: Context): Promise<number> {
  const [source] = context.invocation.operands
  const file = source === undefined ? undefined : await documentOf(context, source)
  const document = file === undefined ? {} : { document: file.document }
  const { findings = [] } = await placed(file?.mistake, () =>
    askPolicy(context, { op: 'lint', ...document }),
  )
  await context.print({ findings }, () =>
    findings.length === 0 ? 'nothing found' : findingsTable(findings),
  )
  const warned = findings.some(({ severity }) => severity !== 'info')
  return context.flag('exit-code') && warned ? STATUS.InvalidArgument : STATUS.Success
}

/** The answer is the result, whatever it is; the exit code tells whether it is as expected. */
export async function trial(context: Context): Promise<number> {
  const file = await readDocument(context, context.operand(0))
  const request = readTrials(file, context.io.now())
  await checkLocally(request.documents ?? [], (pointer, message) =>
    file.mistake(`/documents${pointer}`, message),
  )
  const { decisions = [] } = await askPolicy(context, request)
  const { requests } = request
  if (decisions.length !== requests.length) {
    throw new CliError('INTERNAL', 'the daemon has not answered every request')
  }
  const wrong = decisions.filter(({ as_expected }) => as_expected === false).length
  await context.print({ ok: wrong === 0, decisions }, () => trialsTable(requests, decisions))
  if (wrong > 0) await context.note(`${wrong} of ${requests.length} not as expected`)
  return wrong === 0 ? STATUS.Success : STATUS.InvalidArgument
}

function trialsTable(requests: readonly Trial[], decisions: readonly DecisionInfo[]): string {
  return formatTable(
    ['As expected', 'Who', 'Action', 'Resource', 'Decision', 'Why'],
    decisions.map(({ decision, reason, rules, as_expected }, index) => {
      const asked = requests[index]
      const applying = rules.filter(({ applies }) => applies).map(({ rule }) => rule)
      return [
        as_expected === undefined ? '-' : as_expected ? 'yes' : 'NO',
        whoText(asked ?? {}),
        asked?.action ?? '',
        asked?.resource ?? '',
        decision,
        applying.length === 0 ? reason : `${reason}: ${applying.join(', ')}`,
      ]
    }),
  )
}
