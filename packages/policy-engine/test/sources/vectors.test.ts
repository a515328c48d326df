/** Recorded and derived cases of the foreign systems, against the engine alone. */

import { readFileSync } from 'node:fs'
import {
  type Action,
  type ApiRequest,
  type CompiledPolicy,
  compile,
  PolicyError,
  type SetecAction,
  setecAcl,
  setecRules,
  type VaultOperation,
  type VaultPolicy,
  type VaultWord,
  vaultAcl,
} from '@secreg/policy-engine'
import { describe, expect, test } from 'vitest'

function linesOf<T>(name: string): T[] {
  const text = readFileSync(new URL(`../vectors/${name}`, import.meta.url), 'utf8')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T)
}

interface SetecCase {
  readonly id: string
  readonly as?: string
  readonly path: string
  readonly body: string
  readonly expect: { readonly status: number }
}

interface Identity {
  readonly id: string
  readonly caps?: unknown
}

/** Our actions for an endpoint, one of which is enough to tell that all are allowed. */
const SETEC_ASKED: Readonly<Record<string, Action>> = {
  get: 'decrypt',
  info: 'read-metadata',
  put: 'update',
  'create-version': 'create-version',
  activate: 'activate',
  delete: 'purge',
}

describe('setec', () => {
  const identities = new Map(
    linesOf<Identity>('setec-identities.jsonl').map((one) => [one.id, one]),
  )
  const cases = linesOf<SetecCase>('setec-acl.jsonl')

  test('has the groups T:acl and acl_glob whole', () => {
    expect(cases).toHaveLength(38 + 30)
  })

  test.each(cases)('$id', ({ as = 'super', path, body, expect: { status } }) => {
    const rules = setecRules(identities.get(as)?.caps)
    const action = path.replace('/api/', '')
    const { Name: name } = JSON.parse(body) as { Name: string }
    expect(setecAcl(rules).allows(action as SetecAction, name)).toBe(status !== 403)
    // The empty name is no segment, so no entry has it.
    if (name === '') return
    const policy = compile([
      { id: 's', source: 'setec', principals: ['*'], mount: '/setec', rules },
    ])
    const resource = `/setec/${segmentOf(name)}`
    const request = { subject: [`user:${as}`], action: SETEC_ASKED[action] ?? 'grant', resource }
    expect(policy.decide(request).decision).toBe(status === 403 ? 'deny' : 'allow')
  })

  test.each([
    ['nocap', 0],
    ['legacy', 1],
    ['legacyshadow', 1],
    ['extracap', 1],
  ])('reads the capabilities of %s', (id, count) => {
    expect(setecRules(identities.get(id)?.caps)).toHaveLength(count)
  })

  test('looks at the older label only if the first has no rule', () => {
    const acl = (id: string) => setecAcl(setecRules(identities.get(id)?.caps))
    expect(acl('legacy').allows('get', 'a')).toBe(true)
    expect(acl('legacyshadow').allows('get', 'a')).toBe(false)
    expect(acl('legacyshadow').allows('info', 'a')).toBe(true)
  })

  test('finds members whatever their case, the last of them (identity#15 to #17)', () => {
    const acl = setecAcl(setecRules(identities.get('extracap')?.caps))
    expect(['get', 'info', 'put'].map((action) => acl.allows(action as SetecAction, 'x'))).toEqual([
      false,
      false,
      true,
    ])
  })

  test.each(['badcap', 'badcap2'])('%s is refused as a whole', (id) => {
    expect(() => setecRules(identities.get(id)?.caps)).toThrow(PolicyError)
  })
})

function segmentOf(name: string): string {
  return name.replace(/[%/*?[\]]/g, (character) => {
    return `%${character.charCodeAt(0).toString(16).toUpperCase()}`
  })
}

interface KvStep {
  readonly request: {
    readonly method: string
    readonly path: string
    readonly as?: string
    readonly body?: { readonly paths?: string[]; readonly policy?: string }
  }
  readonly expect: { readonly status: number; readonly body?: { data?: Record<string, unknown> } }
}

type Setup =
  | { readonly policy: string; readonly json: { path: VaultPolicy['path'] } }
  | {
      readonly token: string
      readonly policies: string[]
      readonly metadata?: Record<string, string>
    }
  | readonly [method: string, path: string, body: unknown]

interface KvCase extends KvStep {
  readonly id: string
  readonly setup: readonly Setup[]
  readonly then?: readonly KvStep[]
  readonly json?: { path: VaultPolicy['path'] } | null
}

/** What only the door of KV v2 can show. The list is closed: every other case is decided here. */
const WAITING: Readonly<Record<string, string>> = {
  'acl.bad-hcl': 'broken HCL is refused by its parser, which is not of this package',
  'acl.policy-read': 'shape of an answer about a stored policy',
  'acl.policy-name-lowered': 'the door lowers names; the engine refuses those that are not lower',
  'acl.root-policy-immutable': 'deleting a stored policy',
  'acl.capabilities-self-root': 'the root token has no policies',
}
/** Cases about writing a policy: is it one? */
const WRITES: Readonly<Record<string, boolean>> = {
  'acl.plus-star-refused': false,
  'acl.unknown-capability': false,
  'acl.unknown-key': false,
  'acl.json-policy': true,
  'acl.policy-name-root': false,
}

/** As much of Vault's own policy of this name as the cases ask for (specs/kv2.md §3). */
const DEFAULT_POLICY: VaultPolicy = {
  name: 'default',
  path: { 'sys/capabilities-self': { capabilities: ['update'] } },
}

describe('KV v2', () => {
  const cases = linesOf<KvCase>('kv2-acl.jsonl')

  test('has the group acl whole, and knows what waits for the door', () => {
    const ids = cases.map(({ id }) => id)
    expect(ids).toHaveLength(41)
    for (const id of [...Object.keys(WAITING), ...Object.keys(WRITES)]) expect(ids).toContain(id)
  })

  test.each(cases.filter(({ id }) => id in WRITES))(
    '$id',
    ({ id, request, json, expect: { status } }) => {
      const name = decodeURIComponent(request.path.split('/').at(-1) ?? '')
      const read = () => vaultAcl([{ name, path: json?.path ?? {} }])
      if (WRITES[id] === true) expect(read()).toBeDefined()
      else expect(read).toThrow(PolicyError)
      expect(status === 400).toBe(WRITES[id] === false)
    },
  )

  test.each(cases.filter(({ id }) => !(id in WRITES) && !(id in WAITING)))('$id', (one) => {
    const policies = new Map<string, VaultPolicy>([['default', DEFAULT_POLICY]])
    let names: readonly string[] = []
    let team: string | undefined
    for (const step of one.setup) {
      if ('json' in step) policies.set(step.policy, { name: step.policy, path: step.json.path })
      else if ('token' in step) {
        names = step.policies
        team = step.metadata?.['team']
      } else if (step[0] === 'DELETE') policies.delete(step[1].split('/').at(-1) ?? '')
    }
    const identity = { entity: { metadata: team === undefined ? {} : { team } } }
    const held = names.flatMap((name) => policies.get(name) ?? [])
    const acl = vaultAcl(held, { identity })
    const policy = compile([
      {
        id: 'v',
        source: 'vault',
        principals: ['*'],
        mount: '/kv/secret',
        apiMount: 'secret',
        policies: held,
      },
    ])
    const subject = policy.subject(['user:t1'], identity)
    const keys = new Set(['data/foo', 'data/bar', 'data/team/x/db'])
    for (const { request, expect: expected } of [one, ...(one.then ?? [])]) {
      const [path = '', query] = request.path.split('?')
      const word = path.split('/')[1] as VaultWord
      const operation = operationOf(
        request.method,
        query,
        word,
        keys.has(path.replace('secret/', '')),
      )
      const { body: parameters = {} } = request
      const allowed = expected.status !== 403
      expect(acl.allows(path, operation, { parameters })).toBe(allowed)
      const data = expected.body?.data
      if (path === 'sys/capabilities-self') {
        for (const asked of request.body?.paths ?? []) {
          expect(acl.capabilities(asked)).toEqual(data?.[asked])
        }
      } else if (!path.endsWith('/')) {
        const api: ApiRequest = { word, operation, parameters }
        expect(bridged(policy, subject, path, api)).toBe(allowed)
      }
      if (allowed) keys.add(path.replace('secret/', ''))
    }
  })
})

function operationOf(
  method: string,
  query: string | undefined,
  word: string,
  exists: boolean,
): VaultOperation {
  if (method === 'GET') return query === 'list=true' ? 'list' : 'read'
  if (method === 'DELETE') return 'delete'
  if (method === 'PATCH') return 'patch'
  return exists || (word !== 'data' && word !== 'metadata') ? 'update' : 'create'
}

const ASKED: Readonly<Record<string, Action>> = {
  'data create': 'create',
  'data read': 'decrypt',
  'data update': 'update',
  'data patch': 'patch',
  'data delete': 'delete',
  'metadata list': 'list',
  'metadata delete': 'purge',
  'undelete update': 'undelete',
  'config update': 'mount',
}

function bridged(
  policy: CompiledPolicy,
  subject: ReturnType<CompiledPolicy['subject']>,
  path: string,
  api: ApiRequest,
): boolean {
  const rest = api.word === 'config' ? [] : path.split('/').slice(2)
  const action = ASKED[`${api.word} ${api.operation}`]
  if (action === undefined) throw new Error(`${api.word} ${api.operation}`)
  const resource = ['/kv/secret', ...rest].join('/')
  return policy.decide({ subject, action, resource, context: { api } }).decision === 'allow'
}
