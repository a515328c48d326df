import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Fifo } from '../src/fifo.ts'

test('behaves as an array', () => {
  const command = fc.oneof(
    { weight: 6, arbitrary: fc.constant('push' as const) },
    { weight: 5, arbitrary: fc.constant('shift' as const) },
    { weight: 1, arbitrary: fc.constant('drain' as const) },
  )
  fc.assert(
    fc.property(fc.array(command, { maxLength: 200 }), (commands) => {
      const fifo = new Fifo<number>()
      let model: number[] = []
      commands.forEach((name, index) => {
        if (name === 'push') {
          fifo.push(index)
          model.push(index)
        } else if (name === 'shift') expect(fifo.shift()).toBe(model.shift())
        else {
          expect(fifo.drain()).toEqual(model)
          model = []
        }
        expect([fifo.length, fifo.first, fifo.last]).toEqual([model.length, model[0], model.at(-1)])
        expect(fifo.some((item) => item === index)).toBe(model.includes(index))
      })
    }),
  )
})

test('stays right when many are taken while some wait', () => {
  const fifo = new Fifo<number>()
  for (let item = 0; item < 5000; item++) fifo.push(item)
  for (let item = 0; item < 4990; item++) {
    expect(fifo.shift()).toBe(item)
    expect(fifo.length).toBe(4999 - item)
  }
  expect(fifo.drain()).toEqual([4990, 4991, 4992, 4993, 4994, 4995, 4996, 4997, 4998, 4999])
})
