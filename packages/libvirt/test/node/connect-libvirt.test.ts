import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LibvirtError, NoSecretError, PrivateSecretError, type SecretEvent } from '@secreg/libvirt'
import { type ConnectLibvirtOptions, connectLibvirt } from '@secreg/libvirt/node'
import { type ServeLibvirtOptions, serveLibvirt } from '@secreg/libvirt/server'
import { waitFor } from '@secreg/testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { MemorySecrets } from '../memory-port.ts'

let directory = ''
let path = ''
let server: Server | undefined
const sockets = new Set<Socket>()

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'libvirt-'))
  path = join(directory, 's')
})

afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  await new Promise<unknown>((resolve) => (server ? server.close(resolve) : resolve(undefined)))
  server = undefined
  rmSync(directory, { recursive: true })
})

/** A server half over a socket, with secrets in memory. */
async function serve(options: Partial<ServeLibvirtOptions> = {}): Promise<MemorySecrets> {
  const secrets = new MemorySecrets()
  await listen((socket) => {
    serveLibvirt(socket, { portOf: () => secrets.port(), readOnly: false, ...options })
  })
  return secrets
}

async function listen(onSocket: (socket: Socket) => void): Promise<void> {
  server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    onSocket(socket)
  }).listen(path)
  await waitFor(() => server?.listening ?? false)
}

const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  )

test('the whole API over a socket', async () => {
  await serve()
  await using registry = await connectLibvirt({ socket: path })
  expect(await registry.count()).toBe(0)
  const secret = await registry.define({
    description: 'Schlüssel <1>',
    usage: { type: 'ceph', id: 'client.&"admin"' },
  })
  expect(await secret.describe()).toEqual({
    uuid: secret.uuid,
    description: 'Schlüssel <1>',
    usage: { type: 'ceph', id: 'client.&"admin"' },
    ephemeral: false,
    private: false,
  })
  const value = Uint8Array.from({ length: 65_536 }, (_, index) => index % 256)
  await secret.setValue(value)
  expect(await secret.getValue()).toEqual(value)
  const hidden = await registry.define({ private: true, ephemeral: true })
  await hidden.setValue(Uint8Array.of(1))
  expect(await failure(hidden.getValue())).toBeInstanceOf(PrivateSecretError)

  const both = [secret.uuid, hidden.uuid].sort()
  expect(await registry.listUuids()).toEqual(both)
  expect(await registry.listUuids({ max: 1 })).toHaveLength(1)
  expect((await registry.list()).map(({ uuid }) => uuid)).toEqual(both)
  expect((await registry.list({ private: false })).map(({ uuid }) => uuid)).toEqual([secret.uuid])
  expect((await registry.list({ ephemeral: true })).map(({ uuid }) => uuid)).toEqual([hidden.uuid])
  expect((await registry.getByUsage('ceph', 'client.&"admin"')).uuid).toBe(secret.uuid)
  expect(await failure(registry.getByUsage('none', ''))).toBeInstanceOf(NoSecretError)

  const again = await failure(registry.define({ usage: secret.usage as never }))
  expect(LibvirtError.is(again, 1)).toBe(true)
  await secret.undefine()
  for (const call of [
    secret.undefine(),
    secret.toXML(),
    secret.getValue(),
    secret.setValue(value),
  ]) {
    expect(await failure(call)).toBeInstanceOf(NoSecretError)
  }
})

test('two connections tell each other, many calls at once', async () => {
  await serve()
  await using one = await connectLibvirt({ socket: path })
  await using other = await connectLibvirt({ uri: `secret:///system?socket=${path}` })
  const [mine, theirs]: SecretEvent[][] = [[], []]
  await one.on('lifecycle', {}, (event) => mine?.push(event))
  await other.on('lifecycle', {}, (event) => theirs?.push(event))
  const secrets = await Promise.all(
    Array.from({ length: 40 }, (_, index) =>
      one.define({ usage: { type: 'volume', id: `/dev/${index}` } }),
    ),
  )
  await Promise.all(secrets.map((secret, index) => secret.setValue(Uint8Array.of(index))))
  const values = await Promise.all(secrets.map((secret) => secret.getValue()))
  expect(values.map(([byte]) => byte)).toEqual(secrets.map((_, index) => index))
  const uuids = secrets.map(({ uuid }) => uuid)
  for (const seen of [mine, theirs]) {
    await waitFor(() => seen?.length === 40)
    expect(seen?.map(({ secret }) => secret.uuid)).toEqual(uuids)
  }
})

test('who only reads is refused changes and values', async () => {
  await serve()
  const writing = await connectLibvirt({ socket: path })
  const { uuid } = await writing.define({})
  await writing.close()
  await using registry = await connectLibvirt({ socket: path, readOnly: true })
  const secret = await registry.getByUuid(uuid)
  expect(await secret.toXML()).toContain(uuid)
  const calls = [registry.define({}), secret.getValue(), secret.undefine()]
  for (const call of calls) expect(LibvirtError.is(await failure(call), 29)).toBe(true)
})

test('each end asks the other for signs of life, and both live', async () => {
  // Both are in one process: so many turns of it without a word are too many also where it is short of time.
  const count = 5
  await serve({ keepaliveIntervalMs: 5, keepaliveCount: count })
  await using registry = await connectLibvirt({
    socket: path,
    keepalive: { intervalMs: 20, count },
  })
  let ended = false
  void registry.closed.then(() => {
    ended = true
  })
  const since = performance.now()
  await waitFor(() => performance.now() - since > 240)
  expect(ended).toBe(false)
  expect(await registry.count()).toBe(0)
})

test('a URI that is not served', async () => {
  await serve()
  const error = await failure(connectLibvirt({ uri: `qemu:///system?socket=${path}` }))
  expect(LibvirtError.is(error, 5)).toBe(true)
  await waitFor(() => sockets.size === 0)
})

test('where nobody listens', async () => {
  const error = await failure(connectLibvirt({ socket: path }))
  expect(error).toMatchObject({ code: 'ERR_LIBVIRT_UNREACHABLE', cause: { code: 'ENOENT' } })
})

test('a server that says nothing is given up, and one that is waited for can be', async () => {
  await listen(() => {})
  const silent = connectLibvirt({ socket: path, timeoutMs: 30 })
  expect(await failure(silent)).toMatchObject({ code: 'ERR_LIBVIRT_TIMEOUT' })
  const controller = new AbortController()
  const waiting = failure(connectLibvirt({ socket: path, signal: controller.signal }))
  await waitFor(() => sockets.size > 0)
  const reason = new Error('enough')
  controller.abort(reason)
  expect(await waiting).toBe(reason)
  const late = connectLibvirt({ socket: path, signal: controller.signal })
  expect(await failure(late)).toBe(reason)
})

test.each([
  [{ socket: 7 }, TypeError],
  [{ socket: '' }, RangeError],
  [{ socket: 'a\0b' }, RangeError],
  [{ uri: 'secret+ssh://host/system' }, RangeError],
])('%o is refused', async (options, type) => {
  expect(await failure(connectLibvirt(options as ConnectLibvirtOptions))).toBeInstanceOf(type)
})
