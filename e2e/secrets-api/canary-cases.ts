/** What is in a request that fails comes back in no answer, and is in no output, record or event. In environment A. */
import { createCanary } from '@secreg/testkit'
import { describe, expect, test } from 'vitest'
import type { Method, SecretsAsk } from '../lib/secrets-call.ts'
import type { SecretsDesk } from '../lib/secrets-site.ts'

const kv = (path: string): string => `openbao+kv2://secret/${path}`
const API = kv('app/api')

type Failing = readonly [
  what: string,
  method: Method,
  path: string,
  ask: (value: string) => SecretsAsk,
]

/** Each holds a value where one may be, or where somebody has put it by mistake; what is no URI is one of them. */
const FAILING: readonly Failing[] = [
  ['a body that is cut', 'POST', '', (value) => ({ body: `{"uri":"${API}#k","value":"${value}` })],
  ['a body that is no JSON', 'POST', '', (value) => ({ body: value })],
  [
    'an unknown name',
    'POST',
    '',
    (value) => ({ body: { uri: `${API}#k`, value: 'x', [value]: 1 } }),
  ],
  ['a name twice', 'POST', '', (value) => ({ body: `{"${value}":1,"${value}":2}` })],
  ['a value that does not fit', 'POST', '', (value) => ({ body: { uri: API, value } })],
  ['a list', 'POST', '', (value) => ({ body: { uri: `${API}#k`, value: [value] } })],
  ['a check', 'POST', '', (value) => ({ body: { uri: `${API}#k`, value, cas: 7 } })],
  ['another mount', 'POST', '', (value) => ({ body: { uri: 'yaml://other/a#b', value } })],
  ['a place of a value', 'POST', '', (value) => ({ body: { uri: value, value } })],
  ['a version', 'POST', '', (value) => ({ body: { uri: `${API}#k?version=${value}`, value } })],
  ['a rotation', 'POST', '/rotate', (value) => ({ body: { uri: `${API}?version=1`, value } })],
  ['an owner', 'POST', '/metadata/owner', (value) => ({ body: { uri: `${API}#k`, owner: value } })],
  ['an item', 'POST', '/bulk', (value) => ({ body: { operations: [{ op: value, uri: API }] } })],
  [
    'items',
    'POST',
    '/bulk',
    (value) => ({
      body: {
        operations: [
          { op: 'set', uri: API, value },
          { op: 'set', uri: `${API}#k`, value: { a: value, b: value } },
          { op: 'rotate', uri: 'yaml://other/a#b', value },
        ],
      },
    }),
  ],
  ['a query', 'GET', '/value', (value) => ({ query: { uri: `${API}#k`, [value]: value } })],
  ['a version of a query', 'GET', '/value', (value) => ({ query: { uri: API, version: value } })],
  ['a switch', 'DELETE', '', (value) => ({ query: { uri: API, destroy: value } })],
  ['a filter', 'GET', '/audit', (value) => ({ query: { since: value } })],
  ['a path', 'GET', '/nowhere', (value) => ({ query: { uri: value } })],
  ['a method', 'PUT', '', (value) => ({ body: { uri: `${API}#k`, value } })],
  [
    'a word of who sends it',
    'GET',
    '/value',
    (value) => ({
      query: { uri: kv('none#k') },
      headers: { 'X-Correlation-Id': `no ${value}`, 'X-Node-Id': `no ${value}`, Cookie: value },
    }),
  ],
  ['a type', 'POST', '', (value) => ({ body: '{}', headers: { 'Content-Type': `a/${value}` } })],
]

export function canaryCases(desk: () => SecretsDesk): void {
  describe('what is in a request that fails is not told', () => {
    for (const [what, method, path, ask] of FAILING) {
      test(what, async () => {
        const value = createCanary('value')
        const { status, text, headers } = await desk().caller.ask(method, path, ask(value))
        expect(status).toBeGreaterThanOrEqual(207)
        expect(text).not.toContain(value)
        expect(JSON.stringify(headers)).not.toContain(value)
        desk().unheard.push(value)
      })
    }

    test('nor what a server was sent that has failed, or has said it again', async () => {
      const { standIn, caller } = desk()
      const value = createCanary('value')
      for (const fault of [
        { kind: 'status', status: 500, errors: [value] },
        { kind: 'status', status: 400, errors: [value] },
        { kind: 'status', status: 429, errors: [value], headers: { 'Retry-After': value } },
        { kind: 'garbage', text: `{"data":"${value}"}` },
        { kind: 'redirect', to: `http://${value}.example.org` },
      ] as const) {
        const end = standIn.fail(fault, 10, ({ target }) => target.includes('/data/canary/'))
        const { status, text, headers } = await caller.write(kv('canary/sent#k'), value)
        end()
        expect(status, fault.kind).toBeGreaterThanOrEqual(400)
        expect(text).not.toContain(value)
        expect(JSON.stringify(headers)).not.toContain(value)
        // So that no failures are in a row.
        await caller.value(kv('app/test#value'))
      }
      desk().unheard.push(value)
    })
  })
}
