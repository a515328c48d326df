import { isReason, MESSAGE_TYPE, REASONS, SecregError, STATUS } from '@secreg/protocol'
import { parseRequest, REQUESTS, type RequestName, requestNameOf } from '@secreg/protocol/messages'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

const VALID: Readonly<Record<RequestName, Record<string, unknown>>> = {
  auth: { username: 'root', password: 'x' },
  get: { key: '/system/kernel/hostname', decrypt: true },
  set: { key: '/app/config/setting', value: 'newvalue', type: 'string', encrypt: false },
  delete: { key: '/app/config/oldsetting' },
  list: { prefix: '/app/', recursive: true },
  hello: { versions: [1] },
  logout: {},
  status: {},
  audit: { user: 'a', limit: 5 },
  export: {},
  import: { op: 'begin' },
  seal: { op: 'lock' },
  user: { op: 'add', user: 'alice', password: 'x', roles: ['user'] },
  whoami: {},
  password: { old_password: 'a', new_password: 'b' },
  security: { op: 'check' },
  txn: {
    compare: [{ key: '/a', absent: true }],
    then: [{ op: 'set', key: '/a', value: 'x' }],
    else: [{ op: 'get', key: '/a' }],
  },
  history: { key: '/a', limit: 5 },
  versions: { op: 'rollback', key: '/a', version: 2 },
  meta: { op: 'set', key: '/a', custom: { owner: 'alice', old: null } },
  search: { text: 'data', metadata: { owner: 'alice' } },
  transfer: { op: 'copy', from: '/a', to: '/b' },
  watch: { prefix: '/app', since_revision: 7 },
  unwatch: { watch_id: 1 },
  mount: { op: 'list' },
  protector: {
    op: 'add',
    kind: 'shares',
    shares: { count: 5, threshold: 3 },
    proof: { passphrase: 'x' },
  },
  rotate: { op: 'status' },
  backup: { op: 'begin' },
  restore: { op: 'commit', restore: 'x', only: '/a', proof: { passphrase: 'x' }, dry_run: true },
  maintain: { op: 'compact', job: 1 },
  policy: { op: 'set', document: { id: 'web', rules: [] }, if_revision: 0 },
  group: { op: 'join', kind: 'role', name: 'operator', user: 'alice' },
  token: { op: 'create', label: 'ci', boundary: ['ci-read'], expires_in_s: 3600, uses: 1 },
  zone: { op: 'add', zone: 'mail', allow_tokens: true, max_temp_validity_s: 0 },
  mfa: { op: 'confirm', code: '123456' },
  dialect: { dialect: 'setec', operation: 'put', key: '/setec/a', request: { value: '' } },
  evidence: { op: 'verify', job: 1, checkpoints: ['a checkpoint'] },
  secrets: {
    op: 'ask',
    route: 'value',
    query: 'uri=secreg://app/db%23password',
    presented: {
      address: '192.0.2.7',
      token: { scheme: 'dpop', text: 'a.b.c' },
      proof: 'd.e.f',
      method: 'GET',
      url: 'https://secrets.example.com/api/secrets/value',
      certificate: 'A'.repeat(43),
    },
    said: { workflow_run: 'run-1' },
    correlation: 'request-1',
  },
}

describe('parseRequest', () => {
  test.each(Object.entries(VALID))('%s: the documented payload is accepted', (name, payload) => {
    expect(parseRequest(name as RequestName, { ...payload, unknown: 1 })).toEqual(payload)
  })

  test.each([
    ['auth', {}],
    ['auth', { username: 'a', password: 5 }],
    ['get', { key: 5 }],
    ['get', { key: '/a', decrypt: 'yes' }],
    ['get', { key: 'x'.repeat(600) }],
    ['set', { key: '/a' }],
    ['set', { key: '/a', value: 'v', if_version: -1 }],
    ['list', { prefix: '/', limit: 0 }],
    ['import', { op: 'other' }],
    ['txn', { compare: [{ key: '/a', absent: true, version: 1 }] }],
    ['txn', { then: [{ op: 'purge', key: '/a' }] }],
    ['versions', { op: 'destroy', key: '/a', versions: [] }],
    ['versions', { op: 'activate', key: '/a', version: 0 }],
    ['meta', { op: 'set', key: '/a', custom: { a: 5 } }],
    ['meta', { op: 'set', key: '/a', max_versions: 10_001 }],
    ['meta', { op: 'find', dialect: 'libvirt', unique: '' }],
    ['meta', { op: 'find', dialect: 'libvirt', unique: 'x'.repeat(1025) }],
    ['meta', { op: 'find', unique: 'x' }],
    ['list', { prefix: '/', unset: 1 }],
    ['watch', { since_revision: -1 }],
    ['maintain', { op: 'compact', job: 0 }],
    ['maintain', { op: 'other' }],
    ['evidence', { op: 'prove', sequence: 0 }],
    ['evidence', { op: 'consistency' }],
    ['evidence', { op: 'verify', checkpoints: Array.from({ length: 17 }, () => 'x') }],
    ['secrets', { op: 'ask', route: 'events' }],
    ['secrets', { op: 'ask', route: 'value', presented: { address: '192.0.2.7' } }],
    ['secrets', { op: 'follow', wait: 15_001 }],
    ['secrets', { op: 'follow', wait: 0, after: -1 }],
    ['audit', { wait_ms: 30_001 }],
    ['audit', { outcome: 'fine' }],
    ['auth', { username: 'a' }],
    ['auth', { username: 'a', password: 'b', token: 'c' }],
    ['auth', { token: 5 }],
    ['auth', { assertions: [] }],
    ['auth', { assertions: ['tailnet:a'], token: 'c' }],
    ['auth', { password: 'x' }],
    ['auth', { address: '::1' }],
    ['dialect', { dialect: 'setec', operation: 'put', key: '/setec/a' }],
    ['dialect', { dialect: 'setec', operation: 'put', key: '/setec/a', request: [] }],
    ['dialect', { dialect: '', operation: 'put', key: '/setec/a', request: {} }],
    ['user', { op: 'add', user: 'a', password: 'b', roles: [5] }],
    ['user', { op: 'uids', user: 'a', uids: ['0'] }],
    ['group', { op: 'list', kind: 'team' }],
    ['group', { op: 'add', kind: 'group', name: 'x'.repeat(33) }],
    ['token', { op: 'create', boundary: [] }],
    ['token', { op: 'create', boundary: 'all' }],
    ['token', { op: 'create' }],
    ['token', { op: 'create', boundary: 'full', uses: 0 }],
    ['token', { op: 'create', boundary: 'full', expires_in_s: 0 }],
    ['zone', { op: 'add', zone: 'z', max_temp_validity_s: -1 }],
    ['zone', { op: 'create-temp', zone: 'z', login: 'a', validity_s: 0 }],
    ['zone', { op: 'allow-password', zone: 'z', login: 'a' }],
    ['mfa', { op: 'confirm', code: 123456 }],
    ['policy', { op: 'set', document: [] }],
    ['policy', { op: 'set', document: 'x' }],
    ['policy', { op: 'test', requests: [] }],
    ['policy', { op: 'explain', action: 'read' }],
  ] as const)('weakness 8: %s refuses %j', (name, payload) => {
    expect(() => parseRequest(name, payload)).toThrow(
      expect.objectContaining({ code: 'ERR_PAYLOAD_INVALID' }),
    )
  })

  test('fault: a member of metadata named __proto__ was dropped', () => {
    const custom = JSON.parse('{"__proto__":"kept","a":null}')
    const request = parseRequest('meta', { op: 'set', key: '/a', custom })
    expect(Object.entries((request as { custom: object }).custom)).toEqual([
      ['__proto__', 'kept'],
      ['a', null],
    ])
    const metadata = JSON.parse('{"__proto__":"x"}')
    expect(Object.keys(parseRequest('search', { metadata }).metadata ?? {})).toEqual(['__proto__'])
  })

  test.each([
    [[]],
    ['x'],
    [{ a: 1 }],
    [{ '': 'x' }],
    [{ ['n'.repeat(129)]: 'x' }],
    [{ a: 'v'.repeat(513) }],
  ])('custom metadata is refused unless it maps names to texts: %j', (custom) => {
    expect(() => parseRequest('meta', { op: 'set', key: '/a', custom })).toThrow(
      expect.objectContaining({ code: 'ERR_PAYLOAD_INVALID' }),
    )
  })

  test('a refusal names the member and never what was sent', () => {
    expect(() => parseRequest('auth', { username: 'a', password: ['hunter2'] })).toThrow(
      /"password"/,
    )
    expect(() => parseRequest('auth', { username: 'a', password: ['hunter2'] })).not.toThrow(
      /hunter2/,
    )
  })

  test('any JSON object is accepted or refused with our error', () => {
    const names = Object.keys(REQUESTS) as RequestName[]
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.dictionary(fc.string(), fc.jsonValue()),
        (name, payload) => {
          try {
            parseRequest(name, payload as Record<string, unknown>)
          } catch (error) {
            expect(SecregError.is(error)).toBe(true)
          }
        },
      ),
    )
  })
})

test('every request type has its name, and its response the next number', () => {
  for (const [name, entry] of Object.entries(REQUESTS)) {
    expect(requestNameOf(entry.type)).toBe(name)
    expect(entry.response).toBe(entry.type + 1)
    expect(Object.values(MESSAGE_TYPE)).toContain(entry.response)
  }
  expect(requestNameOf(0x02)).toBeUndefined()
  expect(requestNameOf(0x20)).toBeUndefined()
})

test('fault: a member named id was the correlation id', () => {
  type Schema = { shape?: object; options?: readonly Schema[] }
  const membersOf = ({ shape = {}, options = [] }: Schema): string[] => [
    ...Object.keys(shape),
    ...options.flatMap(membersOf),
  ]
  for (const [name, { schema }] of Object.entries(REQUESTS)) {
    const members = membersOf(schema as unknown as Schema)
    expect(members, name).not.toContain('id')
  }
  expect(membersOf(REQUESTS.protector.schema as unknown as Schema)).toContain('proof')
})

test('message types and error numbers are unique, and 0x00 is free', () => {
  const types = Object.values(MESSAGE_TYPE)
  expect(new Set(types).size).toBe(types.length)
  expect(types).not.toContain(0)
  const numbers = Object.values(REASONS).map((reason) => reason.errno)
  expect(new Set(numbers).size).toBe(numbers.length)
})

test('an error carries the documented status, and is told across copies of the package', () => {
  const error = new SecregError('SEALED', 'sealed', { retryAfterSeconds: 1 })
  expect(error).toMatchObject({
    code: 'ERR_SEALED',
    status: STATUS.InvalidState,
    errno: 306,
    retryAfterSeconds: 1,
  })
  expect(SecregError.is({ [Symbol.for('@secreg/protocol/SecregError')]: true })).toBe(true)
  expect(SecregError.is(new Error('x'))).toBe(false)
  expect(isReason('SEALED')).toBe(true)
  expect(isReason('constructor')).toBe(false)
})

test('a member named __proto__ of a native value is kept, and changes no prototype', () => {
  const text = '{"key":"/a","value":{"__proto__":{"admin":true},"b":[{"__proto__":1}]}}'
  const { value } = parseRequest('set', JSON.parse(text))
  expect(JSON.stringify(value)).toBe('{"__proto__":{"admin":true},"b":[{"__proto__":1}]}')
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
  expect(({} as Record<string, unknown>)['admin']).toBeUndefined()
  const payload = JSON.parse('{"__proto__":{"key":"/a"}}')
  expect(() => parseRequest('get', payload)).toThrow(
    expect.objectContaining({ code: 'ERR_PAYLOAD_INVALID' }),
  )
})

test('a value that is no JSON value is refused', () => {
  for (const value of [undefined, () => 1, Symbol('s'), 1n]) {
    expect(() => parseRequest('set', { key: '/a', value })).toThrow(
      expect.objectContaining({ code: 'ERR_PAYLOAD_INVALID' }),
    )
  }
})
