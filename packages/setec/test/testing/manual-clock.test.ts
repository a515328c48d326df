import { Client, openSetecStore } from '@secreg/setec'
import { manualClock, startSetecServer } from '@secreg/setec/testing'
import { waitFor } from '@secreg/testkit'
import { expect, test } from 'vitest'

test('time passes when it is told to, in order', async () => {
  const clock = manualClock(1000)
  const seen: [string, number][] = []
  clock.after(30, () => seen.push(['late', clock.nowMs()]))
  clock.after(10, () => {
    seen.push(['early', clock.nowMs()])
    clock.after(10, () => seen.push(['again', clock.nowMs()]))
  })
  const cancel = clock.after(15, () => seen.push(['never', clock.nowMs()]))
  cancel()
  cancel()
  await clock.advance(9)
  expect([seen, clock.nowMs()]).toEqual([[], 1009])
  await clock.advance(100)
  expect(seen).toEqual([
    ['early', 1010],
    ['again', 1020],
    ['late', 1030],
  ])
  expect([clock.nowMs(), clock.delays]).toEqual([1109, [30, 10, 15, 10]])
})

test('a store polls when its hour has come', async () => {
  await using server = await startSetecServer()
  await server.db.put('n', 'one')
  const clock = manualClock()
  await using store = await openSetecStore({
    client: new Client(server.url),
    secrets: ['n'],
    clock,
    random: () => 0.5,
  })
  await server.db.rotate('n', 'two')
  await clock.advance(3_599_999)
  expect(store.secret('n').text()).toBe('one')
  await clock.advance(1)
  await waitFor(() => store.secret('n').text() === 'two')
})
