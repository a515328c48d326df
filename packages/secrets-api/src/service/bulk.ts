/** Many operations in one request: specs secrets-api §2.5, E14. */
import { BULK_OPS, type BulkOp, bulkOperation } from '../enforcement/operation.ts'
import { SecretsApiError } from '../errors.ts'
import type { JsonBody } from '../http/json-body.ts'
import { isJsonObject, type JsonValue } from '../provider/json-value.ts'
import type { ParseSecretUriOptions } from '../uri/parse-secret-uri.ts'
import { type Failure, failureOf } from './answers.ts'
import { changeVersionsTask } from './metadata-tasks.ts'
import type { Call, Outcome, Performer } from './performer.ts'
import { booleanMember, member, membersOf, optionalMember, uriOf } from './request-fields.ts'
import type { SecretsRequest } from './service.ts'
import type { SingleTask } from './task.ts'
import { deleteTask, rotateTask, writeTask } from './value-tasks.ts'

/** Most operations of one request. */
export const MAX_BULK_OPERATIONS = 100

interface Item {
  readonly op: BulkOp
  /** Undefined for what is no URI: whatever was sent in its place is not sent back. */
  readonly uri: string | undefined
  readonly task: SingleTask
}

/** A bulk request. */
export interface BulkRequest {
  readonly items: readonly Item[]
  readonly continueOnError: boolean
}

/** What became of one. */
type ItemResult = Readonly<Record<string, unknown>> & { readonly ok: boolean }

/** Members that an operation has besides `op` and `uri`. */
const MEMBERS: Readonly<Record<BulkOp, readonly string[]>> = {
  set: ['value'],
  delete: [],
  destroy: ['versions'],
  undelete: ['versions'],
  rotate: ['value'],
}

/**
 * Read the whole; URIs, values and versions are left to each operation.
 *
 * @throws SecretsApiError `INVALID_REQUEST`: then nothing at all is done
 */
export function parseBulk(request: SecretsRequest, options: ParseSecretUriOptions): BulkRequest {
  const members = membersOf(request, ['operations', 'continueOnError'])
  const operations = member(members, 'operations')
  if (
    !Array.isArray(operations) ||
    operations.length === 0 ||
    operations.length > MAX_BULK_OPERATIONS
  ) {
    throw new SecretsApiError('INVALID_REQUEST')
  }
  return {
    items: operations.map((each: JsonValue) => itemOf(each, options)),
    continueOnError: booleanMember(members, 'continueOnError', true),
  }
}

function itemOf(value: JsonValue, options: ParseSecretUriOptions): Item {
  if (!isJsonObject(value)) throw new SecretsApiError('INVALID_REQUEST')
  const op = BULK_OPS.find((word) => word === optionalMember(value, 'op'))
  if (op === undefined) throw new SecretsApiError('INVALID_REQUEST')
  const known = ['op', 'uri', ...MEMBERS[op]]
  const whole = Object.keys(value).every((name) => known.includes(name))
  if (!whole || typeof member(value, 'uri') !== 'string') {
    throw new SecretsApiError('INVALID_REQUEST')
  }
  if (MEMBERS[op].includes('value')) member(value, 'value')
  return { op, uri: canonicalOf(value, options), task: taskOf(op, value, options) }
}

function canonicalOf(members: JsonBody, options: ParseSecretUriOptions): string | undefined {
  try {
    return uriOf(member(members, 'uri'), options).canonical
  } catch {
    return undefined
  }
}

function taskOf(op: BulkOp, members: JsonBody, options: ParseSecretUriOptions): SingleTask {
  const versions = optionalMember(members, 'versions')
  const uri = () => uriOf(member(members, 'uri'), options)
  const operation = bulkOperation(op, versions !== undefined)
  switch (operation) {
    case 'write':
      return writeTask(() => ({ uri: uri(), value: member(members, 'value') }))
    case 'rotate':
      return rotateTask(() => ({ uri: uri(), value: member(members, 'value') }))
    case 'undelete':
    case 'destroy-versions':
      return changeVersionsTask(operation, () => ({ uri: uri(), versions }))
    default:
      return deleteTask(operation === 'destroy' ? 'destroy' : 'delete', uri)
  }
}

/** Perform the operations in their order, each recorded by itself; nothing is undone. */
export async function performBulk(
  performer: Performer,
  call: Call,
  { items, continueOnError }: BulkRequest,
): Promise<{ status: 200 | 207; body: Readonly<Record<string, unknown>> }> {
  const results: ItemResult[] = []
  let skipped = 0
  let stopped = false
  for (const item of items) {
    const index = results.length
    // What nobody waits for any more is not begun.
    if (stopped || call.signal?.aborted === true) {
      skipped++
      results.push(failedItem(index, item, failureOf('NOT_ATTEMPTED')))
      continue
    }
    const outcome = await performer.perform(call, item.task, { anyStep: true })
    stopped = outcome.kind === 'failed' && !continueOnError
    results.push(resultOf(index, item, outcome))
  }
  const total = items.length
  const succeeded = results.filter(({ ok }) => ok).length
  const summary = { total, succeeded, failed: total - succeeded - skipped, skipped }
  return { status: succeeded === total ? 200 : 207, body: { results, summary } }
}

function resultOf(index: number, item: Item, outcome: Outcome): ItemResult {
  if (outcome.kind === 'failed') return failedItem(index, item, outcome.failure)
  const { status: _word, uri: _uri, ...told } = outcome.body
  return { index, op: item.op, uri: item.uri, ok: true, status: 200, ...told }
}

function failedItem(
  index: number,
  { op, uri }: Item,
  { status, code, message, details }: Failure,
): ItemResult {
  return {
    index,
    op,
    ...(uri === undefined ? {} : { uri }),
    ok: false,
    status,
    error: { code, message, ...(details === undefined ? {} : { details }) },
  }
}
