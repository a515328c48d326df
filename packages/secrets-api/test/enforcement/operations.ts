/** Every operation with a request for it, and what specs secrets-api §2.4 says of it, written down a second time. */
import { parseSecretPrefix } from '@secreg/secrets-api'
import type {
  Purpose,
  SecretOperation,
  SecretRequest,
  SecretScope,
} from '@secreg/secrets-api/enforcement'
import { kv, yaml } from './support.ts'

export interface Row {
  readonly endpoint: string
  readonly request: SecretRequest
  readonly scopes: readonly SecretScope[]
  /** In the order in which they are asked. */
  readonly asked: readonly (readonly [Purpose, string])[]
}

const CROSSED = 'openbao+kv2://secret/app/api'
const uri = kv('app/api')
const file = yaml('env')
const transfer = () => ({ from: kv('app/api#token'), to: yaml('env#TO') })

export const ROWS: Readonly<Record<SecretOperation, Row>> = {
  write: {
    endpoint: 'E1',
    request: { operation: 'write', target: () => ({ uri }) },
    scopes: ['secrets.write'],
    asked: [['write', CROSSED]],
  },
  read: {
    endpoint: 'E2',
    request: { operation: 'read', target: () => ({ uri: file }) },
    scopes: ['secrets.read'],
    asked: [['read', 'yaml://secret/env']],
  },
  value: {
    endpoint: 'E3',
    request: { operation: 'value', target: () => ({ uri }) },
    scopes: ['secrets.read'],
    asked: [['execute', CROSSED]],
  },
  delete: {
    endpoint: 'E4',
    request: { operation: 'delete', target: () => ({ uri }) },
    scopes: ['secrets.delete'],
    asked: [['delete', CROSSED]],
  },
  destroy: {
    endpoint: 'E4 with destroy=true',
    request: { operation: 'destroy', target: () => ({ uri }) },
    scopes: ['secrets.destroy'],
    asked: [['destroy_versions', CROSSED]],
  },
  rotate: {
    endpoint: 'E5',
    request: { operation: 'rotate', target: () => ({ uri }) },
    scopes: ['secrets.rotate'],
    asked: [['rotate', CROSSED]],
  },
  list: {
    endpoint: 'E6',
    request: {
      operation: 'list',
      target: () => ({ prefixes: [parseSecretPrefix('yaml://secret/env')] }),
    },
    scopes: ['secrets.read_metadata'],
    asked: [],
  },
  keys: {
    endpoint: 'E7',
    request: { operation: 'keys', target: () => ({ uri: file }) },
    scopes: ['secrets.read_metadata'],
    asked: [['read_metadata', 'yaml://secret/env']],
  },
  metadata: {
    endpoint: 'E8',
    request: { operation: 'metadata', target: () => ({ uri }) },
    scopes: ['secrets.read_metadata'],
    asked: [['read_metadata', CROSSED]],
  },
  versions: {
    endpoint: 'E9',
    request: { operation: 'versions', target: () => ({ uri }) },
    scopes: ['secrets.read_metadata'],
    asked: [['read_metadata', CROSSED]],
  },
  owner: {
    endpoint: 'E10',
    request: { operation: 'owner', target: () => ({ uri }) },
    scopes: ['secrets.set_owner'],
    asked: [['owner_update', CROSSED]],
  },
  search: {
    endpoint: 'E11',
    request: {
      operation: 'search',
      target: () => ({ prefixes: [parseSecretPrefix('openbao+kv2://secret/app')] }),
    },
    scopes: ['secrets.read_metadata'],
    asked: [],
  },
  undelete: {
    endpoint: 'E12',
    request: { operation: 'undelete', target: () => ({ uri }) },
    scopes: ['secrets.delete'],
    asked: [['undelete', CROSSED]],
  },
  'destroy-versions': {
    endpoint: 'E13',
    request: { operation: 'destroy-versions', target: () => ({ uri }) },
    scopes: ['secrets.destroy'],
    asked: [['destroy_versions', CROSSED]],
  },
  copy: {
    endpoint: 'E15',
    request: { operation: 'copy', target: transfer },
    scopes: ['secrets.read', 'secrets.write'],
    asked: [
      ['read', 'openbao+kv2://secret/app/api#token'],
      ['write', 'yaml://secret/env#TO'],
    ],
  },
  move: {
    endpoint: 'E16',
    request: { operation: 'move', target: transfer },
    scopes: ['secrets.read', 'secrets.write', 'secrets.delete'],
    asked: [
      ['read', 'openbao+kv2://secret/app/api#token'],
      ['delete', 'openbao+kv2://secret/app/api#token'],
      ['write', 'yaml://secret/env#TO'],
    ],
  },
  events: {
    endpoint: 'E17',
    request: { operation: 'events' },
    scopes: ['secrets.read_metadata'],
    asked: [['read_metadata', 'tenant']],
  },
  audit: {
    endpoint: 'E18',
    request: { operation: 'audit' },
    scopes: ['secrets.read_metadata'],
    asked: [['read_metadata', 'tenant']],
  },
}

export const ROW_LIST = Object.entries(ROWS) as [SecretOperation, Row][]
