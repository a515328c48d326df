/** Requests of every kind, as somebody with all rights could make them. */
import type { RequestName, RequestOf } from '@secreg/protocol'

/** Requests that a gateway passes on, about one entry. */
export function passedOn(key: string) {
  return {
    get: { key, decrypt: true },
    set: { key, value: 'changed' },
    delete: { key },
    list: { prefix: key.slice(0, key.lastIndexOf('/')), recursive: true },
    history: { key },
    versions: { op: 'purge', key },
    meta: { op: 'get', key },
    search: { prefix: key.slice(0, key.lastIndexOf('/')) },
    transfer: { op: 'copy', from: key, to: `${key}-copy` },
    txn: { then: [{ op: 'get', key, decrypt: true }] },
    dialect: { dialect: 'setec', operation: 'put', key, request: { value: 'eA==' } },
    maintain: { op: 'metrics' },
    policy: {
      op: 'evaluate',
      form: 'evaluation',
      request: {
        subject: { type: 'user', id: 'bob' },
        action: { name: 'execute' },
        resource: { type: 'secret', id: key },
      },
    },
    whoami: {},
  } as const satisfies Partial<{ [N in RequestName]: RequestOf<N> }>
}

/** Requests that anybody may make. */
export const OPEN = { hello: {}, status: {} } as const satisfies Partial<{
  [N in RequestName]: RequestOf<N>
}>

/** What nobody is served where the Secrets API is off, as it is unless the configuration says otherwise. */
export const UNSERVED = {
  secrets: { op: 'ask', route: 'value', query: 'uri=yaml://secret/a' },
} as const satisfies Partial<{ [N in RequestName]: RequestOf<N> }>

const PASSWORD = 'Another-Horse-8-Battery'
const DOCUMENT = {
  id: 'mine',
  rules: [{ id: 'all', effect: 'allow', principals: ['*'], actions: ['*'], resources: ['/**'] }],
}
const proof = { passphrase: PASSWORD }
const zone = 'mail'
const login = 'somebody'

type Attempt = { [N in RequestName]: readonly [N, RequestOf<N>] }[RequestName]

/** What makes, changes or reads credentials, accounts, policies, keys, copies of everything or the log; and watches. */
export const ADMINISTRATION: readonly Attempt[] = [
  ['token', { op: 'create', boundary: 'full' }],
  ['token', { op: 'list' }],
  ['token', { op: 'revoke', token: '0'.repeat(16) }],
  ['password', { old_password: PASSWORD, new_password: `${PASSWORD}9` }],
  ['user', { op: 'list' }],
  ['user', { op: 'add', user: 'mallory', password: PASSWORD, roles: ['admin'] }],
  ['user', { op: 'password', user: 'bob', password: PASSWORD }],
  ['user', { op: 'roles', user: 'alice', roles: ['admin'] }],
  ['user', { op: 'disable', user: 'bob' }],
  ['user', { op: 'remove', user: 'bob' }],
  ['group', { op: 'add', kind: 'group', name: 'mine' }],
  ['group', { op: 'join', kind: 'role', name: 'admin', user: 'alice' }],
  ['policy', { op: 'list' }],
  ['policy', { op: 'set', document: DOCUMENT }],
  ['policy', { op: 'who-can', action: 'read', resource: '/app/a' }],
  ['policy', { op: 'delete', policy: 'people' }],
  ['mount', { op: 'list' }],
  ['mount', { op: 'set', path: '/mine', dialect: 'registry' }],
  ['seal', { op: 'lock' }],
  ['seal', { op: 'unlock', passphrase: PASSWORD }],
  [
    'seal',
    { op: 'init', passphrase: PASSWORD, admin: login, admin_password: PASSWORD, force: true },
  ],
  ['protector', { op: 'list' }],
  ['protector', { op: 'add', kind: 'passphrase', passphrase: PASSWORD, proof }],
  ['rotate', { op: 'start' }],
  ['rotate', { op: 'status' }],
  ['backup', { op: 'begin' }],
  ['backup', { op: 'status' }],
  ['restore', { op: 'begin' }],
  ['export', { prefix: '/', with_secrets: true }],
  ['import', { op: 'begin' }],
  ['audit', { limit: 10 }],
  ['audit', { follow: true }],
  ['evidence', { op: 'checkpoint' }],
  ['evidence', { op: 'rotate-key' }],
  ['security', { op: 'check' }],
  ['maintain', { op: 'compact' }],
  ['maintain', { op: 'doctor' }],
  ['maintain', { op: 'support' }],
  ['zone', { op: 'list' }],
  ['zone', { op: 'add', zone }],
  ['zone', { op: 'create-token', zone, login }],
  ['zone', { op: 'check', zone, login, password: PASSWORD }],
  ['mfa', { op: 'begin', password: PASSWORD }],
  ['mfa', { op: 'reset', user: 'bob' }],
  ['watch', { prefix: '/' }],
  ['unwatch', { watch_id: 1 }],
]
