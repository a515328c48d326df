/** A token in a path stays between its caller and the daemon, whatever becomes of the request. */
import { createCanary, findCanary, rawHttp, waitFor } from '@secreg/testkit'
import { expect, test } from 'vitest'
import { addUser, makeToken, startGatewaySite } from '../lib/gateway-site.ts'
import { ask, bearer, SETEC_GUARD } from '../lib/http-ask.ts'

test('is in no log, figure, error, answer or file of gateway and daemon', async () => {
  await using running = await startGatewaySite({ config: '[log]\nlevel = "trace"' })
  const { site, admin, daemon } = running
  await addUser(admin, 'alice', { roles: ['admin'] })
  const good = await makeToken(admin, 'alice')
  const wrong = createCanary('wrong').replaceAll('-', '_')
  const revoked = await makeToken(admin, 'alice')
  await admin.ok('token', { op: 'revoke', token: revoked.ident })
  const answers: string[] = []
  const open = new Set<number>()
  const send = async (token: string): Promise<void> => {
    const at = `${site.http}/t/${token}`
    const deep = `{"key":${'['.repeat(100)}`
    const asked = await Promise.all([
      ask(`${at}/registry/whoami`, { body: {} }),
      ask(`${at}/registry/get`, { body: { key: '/app/none' } }),
      ask(`${at}/registry/get`, { body: { key: 7 } }),
      ask(`${at}/registry/nothing`, { body: {} }),
      ask(`${at}/registry/whoami`, { body: {}, headers: { 'Content-Type': 'text/plain' } }),
      ask(`${at}/registry/whoami`, { body: {}, headers: bearer(token) }),
      ask(`${at}/registry/whoami`, { method: 'TRACE' }),
      ask(`${at}/api/list`, { body: {}, headers: SETEC_GUARD }),
      ask(`${at}/api/get`, { body: { Name: 'none' } }),
      ask(`${at}/api/get`, { body: { Name: 'none' }, headers: SETEC_GUARD }),
      ask(`${at}/t/${token}/api/get`, { body: {} }),
      ask(`${at}/${token}`),
      ask(`${at}/health?${token}`),
      ask(`${at}/`),
      ask(`${at}/metrics`),
      ask(`${at}/ready`),
    ])
    for (const { status, headers, text } of asked) {
      open.add(status)
      answers.push(JSON.stringify(headers), text)
    }
    const head = `POST /t/${token}/registry/get HTTP/1.1\r\nHost: 127.0.0.1:${site.port}\r\nConnection: close\r\n`
    const json = 'Content-Type: application/json\r\n'
    for (const rest of [
      `${json}Content-Length: ${deep.length}\r\n\r\n${deep}`,
      `${json}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}`,
      `Content-Length: x\r\n\r\n`,
      '\r\n',
      `Host: elsewhere.example\r\n\r\n`,
    ]) {
      answers.push(await rawHttp(site.port, `${head}${rest}`))
    }
    answers.push(await rawHttp(site.port, `GET /t/${token}/ HTTP/9.9\r\n\r\n`))
    answers.push(await rawHttp(site.port, `GET /t/${token}\r\n\r\n`))
  }
  const tokens = [good.secret, revoked.secret, wrong]
  for (const token of tokens) await send(token)
  // Of what was answered to the good one.
  expect([...open].sort()).toEqual(expect.arrayContaining([200, 400, 401, 403, 404, 415]))
  const figures = await ask(`${site.http}/metrics`, { headers: bearer(good.secret) })
  expect(figures.text).toContain('secreg_')
  answers.push(figures.text, (await admin.ok('maintain', { op: 'metrics' })).metrics)
  answers.push(JSON.stringify(await admin.ok('audit', { limit: 1000 })))
  answers.push(JSON.stringify(await admin.ok('maintain', { op: 'support' })))
  await daemon.kill('SIGTERM')
  await waitFor(
    async () =>
      (await ask(`${site.http}/registry/whoami`, { body: {}, headers: bearer(good.secret) }))
        .status === 503,
  )
  for (const token of tokens) await send(token)
  await running.gateway.child.kill('SIGTERM')

  const outputs = [...site.children, ...site.gateways].flatMap((child) => [
    child.stdout(),
    child.stderr(),
  ])
  expect(outputs.join('')).toMatch(/"level":"debug".*"event":"request"/)
  for (const token of tokens) {
    for (const text of [...answers, ...outputs]) expect(text).not.toContain(token)
    // The part after the prefix by which a token is known, too.
    for (const text of [...answers, ...outputs]) expect(text).not.toContain(token.slice(-20))
    expect(findCanary(token, site.home.path)).toEqual([])
  }
  // The log names the tokens by what opens nothing.
  expect(findCanary(good.ident, site.audit).length).toBeGreaterThan(0)
})
