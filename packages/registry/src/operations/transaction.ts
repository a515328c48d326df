/** Compare, then do the one or the other, over many paths, as one operation with one record (DESIGN §2). */
import {
  type Caller,
  formatValue,
  type GetResponse,
  inferValueType,
  parsePath,
  parseValue,
  parseValueType,
  type RequestOf,
  SecregError,
  type TxnResponse,
  type TxnResult,
} from '@secreg/protocol'
import type { Core } from '../core.ts'
import { atOnceOrSliced, Edits } from '../edits.ts'
import type { EntryEdit } from '../entry-edit.ts'
import { REGISTRY_LIMITS } from '../limits.ts'
import type { Plan } from '../operation.ts'
import { type Facts, prepared, refusalBody } from '../recorded.ts'
import { requireValue } from './get.ts'
import { draftOf, planSet, requireWritable, rowsOf, type SetDraft } from './set.ts'

type Request = RequestOf<'txn'>
type Comparison = NonNullable<Request['compare']>[number]
type Operation = NonNullable<Request['then']>[number]

/** An operation, checked as far as it can be without the state. */
type Step =
  | { readonly op: 'get'; readonly path: string; readonly decrypt: boolean }
  | { readonly op: 'set'; readonly path: string; readonly draft: SetDraft }
  | { readonly op: 'delete'; readonly path: string }

interface Draft {
  readonly compare: readonly { readonly path: string; readonly asked: Comparison }[]
  readonly then: readonly Step[]
  readonly else: readonly Step[]
}

/**
 * Run one transaction.
 *
 * @throws SecregError `ERR_PATH_INVALID`, `ERR_VALUE_INVALID`, `ERR_INVALID_ARGUMENT`, `ERR_ACCESS_DENIED` when the
 *   caller may not do everything of the branch that is taken, or look at what is compared; `ERR_VERSION_CONFLICT`
 *   when a `set` in it has a precondition of its own that does not hold; `ERR_SEALED`, and the failures of store and
 *   log. Nothing of it is done then.
 */
export function transaction(core: Core, caller: Caller, request: Request): Promise<TxnResponse> {
  const facts: Facts = { action: 'transaction' }
  const prepare = (): Draft => {
    const draft = draftTransaction(request)
    facts.paths = pathsOf(draft)
    core.keys.requireUnsealed()
    return draft
  }
  return prepared(core.journal, caller, facts, prepare, async (draft) => {
    let erases = false
    const answer = await core.writer.submit<TxnResponse>({
      plan: (view) => {
        core.keys.requireUnsealed()
        const edits = new Edits(core, caller, view)
        const steps = draft.compare.length + draft.then.length + draft.else.length
        const ephemeral = [...draft.then, ...draft.else].filter(
          (step) => step.op === 'set' && step.draft.ephemeral !== undefined,
        )
        const rows = ephemeral.reduce((sum, { path }) => sum + rowsOf(edits.at(path)), 3 * steps)
        erases = ephemeral.length > 0
        return atOnceOrSliced(rows, planTransaction(core, caller, draft, facts, edits))
      },
      refusal: (error) => refusalBody(caller, facts, error),
    })
    if (erases) await core.eraser.settle()
    return answer
  })
}

function* planTransaction(
  core: Core,
  caller: Caller,
  draft: Draft,
  facts: Facts,
  edits: Edits,
): Generator<undefined, Plan<TxnResponse>> {
  let succeeded = true
  for (const { path, asked } of draft.compare) {
    yield
    // Every comparison is made, so that a denial does not depend on what the ones before it found.
    succeeded = compare(core, caller, asked, edits.at(path)) && succeeded
  }
  const results: TxnResult[] = []
  const versions: number[] = []
  let bytes = 0
  const steps = succeeded ? draft.then : draft.else
  // Reads first: they see the state before, whatever the branch writes.
  const found = new Map<Step, GetResponse | null>()
  for (const step of steps) {
    if (step.op !== 'get') continue
    yield
    const answer = read(core, caller, edits.at(step.path), step)
    bytes += answer?.value?.length ?? 0
    if (bytes > REGISTRY_LIMITS.transactionAnswerBytes) {
      throw new SecregError('LIMIT_EXCEEDED', 'the values do not fit one answer; read less')
    }
    found.set(step, answer)
  }
  for (const step of steps) {
    yield
    core.keys.requireUnsealed()
    const edit = edits.at(step.path)
    if (step.op === 'get') {
      results.push({ op: 'get', found: found.get(step) ?? null })
    } else if (step.op === 'set') {
      const version = planSet(core, caller, step.draft, edit)
      versions.push(version)
      results.push({ op: 'set', version })
    } else {
      core.authorizer.require(caller, 'delete', step.path, edit.entry)
      requireWritable(edit)
      const { isLive } = edit
      if (isLive) edit.delete()
      results.push({ op: 'delete', deleted: isLive ? 1 : 0 })
    }
  }
  const decrypts = steps.some((step) => step.op === 'get' && found.get(step)?.encrypted === true)
  const told = {
    ...facts,
    detail: `${succeeded ? 'then' : 'else'}${decrypts ? ', with secrets' : ''}`,
    count: steps.length,
    ...(versions.length === 0 ? {} : { versions }),
  }
  return yield* edits.plan(caller, {
    action: 'transaction',
    facts: told,
    result: (revision) => ({ succeeded, revision, results }),
  })
}

function compare(core: Core, caller: Caller, asked: Comparison, edit: EntryEdit): boolean {
  const { authorizer } = core
  if ('value' in asked) {
    authorizer.require(caller, 'read', edit.path, edit.entry)
    const { entry } = edit
    const type = asked.type === undefined ? inferValueType(asked.value) : parseValueType(asked.type)
    const { bytes } = parseValue(asked.value, type)
    // Who may not read the value may not guess it either.
    if (entry !== undefined)
      requireValue(core, caller, edit.path, { entry, encrypted: entry.encrypted })
    const equal =
      entry !== undefined && edit.isLive && entry.type === type && edit.holds(entry.active, bytes)
    return equal === ((asked.is ?? '=') === '=')
  }
  authorizer.require(caller, 'read-metadata', edit.path, edit.entry)
  if ('absent' in asked) return edit.isLive !== asked.absent
  const have = 'revision' in asked ? edit.revision : edit.latestOfLife
  const want = 'revision' in asked ? asked.revision : asked.version
  switch (asked.is ?? '=') {
    case '=':
      return have === want
    case '!=':
      return have !== want
    case '<':
      return have < want
    case '>':
      return have > want
  }
}

function read(
  core: Core,
  caller: Caller,
  edit: EntryEdit,
  step: Extract<Step, { op: 'get' }>,
): GetResponse | null {
  const { entry, revision } = edit
  core.authorizer.require(caller, 'read', step.path, entry)
  if (entry === undefined || !edit.isLive) return null
  const { active: version, type, encrypted } = entry
  let value: string | null = null
  if (!encrypted || step.decrypt) {
    requireValue(core, caller, step.path, { entry, encrypted })
    const bytes = edit.plain(version)
    try {
      value = formatValue({ type, bytes })
    } finally {
      if (encrypted) bytes.fill(0)
    }
  }
  return { value, type, encrypted, version, modify_revision: revision }
}

/** Check what needs no state. */
function draftTransaction(request: Request): Draft {
  const draft = {
    compare: (request.compare ?? []).map((asked) => ({ path: parsePath(asked.key), asked })),
    then: (request.then ?? []).map(stepOf),
    else: (request.else ?? []).map(stepOf),
  }
  for (const { asked } of draft.compare) {
    if (!('value' in asked)) continue
    parseValue(
      asked.value,
      asked.type === undefined ? inferValueType(asked.value) : parseValueType(asked.type),
    )
  }
  for (const steps of [draft.then, draft.else]) requireEachOnce(steps)
  return draft
}

function stepOf(operation: Operation): Step {
  const path = parsePath(operation.key)
  switch (operation.op) {
    case 'get':
      return { op: 'get', path, decrypt: operation.decrypt === true }
    case 'set':
      return { op: 'set', path, draft: draftOf(operation) }
    case 'delete':
      return { op: 'delete', path }
  }
}

function requireEachOnce(steps: readonly Step[]): void {
  const written = new Set<string>()
  for (const { op, path } of steps) {
    if (op === 'get') continue
    if (written.has(path)) {
      throw new SecregError('INVALID_ARGUMENT', 'a transaction writes a path at most once')
    }
    written.add(path)
  }
}

function pathsOf(draft: Draft): string[] {
  const all = [...draft.compare, ...draft.then, ...draft.else]
  return [...new Set(all.map(({ path }) => path))]
}
