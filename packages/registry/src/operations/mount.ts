/** The mount table over the protocol: list, set, remove. */
import {
  type Caller,
  type MountInfo,
  type MountResponse,
  parsePrefix,
  type RequestOf,
  SecregError,
} from '@secreg/protocol'
import type { Op } from '@secreg/storage'
import { auditBody } from '../audit-record.ts'
import type { Core } from '../core.ts'
import { GroupView, type View } from '../group-view.ts'
import { mountKey } from '../keys.ts'
import { REGISTRY_LIMITS } from '../limits.ts'
import { MountUsage } from '../mount-usage.ts'
import { encodeMount, infoOfMount, type Mount, type MountRules } from '../mounts.ts'
import { type Facts, prepared, recorded, refusalBody } from '../recorded.ts'
import { addUsage, hasQuota, NOTHING_USED, readUsage } from '../usage.ts'
import type { UsageCount } from '../usage-count.ts'

/**
 * Run one request about mounts.
 *
 * @throws SecregError `ERR_ACCESS_DENIED`, `ERR_PATH_INVALID`, `ERR_DIALECT_REFUSED` for an unknown dialect,
 *   `ERR_NOT_FOUND`, `ERR_INVALID_ARGUMENT`, `ERR_SEALED`, and the failures of store and log
 */
export function mount(
  core: Core,
  caller: Caller,
  request: RequestOf<'mount'>,
): Promise<MountResponse> {
  const facts: Facts = { action: 'mount', detail: request.op }
  if (request.op === 'list') {
    return recorded(core.journal, caller, facts, () => {
      core.authorizer.require(caller, 'mount', '/')
      core.keys.requireReadable()
      return listed(core, new GroupView(core.engine))
    })
  }
  const prepare = (): string => {
    const prefix = parsePrefix(request.path)
    const path = prefix === '' ? '/' : prefix
    facts.paths = [path]
    core.keys.requireUnsealed()
    return path
  }
  return prepared(core.journal, caller, facts, prepare, (path) => {
    let count: UsageCount | undefined
    return core.writer.submit<MountResponse>({
      plan: (view, rows) => {
        core.authorizer.require(caller, 'mount', path)
        core.keys.requireUnsealed()
        const key = mountKey(path)
        const op: Op =
          request.op === 'set'
            ? { type: 'put', key, value: encodeMount(mountOf(core, path, request)) }
            : { type: 'delete', key }
        if (request.op === 'remove' && view.get(key) === undefined) {
          throw new SecregError('NOT_FOUND', 'no such mount')
        }
        requireIndexed(core, path, op)
        const usage = new MountUsage(core, path, op)
        if (usage.needsCount && rows === undefined) {
          const next = usage.count()
          count = next.count
          return next.scan
        }
        return {
          ops: [op, ...usage.ops(view, count?.usage ?? NOTHING_USED)],
          record: auditBody(caller, 'mount', 'ok', facts),
          publish: () => core.mounts.apply([op]),
          result: () => listed(core, new GroupView(core.engine)),
        }
      },
      refusal: (error) => refusalBody(caller, facts, error),
    })
  })
}

/**
 * What is unique among the entries of a dialect is known by rows that go with their changes: no entry may come under such
 * write rules, or from under them, without one.
 *
 * @throws SecregError `ERR_DIALECT_REFUSED`
 */
function requireIndexed({ mounts }: Core, path: string, op: Op): void {
  const before = mounts.at(path)
  const after = mounts.after([op])(path)
  if (before.dialect === after.dialect) return
  for (const { dialect, rules } of [before, after]) {
    if (rules?.unique === undefined) continue
    throw new SecregError('DIALECT_REFUSED', `the write rules of ${dialect} stay where they are`)
  }
}

function listed(core: Core, view: View): MountResponse {
  const infoOf = (mount: MountRules): MountInfo => {
    if (!hasQuota(mount)) return infoOfMount(mount)
    const { durable, volatile } = readUsage(view, mount.path)
    return infoOfMount(mount, addUsage(durable, volatile))
  }
  return { mounts: core.mounts.list().map(infoOf) }
}

function mountOf(
  core: Core,
  path: string,
  request: Extract<RequestOf<'mount'>, { op: 'set' }>,
): Mount {
  if (core.mounts.list().length >= REGISTRY_LIMITS.mounts) {
    throw new SecregError('LIMIT_EXCEEDED', `there are at most ${REGISTRY_LIMITS.mounts} mounts`)
  }
  if (core.mounts.isBuiltIn(path) && core.mounts.at(path).dialect !== request.dialect) {
    throw new SecregError('INVALID_ARGUMENT', `${path} keeps the write rules that it has`)
  }
  const isKnown = core.mounts.dialect(request.dialect) !== undefined
  if (!isKnown && !core.mounts.isBuiltIn(path)) {
    throw new SecregError('DIALECT_REFUSED', 'this daemon does not serve such write rules')
  }
  return {
    path,
    dialect: request.dialect,
    ...(request.max_versions === undefined ? {} : { maxVersions: request.max_versions }),
    ...(request.cas_required === undefined ? {} : { casRequired: request.cas_required }),
    ...(request.delete_after_s === undefined
      ? {}
      : { deleteAfterMs: 1000 * request.delete_after_s }),
    ...(request.encrypt === undefined ? {} : { encrypt: request.encrypt }),
    ...(request.max_entries === undefined ? {} : { maxEntries: request.max_entries }),
    ...(request.max_bytes === undefined ? {} : { maxBytes: request.max_bytes }),
  }
}
