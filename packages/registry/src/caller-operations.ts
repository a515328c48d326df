/** The operations of one caller, each one call on what runs it. */
import type { Caller, RegistryApi, StatusResponse } from '@secreg/protocol'
import type { Follows } from './audit/follows.ts'
import { audit } from './operations/audit-query.ts'
import type { Backups } from './operations/backup.ts'
import { remove } from './operations/delete.ts'
import { dialectOperation } from './operations/dialect.ts'
import { evidence } from './operations/evidence.ts'
import type { Exports } from './operations/export.ts'
import { get } from './operations/get.ts'
import { group } from './operations/groups.ts'
import { history } from './operations/history.ts'
import type { Imports } from './operations/import.ts'
import { list } from './operations/list.ts'
import { maintain } from './operations/maintain.ts'
import { meta } from './operations/meta.ts'
import { mfa } from './operations/mfa.ts'
import { mount } from './operations/mount.ts'
import { password } from './operations/own-password.ts'
import { policy } from './operations/policy.ts'
import { protector } from './operations/protector.ts'
import type { Restores } from './operations/restore.ts'
import { rotate } from './operations/rotate.ts'
import { search } from './operations/search.ts'
import { security } from './operations/security.ts'
import { set } from './operations/set.ts'
import { token } from './operations/tokens.ts'
import { transaction } from './operations/transaction.ts'
import { transfer } from './operations/transfer.ts'
import { user } from './operations/users.ts'
import { versions } from './operations/versions.ts'
import { zone } from './operations/zones.ts'
import type { RegistryParts } from './registry.ts'
import { whoami } from './status.ts'

/** What operations need beside the parts of the registry: those that go on from one request to the next. */
export interface OperationTools {
  readonly parts: RegistryParts
  readonly exports: Exports
  readonly imports: Imports
  readonly restores: Restores
  readonly backups: Backups
  readonly follows: Follows
  readonly status: (caller: Caller) => StatusResponse
}

export function operationsOf(tools: OperationTools, caller: Caller): RegistryApi {
  const { parts } = tools
  const { core, identity } = parts
  return {
    get: (request) => get(core, caller, request),
    set: (request) => set(core, caller, request),
    delete: (request) => remove(core, caller, request),
    list: (request) => list(core, caller, request),
    status: () => Promise.resolve(tools.status(caller)),
    audit: (request) =>
      request.follow === true || request.cursor !== undefined
        ? tools.follows.follow(caller, request)
        : audit(core, caller, request),
    export: (request) => tools.exports.export(caller, request),
    import: (request) => tools.imports.import(caller, request),
    user: (request) => user(identity, caller, request),
    whoami: () => Promise.resolve(whoami(caller)),
    password: (request) => password(identity, caller, request),
    security: (request) => security(core, parts.evidence, caller, request, parts.hostChecks),
    dialect: (request) => dialectOperation(core, caller, request),
    txn: (request) => transaction(core, caller, request),
    history: (request) => history(core, caller, request),
    versions: (request) => versions(core, caller, request),
    meta: (request) => meta(core, caller, request),
    search: (request) => search(core, caller, request),
    transfer: (request) => transfer(core, caller, request),
    mount: (request) => mount(core, caller, request),
    protector: (request) => protector(identity, parts.seal, caller, request),
    rotate: (request) => rotate(core, parts.housekeeping.rotation, caller, request),
    backup: (request) => tools.backups.backup(caller, request),
    restore: (request) => tools.restores.restore(caller, request),
    maintain: (request) =>
      maintain(core, caller, request, {
        ...parts,
        backups: () => tools.backups.state,
        checks: parts.hostChecks,
        status: (who) => tools.status(who),
      }),
    policy: (request) => policy(identity, caller, request),
    group: (request) => group(identity, caller, request),
    token: (request) => token(identity, caller, request),
    zone: (request) => zone(identity, parts.zoneTools, caller, request),
    mfa: (request) => mfa(identity, caller, request),
    evidence: (request) => evidence(core, parts.evidence, caller, request),
  }
}
