/** Changes a policy: shows what would be decided otherwise, asks on a terminal, and sends it. */
import { type PolicyResponse, type RequestOf, SecregError, STATUS } from '@secreg/protocol'
import { confirmOnTerminal } from '../confirm.ts'
import { type Context, LONG_TIMEOUT_MS } from '../context.ts'
import { printable } from '../escape.ts'
import { isInteractive } from '../secrets.ts'
import { type Mistake, placed } from './check-locally.ts'
import type { Document } from './policy-file.ts'
import { policyChangesTable } from './tables.ts'

/** A document to set, with what tells where it is wrong. */
export interface SetPolicy {
  readonly document: Document
  readonly mistake: Mistake
}

/** A document to set, or a policy to delete. */
export type PolicyChange = SetPolicy | { readonly policy: string }

/** Send a request about policies. */
export function askPolicy(context: Context, request: RequestOf<'policy'>): Promise<PolicyResponse> {
  return context.withRegistry('needed', (registry) =>
    registry.policy(request, { timeoutMs: LONG_TIMEOUT_MS }),
  )
}

/** What would be decided otherwise, as lines. */
export function changeLines({ changes = [] }: PolicyResponse): string {
  return changes.length === 0 ? 'nothing would be decided otherwise' : policyChangesTable(changes)
}

/** Show what a change would change. */
export async function showChange(context: Context, change: PolicyChange): Promise<number> {
  const answer = await diffOf(context, change)
  const { changes = [], complete = true } = answer
  await context.print({ changes, complete }, () => changeLines(answer))
  if (!complete) await context.note(INCOMPLETE)
  return STATUS.Success
}

function diffOf(context: Context, change: PolicyChange): Promise<PolicyResponse> {
  const subject = 'document' in change ? { document: change.document } : change
  return placed(mistakeOf(change), () => askPolicy(context, { op: 'diff', ...subject }))
}

function mistakeOf(change: PolicyChange): Mistake | undefined {
  return 'document' in change ? change.mistake : undefined
}

/** Said where an answer is not complete. */
export const INCOMPLETE: string = 'there may be more: not everything could be looked at'

/** Change it, or only show what would change with `--dry-run`. */
export async function changePolicy(context: Context, change: PolicyChange): Promise<number> {
  if (context.flag('dry-run')) return showChange(context, change)
  let ifRevision = context.whole('if-revision', 0)
  if (isInteractive(context) && !context.flag('yes')) {
    // What is changed is what was shown.
    ifRevision ??= await revisionOf(context, change)
    await confirmOnTerminal(context, await question(context, change))
  }
  const condition = ifRevision === undefined ? {} : { if_revision: ifRevision }
  const request: RequestOf<'policy'> =
    'document' in change
      ? { op: 'set', document: change.document, ...condition }
      : { op: 'delete', policy: change.policy, ...condition }
  const { revision } = await placed(mistakeOf(change), () => askPolicy(context, request))
  await context.print({ success: true, revision }, () => '')
  if (context.verbose) await context.note(`revision ${revision}`)
  return STATUS.Success
}

const idOf = (change: PolicyChange): string =>
  'document' in change ? String(change.document['id']) : change.policy

async function question(context: Context, change: PolicyChange): Promise<string> {
  const what = 'document' in change ? 'put in force' : 'taken out of force'
  const id = printable(idOf(change))
  const shown = await readable(() => diffOf(context, change))
  if (shown === undefined)
    return `What would change cannot be shown: you may not read policies.\nThe policy ${id} is ${what}.`
  const more = shown.complete === false ? `\n${INCOMPLETE}` : ''
  return `${changeLines(shown)}${more}\nThe policy ${id} is ${what}.`
}

/** Revision of the policy that is changed; 0: there is none. */
async function revisionOf(context: Context, change: PolicyChange): Promise<number | undefined> {
  try {
    const found = await readable(() => askPolicy(context, { op: 'get', policy: idOf(change) }))
    return found?.revision
  } catch (error) {
    if (SecregError.is(error) && error.reason === 'NOT_FOUND' && 'document' in change) return 0
    throw error
  }
}

/** What only who may read policies is told; who may change them need not be one of these. */
async function readable(ask: () => Promise<PolicyResponse>): Promise<PolicyResponse | undefined> {
  try {
    return await ask()
  } catch (error) {
    if (SecregError.is(error) && error.reason === 'ACCESS_DENIED') return undefined
    throw error
  }
}
