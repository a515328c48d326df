import { waitFor } from '@secreg/testkit'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { KeepaliveTimer } from '../../src/client/keepalive-timer.ts'
import { SILENCE, StandIn } from './stand-in.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
})

afterEach(() => {
  vi.useRealTimers()
})

test('it asks so many times, and waits once more', () => {
  const seen: string[] = []
  const timer = new KeepaliveTimer(
    { intervalMs: 100, count: 2 },
    { ping: () => seen.push('ping'), dead: () => seen.push('dead') },
  )
  vi.advanceTimersByTime(99)
  expect(seen).toEqual([])
  vi.advanceTimersByTime(101)
  expect(seen).toEqual(['ping', 'ping'])
  timer.heard()
  vi.advanceTimersByTime(299)
  expect(seen).toEqual(['ping', 'ping', 'ping', 'ping'])
  vi.advanceTimersByTime(1)
  expect(seen.at(-1)).toBe('dead')
  vi.advanceTimersByTime(1000)
  expect(seen.length).toBe(5)
  expect(vi.getTimerCount()).toBe(0)
})

test('a silent server ends the connection, and calls with it', async () => {
  const server = new StandIn({ connectNumOfSecrets: () => SILENCE })
  const registry = await server.open({ keepalive: { intervalMs: 1000, count: 3 }, timeoutMs: 0 })
  const count = registry.count().catch((error: unknown) => error)
  vi.advanceTimersByTime(3999)
  await waitFor(() => server.pings === 3)
  vi.advanceTimersByTime(1)
  expect(await count).toMatchObject({ code: 'ERR_LIBVIRT_KEEPALIVE_TIMEOUT' })
  expect((await registry.closed).reason).toBe('keepalive')
  expect(vi.getTimerCount()).toBe(0)
})

test('whatever a server sends is a sign of life', async () => {
  const server = new StandIn({ connectNumOfSecrets: () => ({ num: 1 }) })
  const registry = await server.open({ keepalive: { intervalMs: 1000, count: 0 } })
  vi.advanceTimersByTime(999)
  await registry.count()
  vi.advanceTimersByTime(999)
  expect(await registry.count()).toBe(1)
  await registry.close()
  expect(vi.getTimerCount()).toBe(0)
})

test('a server that does not support it is not asked', async () => {
  const server = new StandIn({ connectSupportsFeature: () => ({ supported: 0 }) })
  const registry = await server.open()
  expect(vi.getTimerCount()).toBe(0)
  await registry.close()
})
