import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { ReplyQueue } from '../src/server/reply-queue.ts'

/** A peer that takes what it is told to take. */
function fakeSocket() {
  const writes: { bytes: string; done: () => void }[] = []
  const socket = {
    writable: true,
    writableLength: 0,
    write(bytes: Uint8Array, taken: () => void) {
      socket.writableLength += bytes.length
      writes.push({
        bytes: Buffer.from(bytes).toString(),
        done: () => {
          socket.writableLength -= bytes.length
          taken()
        },
      })
      return true
    },
  }
  return { socket: socket as unknown as Socket, writes }
}

const frame = (text: string): Uint8Array => Buffer.from(text)

test('ordered answers wait for those before them, others do not', () => {
  const { socket, writes } = fakeSocket()
  const queue = new ReplyQueue(socket)
  const [first, second] = [queue.open(true), queue.open(true)]
  const free = queue.open(false)
  expect([queue.outstanding, queue.ordered]).toEqual([3, 2])
  second(frame('2'))
  free(frame('x'))
  expect([queue.outstanding, queue.ordered]).toEqual([1, 2])
  queue.flush()
  expect(writes.map(({ bytes }) => bytes)).toEqual(['x'])
  first(frame('1'))
  queue.flush()
  expect(writes.map(({ bytes }) => bytes)).toEqual(['x', '12'])
  expect([queue.outstanding, queue.ordered]).toEqual([0, 0])
})

test('what is ready in one turn leaves with one write', async () => {
  const { socket, writes } = fakeSocket()
  const queue = new ReplyQueue(socket)
  for (const text of ['a', 'b', 'c']) queue.open(true)(frame(text))
  expect(queue.bufferedBytes).toBe(3)
  await new Promise((resume) => setImmediate(resume))
  expect(writes.map(({ bytes }) => bytes)).toEqual(['abc'])
})

test('a peer stalls while there is something for it and it takes nothing', () => {
  const { socket, writes } = fakeSocket()
  const queue = new ReplyQueue(socket)
  expect(queue.stalledMs(0)).toBe(0)
  for (const text of ['a', 'b']) {
    queue.open(true)(frame(text))
    queue.flush()
  }
  expect(queue.stalledMs(100)).toBe(0)
  expect(queue.stalledMs(350)).toBe(250)
  writes[0]?.done()
  // One whole write is progress, and the time begins anew.
  expect(queue.stalledMs(400)).toBe(0)
  expect(queue.stalledMs(500)).toBe(0)
  expect(queue.stalledMs(900)).toBe(400)
  writes[1]?.done()
  expect(queue.stalledMs(1000)).toBe(0)
})
