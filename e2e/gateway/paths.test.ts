/**
 * classes 1 and 2: other spellings of a path. Of a target, none is another way to a route; of an entry or a secret, each
 * is refused, or is a name of its own: policy, log and store see the string that was asked for, and no other.
 */
import { createCanary, RawConnection, rawRequest } from '@secreg/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { operationsOverHttp } from '../lib/gateway-processes.ts'
import { makeCaller, type StartedGatewaySite, startGatewaySite } from '../lib/gateway-site.ts'
import { jsonHeaders } from '../lib/json-headers.ts'
import type { AuditLine } from '../lib/site.ts'

const canary = createCanary()
let running: StartedGatewaySite
let alice: string
let carol: string
beforeAll(async () => {
  running = await startGatewaySite({ http: 'workers = 2' })
  const { admin } = running
  alice = await makeCaller(admin, 'alice')
  carol = await makeCaller(admin, 'carol')
  await admin.ok('policy', { op: 'set', document: RULES })
  for (const key of ['/alice/a', '/carol/secret', '/carol/caf\u00e9', '/bob/b']) {
    await admin.ok('set', { key, value: canary })
  }
})
afterAll(() => running[Symbol.asyncDispose]())

/** Alice may everything with secrets; carol everything below `/carol` but for two entries, and two secrets likewise. */
const RULES = {
  id: 'of-secrets',
  rules: [
    {
      id: 'all',
      effect: 'allow',
      principals: ['user:alice', 'user:carol'],
      actions: ['list', 'read-metadata', 'read', 'decrypt', 'create', 'update', 'create-version'],
      resources: ['/setec/**'],
    },
    {
      id: 'but',
      effect: 'deny',
      principals: ['user:carol'],
      actions: [
        'list',
        'read-metadata',
        'read',
        'decrypt',
        'create',
        'update',
        'delete',
        'create-version',
      ],
      resources: [
        '/carol/secret',
        '/carol/caf\u00e9',
        '/setec/secret',
        '/setec/caf\u00e9',
        '/setec/p%2Fq',
      ],
    },
  ],
}

/** Requests that are served, as what they are. */
const SERVED: readonly [string, string, string][] = [
  ['POST', '/registry/get', '{"key":"/alice/a"}'],
  ['POST', '/registry/set', '{"key":"/alice/a","value":"v"}'],
  ['POST', '/api/put', '{"Name":"a","Value":"dg=="}'],
  ['POST', '/api/list', '{}'],
  [
    'POST',
    '/access/v1/evaluation',
    '{"subject":{"type":"user","id":"alice"},"action":{"name":"read"},"resource":{"type":"secret","id":"/alice/a"}}',
  ],
  ['GET', '/.well-known/authzen-configuration', ''],
  ['GET', '/metrics', ''],
  ['GET', '/health', ''],
  ['GET', '/ready', ''],
  ['GET', '/openapi.json', ''],
  ['GET', '/', ''],
]
/** And what is there, but off here: the daemon would hear of it. */
const KNOWN: typeof SERVED = [...SERVED, ['GET', '/api/secrets/value', '']]
const VERBS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/** Spellings that somebody might take for the same path. */
function* spellingsOf(path: string): Generator<string> {
  const last = path.lastIndexOf('/')
  const [head, tail] = [path.slice(0, last), path.slice(last + 1)]
  for (const dots of ['..', '.', '%2e%2e', '.%2e', '%2e', '%2E%2E', '..;', '%c0%ae%c0%ae']) {
    yield `${path}/${dots}`
    yield `/${dots}${path}`
    yield `/x/${dots}${path}`
    yield `${head}/${dots}/${tail}`
    yield `${head}/x/${dots}/${tail}`
    yield `/t/${alice}/${dots}${path}`
  }
  yield `/${path}`
  yield `${head}//${tail}`
  yield `//localhost${path}`
  yield `${path}//`
  yield `/x/%2F..%2F..${path}`
  yield `${head}%2F${tail}`
  yield `${head}%2f${tail}`
  yield `${head}\\${tail}`
  yield `%2F${path.slice(1)}`
  yield path.slice(1)
  yield `*`
  yield `/t/${alice}/t/${alice}${path}`
  yield `/t//${path}`
  yield `/t/..${path}`
  if (tail === '') return
  yield `${path}/`
  yield `${path}%2F`
  yield `${path}%00`
  yield `${path}%20`
  yield `${path};a=b`
  yield `${path}#a`
  yield `${path}*`
  yield `${head}/*`
  yield `${head}/:request`
  yield `${head}/${tail.toUpperCase()}`
  yield `${head.toUpperCase()}/${tail.toUpperCase()}`
  yield `${head}/%${tail.charCodeAt(0).toString(16)}${tail.slice(1)}`
  yield `${head}/%25${tail.charCodeAt(0).toString(16)}${tail.slice(1)}`
}

/** Send a request on a connection of its own; answers all that comes. */
async function send(method: string, target: string, body: string, token = alice): Promise<string> {
  using connection = await RawConnection.open(running.gateway.port)
  const headers = { ...jsonHeaders(token), Connection: 'close' }
  connection.send(rawRequest(method, target, headers, Buffer.from(body).toString('latin1')))
  await connection.closed
  return Buffer.from(connection.text, 'latin1').toString()
}

const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1])

/** Records of what somebody did since then, but for logins. */
function recordsOf(user: string, since: number): AuditLine['body'][] {
  return running.site
    .records()
    .slice(since)
    .map(({ body }) => body)
    .filter(({ actor, action }) => actor.user === user && action !== 'auth')
}

describe('class 1: another spelling of a target', () => {
  test.each(SERVED)('%s %s is served', async (method, path, body) => {
    // Alice may not see figures.
    expect(statusOf(await send(method, path, body))).toBe(path === '/metrics' ? 403 : 200)
  })

  test.each(KNOWN)('%s %s is served as nothing else, by no verb', async (_method, path, body) => {
    const since = running.site.records().length
    const operations = await operationsOverHttp(running.admin)
    for (const target of spellingsOf(path)) {
      const asked = VERBS.map(async (verb) => [verb, await send(verb, target, body)] as const)
      for (const [verb, answer] of await Promise.all(asked)) {
        expect([400, 404, 405, 414], `${verb} ${target}`).toContain(statusOf(answer))
        expect(answer, `${verb} ${target}`).not.toContain(canary)
      }
    }
    expect(recordsOf('alice', since)).toEqual([])
    expect(await operationsOverHttp(running.admin)).toBe(operations)
  })
})

/** Members of requests besides the one that names the entry. */
const MEMBERS: Readonly<Record<string, object>> = {
  set: { value: 'v' },
  versions: { op: 'rollback', version: 1 },
  meta: { op: 'get' },
}

function nameOf(request: string): string {
  return request === 'list' ? 'prefix' : 'key'
}

/** Names that are another one for somebody who cleans paths, decodes them, or takes them for patterns. */
const NAMES: readonly string[] = [
  '.',
  '..',
  'a/../b',
  'a/./b',
  'a//b',
  '/a',
  'a/',
  'a/..',
  '../bob/b',
  '..\\bob\\b',
  '%2e%2e/bob/b',
  '.%2e/bob/b',
  '..%2Fbob%2Fb',
  '%252e%252e',
  '%2F..%2F',
  'a%2Fb',
  'a%00',
  'a\0',
  'a\u0000/../b',
  'a;b',
  'a?b',
  'a#b',
  '*',
  '**',
  'a*',
  '[a]',
  '{a,b}',
  '~',
  ' a',
  'a ',
  'A',
  '\u212b',
  'e\u0301',
  '\uff0e\uff0e',
  '\u202ea',
  '__proto__',
]

describe('class 1: another spelling of an entry', () => {
  test.each(NAMES)('in a key of the registry: %j', async (name) => {
    const key = `/alice/${name}`
    const before = await keysThereAre()
    for (const request of ['set', 'get', 'versions', 'history', 'meta', 'list', 'delete']) {
      const since = running.site.records().length
      const body = JSON.stringify({ ...MEMBERS[request], [nameOf(request)]: key })
      const answer = await send('POST', `/registry/${request}`, body)
      expect(answer).not.toContain(canary)
      const seen = recordsOf('alice', since).flatMap(({ paths }) => paths)
      // One slash at the end is taken of a prefix alone.
      const allowed = request === 'list' ? [key, key.replace(/(?<!\/)\/$/, '')] : [key]
      for (const path of seen) expect(allowed).toContain(path)
      if (statusOf(answer) !== 200) {
        expect([400, 403, 404, 409]).toContain(statusOf(answer))
      } else if (request === 'set') {
        expect(seen).toEqual([key])
        expect(await keysThereAre()).toEqual([...before, key].sort())
      }
    }
    expect(await keysThereAre()).toEqual(before)
  })

  test.each(NAMES)('in the name of a secret: %j', async (name) => {
    const before = await keysThereAre()
    const since = running.site.records().length
    const answer = await send('POST', '/api/put', JSON.stringify({ Name: name, Value: 'dg==' }))
    const made = (await keysThereAre()).filter((key) => !before.includes(key))
    const seen = recordsOf('alice', since)
    if (statusOf(answer) !== 200) {
      expect([400, 403]).toContain(statusOf(answer))
      expect(made).toEqual([])
      return
    }
    // One segment below the mount, reversibly, so that no other name comes to be it.
    const [key = ''] = made
    expect(made).toHaveLength(1)
    expect(seen.map(({ paths }) => paths)).toEqual([[key]])
    expect(key).toMatch(/^\/setec\/[^/]+$/)
    expect(decodeURIComponent(key.slice('/setec/'.length))).toBe(name)
    const info = await send('POST', '/api/info', JSON.stringify({ Name: name }))
    expect(JSON.parse(info.slice(info.indexOf('\r\n\r\n') + 4)).Name).toBe(name)
  })

  async function keysThereAre(): Promise<string[]> {
    const all: string[] = []
    for (const prefix of ['/alice', '/bob', '/carol', '/setec']) {
      const { keys } = await running.admin.ok('list', { prefix, recursive: true })
      all.push(
        ...keys.map((one: string | { key: string }) => (typeof one === 'string' ? one : one.key)),
      )
    }
    return all.sort()
  }
})

describe('class 2: another form of a name that is denied', () => {
  const FORMS: readonly string[] = [
    'secret',
    'SECRET',
    'Secret',
    'secret/',
    '/secret',
    './secret',
    'x/../secret',
    'secret/.',
    'secret ',
    'secret\0',
    '%73ecret',
    '%2573ecret',
    'secre%74',
    '\u017fecret',
    '\uff53ecret',
    's\u00adecret',
    'secret\u200b',
    's*',
    'secre?',
    'caf\u00e9',
    'cafe\u0301',
    'caf%C3%A9',
    'caf%25C3%25A9',
    'CAF\u00c9',
    'p/q',
    'p%2Fq',
    'p%252Fq',
  ]
  /** As JSON may be written, which are the same text for everybody. */
  const spelled = (text: string): string[] => [
    JSON.stringify(text),
    `"${[...text].map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join('')}"`,
  ]

  beforeAll(async () => {
    for (const name of ['secret', 'caf\u00e9', 'p/q']) {
      const Value = Buffer.from(canary).toString('base64')
      expect(statusOf(await send('POST', '/api/put', JSON.stringify({ Name: name, Value })))).toBe(
        200,
      )
    }
  })

  test.each(FORMS)('is no way to an entry: %j', async (form) => {
    for (const written of spelled(`/carol/${form}`)) {
      for (const request of ['get', 'versions', 'history', 'meta', 'list']) {
        const others = JSON.stringify(MEMBERS[request] ?? {}).slice(1, -1)
        const body = `{"${nameOf(request)}":${written}${others && ','}${others}}`
        const answer = await send('POST', `/registry/${request}`, body, carol)
        // What is not there, or may not be seen, makes a list of nothing.
        if (request === 'list' && statusOf(answer) === 200) expect(answer).toContain('"keys":[]')
        else expect([400, 403, 404]).toContain(statusOf(answer))
        expect(answer).not.toContain(canary)
      }
    }
  })

  test.each(FORMS)('is no way to a secret: %j', async (form) => {
    const value = Buffer.from(canary).toString('base64')
    for (const written of spelled(form)) {
      for (const operation of ['get', 'info']) {
        const body = `{"Name":${written}}`
        const answer = await send('POST', `/api/${operation}`, body, carol)
        expect([400, 403, 404]).toContain(statusOf(answer))
        expect(answer).not.toContain(value)
      }
    }
  })

  test('and the names themselves are ways, for who may', async () => {
    using connection = await RawConnection.open(running.gateway.port)
    for (const name of ['secret', 'caf\u00e9', 'p/q']) {
      for (const written of spelled(name)) {
        const body = Buffer.from(`{"Name":${written}}`).toString('latin1')
        const answer = await connection.ask(
          rawRequest('POST', '/api/get', jsonHeaders(alice), body),
        )
        expect(answer.status).toBe(200)
        expect(JSON.parse(answer.body).Value).toBe(Buffer.from(canary).toString('base64'))
      }
    }
  })
})
