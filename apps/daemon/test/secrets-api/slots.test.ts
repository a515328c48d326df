/** So many at a time, in their order, whatever ends them. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NoSlotError, Slots } from '../../src/secrets-api/slots.ts'

const never = new AbortController().signal

interface Held {
  readonly done: Promise<unknown>
  release(): void
}

function hold(slots: Slots, started: () => void, signal = never): Held {
  let release = (): void => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  const done = slots.run(signal, async () => {
    started()
    await held
  })
  done.catch(() => {})
  return { done, release }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('as many run as there are slots, and the others in their order', async () => {
  const slots = new Slots(2, 10)
  const started: number[] = []
  const held = [0, 1, 2, 3].map((at) => hold(slots, () => started.push(at)))
  await turn()
  expect(started).toEqual([0, 1])
  held[1]?.release()
  await turn()
  expect(started).toEqual([0, 1, 2])
  for (const { release } of held) release()
  await Promise.all(held.map(({ done }) => done))
  expect(started).toEqual([0, 1, 2, 3])
})

test('more than may wait are refused', async () => {
  const slots = new Slots(1, 1)
  const held = [hold(slots, () => {}), hold(slots, () => {})]
  await expect(slots.run(never, async () => {})).rejects.toBeInstanceOf(NoSlotError)
  for (const { release } of held) release()
  await Promise.all(held.map(({ done }) => done))
  expect(await slots.run(never, async () => 1)).toBe(1)
})

test('no slot is ever lost, however what runs or waits is ended', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ act: fc.constantFrom('start', 'release', 'abort'), at: fc.nat(19) }), {
        maxLength: 40,
      }),
      async (steps) => {
        const slots = new Slots(3, 100)
        let running = 0
        const all: (Held & { controller: AbortController })[] = []
        for (const { act, at } of steps) {
          const one = all[at % Math.max(all.length, 1)]
          if (act === 'start') {
            const controller = new AbortController()
            const held = hold(slots, () => running++, controller.signal)
            const count = (): void => {
              running--
            }
            const done = held.done.then(count, () => {})
            all.push({ ...held, done, controller })
          } else if (act === 'abort') one?.controller.abort()
          else one?.release()
          await turn()
          expect(running).toBeLessThanOrEqual(3)
        }
        for (const { release } of all) release()
        await Promise.all(all.map(({ done }) => done))
        let free = 0
        const probes = Array.from({ length: 4 }, () => hold(slots, () => free++))
        await turn()
        expect(free).toBe(3)
        for (const { release } of probes) release()
      },
    ),
    { numRuns: 50 },
  )
})

test('what fails gives its slot back', async () => {
  const slots = new Slots(1, 0)
  const failing = slots.run(never, async () => {
    throw new Error('no')
  })
  await expect(failing).rejects.toThrow('no')
  expect(await slots.run(never, async () => 1)).toBe(1)
  await expect(slots.run(AbortSignal.abort(), async () => 1)).rejects.toThrow()
})
