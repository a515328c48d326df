/** Cases U and Q: what is a URI of a secret, and what a query. */
import { describe, expect, test } from 'vitest'
import { expectCode, expectReply } from '../lib/secrets-call.ts'
import type { SecretsDesk } from '../lib/secrets-site.ts'

const TEST = 'openbao+kv2://secret/app/test'
const VALUE = `${TEST}#value`

/** Read: id, what is asked for, what it is called, its value. */
const READ: readonly (readonly [id: string, uri: string, canonical: string, value: string])[] = [
  ['U01', VALUE, VALUE, 'two'],
  ['U02', 'OpenBao+KV2://secret/app/test#value', VALUE, 'two'],
  ['U04', `${VALUE}?version=1`, `${VALUE}?version=1`, 'one'],
  ['U05', `${TEST}?version=1#value`, `${VALUE}?version=1`, 'one'],
  ['U06', `  ${VALUE}`, VALUE, 'two'],
]

const ILLEGAL = 'ILLEGAL_SEGMENT'

/** Refused as the query of a read: id, URIs, code; the status is 400 but of what is not there. */
const REFUSED_READ: readonly (readonly [id: string, uris: readonly string[], code: string])[] = [
  ['U03', ['openbao+kv2://secret/App/test#value'], 'SECRET_NOT_FOUND'],
  ['U07', ['hashicorp+kv2://secret//path'], ILLEGAL],
  ['U08', ['openbao+kv2://secret/jira/*/token'], 'INVALID_WILDCARD'],
  ['U19', ['openbao://secret/app/test#value'], 'UNSUPPORTED_ENGINE'],
  [
    'U20',
    ['openbao+kv1://secret/app/test', 'yaml+kv2://secret/env#X', 'aws+kv2://secret/a#b'],
    'UNSUPPORTED_ENGINE',
  ],
  ['U20', ['file:primary:db'], ILLEGAL],
  ['U21', ['secret/app/test'], ILLEGAL],
  ['U22', ['openbao+kv2://other/app/test#value'], 'TENANT_MOUNT_MISMATCH'],
  ['U23', ['openbao+kv2://SECRET/app/test#value'], 'TENANT_MOUNT_MISMATCH'],
  ['U24', ['openbao+kv2://secret', 'openbao+kv2://secret#x'], ILLEGAL],
  ['U25', ['openbao+kv2://secret/app/test/'], 'PROVIDER_TRAILING_SLASH_MISMATCH'],
  ['U26', ['openbao+kv2://user@secret/app', 'openbao+kv2://secret:8200/app'], 'AMBIGUOUS_MOUNT'],
  ['U28', ['yaml://secret/env#MY_API_KEY?version=1'], 'VERSION_NOT_ALLOWED'],
  ['U30', [`${TEST}#`], ILLEGAL],
]

/** Refused as a member of a body. */
const REFUSED_WRITE: readonly (readonly [id: string, uris: readonly string[], code: string])[] = [
  ['U09', ['openbao+kv2://secret/a%2Fb#key'], ILLEGAL],
  ['U11', ['openbao+kv2://secret/app/../test#value'], ILLEGAL],
  ['U12', ['openbao+kv2://secret/app/a..b#value'], ILLEGAL],
  ['U13', ['openbao+kv2://secret/app/./test#value'], ILLEGAL],
  ['U14', [`${TEST}#a#b`], ILLEGAL],
  ['U15', [`${VALUE}?version=1&version=2`], 'AMBIGUOUS_QUERY'],
  ['U16', [`${VALUE}?mount=kv`], 'DOUBLE_MOUNT_SOURCE'],
  ['U17', [`${VALUE}?foo=1`], 'AMBIGUOUS_QUERY'],
  [
    'U18',
    ['0', '-1', '01', '1.0', '', '99999999999'].map((version) => `${VALUE}?version=${version}`),
    'AMBIGUOUS_QUERY',
  ],
  ['U27', [' ', '\\', '\0', 'é', '\n'].map((odd) => `openbao+kv2://secret/a${odd}b#k`), ILLEGAL],
  [
    'U29',
    [
      `openbao+kv2://secret/${'a'.repeat(100)}`.padEnd(2049, `/${'b'.repeat(100)}`),
      `openbao+kv2://secret${'/a'.repeat(33)}`,
      `openbao+kv2://secret/${'a'.repeat(129)}`,
    ],
    ILLEGAL,
  ],
]

/** Queries of a read as they are sent: id, query, status, what it answers. */
const QUERIES: readonly (readonly [id: string, query: string, status: number, body: object])[] = [
  ['U10', 'uri=openbao+kv2://secret/a%252Fb%23key', 400, { code: ILLEGAL }],
  ['Q01', 'uri=openbao+kv2://secret/app/test%23value', 200, { value: 'two' }],
  [
    'Q02',
    'uri=openbao%2Bkv2%3A%2F%2Fsecret%2Fapp%2Ftest%23value&version=1',
    200,
    { value: 'one', version: 1 },
  ],
  ['Q03', 'uri=openbao+kv2://secret/app/test%23value?version=1', 200, { value: 'one' }],
  [
    'Q04',
    'uri=openbao+kv2://secret/app/test%23value?version=1&version=2',
    400,
    { code: 'AMBIGUOUS_QUERY' },
  ],
  ['Q05', 'uri=openbao+kv2://secret/app/test%23value?version=1&version=1', 200, { value: 'one' }],
  [
    'Q06',
    'uri=openbao+kv2://secret/app/test%23value&uri=openbao+kv2://secret/app/api',
    400,
    { code: 'AMBIGUOUS_QUERY' },
  ],
  ['Q07', 'uri=%ZZ', 400, { code: 'INVALID_REQUEST' }],
  ['Q07', 'uri=%C3%28', 400, { code: 'INVALID_REQUEST' }],
  ['Q08', '', 400, { code: 'INVALID_REQUEST' }],
  ['Q08', 'uri=', 400, { code: 'INVALID_REQUEST' }],
  ['Q09', 'uri=openbao+kv2://secret/app/test%23value&foo=1', 400, { code: 'INVALID_REQUEST' }],
]

/** What the references of secrets are, with the salt of the cases (specs: secrets-api §1.7). */
const REFERENCES: Readonly<Record<string, string>> = {
  'yaml://secret/env#MY_API_KEY': 'RTcj6VKx-gi-w6lfzxd8Gtryuiyb7iiZqybuoq7YiJ8',
  'openbao+kv2://secret/app/api': 'HAq-Yr2_nxyJfv11gavDYr83XrqaMuePqxI3EaGVBVw',
  'openbao+kv2://secret/app/api#token': 'hXeKDnReAZviZhbtIUIhHIJyCozpqxkiGSoecc28GpA',
  'openbao+kv2://secret/app/api#token?version=3': 'zPP0kpW3HzRwxGRfSy-1QkXTpIClpZvprYYwQhwXLFE',
  'hashicorp+kv2://secret/payments/stripe#api_key': '1612b6duMQagABeP9bww35aDsGXUxr7sUiFDVNFo4bE',
  'openbao+kv2://secret/app/rot#token': '9x-muLe3H_iWhXw09TdDu79oCcwNRUn4FeQ49hRBb0g',
  'openbao+kv2://secret/app/rot': 'UA8qqn-qEOqWeJ0X4GWYY-7rQcA1XaaWQ4xPDkeslsE',
}

/** In environment A. */
export function uriCases(desk: () => SecretsDesk): void {
  describe('URIs', () => {
    for (const [id, uri, canonical, value] of READ) {
      test(`${id}: ${uri}`, async () => {
        expectReply(await desk().caller.value(uri), 200, { uri: canonical, value })
      })
    }

    for (const [id, uris, code] of REFUSED_READ) {
      test(`${id}: ${uris[0]}`, async () => {
        const status = code === 'SECRET_NOT_FOUND' ? 404 : 400
        for (const uri of uris) expectCode(await desk().caller.value(uri), status, code, uri)
      })
    }

    for (const [id, uris, code] of REFUSED_WRITE) {
      test(`${id}: ${JSON.stringify(uris[0]).slice(0, 60)}`, async () => {
        const { mark } = desk().kv
        for (const uri of uris) expectCode(await desk().caller.write(uri, 'x'), 400, code, uri)
        expect(desk().kv.requests(mark)).toEqual([])
      })
    }

    test('U22: the refusal does not say which mounts there are', async () => {
      const uri = 'openbao+kv2://other/app/test#value'
      expectReply(await desk().caller.value(uri), 400, {
        error: 'Bad Request',
        code: 'TENANT_MOUNT_MISMATCH',
        message: 'mount not allowed for tenant',
      })
    })

    test('U33: what a URI is answered as is answered as itself', async () => {
      for (const [, uri] of READ) {
        const { uri: canonical } = (await desk().caller.value(uri)).json
        expect((await desk().caller.value(canonical)).json.uri).toBe(canonical)
      }
    })
  })

  describe('queries', () => {
    for (const [id, query, status, body] of QUERIES) {
      test(`${id}: ${query}`, async () => {
        expectReply(await desk().caller.ask('GET', '/value', { query }), status, body)
      })
    }

    test('Q10: no such method, no such place', async () => {
      const { caller } = desk()
      const { headers } = expectCode(await caller.ask('PUT', ''), 405, 'METHOD_NOT_ALLOWED')
      expect(String(headers['allow']).split(', ').sort()).toEqual(
        expect.arrayContaining(['DELETE', 'GET', 'POST']),
      )
      for (const path of ['/', '/nope', '/value/']) {
        expectCode(await caller.ask('GET', path), 404, 'NOT_FOUND', path)
      }
    })
  })

  test('the references of secrets are those of the table', async () => {
    const { caller } = desk()
    for (const [uri, resource_ref] of Object.entries(REFERENCES)) {
      await caller.value(uri)
      const { json } = await caller.ask('GET', '/audit', { query: { resource_ref } })
      expect(json.total, uri).toBeGreaterThan(0)
    }
  })
}
