/** What the stand-in has beside the conformance cases: tokens, namespaces, time, and what it does wrong on demand. */
import { expect, test } from 'vitest'
import { RawConnection, waitFor } from '../../src/index.ts'
import { Kv2StandIn } from '../../src/kv2.ts'

async function call(
  server: Kv2StandIn,
  method: string,
  path: string,
  {
    token = server.rootToken,
    body,
    namespace,
  }: { token?: string; body?: object; namespace?: string } = {},
): Promise<{ status: number; json: Record<string, never> | undefined; headers: Headers }> {
  const answer = await fetch(`${server.url}/v1/${path}`, {
    method,
    redirect: 'manual',
    headers: {
      'X-Vault-Token': token,
      ...(namespace !== undefined && { 'X-Vault-Namespace': namespace }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  return {
    status: answer.status,
    json: text === '' ? undefined : JSON.parse(text),
    headers: answer.headers,
  }
}

test('an AppRole logs in, and its token ends unless it is renewed', async () => {
  const startMs = Date.now()
  await using server = await Kv2StandIn.start({ nowMs: () => startMs })
  const { roleId, secretId } = server.addRole({ ttlSeconds: 60 })
  const login = (secret_id: string) =>
    call(server, 'POST', 'auth/approle/login', { token: '', body: { role_id: roleId, secret_id } })
  expect((await login('wrong')).status).toBe(400)
  const { json } = await login(secretId)
  expect(json?.['auth']).toMatchObject({ lease_duration: 60, renewable: true })
  const auth = json?.['auth'] as { client_token: string } | undefined
  const token = auth?.client_token ?? ''
  server.advance(59_000)
  expect((await call(server, 'POST', 'auth/token/renew-self', { token })).status).toBe(200)
  server.advance(59_000)
  const looked = await call(server, 'GET', 'auth/token/lookup-self', { token })
  expect(looked.json?.['data']).toMatchObject({ renewable: true, creation_ttl: 60 })
  server.advance(1000)
  expect((await call(server, 'GET', 'secret/data/a', { token })).status).toBe(403)
})

test('tokens are revoked, by themselves or all but the root', async () => {
  await using server = await Kv2StandIn.start()
  const [one, two] = [server.createToken(), server.createToken({ renewable: false })]
  expect((await call(server, 'POST', 'auth/token/renew-self', { token: two })).status).toBe(400)
  expect((await call(server, 'POST', 'auth/token/revoke-self', { token: one })).status).toBe(204)
  expect((await call(server, 'GET', 'secret/data/a', { token: one })).status).toBe(403)
  expect((await call(server, 'GET', 'secret/data/a', { token: two })).status).toBe(404)
  server.revokeTokens()
  expect((await call(server, 'GET', 'secret/data/a', { token: two })).status).toBe(403)
  expect((await call(server, 'GET', 'secret/data/a')).status).toBe(404)
})

test('namespaces have mounts of their own', async () => {
  await using server = await Kv2StandIn.start({ namespaces: ['team'] })
  const body = { data: { k: 1 } }
  const write = await call(server, 'POST', 'secret/data/a', { body, namespace: 'team/' })
  expect([write.status, write.headers.get('x-vault-namespace')]).toEqual([200, 'team/'])
  expect((await call(server, 'GET', 'secret/data/a')).status).toBe(404)
  expect(await call(server, 'GET', 'secret/data/a', { namespace: 'none' })).toMatchObject({
    status: 404,
    json: { errors: ['namespace not found'] },
  })
})

test('a sealed server answers its health and nothing else', async () => {
  await using server = await Kv2StandIn.start()
  server.seal()
  expect((await call(server, 'GET', 'sys/health')).status).toBe(503)
  expect(await call(server, 'GET', 'secret/data/a')).toMatchObject({
    status: 503,
    json: { errors: ['Vault is sealed'] },
  })
  server.unseal()
  expect((await call(server, 'GET', 'sys/health')).status).toBe(200)
})

test('a path that is not clean leads elsewhere, and one that is not once it is decoded nowhere', async () => {
  await using server = await Kv2StandIn.start()
  for (const [path, location] of [
    ['/v1/secret/data/x/../a', '/v1/secret/data/a'],
    ['/v1/secret/data/x/../a?version=1', '/v1/secret/data/a?version=1'],
    ['/v1//secret/./data/a', '/v1/secret/data/a'],
  ]) {
    using connection = await RawConnection.open(server.port)
    connection.send(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)
    expect(await connection.next()).toMatchObject({ status: 307, headers: { location } })
  }
  for (const path of ['x/%2e%2E/a', 'x/%2e/a', 'x%2F..%2Fa', 'a%00b']) {
    using connection = await RawConnection.open(server.port)
    connection.send(
      `GET /v1/secret/data/${path} HTTP/1.1\r\nHost: x\r\nX-Vault-Token: ${server.rootToken}\r\n\r\n`,
    )
    expect((await connection.next())?.status).toBe(400)
  }
})

test('faults hit as many requests as was said, and those that were meant', async () => {
  await using server = await Kv2StandIn.start()
  server.fail(
    { kind: 'status', status: 429, headers: { 'retry-after': '9' } },
    2,
    ({ method }) => method === 'GET',
  )
  expect((await call(server, 'POST', 'secret/data/a', { body: { data: {} } })).status).toBe(200)
  const throttled = await call(server, 'GET', 'secret/data/a')
  expect([throttled.status, throttled.headers.get('retry-after')]).toEqual([429, '9'])
  expect((await call(server, 'GET', 'secret/data/a')).status).toBe(429)
  expect((await call(server, 'GET', 'secret/data/a')).status).toBe(200)
  const end = server.fail({ kind: 'status', status: 500 }, Number.POSITIVE_INFINITY)
  expect((await call(server, 'GET', 'secret/data/a')).status).toBe(500)
  end()
  expect((await call(server, 'GET', 'secret/data/a')).status).toBe(200)
})

test('work is done before an answer that goes wrong, where that was said', async () => {
  await using server = await Kv2StandIn.start()
  const write = () => call(server, 'POST', 'secret/data/a', { body: { data: {} } })
  server.fail({ kind: 'reset' })
  await expect(write()).rejects.toThrow()
  server.fail({ kind: 'reset', done: true })
  await expect(write()).rejects.toThrow()
  server.fail({ kind: 'status', status: 502, done: true })
  expect((await write()).status).toBe(502)
  const { json } = await call(server, 'GET', 'secret/metadata/a')
  expect(json?.['data']).toMatchObject({ current_version: 2 })
})

test('an answer is held, and a body is no longer than who takes it wants', async () => {
  await using server = await Kv2StandIn.start()
  let release: () => void = () => {}
  const until = new Promise<void>((resolve) => {
    release = resolve
  })
  server.fail({ kind: 'hold', until })
  let answered = false
  const held = call(server, 'GET', 'sys/health').then((answer) => {
    answered = true
    return answer
  })
  await waitFor(() => server.requests.length === 1)
  expect(answered).toBe(false)
  release()
  expect((await held).status).toBe(200)

  server.fail({ kind: 'huge', bytes: 1024 * 1024 * 1024 })
  const answer = await fetch(`${server.url}/v1/sys/health`)
  const reader = answer.body?.getReader()
  await reader?.read()
  await reader?.cancel()
  await waitFor(() => server.bytesOfHuge > 0)
  expect(server.bytesOfHuge).toBeLessThan(100 * 1024 * 1024)
})
