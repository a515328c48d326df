// A client of libvirt's RPC that costs as little as it can: calls are encoded beforehand, replies only compared.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import {
  FRAME_STATUS,
  FrameReader,
  LIBVIRT_LIMITS,
  PROCEDURES,
  readBody,
  writeCall,
} from '@secreg/libvirt'
import { drive } from './drive.mjs'

/** Every call has it, as there is one at a time. */
export const SERIAL = 1

const callFrame = (key, args) => writeCall(key, args, SERIAL)

/** A connection that was opened. */
async function open(path) {
  const socket = connect(path)
  await once(socket, 'connect')
  await replyTo(socket, callFrame('authList'))
  await replyTo(socket, callFrame('connectOpen', { name: 'secret:///system', flags: 0 }))
  return socket
}

/** Bytes of the reply to one call. */
async function replyTo(socket, frame) {
  socket.write(frame)
  const chunks = []
  for (;;) {
    const [chunk] = await once(socket, 'data')
    chunks.push(chunk)
    const bytes = Buffer.concat(chunks)
    if (bytes.length >= 4 && bytes.length >= bytes.readUInt32BE(0)) return bytes
  }
}

/**
 * Call a procedure once with each of some arguments.
 *
 * @returns what a load calls, and compares replies with
 */
export async function exchanges(path, key, argsList) {
  const socket = await open(path)
  try {
    const all = []
    for (const args of argsList) {
      const frame = callFrame(key, args)
      all.push({ key, frame, reply: await replyTo(socket, frame) })
    }
    return all
  } finally {
    socket.destroy()
  }
}

/** The result that a reply holds. */
export function resultOf({ key, reply }) {
  const reader = new FrameReader(LIBVIRT_LIMITS.frameBytes)
  reader.push(reply)
  const { status, procedure, body } = reader.next()
  assert.deepEqual([procedure, status], [PROCEDURES[key].number, FRAME_STATUS.OK])
  return readBody(PROCEDURES[key].result, body)
}

/** The same calls, with the replies of a server that has one for each procedure. */
export async function answeredBy(path, calls) {
  const socket = await open(path)
  try {
    const replies = new Map()
    for (const { key, frame } of calls) {
      if (!replies.has(key)) replies.set(key, await replyTo(socket, frame))
    }
    return calls.map(({ key, frame }) => ({ key, frame, reply: replies.get(key) }))
  } finally {
    socket.destroy()
  }
}

/**
 * Call `total` times over some connections, each with one call in flight.
 *
 * @param exchanges - calls in turn, and the bytes that each is to be answered with
 * @returns as `drive`
 */
export function loadLibvirt(path, { connections, total, exchanges }) {
  return drive(
    { connections, total },
    {
      async open() {
        const socket = await open(path)
        return Object.assign(socket, { expected: undefined })
      },
      ask(socket, at) {
        const { frame, reply } = exchanges[at % exchanges.length]
        socket.expected = reply
        socket.write(frame)
      },
      listen(socket, answered, fail) {
        let came = []
        let length = 0
        socket.on('data', (chunk) => {
          came.push(chunk)
          length += chunk.length
          const { expected } = socket
          if (length < expected.length) return
          const bytes = came.length === 1 ? chunk : Buffer.concat(came)
          came = []
          length = 0
          if (expected.equals(bytes)) answered(1)
          else fail(new Error(`unexpected reply: ${bytes.subarray(0, 300)}`))
        })
      },
    },
  )
}
