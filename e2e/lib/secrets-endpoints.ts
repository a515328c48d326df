/** Every endpoint of the Secrets API, with a request that would be done (specs: secrets-api §2.4). */
import type { Method, SecretsAsk, SecretsCaller, SecretsReply } from './secrets-call.ts'
import type { Scope } from './secrets-issuer.ts'

export interface Endpoint {
  readonly id: string
  readonly method: Method
  readonly path: string
  readonly ask: SecretsAsk
  readonly scopes: readonly Scope[]
  /** In the order in which they are asked for. */
  readonly purposes: readonly string[]
}

const kv = (path: string): string => `openbao+kv2://secret/${path}`
const YAML = 'yaml://secret/env'
const LC = { uri: kv('app/lc'), versions: [2] }
const COPY = { fromUri: kv('app/test#value'), toUri: kv('endpoints/copy#value'), overwrite: true }

/** Beside the stream of events, E17, and many at once, E14, whose scopes are those of its items. */
export const ENDPOINTS: readonly Endpoint[] = [
  post('E1', '', { uri: kv('endpoints/a#k'), value: 'v' }, 'secrets.write', 'write'),
  get('E2', '', { uri: `${YAML}#FROM` }, 'secrets.read', 'read'),
  get('E3', '/value', { uri: kv('app/test#value') }, 'secrets.read', 'execute'),
  remove('E4', { uri: kv('endpoints/b') }, 'secrets.delete', 'delete'),
  remove('E4', { uri: kv('endpoints/c'), destroy: 'true' }, 'secrets.destroy', 'destroy_versions'),
  post('E5', '/rotate', { uri: kv('endpoints/a#k'), value: 'w' }, 'secrets.rotate', 'rotate'),
  get('E6', '/metadata', { prefix: YAML }, 'secrets.read_metadata', 'read_metadata'),
  get('E7', '/keys', { uri: YAML }, 'secrets.read_metadata', 'read_metadata'),
  get('E8', '/metadata/detail', { uri: kv('app/test') }, 'secrets.read_metadata', 'read_metadata'),
  get('E9', '/versions', { uri: kv('app/test') }, 'secrets.read_metadata', 'read_metadata'),
  post(
    'E10',
    '/metadata/owner',
    { uri: kv('app/test'), owner: 'auth:account:idp:team' },
    'secrets.set_owner',
    'owner_update',
  ),
  get('E11', '/search', { q: 'test', prefix: kv('app') }, 'secrets.read_metadata', 'read_metadata'),
  post('E12', '/undelete', LC, 'secrets.delete', 'undelete'),
  post('E13', '/destroy-versions', LC, 'secrets.destroy', 'destroy_versions'),
  {
    ...post('E15', '/copy', COPY, 'secrets.read', 'read'),
    scopes: ['secrets.read', 'secrets.write'],
    purposes: ['read', 'write'],
  },
  {
    ...post('E16', '/move', { ...COPY, fromUri: kv('endpoints/a#k') }, 'secrets.read', 'read'),
    scopes: ['secrets.read', 'secrets.write', 'secrets.delete'],
    purposes: ['read', 'delete', 'write'],
  },
  get('E18', '/audit', {}, 'secrets.read_metadata', 'read_metadata'),
]

/** What these requests need beside the seed: secrets that are deleted. */
export const ENDPOINT_SECRETS: readonly string[] = ['endpoints/b', 'endpoints/c']

export function askEndpoint(
  caller: SecretsCaller,
  { method, path, ask }: Endpoint,
  token: string | undefined,
): Promise<SecretsReply> {
  return caller.ask(method, path, { ...ask, token })
}

function get(
  id: string,
  path: string,
  query: Readonly<Record<string, string>>,
  scope: Scope,
  purpose: string,
): Endpoint {
  return { id, method: 'GET', path, ask: { query }, scopes: [scope], purposes: [purpose] }
}

function remove(
  id: string,
  query: Readonly<Record<string, string>>,
  scope: Scope,
  purpose: string,
): Endpoint {
  return { ...get(id, '', query, scope, purpose), method: 'DELETE' }
}

function post(id: string, path: string, body: object, scope: Scope, purpose: string): Endpoint {
  return { id, method: 'POST', path, ask: { body }, scopes: [scope], purposes: [purpose] }
}
