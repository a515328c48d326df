/** Many callers of one gateway who ask for much at once: each gets it, and none of them costs the others their sessions. */
import { RawConnection, rawRequest, waitFor } from '@secreg/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { MIB } from '../lib/gateway-processes.ts'
import { makeCaller, type StartedGatewaySite, startGatewaySite } from '../lib/gateway-site.ts'
import { jsonHeaders } from '../lib/json-headers.ts'
import { Wire } from '../lib/wire.ts'

/** As many as a connection to the daemon may have under way, each with the largest value. */
const AT_ONCE = 64

let running: StartedGatewaySite
let token: string
let value: string
beforeAll(async () => {
  running = await startGatewaySite({ http: 'workers = 1' })
  token = await makeCaller(running.admin, 'alice')
  value = Buffer.alloc(MIB, 'a').toString('base64')
  await running.admin.ok('set', { key: '/alice/large', value, type: 'bytes' })
})
afterAll(() => running[Symbol.asyncDispose]())

test('a gateway that takes its answers late gets every one of them', async () => {
  using wire = await Wire.open(running.site.gatewaySocket)
  const { body } = await wire.ask('auth', { token, address: '127.0.0.1' })
  wire.session = body.session_id
  wire.socket.pause()
  for (let at = 0; at < AT_ONCE + 16; at++) wire.send('get', { key: '/alice/large' })
  // More is answered than a connection may leave untaken that is not of a gateway.
  await waitFor(() => {
    const read = running.site.records().filter(({ body: { action } }) => action === 'read')
    return read.length * value.length > 8 * MIB
  })
  wire.socket.resume()
  for (let at = 0; at < AT_ONCE + 16; at++) expect((await wire.next()).body.value).toBe(value)
})

test('callers who ask for large values at once all get them', async () => {
  const request = rawRequest('POST', '/registry/get', jsonHeaders(token), '{"key":"/alice/large"}')
  const answers = Array.from({ length: AT_ONCE }, async () => {
    using connection = await RawConnection.open(running.gateway.port)
    const { status, body } = await connection.ask(request)
    return `${status} ${body.length > value.length}`
  })
  expect(new Set(await Promise.all(answers))).toEqual(new Set(['200 true']))
  const logins = running.site
    .records()
    .filter(({ body: { action, actor } }) => action === 'auth' && actor.user === 'alice')
  // That of the test before, and one for all of these.
  expect(logins).toHaveLength(2)
})
