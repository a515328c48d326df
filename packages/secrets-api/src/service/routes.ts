/** Every route with what it asks for (specs: secrets-api §2.4); a route without a row does not compile. */
import type { SecretsRoute } from '@secreg/protocol'
import type { AuthenticatedCaller } from '../enforcement/admission.ts'
import { booleanParameter } from '../http/query.ts'
import { pinVersion } from '../uri/pin-version.ts'
import { parseSecretPrefix } from '../uri/secret-prefix.ts'
import type { SecretUri } from '../uri/secret-uri.ts'
import { auditTask } from './audit-tasks.ts'
import type { EventRing } from './event-ring.ts'
import { listTask, searchTask } from './listing-tasks.ts'
import {
  changeVersionsTask,
  keysTask,
  metadataTask,
  ownerTask,
  versionsTask,
} from './metadata-tasks.ts'
import {
  booleanMember,
  member,
  membersOf,
  optionalMember,
  parametersOf,
  placeOf,
  prefixOf,
  rangeOf,
  uriOf,
} from './request-fields.ts'
import type { SecretsRequest, SecretsServiceOptions } from './service.ts'
import type { Task } from './task.ts'
import { transferTask } from './transfer-tasks.ts'
import { deleteTask, readTask, rotateTask, valueTask, writeTask } from './value-tasks.ts'

/** What requests are read by. */
export interface RouteContext
  extends Pick<SecretsServiceOptions, 'legacy' | 'searchMounts' | 'timeMs'> {
  readonly ring: EventRing
}

type Route = (request: SecretsRequest, caller: AuthenticatedCaller, context: RouteContext) => Task

/** Routes that are one operation each: all but a bulk request. */
export const TASK_ROUTES: Readonly<Record<Exclude<SecretsRoute, 'bulk'>, Route>> = Object.freeze({
  write: (request, _caller, { legacy }) =>
    writeTask(() => {
      const members = membersOf(request, ['uri', 'value', 'cas'])
      const cas = optionalMember(members, 'cas')
      const uri = uriOf(member(members, 'uri'), { legacy })
      return { uri, value: member(members, 'value'), cas }
    }),
  read: (request, _caller, context) => readTask(() => onlyUri(request, context)),
  value: (request, _caller, { legacy }) =>
    valueTask(() => {
      const query = parametersOf(request, ['uri', 'version'])
      return pinVersion(uriOf(query.get('uri'), { legacy }), query.get('version'))
    }),
  delete: (request, _caller, { legacy }) => {
    const read = (): { uri: SecretUri; destroy: boolean } => {
      const query = parametersOf(request, ['uri', 'destroy'])
      const destroy = booleanParameter(query.get('destroy'), false)
      return { uri: uriOf(query.get('uri'), { legacy }), destroy }
    }
    return deleteTask(asksDestruction(request) ? 'destroy' : 'delete', () => read().uri)
  },
  rotate: (request, _caller, { legacy }) =>
    rotateTask(() => {
      const members = membersOf(request, ['uri', 'value'])
      const uri = uriOf(member(members, 'uri'), { legacy })
      return { uri, value: member(members, 'value') }
    }),
  list: (request, _caller, { legacy }) =>
    listTask(() => {
      const query = parametersOf(request, ['mount', 'prefix', 'offset', 'limit'])
      return { prefix: prefixOf(query, { legacy }), range: rangeOf(query) }
    }),
  keys: (request, _caller, { legacy }) =>
    keysTask(() => placeOf(parametersOf(request, ['uri', 'mount', 'prefix']), { legacy })),
  metadata: (request, _caller, context) => metadataTask(() => onlyUri(request, context)),
  versions: (request, _caller, context) =>
    versionsTask(() => onlyUri(request, context), context.timeMs),
  owner: (request, _caller, { legacy }) =>
    ownerTask(() => {
      const members = membersOf(request, ['uri', 'owner'])
      const uri = uriOf(member(members, 'uri'), { legacy })
      return { uri, owner: member(members, 'owner') }
    }),
  search: (request, { tenant }, { legacy, searchMounts }) =>
    searchTask(() => {
      const query = parametersOf(request, ['q', 'prefix', 'offset', 'limit'])
      const prefixes = query.has('prefix')
        ? [prefixOf(query, { legacy })]
        : [...searchMounts(tenant)].sort().map((mount) => parseSecretPrefix(`yaml://${mount}`))
      return { text: query.get('q') ?? '', prefixes, range: rangeOf(query) }
    }),
  undelete: (request, _caller, context) =>
    changeVersionsTask('undelete', () => uriAndVersions(request, context)),
  'destroy-versions': (request, _caller, context) =>
    changeVersionsTask('destroy-versions', () => uriAndVersions(request, context)),
  copy: (request, _caller, context) => transferTask('copy', () => bothUris(request, context)),
  move: (request, _caller, context) => transferTask('move', () => bothUris(request, context)),
  audit: (request, { tenant }, { ring }) => auditTask(request, tenant, ring),
})

type Legacy = Pick<RouteContext, 'legacy'>

function onlyUri(request: SecretsRequest, { legacy }: Legacy): SecretUri {
  return uriOf(parametersOf(request, ['uri']).get('uri'), { legacy })
}

function uriAndVersions(request: SecretsRequest, { legacy }: Legacy) {
  const members = membersOf(request, ['uri', 'versions'])
  const uri = uriOf(member(members, 'uri'), { legacy })
  return { uri, versions: optionalMember(members, 'versions') }
}

function bothUris(request: SecretsRequest, { legacy }: Legacy) {
  const members = membersOf(request, ['fromUri', 'toUri', 'overwrite'])
  const from = uriOf(member(members, 'fromUri'), { legacy })
  const to = uriOf(member(members, 'toUri'), { legacy })
  return { from, to, overwrite: booleanMember(members, 'overwrite', false) }
}

/** Which scope is needed shows before the request is read; what cannot be read is refused whichever it is. */
function asksDestruction(request: SecretsRequest): boolean {
  try {
    return parametersOf(request, ['uri', 'destroy']).get('destroy') === 'true'
  } catch {
    return false
  }
}
