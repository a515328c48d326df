import { type ChangeBatch, connectRegistry, type Watch, WatchOverflowError } from '@secreg/client'
import type { RequestOf, WatchEventMessage } from '@secreg/protocol'
import { SecregError } from '@secreg/protocol'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import {
  type Asked,
  answer,
  change,
  entry,
  type FakeDaemon,
  fakeDaemon,
  frameOf,
  push,
  refuse,
} from './fake-daemon.ts'

type Connection = Awaited<ReturnType<typeof connectRegistry>>

interface Opened {
  readonly daemon: FakeDaemon
  readonly registry: Connection
  readonly watch: Watch
  readonly tell: (message: Partial<WatchEventMessage>) => void
}

const STANDS = { watch_id: 1, revision: 10, generation: 'g' }

/** Answers a watch, an unwatch, a status and a get. */
function serve({ socket, type }: Asked): void {
  if (type === 0x54) answer(socket, 0x55, STANDS)
  else if (type === 0x56) answer(socket, 0x57, { success: true })
  else if (type === 0x44) {
    answer(socket, 0x45, { status: 'running', state: 'unsealed', initialized: true, version: '1' })
  } else answer(socket, 0x04, entry('x'))
}

async function connected(
  handle: (asked: Asked) => void = serve,
  options: Parameters<typeof connectRegistry>[0] = {},
): Promise<Omit<Opened, 'watch'>> {
  const daemon = await fakeDaemon(handle)
  onTestFinished(() => daemon[Symbol.asyncDispose]())
  const registry = await connectRegistry({ socket: daemon.path, ...options })
  onTestFinished(() => registry.close())
  const tell = (message: Partial<WatchEventMessage>): void => {
    for (const socket of daemon.sockets) push(socket, message)
  }
  return { daemon, registry, tell }
}

async function watched(
  request: RequestOf<'watch'> = {},
  options: Parameters<Connection['watch']>[1] = {},
  connectOptions: Parameters<typeof connectRegistry>[0] = {},
): Promise<Opened> {
  const parts = await connected(serve, connectOptions)
  return { ...parts, watch: await parts.registry.watch(request, options) }
}

/** Everything up to the end, and how it ended. */
async function drained(watch: Watch): Promise<{ batches: ChangeBatch[]; error: unknown }> {
  const batches: ChangeBatch[] = []
  try {
    for await (const batch of watch) batches.push(batch)
    return { batches, error: undefined }
  } catch (error) {
    return { batches, error }
  }
}

async function taken(watch: Watch, count: number): Promise<ChangeBatch[]> {
  const iterator = watch[Symbol.asyncIterator]()
  const batches: ChangeBatch[] = []
  while (batches.length < count) {
    const { value } = await iterator.next()
    if (value === undefined) throw new Error('the watch has ended')
    batches.push(value)
  }
  return batches
}

/** Once an answer has come, everything pushed before it has been read. */
const read = (registry: Connection): Promise<unknown> => registry.get({ key: '/a' })

const keys = ({ events }: ChangeBatch): string[] => events.map(({ key }) => key)

const types = (daemon: FakeDaemon): number[] => daemon.asked.map(({ type }) => type)

const reasonOf = (error: unknown): unknown => (SecregError.is(error) ? error.reason : error)

describe('events', () => {
  test('come in order, between answers', async () => {
    const { registry, watch, tell, daemon } = await watched({ prefix: '/a' })
    expect(watch).toMatchObject({ revision: 10, generation: 'g' })
    tell({ revision: 11, events: [change('/a/1')] })
    await read(registry)
    tell({ revision: 13, events: [change('/a/2'), change('/a/3')] })
    expect(await taken(watch, 2)).toEqual([
      { revision: 11, events: [change('/a/1')] },
      { revision: 13, events: [change('/a/2'), change('/a/3')] },
    ])
    expect(daemon.asked[0]?.payload).toEqual({ prefix: '/a' })
  })

  test.each(['behind', 'before'])('in one read with the answer of the watch, %s it', async (at) => {
    const { registry } = await connected(({ socket }) => {
      const frames = [
        frameOf(0x55, STANDS),
        frameOf(0x80, { watch_id: 1, revision: 11, events: [change('/a')] }),
      ]
      if (at === 'before') frames.reverse()
      socket.write(Buffer.concat(frames))
    })
    const watch = await registry.watch({})
    expect((await taken(watch, 1)).map(keys)).toEqual([['/a']])
  })

  test('too many before the answer end the connection', async () => {
    const { registry } = await connected(({ socket }) => {
      for (let revision = 1; revision < 40; revision++) {
        push(socket, { revision, events: [change(`/${'x'.repeat(30_000)}`)] })
      }
    })
    expect(reasonOf(await registry.watch({}).catch((error: unknown) => error))).toBe('UNREACHABLE')
    expect(registry.closed).toBe(true)
  })

  test('a revision in several messages is one batch', async () => {
    const { watch, tell } = await watched()
    tell({ revision: 12, events: [change('/1')], more: true })
    tell({ revision: 12, events: [change('/2')], more: true })
    tell({ revision: 12, events: [change('/3')] })
    tell({ revision: 13, events: [change('/4')] })
    expect((await taken(watch, 2)).map(keys)).toEqual([['/1', '/2', '/3'], ['/4']])
  })

  test('several watches, several consumers at once, and ids that nobody knows', async () => {
    let id = 0
    const { registry, tell } = await connected((asked) => {
      if (asked.type === 0x54) answer(asked.socket, 0x55, { ...STANDS, watch_id: ++id })
      else serve(asked)
    })
    const first = await registry.watch({})
    const second = await registry.watch({})
    const waiting = [taken(second, 1), taken(second, 1)]
    tell({ watch_id: 9, revision: 11, events: [change('/9')] })
    tell({ watch_id: 2, revision: 11, events: [change('/2')] })
    tell({ watch_id: 2, revision: 12, events: [change('/3')] })
    tell({ watch_id: 1, revision: 11, events: [change('/1')] })
    expect((await Promise.all(waiting)).flat().map(keys)).toEqual([['/2'], ['/3']])
    expect((await taken(first, 1)).map(keys)).toEqual([['/1']])
    expect(registry.closed).toBe(false)
  })

  test('revision tells what the consumer has, not what has come', async () => {
    const { registry, watch, tell } = await watched()
    tell({ revision: 11, events: [change('/1')] })
    tell({ revision: 12, events: [change('/2')] })
    tell({ revision: 20, events: [] })
    await read(registry)
    expect(watch.revision).toBe(10)
    await taken(watch, 1)
    expect(watch.revision).toBe(11)
    await taken(watch, 1)
    expect(watch.revision).toBe(20)
    tell({ revision: 30, events: [] })
    await read(registry)
    expect(watch.revision).toBe(30)
  })

  test('progress is given where it was asked, the latest only', async () => {
    const { registry, watch, tell } = await watched({ progress: true })
    for (const revision of [10, 11, 12]) tell({ revision, events: [] })
    tell({ revision: 13, events: [change('/1')] })
    for (const revision of [14, 15]) tell({ revision, events: [] })
    await read(registry)
    expect((await taken(watch, 3)).map(({ revision }) => revision)).toEqual([12, 13, 15])
    expect(watch.revision).toBe(15)
  })

  test('since a revision, of a life of the store', async () => {
    const { registry, daemon } = await connected(({ socket }) =>
      answer(socket, 0x55, { watch_id: 1, revision: 5, generation: 'g' }),
    )
    const watch = await registry.watch({ since_revision: 5, generation: 'g' })
    expect(watch.revision).toBe(5)
    expect(daemon.asked[0]?.payload).toEqual({ since_revision: 5, generation: 'g' })
  })
})

describe('the end', () => {
  test('the daemon overflows: what came is given, then the error tells where to resume', async () => {
    const { watch, tell } = await watched()
    tell({ revision: 11, events: [change('/1')] })
    tell({ revision: 12, events: [change('/2')], more: true })
    tell({ revision: 12, overflow: true })
    const { batches, error } = await drained(watch)
    expect(batches.map(keys)).toEqual([['/1']])
    expect(error).toBeInstanceOf(WatchOverflowError)
    expect(WatchOverflowError.is(error)).toBe(true)
    expect(error).toMatchObject({ reason: 'BUSY', revision: 11 })
    expect(await drained(watch)).toEqual({ batches: [], error: undefined })
  })

  test('the last message tells its events, and up to where nothing happened', async () => {
    const first = await watched()
    first.tell({ revision: 14, events: [change('/1')], overflow: true })
    const one = await drained(first.watch)
    expect(one.batches.map(keys)).toEqual([['/1']])
    expect(one.error).toMatchObject({ revision: 14 })
    const second = await watched()
    second.tell({ revision: 14, overflow: true })
    expect((await drained(second.watch)).error).toMatchObject({ revision: 14 })
    expect(second.watch.revision).toBe(14)
  })

  test('the daemon ends it with an error', async () => {
    const { watch, tell, registry } = await watched()
    tell({
      revision: 11,
      error: {
        code: 6,
        name: 'InvalidState',
        message: 'gone',
        reason: 'REVISION_COMPACTED',
        errno: 923,
        min_revision: 7,
      },
    })
    expect((await drained(watch)).error).toMatchObject({
      reason: 'REVISION_COMPACTED',
      minRevision: 7,
    })
    expect(registry.closed).toBe(false)
    await watch.close()
  })

  test('the connection is lost: what came is given, then UNREACHABLE', async () => {
    const { registry, daemon, watch, tell } = await watched()
    tell({ revision: 11, events: [change('/1')] })
    tell({ revision: 12, events: [change('/2')], more: true })
    await read(registry)
    for (const socket of daemon.sockets) socket.destroy()
    const { batches, error } = await drained(watch)
    expect(batches.map(keys)).toEqual([['/1']])
    expect(reasonOf(error)).toBe('UNREACHABLE')
    expect(watch.revision).toBe(11)
    await watch.close()
  })

  test('what the daemon says before it closes is the reason', async () => {
    const { daemon, watch } = await watched()
    for (const socket of daemon.sockets) {
      refuse(socket, 'SHUTTING_DOWN', 6)
      socket.end()
    }
    expect(reasonOf((await drained(watch)).error)).toBe('SHUTTING_DOWN')
  })

  test.each([
    ['no object', '[1]'],
    ['no JSON', '{"watch_id"'],
    ['no watch', { revision: 11, events: [] }],
    ['a negative revision', { watch_id: 1, revision: -1, events: [] }],
    ['a revision that is not exact', { watch_id: 1, revision: 2 ** 60, events: [] }],
    ['events that are no array', { watch_id: 1, revision: 11, events: {} }],
    ['an event without its key', { watch_id: 1, revision: 11, events: [{ op: 'set' }] }],
    ['an event that is null', { watch_id: 1, revision: 11, events: [null] }],
    ['an operation that is a number', { ...STANDS, events: [{ ...change('/'), op: 1 }] }],
    ['an overflow that is false', { watch_id: 1, revision: 11, events: [], overflow: false }],
    ['an error without a message', { watch_id: 1, revision: 11, events: [], error: { code: 6 } }],
    ['a revision of the past', { watch_id: 1, revision: 9, events: [] }],
    ['the revision it began with', { watch_id: 1, revision: 10, events: [change('/')] }],
    [
      'an end within a revision',
      { watch_id: 1, revision: 11, events: [], more: true, overflow: true },
    ],
  ])('a message with %s ends the connection', async (_, payload) => {
    const { daemon, registry, watch } = await watched()
    for (const socket of daemon.sockets) answer(socket, 0x80, payload)
    expect(reasonOf((await drained(watch)).error)).toBe('UNREACHABLE')
    expect(registry.closed).toBe(true)
  })

  test('a revision that is not finished before the next ends the connection', async () => {
    const { registry, watch, tell } = await watched()
    tell({ revision: 11, events: [change('/1')], more: true })
    tell({ revision: 12, events: [change('/2')] })
    expect(reasonOf((await drained(watch)).error)).toBe('UNREACHABLE')
    expect(registry.closed).toBe(true)
  })

  test.each([
    ['begins after what was asked', { ...STANDS, revision: 6 }],
    ['has no generation', { watch_id: 1, revision: 5 }],
  ])('a watch that %s is refused', async (_, stands) => {
    const { registry } = await connected(({ socket }) => answer(socket, 0x55, stands))
    const refused = registry.watch({ since_revision: 5 })
    expect(reasonOf(await refused.catch((error: unknown) => error))).toBe('UNREACHABLE')
  })

  test('a watch of another life of the store is refused and left', async () => {
    const { registry, daemon } = await connected()
    const refused = registry.watch({ since_revision: 10, generation: 'other' })
    expect(reasonOf(await refused.catch((error: unknown) => error))).toBe('REVISION_COMPACTED')
    await daemon.until(2)
    expect(types(daemon)).toEqual([0x54, 0x56])
  })

  test('two watches with one number end the connection', async () => {
    const { registry, watch } = await watched()
    const second = registry.watch({})
    expect(reasonOf(await second.catch((error: unknown) => error))).toBe('UNREACHABLE')
    expect(reasonOf((await drained(watch)).error)).toBe('UNREACHABLE')
  })

  test('the daemon refuses the watch', async () => {
    const { registry } = await connected(({ socket }) =>
      refuse(socket, 'REVISION_COMPACTED', 6, { min_revision: 100 }),
    )
    const refused = await registry.watch({ since_revision: 1 }).catch((error: unknown) => error)
    expect(refused).toMatchObject({ reason: 'REVISION_COMPACTED', minRevision: 100, status: 6 })
  })
})

describe('a consumer who does not read', () => {
  test('gets what is kept, then an overflow at the last whole revision, and the daemon is told', async () => {
    const { daemon, watch, tell } = await watched({}, { maxBufferedEvents: 5 })
    tell({ revision: 11, events: [change('/1'), change('/2')] })
    tell({ revision: 12, events: [change('/3'), change('/4')] })
    tell({ revision: 13, events: [change('/5')], more: true })
    tell({ revision: 13, events: [change('/6')] })
    tell({ revision: 14, events: [change('/7')] })
    await daemon.until(2)
    expect(daemon.asked[1]).toMatchObject({ type: 0x56, payload: { watch_id: 1 } })
    const { batches, error } = await drained(watch)
    expect(batches.map(keys)).toEqual([
      ['/1', '/2'],
      ['/3', '/4'],
    ])
    expect(error).toMatchObject({ name: 'WatchOverflowError', revision: 12 })
    expect(watch.revision).toBe(12)
    await watch.close()
    expect(types(daemon)).toEqual([0x54, 0x56])
  })

  test('has no more kept than 16 MiB', async () => {
    const { daemon, watch, tell } = await watched()
    const key = `/${'x'.repeat(1024 * 1024)}`
    for (let revision = 11; revision < 31; revision++) tell({ revision, events: [change(key)] })
    await daemon.until(2)
    const { batches, error } = await drained(watch)
    expect(batches).toHaveLength(15)
    expect(error).toMatchObject({ reason: 'BUSY', revision: 25 })
  })

  test('is given a revision that is larger than what may be kept, alone', async () => {
    const { registry, watch, tell } = await watched({}, { maxBufferedEvents: 2 })
    tell({ revision: 11, events: [change('/1'), change('/2')], more: true })
    tell({ revision: 11, events: [change('/3')] })
    await read(registry)
    expect((await taken(watch, 1)).map(keys)).toEqual([['/1', '/2', '/3']])
    tell({ revision: 12, events: [change('/4')] })
    expect((await taken(watch, 1)).map(keys)).toEqual([['/4']])
  })
})

describe('close', () => {
  test('tells the daemon once, and ends the iteration without an error', async () => {
    const { daemon, watch, tell, registry } = await watched()
    const waiting = watch[Symbol.asyncIterator]().next()
    await Promise.all([watch.close(), watch.close(), watch[Symbol.asyncDispose]()])
    expect(await waiting).toEqual({ done: true, value: undefined })
    expect(types(daemon)).toEqual([0x54, 0x56])
    tell({ revision: 11, events: [change('/late')] })
    await read(registry)
    expect(await drained(watch)).toEqual({ batches: [], error: undefined })
  })

  test('drops what is kept', async () => {
    const { watch, tell, registry } = await watched()
    tell({ revision: 11, events: [change('/1')] })
    await read(registry)
    await watch.close()
    expect(await drained(watch)).toEqual({ batches: [], error: undefined })
    expect(watch.revision).toBe(10)
  })

  test('leaving the loop closes', async () => {
    const { daemon, watch, tell } = await watched()
    tell({ revision: 11, events: [change('/1')] })
    for await (const _ of watch) break
    expect(types(daemon)).toEqual([0x54, 0x56])
  })

  test('events that cross with an unwatch are not taken for those of the next watch', async () => {
    let id = 0
    const held: Asked[] = []
    const stand = (asked: Asked): void => {
      if (asked.type === 0x54) answer(asked.socket, 0x55, { ...STANDS, watch_id: ++id })
      else serve(asked)
    }
    const { daemon, registry, tell } = await connected((asked) => {
      if (id === 0) stand(asked)
      else held.push(asked)
    })
    const first = await registry.watch({})
    const closing = first.close()
    const opening = registry.watch({})
    await daemon.until(3)
    for (let revision = 11; revision < 50; revision++) {
      tell({ watch_id: 1, revision, events: [change(`/${'x'.repeat(40_000)}`)] })
    }
    for (const asked of held) stand(asked)
    tell({ watch_id: 2, revision: 11, events: [change('/second')] })
    await closing
    expect((await taken(await opening, 1)).map(keys)).toEqual([['/second']])
  })

  test('after the connection is lost asks nothing', async () => {
    const { watch, registry } = await watched()
    await registry.close()
    await watch.close()
    expect(await drained(watch)).toEqual({ batches: [], error: undefined })
  })

  test('is not refused when too many requests wait', async () => {
    const { daemon, registry, watch } = await watched({}, {}, { maxInFlight: 1, maxWaiting: 0 })
    const busy = registry.get({ key: '/a' })
    await watch.close()
    await busy
    expect(types(daemon)).toEqual([0x54, 0x03, 0x56])
  })
})

describe('abort', () => {
  test('of a watch that stands ends it with the reason', async () => {
    const controller = new AbortController()
    const { daemon, watch } = await watched({}, { signal: controller.signal })
    const iterating = drained(watch)
    controller.abort(new Error('enough'))
    expect((await iterating).error).toMatchObject({ message: 'enough' })
    await daemon.until(2)
    expect(types(daemon)).toEqual([0x54, 0x56])
    await watch.close()
  })

  test('while the answer is awaited: it is left as soon as it stands', async () => {
    const held: Asked[] = []
    const { daemon, registry } = await connected((asked) => {
      if (asked.type === 0x54) held.push(asked)
      else serve(asked)
    })
    const controller = new AbortController()
    const opening = registry.watch({}, { signal: controller.signal })
    await daemon.until(1)
    controller.abort(new Error('enough'))
    await expect(opening).rejects.toThrow('enough')
    for (const asked of held) serve(asked)
    await daemon.until(2)
    expect(daemon.asked[1]).toMatchObject({ type: 0x56, payload: { watch_id: 1 } })
  })

  test('at the moment of the answer', async () => {
    const controller = new AbortController()
    const { registry, daemon } = await connected()
    const opening = registry.watch({}, { signal: controller.signal })
    opening.then(() => {})
    await daemon.until(1)
    const watch = await opening
    controller.abort(new Error('late'))
    expect((await drained(watch)).error).toMatchObject({ message: 'late' })
  })
})

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

test('wrong arguments', async () => {
  const { registry } = await connected()
  await expect(registry.request('watch', {})).rejects.toThrow(TypeError)
  await expect(registry.request('unwatch', { watch_id: 1 })).rejects.toThrow(TypeError)
  await expect(registry.watch({}, { maxBufferedEvents: 0 })).rejects.toThrow(RangeError)
  await expect(registry.watch({}, { maxBufferedEvents: '1' as never })).rejects.toThrow(TypeError)
  await expect(registry.watch({}, { timeoutMs: -1 })).rejects.toThrow(RangeError)
  await expect(registry.watch(undefined as never)).rejects.toThrow(TypeError)
  await expect(connectRegistry({ keepAliveMs: -1 })).rejects.toThrow(RangeError)
})
