import { expect, test } from 'vitest'
import { Turns } from '../../src/kv2/turns.ts'
import { laterReasonOf } from '../reason-of.ts'
import { held } from './held.ts'

test('one after the other for one key, whatever became of those before', async () => {
  const turns = new Turns()
  const seen: string[] = []
  const run =
    (name: string, fails = false) =>
    async () => {
      seen.push(`${name} begins`)
      await Promise.resolve()
      seen.push(`${name} ends`)
      if (fails) throw new Error(name)
      return name
    }
  const all = await Promise.allSettled([
    turns.take('a', undefined, run('1')),
    turns.take('a', undefined, run('2', true)),
    turns.take('a', undefined, run('3')),
  ])
  expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  expect(seen).toEqual(['1', '2', '3'].flatMap((name) => [`${name} begins`, `${name} ends`]))
})

test('keys do not wait for each other', async () => {
  const turns = new Turns()
  const { until, letGo } = held()
  const first = turns.take('a', undefined, () => until)
  expect(await turns.take('b', undefined, async () => 'b')).toBe('b')
  letGo()
  await first
})

test('whoever gives up neither runs nor lets others pass', async () => {
  const turns = new Turns()
  const { until, letGo } = held()
  const seen: string[] = []
  const first = turns.take('a', undefined, () => until)
  const { signal, abort } = aborter()
  const second = turns.take('a', signal, async () => void seen.push('second'))
  const third = turns.take('a', undefined, async () => void seen.push('third'))
  abort('enough')
  await expect(second).rejects.toBe('enough')
  expect(seen).toEqual([])
  letGo()
  await Promise.all([first, third])
  expect(seen).toEqual(['third'])
  await expect(turns.take('a', signal, async () => void seen.push('late'))).rejects.toBe('enough')
  expect(seen).toEqual(['third'])
})

test('no more than 200 wait, and room comes back', async () => {
  const turns = new Turns()
  const { until, letGo } = held()
  const all = Array.from({ length: 200 }, (_, at) =>
    turns.take(`${at % 3}`, undefined, () => until),
  )
  const more = async () => turns.take('other', undefined, async () => {})
  expect(await laterReasonOf(more)).toBe('PROVIDER_BUSY')
  letGo()
  await Promise.all(all)
  expect(await laterReasonOf(more)).toBeUndefined()
})

function aborter() {
  const controller = new AbortController()
  return { signal: controller.signal, abort: (reason: unknown) => controller.abort(reason) }
}
