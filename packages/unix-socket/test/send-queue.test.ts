import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SendQueue } from '../src/send-queue.ts'

test('is a queue: order, bytes and emptiness as those of a plain array', () => {
  const step = fc.oneof(
    { weight: 5, arbitrary: fc.record({ add: fc.integer({ min: 1, max: 100 }) }) },
    { weight: 4, arbitrary: fc.constant('take' as const) },
    { weight: 1, arbitrary: fc.constant('clear' as const) },
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const queue = new SendQueue()
      let model: { packet: Uint8Array; callback: () => void }[] = []
      for (const one of steps) {
        if (one === 'take') {
          expect(queue.take()).toBe(model.shift()?.callback)
        } else if (one === 'clear') {
          expect(queue.clear()).toEqual(model.map(({ callback }) => callback))
          model = []
        } else {
          const entry = { packet: new Uint8Array(one.add), callback: () => {} }
          queue.add(entry.packet, entry.callback)
          model.push(entry)
        }
        expect(queue.head).toBe(model[0]?.packet)
        expect(queue.isEmpty).toBe(model.length === 0)
        expect(queue.bytes).toBe(model.reduce((sum, { packet }) => sum + packet.length, 0))
      }
    }),
  )
})
