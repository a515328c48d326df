/** Calls of setec's API, and what each of them has to leave in the audit log. */
import { expect } from 'vitest'
import { base64 } from '../lib/setec-call.ts'

export const KEY = 'web/key'
export const PATH = '/setec/web%2Fkey'

/** What a record says beside who did it. */
export interface Said {
  readonly action: string
  /** Default `ok`. */
  readonly outcome?: 'denied' | 'failed'
  readonly reason?: string
  /** Default: that of the key. */
  readonly path?: string
  readonly version?: number
  readonly detail?: string
  readonly count?: number
}

export interface Call {
  readonly operation: string
  readonly body?: object | string
  readonly status: number
  /** Undefined: none. */
  readonly record?: Said
}

const put = (version?: number): Said => ({
  action: 'write',
  detail: 'setec put',
  ...(version === undefined ? {} : { version }),
})
const failed = (said: Said, reason: string): Said => ({ ...said, outcome: 'failed', reason })
export const denied = (said: Said): Said => ({
  ...said,
  outcome: 'denied',
  reason: 'ACCESS_DENIED',
})
const CREATE: Said = { action: 'write', detail: 'setec create-version' }
const ACTIVATE: Said = { action: 'activate', detail: 'setec activate' }
const DESTROY: Said = { action: 'destroy', detail: 'setec delete-version' }
const PURGE: Said = { action: 'purge', detail: 'setec delete' }
const READ: Said = { action: 'read' }
const INFO: Said = { action: 'read-metadata' }
const got = (version: number): Said => ({ action: 'decrypt', version })
const listed = (count: number): Said => ({ action: 'list', path: '/setec', count })

const Name = KEY
const NONE = { Name: 'none' }
const RESERVED = { Name: '_internal/x', Version: 1 }
/** Encoded, it is longer than a path can be. */
const TOO_LONG = { Name: 'n'.repeat(506) }

/** In this order: each sees what those before it have done. */
export const CALLS: readonly Call[] = [
  { operation: 'list', status: 200, record: listed(0) },
  { operation: 'put', body: { Name, Value: base64('one') }, status: 200, record: put(1) },
  // Nothing new: an operation all the same.
  { operation: 'put', body: { Name, Value: base64('one') }, status: 200, record: put() },
  // The version that was made, although another one is active.
  { operation: 'put', body: { Name, Value: base64('two') }, status: 200, record: put(2) },
  {
    operation: 'create-version',
    body: { Name, Version: 9, Value: base64('nine') },
    status: 200,
    record: { ...CREATE, version: 9 },
  },
  {
    operation: 'create-version',
    body: { Name, Version: 9, Value: base64('other') },
    status: 412,
    record: failed(CREATE, 'ALREADY_EXISTS'),
  },

  // The version that was served, also where none was named; setec's own log does not tell it.
  { operation: 'get', body: { Name }, status: 200, record: got(9) },
  { operation: 'get', body: { Name, Version: 2 }, status: 200, record: got(2) },
  {
    operation: 'get',
    body: { Name, Version: 3 },
    status: 404,
    record: failed(READ, 'VERSION_NOT_FOUND'),
  },
  { operation: 'get', body: { Name, Version: 9, UpdateIfChanged: true }, status: 304 },
  {
    operation: 'get',
    body: { Name, Version: 2, UpdateIfChanged: true },
    status: 200,
    record: got(9),
  },
  {
    operation: 'get',
    body: { Name, Version: 0, UpdateIfChanged: true },
    status: 200,
    record: got(9),
  },
  // setec writes none for this one.
  {
    operation: 'get',
    body: { ...NONE, Version: 2, UpdateIfChanged: true },
    status: 404,
    record: failed({ ...READ, path: '/setec/none' }, 'STORAGE_KEY_NOT_FOUND'),
  },
  {
    operation: 'get',
    body: NONE,
    status: 404,
    record: failed({ ...READ, path: '/setec/none' }, 'STORAGE_KEY_NOT_FOUND'),
  },
  { operation: 'info', body: { Name }, status: 200, record: INFO },
  {
    operation: 'info',
    body: NONE,
    status: 404,
    record: failed({ ...INFO, path: '/setec/none' }, 'STORAGE_KEY_NOT_FOUND'),
  },
  { operation: 'list', status: 200, record: listed(1) },

  {
    operation: 'activate',
    body: { Name, Version: 2 },
    status: 200,
    record: { ...ACTIVATE, version: 2 },
  },
  { operation: 'activate', body: { Name, Version: 2 }, status: 200, record: ACTIVATE },
  {
    operation: 'activate',
    body: { Name, Version: 7 },
    status: 404,
    record: failed(ACTIVATE, 'VERSION_NOT_FOUND'),
  },
  {
    operation: 'activate',
    body: { Name, Version: 0 },
    status: 400,
    record: failed(ACTIVATE, 'INVALID_ARGUMENT'),
  },
  {
    operation: 'activate',
    body: { ...NONE, Version: 1 },
    status: 404,
    record: failed({ ...ACTIVATE, path: '/setec/none' }, 'NOT_FOUND'),
  },
  {
    operation: 'delete-version',
    body: { Name, Version: 2 },
    status: 409,
    record: failed(DESTROY, 'VERSION_ACTIVE'),
  },
  {
    operation: 'delete-version',
    body: { Name, Version: 1 },
    status: 200,
    record: { ...DESTROY, version: 1 },
  },
  {
    operation: 'delete-version',
    body: { Name, Version: 1 },
    status: 404,
    record: failed(DESTROY, 'VERSION_NOT_FOUND'),
  },
  {
    operation: 'get',
    body: { Name, Version: 1 },
    status: 404,
    record: failed(READ, 'VERSION_DESTROYED'),
  },

  // Of the empty name the registry is asked as of any other; it stands for the subtree itself.
  {
    operation: 'get',
    body: {},
    status: 404,
    record: failed({ ...READ, path: '/setec' }, 'STORAGE_KEY_NOT_FOUND'),
  },
  {
    operation: 'info',
    body: {},
    status: 404,
    record: failed({ ...INFO, path: '/setec' }, 'STORAGE_KEY_NOT_FOUND'),
  },
  { operation: 'delete', body: {}, status: 200, record: { ...PURGE, path: '/setec' } },
  {
    operation: 'delete-version',
    body: { Version: 1 },
    status: 404,
    record: failed({ ...DESTROY, path: '/setec' }, 'NOT_FOUND'),
  },
  {
    operation: 'put',
    body: RESERVED,
    status: 400,
    record: failed({ ...put(), path: '/setec/_internal%2Fx' }, 'INVALID_ARGUMENT'),
  },
  {
    operation: 'create-version',
    body: RESERVED,
    status: 400,
    record: failed({ ...CREATE, path: '/setec/_internal%2Fx' }, 'INVALID_ARGUMENT'),
  },

  // What is no operation yet: nothing of it has come to the registry.
  { operation: 'put', body: { Name: '', Value: '' }, status: 400 },
  { operation: 'activate', body: { Version: 1 }, status: 400 },
  { operation: 'create-version', body: { Version: 1 }, status: 400 },
  { operation: 'create-version', body: { Name, Version: 0 }, status: 400 },
  { operation: 'get', body: TOO_LONG, status: 400 },
  { operation: 'put', body: TOO_LONG, status: 400 },
  { operation: 'put', body: { Name, Value: '!' }, status: 400 },
  { operation: 'get', body: { Name, Version: '1' }, status: 400 },
  { operation: 'get', body: '', status: 400 },
  { operation: 'nothing', status: 400 },

  { operation: 'delete', body: { Name }, status: 200, record: PURGE },
  { operation: 'delete', body: { Name }, status: 200, record: PURGE },
]

/** The same for somebody who may nothing: what is there and what is not look alike. */
export const DENIED: readonly Call[] = [KEY, 'none', '_internal/x', ''].flatMap((name) => {
  const at = name === '' ? '/setec' : `/setec/${name.replace('/', '%2F')}`
  const body = { Name: name, Version: 1, Value: '' }
  const of = (operation: string, said: Said, more = {}): Call => ({
    operation,
    body: { ...body, ...more },
    status: 403,
    record: denied({ ...said, path: at }),
  })
  const all = [
    of('get', READ),
    of('get', READ, { UpdateIfChanged: true }),
    of('info', INFO),
    of('delete-version', DESTROY),
    of('delete', PURGE),
  ]
  if (name === '') return all
  return [...all, of('put', put()), of('create-version', CREATE), of('activate', ACTIVATE)]
})

/** A body as it has to be, all of it. */
export function bodyOf(said: Said, actor: object): object {
  const { action, outcome = 'ok', reason, path = PATH, version, detail, count } = said
  return {
    action,
    outcome,
    paths: [path],
    actor,
    ...(reason === undefined ? {} : { reason, code: expect.any(Number) }),
    ...(version === undefined ? {} : { versions: [version] }),
    ...(detail === undefined ? {} : { detail }),
    ...(count === undefined ? {} : { count }),
  }
}
