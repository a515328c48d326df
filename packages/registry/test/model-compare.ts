/** What is compared between registry and model, and how a difference is told. */
import { isDeepStrictEqual } from 'node:util'
import { isStorageError } from '@secreg/storage'
import type { Line } from './fixture.ts'
import type { ModelRecord, Outcome } from './model.ts'
import { CALLERS } from './model-policy.ts'

const STORE_FAILURES = ['STORAGE_FULL', 'STORAGE_FAILED', 'OUTCOME_UNKNOWN']

/** Whether a fault is of those that the test makes, and not a damage. */
export function isInjected(fault: unknown): boolean {
  return isStorageError(fault) && fault.code !== 'ERR_STORAGE_CORRUPT'
}

export function isOfCaller({ body }: Line): boolean {
  const isCaller = (CALLERS as readonly string[]).includes(body.actor.user ?? '')
  return isCaller && body.action !== 'auth'
}

export const pathsOf = (line: Line): string[] => {
  if (line.body.action !== 'expire') throw new Error(`a record of ${line.body.action}`)
  return [...line.body.paths].sort()
}

export const pathsIn = ({ paths }: { readonly paths: readonly string[] }): string[] =>
  [...paths].sort()

/** Why the store refused, where it did. */
export function failureOf(outcome: Outcome): string | undefined {
  const isFailure = 'reason' in outcome && STORE_FAILURES.includes(outcome.reason)
  return isFailure ? outcome.reason : undefined
}

/** Revision that the answer to a change names. */
export function revisionOf(answer: unknown): number {
  const { revision, modify_revision: modified } = answer as Record<string, number>
  return revision ?? modified ?? 0
}

export function sorted(records: readonly ModelRecord[]): ModelRecord[] {
  return records.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
}

/** An outcome as JSON, without what the sweeper's coming shows and how fast erasing is. */
export function plain(outcome: Outcome): unknown {
  if ('reason' in outcome) return { reason: outcome.reason }
  return JSON.parse(
    JSON.stringify(outcome, function (this: object, name, value) {
      const isVersion = 'state' in this && 'version' in this
      return name === 'erased' || (name === 'deleted_at' && isVersion) ? undefined : value
    }),
  )
}

export function same(what: string, actual: unknown, expected: unknown): void {
  const difference = differenceOf(what, actual, expected)
  if (difference !== undefined) throw new Error(difference)
}

export function differenceOf(what: string, actual: unknown, expected: unknown): string | undefined {
  if (isDeepStrictEqual(actual, expected)) return undefined
  return `${what}\n  registry: ${JSON.stringify(actual)}\n  model:    ${JSON.stringify(expected)}`
}
