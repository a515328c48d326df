import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { answer } from './fake-daemon.ts'
import { connected, drained, read, reasonOf, STANDS, serve, types, watched } from './watched.ts'

describe('keeping alive', () => {
  test('a status is asked while a watch is open, with the session', async () => {
    const { daemon } = await watched({}, {}, { keepAliveMs: 2, sessionId: 's' })
    await daemon.until(4)
    expect(daemon.asked.slice(1, 4).map(({ type, sessionId }) => [type, sessionId])).toEqual(
      Array(3).fill([0x44, 's']),
    )
  })

  test('ends with the last watch, and with the connection', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    onTestFinished(() => void vi.useRealTimers())
    let id = 0
    const { registry } = await connected((asked) => {
      if (asked.type === 0x54) answer(asked.socket, 0x55, { ...STANDS, watch_id: ++id })
      else serve(asked)
    })
    const first = await registry.watch({})
    const second = await registry.watch({})
    expect(vi.getTimerCount()).toBe(1)
    await first.close()
    expect(vi.getTimerCount()).toBe(1)
    await second.close()
    expect(vi.getTimerCount()).toBe(0)
    await registry.watch({})
    expect(vi.getTimerCount()).toBe(1)
    await registry.close()
    expect(vi.getTimerCount()).toBe(0)
  })

  test('is not wanted', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    onTestFinished(() => void vi.useRealTimers())
    await watched({}, {}, { keepAliveMs: 0 })
    expect(vi.getTimerCount()).toBe(0)
  })

  test('is not needed where something else is asked', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    onTestFinished(() => void vi.useRealTimers())
    const { daemon, registry } = await watched()
    vi.advanceTimersByTime(59_000)
    await read(registry)
    vi.advanceTimersByTime(59_000)
    await read(registry)
    expect(types(daemon)).toEqual([0x54, 0x03, 0x03])
    vi.advanceTimersByTime(60_000)
    await daemon.until(4)
    expect(types(daemon)).toEqual([0x54, 0x03, 0x03, 0x44])
  })

  test('a daemon that does not answer ends the watches', async () => {
    const { registry } = await connected(
      (asked) => {
        if (asked.type !== 0x44) serve(asked)
      },
      { keepAliveMs: 1, timeoutMs: 5 },
    )
    const watch = await registry.watch({}, { timeoutMs: 1000 })
    expect(reasonOf((await drained(watch)).error)).toBe('TIMEOUT')
  })
})
