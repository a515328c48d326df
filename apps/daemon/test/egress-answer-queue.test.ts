/** Answers wait for the daemon without being made, and none is lost, whatever is taken back meanwhile. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { AnswerQueue } from '../src/egress/answer-queue.ts'
import { FrameReader } from '../src/egress/frames.ts'
import { EGRESS_LIMITS, type EgressAnswer } from '../src/egress/messages.ts'

/** An output that takes so many frames until it has drained. */
function outputOf(room: number) {
  const reader = new FrameReader(EGRESS_LIMITS.answerBytes)
  const written: EgressAnswer[] = []
  let left = room
  let drained = (): void => {}
  return {
    written,
    write(frame: Buffer) {
      written.push(...(reader.push(frame) as EgressAnswer[]))
      return --left > 0
    },
    onDrain(listener: () => void) {
      drained = listener
    },
    drain() {
      left = room
      drained()
    },
  }
}

const doneOf = (id: number, result: unknown = {}): EgressAnswer => ({ id, ok: true, result })
const takenBack = (id: number): EgressAnswer => ({ id, ok: false, error: 'CANCELLED' })

test('an answer is made in its turn', () => {
  const output = outputOf(2)
  const answers = new AnswerQueue(output)
  const made: number[] = []
  for (const id of [1, 2, 3, 4, 5]) {
    answers.push(id, () => {
      made.push(id)
      return doneOf(id)
    })
  }
  expect(made).toEqual([1, 2])
  output.drain()
  expect(made).toEqual([1, 2, 3, 4])
  output.drain()
  expect(output.written).toEqual([1, 2, 3, 4, 5].map((id) => doneOf(id)))
})

test('one that is taken back is not made, and goes first', () => {
  const output = outputOf(1)
  const answers = new AnswerQueue(output)
  for (const id of [1, 2, 3]) {
    answers.push(id, () => (id === 3 ? expect.unreachable() : doneOf(id)))
  }
  for (const id of [3, 1, 9]) answers.takeBack(id)
  for (let at = 0; at < 3; at++) output.drain()
  expect(output.written).toEqual([doneOf(1), takenBack(3), doneOf(2)])
})

test('one that no message holds is told to be too large', () => {
  const output = outputOf(1)
  new AnswerQueue(output).push(1, () => doneOf(1, 'x'.repeat(EGRESS_LIMITS.answerBytes)))
  expect(output.written).toEqual([{ id: 1, ok: false, error: 'PEER_TOO_LARGE' }])
})

test('each question is answered once', () => {
  const step = fc.oneof(
    fc.record({ act: fc.constant('push' as const) }),
    fc.record({ act: fc.constant('drain' as const) }),
    fc.record({ act: fc.constant('back' as const), id: fc.nat(30) }),
  )
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4 }),
      fc.array(step, { maxLength: 60 }),
      (room, steps) => {
        const output = outputOf(room)
        const answers = new AnswerQueue(output)
        let last = 0
        for (const one of steps) {
          if (one.act === 'drain') output.drain()
          else if (one.act === 'back') answers.takeBack(one.id)
          else {
            const id = ++last
            answers.push(id, () => doneOf(id))
          }
        }
        while (output.written.length < last) {
          const before = output.written.length
          output.drain()
          expect(output.written.length).toBeGreaterThan(before)
        }
        const ids = output.written.map(({ id }) => id).sort((a, b) => a - b)
        expect(ids).toEqual(Array.from({ length: last }, (_, at) => at + 1))
      },
    ),
  )
})
