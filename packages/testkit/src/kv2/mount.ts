/** One mount of KV v2: from an operation and a path below it to a reply. */
import {
  deleteLatest,
  deleteVersions,
  destroy,
  patchData,
  readData,
  readSubkeys,
  undelete,
  writeData,
} from './data-endpoint.ts'
import type { Fields } from './fields.ts'
import type { KeyRecord, MountConfig, Nanoseconds } from './key-record.ts'
import { listKeys } from './list-endpoint.ts'
import {
  deleteMetadata,
  patchMetadata,
  readConfig,
  readMetadata,
  writeConfig,
  writeMetadata,
} from './metadata-endpoint.ts'
import { Refusal, type Reply } from './refusal.ts'

export type Operation = 'read' | 'write' | 'patch' | 'delete' | 'list' | 'scan'

export interface Mount {
  readonly config: MountConfig
  readonly keys: Map<string, KeyRecord>
}

export function newMount(): Mount {
  return {
    config: {
      maxVersions: 0,
      casRequired: false,
      metadataCasRequired: false,
      deleteVersionAfterSeconds: 0,
    },
    keys: new Map(),
  }
}

type Handler = (mount: Mount, path: string, fields: Fields, now: Nanoseconds) => Reply
type Handlers = Readonly<Partial<Record<Operation, Handler>>>

const lister =
  (scan: boolean, detailed: boolean): Handler =>
  (mount, path, fields) =>
    listKeys(mount, path, fields, { scan, detailed })

/** What stands first in a path below the mount. */
const ENDPOINTS: ReadonlyMap<string, Handlers> = new Map<string, Handlers>([
  [
    'data',
    {
      read: readData,
      write: writeData,
      patch: patchData,
      delete: (mount, path, _fields, now) => deleteLatest(mount, path, now),
    },
  ],
  ['subkeys', { read: readSubkeys }],
  ['delete', { write: deleteVersions }],
  ['undelete', { write: undelete }],
  ['destroy', { write: destroy }],
  [
    'metadata',
    {
      read: readMetadata,
      write: writeMetadata,
      patch: patchMetadata,
      delete: deleteMetadata,
      list: lister(false, false),
      scan: lister(true, false),
    },
  ],
  ['detailed-metadata', { list: lister(false, true), scan: lister(true, true) }],
])

/** Fields that each endpoint knows; others are warned of. */
const FIELDS: Readonly<Record<string, readonly string[]>> = Object.freeze({
  data: ['path', 'version', 'options', 'data'],
  subkeys: ['path', 'version', 'depth'],
  delete: ['path', 'versions'],
  undelete: ['path', 'versions'],
  destroy: ['path', 'versions'],
  metadata: [
    ...['path', 'cas_required', 'max_versions', 'delete_version_after', 'custom_metadata'],
    ...['metadata_cas', 'metadata_cas_required', 'after', 'limit'],
  ],
  'detailed-metadata': ['path', 'after', 'limit'],
})

/** @param rest - path below the mount, decoded; a list has a slash at its end */
export function callMount(
  mount: Mount,
  operation: Operation,
  rest: string,
  fields: Fields,
  now: Nanoseconds,
): Reply {
  if (rest === 'config') return callConfig(mount, operation, fields)
  const slash = rest.indexOf('/')
  const endpoint = rest.slice(0, slash)
  const handlers = slash < 0 ? undefined : ENDPOINTS.get(endpoint)
  if (handlers === undefined) {
    const warning = 'Invalid path for a versioned K/V secrets engine.'
    return { status: 404, data: null, warnings: [warning] }
  }
  const handler = handlers[operation]
  if (handler === undefined) throw unsupported()
  const path = rest.slice(slash + 1)
  const listing = operation === 'list' || operation === 'scan'
  if (path.endsWith('/') && !listing) throw new Refusal(404)
  if (path === '' && (operation === 'write' || operation === 'patch')) {
    throw new Refusal(400, 'missing path')
  }
  const reply = handler(mount, listing ? path.replace(/\/$/, '') : path, fields, now)
  return listing ? reply : warned(reply, fields, FIELDS[endpoint] ?? [])
}

function callConfig(mount: Mount, operation: Operation, fields: Fields): Reply {
  if (operation === 'read') return readConfig(mount)
  if (operation === 'write') return writeConfig(mount, fields)
  throw unsupported()
}

function unsupported(): Refusal {
  return new Refusal(405, '1 error occurred:\n\t* unsupported operation\n\n')
}

/** Warnings go only where there is an answer to put them in. */
function warned(reply: Reply, fields: Fields, known: readonly string[]): Reply {
  if (reply.status !== 200) return reply
  const ignored = fields.names.filter((name) => !known.includes(name))
  const warnings = [
    ...(reply.warnings ?? []),
    ...(ignored.length > 0
      ? [`Endpoint ignored these unrecognized parameters: [${ignored.join(' ')}]`]
      : []),
    ...(fields.has('path')
      ? [
          "Endpoint replaced the value of these parameters with the values captured from the endpoint's path: [path]",
        ]
      : []),
  ]
  return warnings.length === 0 ? reply : { ...reply, warnings }
}
