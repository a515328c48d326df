/** Who is told what happens to an entry, where policies ask what it is for. */
import type { RequestOf } from '@secreg/protocol'
import { waitFor } from '@secreg/testkit'
import { describe, expect, test } from 'vitest'
import { reason } from './fixture.ts'
import { at, byVolume, define, put, site } from './usage-site.ts'
import { TestSink } from './watch-reader.ts'

const LAST = '/libvirt/last'

type Watched = RequestOf<'watch'>

/** A watch by somebody who may see the volumes, and what he is told of what is done. */
async function watching(request: Watched = { prefix: '/libvirt' }, options = {}) {
  // Who may see it all has an end to wait for.
  const everywhere = { actions: ['watch'], resources: [LAST] }
  const made = await site(byVolume(), [everywhere], options)
  const { home, root, caller } = made
  const open = async (asked: Watched): Promise<() => Promise<string[]>> => {
    const sink = new TestSink()
    sink.who = caller
    const watch = await home.registry.watch(caller, asked, sink)
    watch.start()
    return async () => {
      const told = () =>
        sink.messages.flatMap(({ events }) => events.map(({ op, key }) => `${op} ${key}`))
      if ('prefix' in asked) {
        await root.set({ key: LAST, value: 'x' })
        await waitFor(() => told().includes(`set ${LAST}`))
      }
      return told().filter((each) => !each.endsWith(LAST))
    }
  }
  return { ...made, open, told: await open(request) }
}

describe('told is', () => {
  test('what happens to what he may see, and nothing else', async () => {
    const { root, told } = await watching()
    for (const digit of [2, 1]) await put(root, at(digit), 'x')
    await define(root, at(3), { type: 'volume', id: '/dev/vg/new' })
    await define(root, at(4), { type: 'tls', id: 'x' })
    expect(await told()).toEqual([`set ${at(1)}`, `metadata ${at(3)}`])
  })

  test('who watches one entry, where he may see it', async () => {
    const { root, told, open } = await watching({ key: at(1) })
    await put(root, at(1), 'x')
    await waitFor(async () => (await told()).length === 1)
    for (const digit of [2, 3]) {
      await expect(open({ key: at(digit) })).rejects.toEqual(reason('ACCESS_DENIED'))
    }
  })

  test('the end of an entry to whom it could be seen by', async () => {
    const { root, told } = await watching()
    for (const digit of [2, 1]) await root.versions({ op: 'purge', key: at(digit) })
    expect(await told()).toEqual([`purge ${at(1)}`])
  })

  test('its end by a move', async () => {
    const { root, told } = await watching()
    await root.transfer({ op: 'move', from: at(2), to: at(4) })
    await root.transfer({ op: 'move', from: at(1), to: '/libvirt/elsewhere' })
    expect(await told()).toEqual([`purge ${at(1)}`])
  })

  test('its end, and not that something else is in its place', async () => {
    const { root, told } = await watching()
    await root.delete({ key: at(1) })
    await root.delete({ key: at(2) })
    await define(root, at(1), { type: 'tls', id: 'x' })
    await define(root, at(2), { type: 'volume', id: '/dev/vg/new' })
    expect(await told()).toEqual([`delete ${at(1)}`, `purge ${at(1)}`, `metadata ${at(2)}`])
  })

  test('its expiry', async () => {
    const time = { wall: 1_800_000_000_000, monotonic: 1000 }
    const clocks = { now: () => time.wall, monotonicMs: () => time.monotonic }
    const { root, told } = await watching({ prefix: '/libvirt' }, clocks)
    for (const digit of [1, 2]) await root.meta({ op: 'set', key: at(digit), ttl_s: 10 })
    time.wall += 10_000
    time.monotonic += 10_000
    for (const digit of [1, 2]) await define(root, at(digit), { type: 'tls', id: `${digit}` })
    expect(await told()).toEqual([`metadata ${at(1)}`, `expire ${at(1)}`])
  })
})

test('of what history alone knows, the end of an entry is told to nobody by what it was', async () => {
  const { home, root, caller } = await site(byVolume())
  const since = home.engine.head
  await root.versions({ op: 'purge', key: at(1) })
  await define(root, at(3), { type: 'volume', id: '/dev/vg/new' })
  const sink = new TestSink()
  sink.who = caller
  const request: Watched = { prefix: '/libvirt', since_revision: since }
  const watch = await home.registry.watch(caller, request, sink)
  watch.start()
  await waitFor(() => sink.messages.length > 0)
  expect(sink.messages.flatMap(({ events }) => events)).toMatchObject([{ key: at(3) }])
})
