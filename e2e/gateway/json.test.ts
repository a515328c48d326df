/**
 * class 15: JSON that costs more than its length says. It is refused quickly, in a gateway of one worker, so that
 * whoever is held up would be seen; and the daemon hears of nothing that is not a request.
 */
import { RawConnection, rawRequest } from '@secreg/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { MIB, operationsOverHttp, processesOf, residentBytes } from '../lib/gateway-processes.ts'
import { makeCaller, type StartedGatewaySite, startGatewaySite } from '../lib/gateway-site.ts'
import { jsonHeaders } from '../lib/json-headers.ts'
import { Probe } from '../lib/probe.ts'
import { ADMIN, PASSWORD } from '../lib/site.ts'

/** Longest that the gateway may be busy with one body, seconds; measured is less than 0.1. */
const SLICE_S = 1
/** What its heap may grow by in all of this, beyond `http.buffer_bytes` of 64 MiB. */
const HEAP_BYTES = 256 * MIB

let running: StartedGatewaySite
let token: string
beforeAll(async () => {
  running = await startGatewaySite({ http: 'workers = 1' })
  token = await makeCaller(running.admin, 'alice')
})
afterAll(() => running[Symbol.asyncDispose]())

const repeat = (text: string, count: number): string => Array(count).fill(text).join(',')
const members = (count: number): string =>
  Array.from({ length: count }, (_, at) => `"k${at}":0`).join(',')

/** By what they are; `"key"` and `"Name"` are what requests name an entry and a secret by. */
const BODIES: readonly [string, string][] = [
  ['arrays 10,000 deep', deep('[', ']', 10_000)],
  ['objects 10,000 deep', deep('{"a":', '}', 10_000)],
  ['both 400,000 deep', deep('[{"a":', '}]', 400_000 / 2)],
  ['arrays without an end', `{"key":${'['.repeat(1_000_000)}`],
  ['objects without an end', `{"key":${'{"a":'.repeat(400_000)}`],
  ['as many members as fit', `{${members(150_000)},"key":0,"Name":0}`],
  ['as many empty names as fit', `{${repeat('"":0', 400_000)},"key":0,"Name":0}`],
  ['names that are no names of members', `{${repeat('"__proto__":0', 100_000)},"key":0,"Name":0}`],
  ['the same member again and again', `{${repeat('"key":0,"Name":0', 100_000)}}`],
  ['an array of a million numbers', `{"key":[${repeat('0', 1_000_000)}],"Name":[]}`],
  ['an array of objects', `{"key":[${repeat('{}', 600_000)}],"Name":[]}`],
  ['an array of texts', `{"key":[${repeat('""', 600_000)}],"Name":[]}`],
  ['a number of two million digits', `{"key":${'9'.repeat(2_000_000)},"Name":0}`],
  ['a fraction of two million digits', `{"key":0.${'9'.repeat(2_000_000)},"Name":0}`],
  ['an exponent of two million digits', `{"key":1e${'9'.repeat(2_000_000)},"Name":0}`],
  ['a text without an end', `{"key":"${'a'.repeat(2_000_000)}`],
  ['escapes without an end', `{"key":"${'\\\\'.repeat(1_000_000)}`],
  ['white space', `${' '.repeat(2_000_000)}`],
  ['white space before an array', `${'\n'.repeat(2_000_000)}[]`],
  ['an array of everything', `[${repeat('{"key":"/alice/a","Name":"a"}', 60_000)}]`],
  ['what is no UTF-8', `{"key":"\xff\xfe","Name":"\xc0\xaf`],
  ['a byte order mark', '\xef\xbb\xbf{"key":"/alice/a","Name":"a"}'],
  ['UTF-16', Buffer.from('{"key":"/alice/a","Name":"a"}', 'utf16le').toString('latin1')],
  ['NUL', '{"key":"/alice/a\0","Name":"a\0"}'],
]

function deep(open: string, close: string, depth: number): string {
  return `{"key":${open.repeat(depth)}0${close.repeat(depth)},"Name":0}`
}

const ROUTES = [
  '/registry/get',
  '/registry/set',
  '/registry/txn',
  '/api/get',
  '/api/put',
  '/access/v1/evaluation',
]

/** Of a transaction, that is a member that it does not know; so it is made one that it knows. */
function bodyFor(route: string, body: string): string {
  return route === '/registry/txn' ? body.replaceAll('"key"', '"compare"') : body
}

async function ask(
  route: string,
  body: string,
  more: Record<string, string> = {},
): Promise<number> {
  using connection = await RawConnection.open(running.gateway.port)
  const headers = { ...jsonHeaders(token), ...more }
  return (await connection.ask(rawRequest('POST', route, headers, body))).status
}

/** Longest time that the worker was busy without a pause since the last call, seconds. */
async function longestSlice(): Promise<number> {
  using connection = await RawConnection.open(running.gateway.port)
  const basic = Buffer.from(`${ADMIN}:${PASSWORD}`).toString('base64')
  const headers = { Authorization: `Basic ${basic}` }
  const { body } = await connection.ask(rawRequest('GET', '/metrics', headers))
  return Number(
    /^secreg_gateway_event_loop_delay_seconds ([\d.e-]+)$/m.exec(body)?.[1] ?? Number.NaN,
  )
}

describe('class 15: deep and wide JSON', () => {
  test.each(BODIES)('%s', { timeout: 60_000 }, async (_what, body) => {
    expect(body.length).toBeLessThan(2 * MIB)
    const pids = processesOf(running.gateway.child)
    using probe = await Probe.open(running.gateway.port, rawRequest('GET', '/health'))
    const operations = await operationsOverHttp(running.admin)
    await longestSlice()
    const before = residentBytes(pids)
    const meanwhileMs = await probe.medianMsDuring(
      (async () => {
        for (const route of ROUTES) {
          expect([400, 413], route).toContain(await ask(route, bodyFor(route, body)))
        }
      })(),
    )
    expect(meanwhileMs / 1000).toBeLessThan(SLICE_S)
    expect(await longestSlice()).toBeLessThan(SLICE_S)
    expect(residentBytes(pids)).toBeLessThan(before + HEAP_BYTES)
    expect(processesOf(running.gateway.child)).toEqual(pids)
    // That of the look at the figures of the gateway is the administrator's.
    expect((await operationsOverHttp(running.admin)) - operations).toBe(2)
  })

  test('a million members are too long', async () => {
    const body = `{${members(1_000_000)}}`
    const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
    for (const route of ROUTES) {
      expect(await ask(route, body)).toBe(413)
      expect(await ask(route, chunked, { 'Transfer-Encoding': 'chunked' })).toBe(413)
    }
  })

  test('of which the daemon has heard nothing', () => {
    const records = running.site.records().filter(({ body }) => body.actor.user === 'alice')
    expect(records.map(({ body }) => body.action)).toEqual(['auth'])
  })

  test.each([
    ['/registry/set', '{"key":"/alice/a","key":"/alice/b","value":"v"}', '/alice/b'],
    ['/registry/set', '{"\\u006bey":"/alice/c","Key":"/alice/d","value":"v"}', '/alice/c'],
    ['/registry/set', '{"__proto__":{"key":"/alice/d"},"key":"/alice/e","value":"v"}', '/alice/e'],
    ['/api/info', '{"Name":"a","Name":"b"}', '/setec/b'],
    ['/api/info', '{"Name":"a","nAME":"c"}', '/setec/c'],
  ])(
    'of members of one name, one is decided on, stored and recorded: %s %s',
    async (route, body, path) => {
      const seen = running.site.records().length
      await ask(route, body)
      const records = running.site.records().slice(seen)
      expect(records.map(({ body: { paths } }) => paths)).toEqual([[path]])
      if (route !== '/registry/set') return
      expect((await running.admin.ok('list', { prefix: '/alice' })).keys.map(keyOf)).toContain(path)
    },
  )
})

function keyOf(entry: string | { key: string }): string {
  return typeof entry === 'string' ? entry : entry.key
}
