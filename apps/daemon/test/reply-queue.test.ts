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

test('what is pushed goes behind what has left, and is counted until it is taken', () => {
  const { socket, writes } = fakeSocket()
  const queue = new ReplyQueue(socket)
  const [first, second] = [queue.open(true), queue.open(true)]
  const one = { unreadBytes: 0 }
  const two = { unreadBytes: 0 }
  second(frame('answer 2'), () => queue.push(frame('after 2'), one))
  queue.push(frame('before'), two)
  first(frame('answer 1'))
  expect([one.unreadBytes, two.unreadBytes]).toEqual([7, 6])
  queue.flush()
  expect(writes.map(({ bytes }) => bytes)).toEqual(['beforeanswer 1answer 2after 2'])
  queue.push(frame('more'), two)
  queue.flush()
  expect([one.unreadBytes, two.unreadBytes]).toEqual([7, 10])
  writes[0]?.done()
  expect([one.unreadBytes, two.unreadBytes]).toEqual([0, 4])
  writes[1]?.done()
  expect(two.unreadBytes).toBe(0)
})

test('an answer out of turn tells that it has left as well', () => {
  const { socket, writes } = fakeSocket()
  const queue = new ReplyQueue(socket)
  queue.open(true)
  const account = { unreadBytes: 0 }
  queue.open(false)(frame('free'), () => queue.push(frame(' pushed'), account))
  queue.flush()
  expect(writes.map(({ bytes }) => bytes)).toEqual(['free pushed'])
})

test('who waits for the peer to take something is called once', () => {
  const { socket, writes } = fakeSocket()
  const queue = new ReplyQueue(socket)
  const calls: string[] = []
  for (const text of ['a', 'b']) {
    queue.open(true)(frame(text))
    queue.flush()
  }
  queue.onceTaken(() => {
    calls.push('first')
    queue.onceTaken(() => calls.push('again'))
  })
  expect(calls).toEqual([])
  writes[0]?.done()
  expect(calls).toEqual(['first'])
  writes[1]?.done()
  expect(calls).toEqual(['first', 'again'])
})
