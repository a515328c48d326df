import {
  LIBVIRT_ERRORS,
  LibvirtConnectionError,
  LibvirtError,
  type OpenRegistryOptions,
  openSecretRegistry,
  writeCall,
} from '@secreg/libvirt'
import { expect, test } from 'vitest'
import { memoryPair } from './memory-stream.ts'
import { recorded } from './recorded-client.ts'
import { SILENCE, StandIn } from './stand-in.ts'

test('the first calls are those of virsh, byte for byte', async () => {
  const server = new StandIn()
  const registry = await server.open()
  const [list, feature, open] = recorded('connect-close').filter(({ dir }) => dir === 'c2s')
  const [first, second, third] = server.calls
  expect(first && writeCall('authList', undefined, first.frame.serial)).toEqual(list?.bytes)
  expect(second?.args).toEqual({ feature: 10 })
  expect(second && writeCall('connectSupportsFeature', { feature: 10 }, 1)).toEqual(feature?.bytes)
  expect(third?.args).toEqual({ name: 'secret:///system', flags: 0 })
  expect(third && writeCall('connectOpen', third.args as never, third.frame.serial)).toEqual(
    open?.bytes,
  )
  await registry.close()
  expect(server.called).toEqual([
    'authList',
    'connectSupportsFeature',
    'connectOpen',
    'connectSupportsFeature',
    'connectRegisterCloseCallback',
    'connectUnregisterCloseCallback',
    'connectClose',
  ])
  expect(server.client.destroyed).toBe(true)
  expect(await registry.closed).toMatchObject({ reason: 'client', error: { reason: 'CLOSED' } })
})

test('options come to the server', async () => {
  const server = new StandIn({ connectSupportsFeature: () => ({ supported: 0 }) })
  const options = { uri: 'secret+unix:///session?socket=/s&a=b', readOnly: true } as const
  const registry = await server.open({ ...options, keepalive: false })
  expect(server.calls.map(({ key, args }) => [key, args])).toEqual([
    ['authList', undefined],
    ['connectOpen', { name: 'secret:///session?a=b', flags: 1 }],
    ['connectSupportsFeature', { feature: 15 }],
  ])
  await registry.close()
  expect(server.called).not.toContain('connectUnregisterCloseCallback')
})

test('servers that know less are served', async () => {
  const server = new StandIn({
    authList: () => LIBVIRT_ERRORS.noSupport('virAuthList'),
    connectSupportsFeature: () => LIBVIRT_ERRORS.unknownProcedure(60),
  })
  await (await server.open()).close()
  const empty = new StandIn({ authList: () => ({ types: [] }) })
  await (await empty.open()).close()
  const deaf = new StandIn({
    connectRegisterCloseCallback: () => LIBVIRT_ERRORS.noSupport('x'),
  })
  await (await deaf.open()).close()
  expect(deaf.called).not.toContain('connectUnregisterCloseCallback')
})

test('a server that does not say goodbye is closed nevertheless', async () => {
  const server = new StandIn({ connectClose: () => LIBVIRT_ERRORS.rpc('no') })
  await (await server.open()).close()
  const rude: StandIn = new StandIn({
    connectClose: () => {
      rude.stream.destroy()
      return SILENCE
    },
  })
  const registry = await rude.open()
  await Promise.all([registry.close(), registry.close()])
  expect((await registry.closed).reason).toBe('client')
})

test('polkit is asked for where it is the only way', async () => {
  const server = new StandIn({
    authList: () => ({ types: [2] }),
    authPolkit: () => ({ complete: 1 }),
  })
  const registry = await server.open()
  expect(server.called.slice(0, 2)).toEqual(['authList', 'authPolkit'])
  await registry.close()
  const both = new StandIn({ authList: () => ({ types: [2, 0] }) })
  await (await both.open()).close()
  expect(both.called).not.toContain('authPolkit')

  const denied = new StandIn({
    authList: () => ({ types: [2] }),
    authPolkit: () => LIBVIRT_ERRORS.authFailed(),
  })
  await expect(denied.open()).rejects.toMatchObject({ name: 'LibvirtError', code: 45 })
  const odd = new StandIn({
    authList: () => ({ types: [2] }),
    authPolkit: () => ({ complete: 0 }),
  })
  await expect(odd.open()).rejects.toMatchObject({ code: 'ERR_LIBVIRT_ANSWER_INVALID' })
  const sasl = new StandIn({ authList: () => ({ types: [1] }) })
  await expect(sasl.open()).rejects.toMatchObject({ code: 'ERR_LIBVIRT_AUTH_UNSUPPORTED' })
  for (const { client } of [denied, odd, sasl]) expect(client.destroyed).toBe(true)
})

test('a refused URI is told, and the stream destroyed', async () => {
  const server = new StandIn({ connectOpen: ({ name }) => LIBVIRT_ERRORS.noConnect(name) })
  const error = await server.open({ uri: 'qemu:///system' }).catch((error) => error)
  expect(LibvirtError.is(error, 5)).toBe(true)
  expect(error.message).toBe('no connection driver available for qemu:///system')
  expect(server.client.destroyed).toBe(true)
})

test('the signal ends the attempt, and nothing afterwards', async () => {
  const reason = new Error('enough')
  const aborted = new StandIn()
  await expect(aborted.open({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  expect(aborted.client.destroyed).toBe(true)
  expect(aborted.calls).toEqual([])

  const controller = new AbortController()
  const silent = new StandIn({
    connectOpen: () => {
      controller.abort(reason)
      return SILENCE
    },
  })
  await expect(silent.open({ signal: controller.signal })).rejects.toBe(reason)

  const late = new AbortController()
  const server = new StandIn({ connectNumOfSecrets: () => ({ num: 3 }) })
  const registry = await server.open({ signal: late.signal })
  late.abort(reason)
  expect(await registry.count()).toBe(3)
  await registry.close()
})

test('a server that is silent is given up', async () => {
  const server = new StandIn({ connectOpen: () => SILENCE })
  const error = await server.open({ timeoutMs: 20 }).catch((error) => error)
  expect(LibvirtConnectionError.is(error, 'TIMEOUT')).toBe(true)
  expect(server.client.destroyed).toBe(true)
})

const wrong: [unknown, typeof TypeError | typeof RangeError, string][] = [
  [null, TypeError, 'options: expected an object, got null'],
  [{ uri: 1 }, TypeError, 'uri: '],
  [{ uri: 'x' }, RangeError, 'uri: '],
  [{ readOnly: 1 }, TypeError, 'readOnly: expected a boolean, got number'],
  [{ timeoutMs: '1' }, TypeError, 'timeoutMs: expected a number, got string'],
  [{ timeoutMs: -1 }, RangeError, 'timeoutMs: '],
  [{ timeoutMs: 2 ** 31 }, RangeError, 'timeoutMs: '],
  [{ signal: {} }, TypeError, 'signal: expected an AbortSignal, got object'],
  [{ keepalive: 1 }, TypeError, 'keepalive: expected an object, got number'],
  [{ keepalive: { intervalMs: 0 } }, RangeError, 'keepalive.intervalMs: '],
  [{ keepalive: { count: 0.5 } }, RangeError, 'keepalive.count: '],
]

test.each(wrong)('%o is refused, and the stream left alone', async (options, type, text) => {
  const [client] = memoryPair()
  const error = await openSecretRegistry(client, options as OpenRegistryOptions).catch((e) => e)
  expect(error).toBeInstanceOf(type)
  expect(error.message).toContain(text)
  expect(client.destroyed).toBe(false)
})
