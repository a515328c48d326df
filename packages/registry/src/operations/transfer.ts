/** Copy the active value and metadata of entries, or move entries with their whole history (DESIGN §4, §6). */
import {
  type Caller,
  isAtOrBelow,
  LIMITS,
  parsePath,
  type RequestOf,
  SecregError,
  type TransferResponse,
} from '@secreg/protocol'
import type { Row } from '@secreg/storage'
import type { Core } from '../core.ts'
import { atOnceOrSliced, Edits } from '../edits.ts'
import { isLiveRow, type Metadata } from '../entry.ts'
import type { EntryEdit } from '../entry-edit.ts'
import type { Plan, Scan, Slices } from '../operation.ts'
import { notFound, requireLive } from '../read-value.ts'
import { type Facts, prepared, refusalBody } from '../recorded.ts'
import { relocate } from '../relocate.ts'
import { chooseSubtree, scanSubtree } from '../subtree.ts'
import { requireValue } from './get.ts'
import {
  isToBeEncrypted,
  requireUnconditional,
  requireWritable,
  requireWrite,
  rowsOf,
} from './set.ts'

type Request = RequestOf<'transfer'>

/** Where one entry comes from and where it goes. */
type Pair = readonly [from: string, to: string]

/**
 * Copy or move an entry, or with `recursive` everything at and below it, as one operation.
 *
 * @throws SecregError `ERR_PATH_INVALID`, `ERR_INVALID_ARGUMENT` when one path is within the other,
 *   `ERR_ACCESS_DENIED`, `ERR_STORAGE_KEY_NOT_FOUND`, `ERR_ENTRY_DELETED`, `ERR_ALREADY_EXISTS`, `ERR_DIALECT_REFUSED`,
 *   `ERR_LIMIT_EXCEEDED`, `ERR_SEALED`, and the failures of store and log
 */
export function transfer(core: Core, caller: Caller, request: Request): Promise<TransferResponse> {
  const facts: Facts = { action: request.op }
  if (request.recursive === true) facts.detail = 'recursive'
  const prepare = (): Pair => {
    const from = parsePath(request.from)
    const to = parsePath(request.to)
    facts.paths = [from, to]
    if (isAtOrBelow(from, to) || isAtOrBelow(to, from)) {
      throw new SecregError('INVALID_ARGUMENT', 'an entry cannot go into itself')
    }
    core.keys.requireUnsealed()
    return [from, to]
  }
  return prepared(core.journal, caller, facts, prepare, async ([from, to]) => {
    let planned: Edits | undefined
    const answer = await core.writer.submit<TransferResponse>({
      plan: (view, rows): Plan<TransferResponse> | Scan | Slices<TransferResponse> => {
        core.keys.requireUnsealed()
        const edits = new Edits(core, caller, view)
        planned = edits
        if (request.recursive !== true) {
          const pairs: Pair[] = [[from, to]]
          const size = rowsOf(edits.at(from))
          return atOnceOrSliced(size, plan(core, caller, request, facts, edits, pairs))
        }
        const takes = (row: Row): boolean => isLiveRow(row, edits.expiryNowMs)
        const ask = { action: 'read', path: from, takes } as const
        if (rows === undefined) return scanSubtree(core, caller, ask)
        const pairs = chooseSubtree(core, caller, ask, view, rows).map(
          (path): Pair => [path, to + path.slice(from.length)],
        )
        if (pairs.length === 0) throw notFound()
        return { slices: plan(core, caller, request, facts, edits, pairs) }
      },
      refusal: (error) => refusalBody(caller, facts, error),
    })
    if (planned?.erases === true) await core.eraser.settle()
    return answer
  })
}

function* plan(
  core: Core,
  caller: Caller,
  request: Request,
  facts: Facts,
  edits: Edits,
  pairs: readonly Pair[],
): Generator<undefined, Plan<TransferResponse>> {
  for (const [from, to] of pairs) {
    yield
    core.keys.requireUnsealed()
    const source = edits.at(from)
    const target = edits.at(parsePath(to))
    if (request.op === 'copy') copy(core, caller, source, target, request.force === true)
    else yield* move(core, caller, source, target)
  }
  return yield* edits.plan(caller, {
    action: request.op,
    facts: { ...facts, count: pairs.length },
    result: (revision) => ({ success: true, count: pairs.length, revision }),
  })
}

/** Whoever takes a value elsewhere must be able to read it here: there, other rules hold. */
function requireTakeable(core: Core, caller: Caller, { path, entry }: EntryEdit): void {
  core.authorizer.require(caller, 'read', path, entry)
  if (entry !== undefined) requireValue(core, caller, path, { entry, encrypted: entry.encrypted })
}

function copy(
  core: Core,
  caller: Caller,
  source: EntryEdit,
  target: EntryEdit,
  force: boolean,
): void {
  requireTakeable(core, caller, source)
  const { isLive } = target
  requireWrite(core, caller, target, source.entry?.metadata.custom)
  const entry = requireLive(source.entry, core.clock.now())
  requireWritable(target)
  if (isLive && !force) throw exists()
  requireUnconditional(target)
  const encrypted = entry.encrypted || isToBeEncrypted(core, { path: target.path }, target)
  const bytes = source.plain(entry.active)
  try {
    const before = target.define(entry.type)
    if (entry.private && !before.private) target.makePrivate()
    if (entry.ephemeral) target.makeEphemeral()
    target.expireAt(entry.expiresAtMs)
    target.carry(carried(entry.metadata, before.metadata))
    const activate = target.mount.rules?.activatesNew !== false
    target.put({ type: entry.type, bytes }, { encrypted, activate })
  } finally {
    if (entry.encrypted) bytes.fill(0)
  }
}

/** What policy relies on is changed under `grant` only: a copy neither takes it along nor replaces what is there. */
export function carried({ granted: _, ...metadata }: Metadata, there: Metadata): Metadata {
  if (there.granted === undefined) return metadata
  const kept = there.granted.map((name) => [name, there.custom?.[name] ?? ''] as const)
  const custom = { ...metadata.custom, ...Object.fromEntries(kept) }
  if (Object.keys(custom).length > LIMITS.metadataMembers) {
    throw new SecregError(
      'LIMIT_EXCEEDED',
      'together they have too many members of custom metadata',
    )
  }
  return { ...metadata, custom, granted: there.granted }
}

function* move(
  core: Core,
  caller: Caller,
  source: EntryEdit,
  target: EntryEdit,
): Generator<undefined, void> {
  requireTakeable(core, caller, source)
  core.authorizer.require(caller, 'delete', source.path, source.entry)
  const made = { metadata: { custom: source.entry?.metadata.custom ?? {} } }
  core.authorizer.require(caller, 'create', target.path, target.entry ?? made)
  // What policy relies on comes along.
  if (source.entry?.metadata.granted !== undefined) {
    core.authorizer.require(caller, 'grant', target.path, target.entry)
  }
  requireLive(source.entry, core.clock.now())
  requireWritable(source)
  requireWritable(target)
  if (source.mount.dialect !== target.mount.dialect) {
    throw new SecregError(
      'DIALECT_REFUSED',
      'the write rules differ there; copy it, then purge it here',
    )
  }
  if (target.entry !== undefined) throw exists()
  const mustEncrypt = isToBeEncrypted(core, { path: target.path }, target)
  if (mustEncrypt && source.entry?.encrypted === false) {
    throw new SecregError(
      'DIALECT_REFUSED',
      'values are encrypted there; copy it, then purge it here',
    )
  }
  yield* relocate(source, target)
}

function exists(): SecregError {
  return new SecregError(
    'ALREADY_EXISTS',
    'the destination exists, or was deleted and is not purged; a copy overwrites with force',
  )
}
