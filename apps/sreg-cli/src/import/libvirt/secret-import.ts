/**
 * One secret of libvirt's directory into the registry. What is there already and equal is passed over, so that an import
 * can be repeated; what differs is written over with `--force` only.
 */
import type { SecretDefinition, SecretUsage } from '@secreg/libvirt'
import { type Path, SecregError } from '@secreg/protocol'
import { conflict, type Problem, problemOf } from './failures.ts'
import type { SecretThere } from './read-directory.ts'
import type { Kept, SecretHere } from './secret-here.ts'

/** What of a secret is written. */
export type Part = 'definition' | 'use' | 'description' | 'private' | 'ephemeral' | 'value'

/** What became of a secret; of a dry run, what would. */
export interface SecretOutcome {
  readonly uuid: string
  readonly key: Path
  readonly usage: SecretUsage
  /** `undefined` when nothing was written, since there is a problem. */
  readonly change: 'create' | 'update' | 'same' | undefined
  /** What was written. */
  readonly parts: readonly Part[]
  readonly problem: Problem | undefined
}

export interface SecretImportOptions {
  readonly force: boolean
  readonly dryRun: boolean
}

interface Plan {
  readonly isNew: boolean
  readonly definition: readonly Part[]
  readonly value: boolean
}

/**
 * Import it.
 *
 * @throws what is not about this secret alone; what was done stays done, and the next import goes on from there
 */
export async function importSecret(
  here: SecretHere,
  there: SecretThere,
  options: SecretImportOptions,
): Promise<SecretOutcome> {
  const { definition } = there
  const outcome = (change: SecretOutcome['change'], parts: readonly Part[], problem?: Problem) => ({
    uuid: definition.uuid,
    key: here.key,
    usage: definition.usage,
    change,
    parts,
    problem,
  })
  let plan: Plan | Problem
  try {
    plan = await planOf(here, there, options)
  } catch (error) {
    plan = problemOf(error)
  }
  if ('reason' in plan) return outcome(undefined, [], plan)
  const { parts, problem } = await carryOut(here, there, plan, options)
  if (parts.length === 0) return outcome(problem === undefined ? 'same' : undefined, [], problem)
  return outcome(plan.isNew ? 'create' : 'update', parts, problem)
}

async function planOf(
  here: SecretHere,
  { definition, value }: SecretThere,
  { force }: SecretImportOptions,
): Promise<Plan | Problem> {
  const refusal = here.refusalOf(definition)
  if (refusal !== undefined) return refusal
  const kept = await here.kept()
  if (kept === undefined) {
    const taken = await takenUse(here, definition)
    return taken ?? { isNew: true, definition: ['definition'], value: value !== undefined }
  }
  const fixed = fixedDifference(kept, definition, value)
  if (fixed !== undefined) return fixed
  const differing = differencesOf(kept.definition, definition)
  const values = await compareValues(here, kept, value, force)
  if (typeof values !== 'string') return values
  const overwritten = values === 'other' ? [...differing, 'value'] : differing
  if (overwritten.length > 0 && !force) {
    return conflict(`another ${overwritten.join(', ')} here; --force overwrites`)
  }
  const taken = differing.includes('use') ? await takenUse(here, definition) : undefined
  return taken ?? { isNew: false, definition: differing, value: values !== 'same' }
}

/** Why what is here cannot become what is there (rules of libvirt itself). */
function fixedDifference(
  { definition: kept, hasValue }: Kept,
  { usage, private: isPrivate }: SecretDefinition,
  value: Uint8Array | undefined,
): Problem | undefined {
  if (kept.usage.id !== usage.id) {
    return conflict(`here it is for ${textOfUsage(kept.usage)}, which does not change`)
  }
  if (kept.private && !isPrivate) return conflict('it is private here, and stays so')
  if (hasValue && value === undefined) return conflict('it has a value here, and none there')
  return undefined
}

function differencesOf(kept: Kept['definition'], definition: SecretDefinition): Part[] {
  const parts: Part[] = []
  if (kept.usage.type !== definition.usage.type) parts.push('use')
  if (kept.description !== definition.description) parts.push('description')
  if (kept.private !== definition.private) parts.push('private')
  if (kept.ephemeral !== definition.ephemeral) parts.push('ephemeral')
  return parts
}

async function compareValues(
  here: SecretHere,
  { hasValue }: Kept,
  value: Uint8Array | undefined,
  force: boolean,
): Promise<'same' | 'missing' | 'other' | Problem> {
  if (value === undefined) return 'same'
  if (!hasValue) return 'missing'
  try {
    return (await here.holds(value)) ? 'same' : 'other'
  } catch (error) {
    // Who may write and not read cannot tell whether they are equal.
    if (!SecregError.is(error) || error.reason !== 'ACCESS_DENIED') throw error
    if (force) return 'other'
    const message = 'its value here may not be read, to compare it; --force overwrites'
    return { reason: error.reason, message }
  }
}

async function takenUse(
  here: SecretHere,
  { usage }: SecretDefinition,
): Promise<Problem | undefined> {
  const holder = await here.holderOf(usage)
  return holder === undefined ? undefined : conflict(`${holder} here has its use`)
}

async function carryOut(
  here: SecretHere,
  { definition, value }: SecretThere,
  plan: Plan,
  { dryRun }: SecretImportOptions,
): Promise<{ readonly parts: readonly Part[]; readonly problem?: Problem }> {
  const parts: Part[] = []
  try {
    if (plan.definition.length > 0) {
      if (!dryRun) await here.define(definition)
      parts.push(...plan.definition)
    }
    if (plan.value && value !== undefined) {
      if (!dryRun) await here.setValue(value)
      parts.push('value')
    }
    return { parts }
  } catch (error) {
    const { reason, message } = problemOf(error)
    const where = parts.length === 0 ? '' : 'its definition was written, its value was not: '
    return { parts, problem: { reason, message: `${where}${message}` } }
  }
}

/** What a secret is for, for people. */
export function textOfUsage({ type, id }: SecretUsage): string {
  return type === 'none' ? 'nothing' : `${type} ${JSON.stringify(id)}`
}
