/** Daemon and gateway come and go, each by itself: callers are told so, and go on with the same credential. */
import { waitFor } from '@secreg/testkit'
import { expect, test } from 'vitest'
import { addUser, makeToken, setSetecRules, startGatewaySite } from '../lib/gateway-site.ts'
import { ask, basic, bearer, SETEC_GUARD } from '../lib/http-ask.ts'
import { PASSWORD } from '../lib/site.ts'

/** The gateway looks for the daemon after a pause, on a machine that does much else. */
const LONG = { timeoutMs: 30_000 }

test('daemon gone: 503; sealed: 503; open again: everything as it was, with sessions made anew', async () => {
  await using running = await startGatewaySite()
  const { site, admin } = running
  await addUser(admin, 'alice', { password: PASSWORD })
  const { secret } = await makeToken(admin, 'alice')
  await setSetecRules(admin, 'alice', ['user:alice'], [{ action: ['get', 'put'], secret: ['*'] }])
  const call = (operation: string, body: object, headers = bearer(secret)) =>
    ask(`${site.http}/api/${operation}`, { body, headers: { ...headers, ...SETEC_GUARD } })
  const get = (headers = bearer(secret)) => call('get', { Name: 'db' }, headers)
  const ready = async () => {
    const { status, json } = await ask(`${site.http}/ready`)
    return [status, json.state]
  }
  const put = await call('put', { Name: 'db', Value: Buffer.from('first').toString('base64') })
  expect([put.status, put.json]).toEqual([200, 1])
  const value = (await get()).json
  expect(Buffer.from(value.Value, 'base64').toString()).toBe('first')
  expect((await get(basic('alice', PASSWORD))).json).toEqual(value)
  expect(await ready()).toEqual([200, 'unsealed'])
  const sessions = (): string[] =>
    site
      .records()
      .filter(({ body }) => body.action === 'auth' && body.actor.user === 'alice')
      .flatMap(({ body }) => body.actor.session ?? [])
  const first = sessions()
  expect(first.length).toBe(2)

  let daemon = running.daemon
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    await daemon.kill(signal)
    await waitFor(async () => (await get()).status === 503, LONG)
    const refused = await ask(`${site.http}/registry/whoami`, { body: {}, headers: bearer(secret) })
    expect([refused.status, refused.json.error.reason]).toEqual([503, 'UNREACHABLE'])
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    await waitFor(async () => (await ready())[1] === 'unreachable', LONG)
    expect((await ready())[0]).toBe(503)
    expect((await ask(`${site.http}/health`)).status).toBe(200)

    daemon = await site.start()
    await waitFor(async () => (await ready())[1] === 'sealed', LONG)
    expect((await ready())[0]).toBe(503)
    expect((await get()).status).toBe(503)
    const body = { key: '/setec/db', decrypt: true }
    const sealed = await ask(`${site.http}/registry/get`, { body, headers: bearer(secret) })
    expect([sealed.status, sealed.json.error.reason]).toEqual([503, 'SEALED'])
    expect(Number(sealed.headers['retry-after'])).toBeGreaterThan(0)

    using _ = await site.unlock()
    await waitFor(async () => (await ready())[1] === 'unsealed', LONG)
    expect((await get()).json).toEqual(value)
    expect((await get(basic('alice', PASSWORD))).json).toEqual(value)
    expect(running.gateway.child.exited).toBe(false)
  }
  const later = sessions().slice(first.length)
  expect(later.length).toBeGreaterThanOrEqual(4)
  for (const session of later) expect(first).not.toContain(session)
})

test('a gateway that is stopped or killed and started again: everything as it was, with sessions made anew', async () => {
  await using running = await startGatewaySite()
  const { site, admin } = running
  await addUser(admin, 'alice')
  const { secret } = await makeToken(admin, 'alice')
  const refs: (string | undefined)[] = []
  const whoami = async () => {
    const headers = bearer(secret)
    const { status, json } = await ask(`${site.http}/registry/whoami`, { body: {}, headers })
    expect([status, json.user]).toEqual([200, 'alice'])
    refs.push(site.records().at(-1)?.body.actor.session)
  }
  await whoami()
  await whoami()
  let { gateway } = running
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    await gateway.child.kill(signal)
    await expect(ask(`${site.http}/health`)).rejects.toThrow('ECONNREFUSED')
    gateway = await site.startGateway()
    await whoami()
  }
  // One session for both requests to the first gateway, and one of its own for each later one.
  expect(refs[0]).toBeDefined()
  expect([refs[1] === refs[0], new Set(refs).size]).toEqual([true, 3])
})
