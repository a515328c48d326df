/** Changes of an entry's versions: rollback, activate, undelete, destroy, purge (DESIGN §4). */
import { type Caller, parsePath, type RequestOf, type VersionsResponse } from '@secreg/protocol'
import type { Core } from '../core.ts'
import type { EntryEdit } from '../entry-edit.ts'
import { notFound, requirePresent } from '../read-value.ts'
import type { Facts } from '../recorded.ts'
import { changeEntry, changeSubtree } from './change.ts'
import { isToBeEncrypted, otherVersion, requireUnconditional } from './set.ts'

type Request<Op extends RequestOf<'versions'>['op']> = Extract<RequestOf<'versions'>, { op: Op }>

/**
 * Run one change of versions.
 *
 * @throws SecregError `ERR_PATH_INVALID`, `ERR_ACCESS_DENIED`, `ERR_STORAGE_KEY_NOT_FOUND`, `ERR_ENTRY_DELETED`,
 *   `ERR_VERSION_NOT_FOUND`, `ERR_VERSION_DELETED`, `ERR_VERSION_DESTROYED`, `ERR_VERSION_CONFLICT`, `ERR_SEALED`,
 *   and the failures of store and log
 */
export function versions(
  core: Core,
  caller: Caller,
  request: RequestOf<'versions'>,
): Promise<VersionsResponse> {
  switch (request.op) {
    case 'rollback':
      return rollback(core, caller, request)
    case 'activate':
      return activate(core, caller, request)
    case 'undelete':
      return undelete(core, caller, request)
    case 'destroy':
      return destroy(core, caller, request)
    case 'purge':
      return purge(core, caller, request)
  }
}

function rollback(
  core: Core,
  caller: Caller,
  request: Request<'rollback'>,
): Promise<VersionsResponse> {
  const facts: Facts = { action: 'rollback', detail: `to version ${request.version}` }
  return changeEntry(core, caller, facts, 'update', pathOf(request), (edit) => {
    present(core, edit)
    if (request.if_version === undefined) requireUnconditional(edit)
    else if (request.if_version !== edit.latestOfLife) throw otherVersion()
    const { type, encrypted } = edit.readableVersion(request.version)
    const bytes = edit.plain(request.version)
    try {
      const version = edit.put(
        { type, bytes },
        {
          // What was encrypted once is not written in the clear because its entry is plain by now.
          encrypted: encrypted || isToBeEncrypted(core, { path: edit.path }, edit),
          activate: edit.mount.rules?.activatesNew !== false,
        },
      )
      return done([version], edit)
    } finally {
      if (encrypted) bytes.fill(0)
    }
  })
}

function activate(
  core: Core,
  caller: Caller,
  request: Request<'activate'>,
): Promise<VersionsResponse> {
  return changeEntry(core, caller, { action: 'activate' }, 'activate', pathOf(request), (edit) => {
    present(core, edit)
    if (request.if_revision !== undefined && request.if_revision !== edit.revision) {
      throw otherVersion()
    }
    edit.activate(request.version)
    return done([request.version], edit)
  })
}

function undelete(
  core: Core,
  caller: Caller,
  request: Request<'undelete'>,
): Promise<VersionsResponse> {
  return changeEntry(core, caller, { action: 'undelete' }, 'undelete', pathOf(request), (edit) => {
    const { entry } = edit
    if (entry === undefined) throw notFound()
    const number = request.version ?? entry.active
    if (request.version === undefined && entry.deletedAtMs !== undefined) edit.undelete()
    // One that has expired is deleted, whether the sweeper has come or not.
    else if (edit.isHidden(number)) edit.undeleteVersion(number)
    return done([number], edit)
  })
}

async function destroy(
  core: Core,
  caller: Caller,
  request: Request<'destroy'>,
): Promise<VersionsResponse> {
  const answer = await changeEntry(
    core,
    caller,
    { action: 'destroy' },
    'destroy',
    pathOf(request),
    (edit) => {
      if (edit.entry === undefined) throw notFound()
      const wanted = [...new Set(request.versions)]
      const count = wanted.filter((version) => edit.destroy(version)).length
      return {
        facts: { versions: wanted },
        result: (revision): VersionsResponse => ({
          success: true,
          revision,
          version: edit.entry?.active ?? 0,
          count,
        }),
      }
    },
  )
  return { ...answer, ...(await erased(core, (answer.count ?? 0) > 0)) }
}

async function purge(
  core: Core,
  caller: Caller,
  request: Request<'purge'>,
): Promise<VersionsResponse> {
  const facts: Facts = { action: 'purge' }
  const answer =
    request.recursive === true
      ? await purgeSubtree(core, caller, facts, request)
      : await changeEntry(core, caller, facts, 'purge', pathOf(request), (edit) => {
          const { entry } = edit
          if (entry === undefined) throw notFound()
          edit.purge()
          return {
            facts: { versions: [entry.latest] },
            result: (revision): VersionsResponse => ({ success: true, revision, count: 1 }),
          }
        })
  return { ...answer, ...(await erased(core, true)) }
}

function purgeSubtree(
  core: Core,
  caller: Caller,
  facts: Facts,
  request: Request<'purge'>,
): Promise<VersionsResponse> {
  facts.detail = 'recursive'
  return changeSubtree(
    core,
    caller,
    facts,
    'purge',
    pathOf(request),
    (edit) => edit.purge(),
    (revision, count) => ({ success: true, revision, count }),
  )
}

/** Whether the old bytes have left the files by now. */
async function erased(core: Core, something: boolean): Promise<{ readonly erased?: boolean }> {
  return something ? { erased: await core.eraser.settle() } : {}
}

function pathOf({ key }: { readonly key: string }): () => string {
  return () => parsePath(key)
}

function present(core: Core, edit: EntryEdit): void {
  requirePresent(edit.entry, core.clock.now())
}

function done(
  versions: readonly number[],
  edit: EntryEdit,
): { facts: Partial<Facts>; result: (revision: number) => VersionsResponse } {
  return {
    facts: { versions },
    result: (revision) => ({ success: true, revision, version: edit.entry?.active ?? 0 }),
  }
}
