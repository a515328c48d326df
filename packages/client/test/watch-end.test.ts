import { WatchOverflowError } from '@secreg/client'
import { describe, expect, test } from 'vitest'
import { answer, change, refuse } from './fake-daemon.ts'
import {
  connected,
  drained,
  keys,
  read,
  reasonOf,
  STANDS,
  taken,
  types,
  watched,
} from './watched.ts'

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
