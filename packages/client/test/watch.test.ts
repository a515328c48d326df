import { connectRegistry } from '@secreg/client'
import { describe, expect, test } from 'vitest'
import { type Asked, answer, change, frameOf, push } from './fake-daemon.ts'
import {
  connected,
  drained,
  keys,
  read,
  reasonOf,
  STANDS,
  serve,
  taken,
  types,
  watched,
} from './watched.ts'

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
