// A client that costs as little as it can: requests are encoded beforehand, answers are only counted.
import { once } from 'node:events'
import { connect } from 'node:net'
import { decodePayload, encodeFrame, FrameReader } from '@secreg/wire-codec'
import { drive } from './drive.mjs'

export function requestFrame(type, payload, sessionId = '') {
  return encodeFrame('length', {
    type,
    timestampMs: Date.now(),
    sessionId,
    payload: JSON.stringify(payload),
  })
}

async function open(path) {
  const socket = connect(path)
  await once(socket, 'connect')
  return socket
}

/** Ask one request and return its decoded answer. */
export async function ask(path, frame) {
  const socket = await open(path)
  const reader = new FrameReader({ framing: 'length', maxFrameBytes: 4 * 1024 * 1024 })
  socket.write(frame)
  for await (const chunk of socket) {
    reader.push(chunk)
    const answer = reader.next()
    if (answer !== undefined) {
      const result = { type: answer.type, ...decodePayload(answer.payload) }
      socket.destroy()
      return result
    }
  }
  throw new Error('the connection closed without an answer')
}

/**
 * Ask `total` requests over some connections, each with some in flight.
 *
 * @returns as `drive`
 */
export function load(path, { connections, inFlight, total, frames, expectType }) {
  const frameAt = (at) => frames[at % frames.length]
  return drive(
    { connections, inFlight, total },
    {
      open: () => open(path),
      ask(socket, at, count) {
        if (count === 1) socket.write(frameAt(at))
        else socket.write(Buffer.concat(Array.from({ length: count }, (_, i) => frameAt(at + i))))
      },
      listen(socket, answered, fail) {
        let rest = Buffer.alloc(0)
        socket.on('data', (chunk) => {
          rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
          let at = 0
          let done = 0
          while (rest.length - at >= 5) {
            const size = rest.readUInt32BE(at)
            if (rest.length - at < 4 + size) break
            if (rest[at + 4] !== expectType) {
              const text = `unexpected answer of type ${rest[at + 4]}: ${rest.subarray(at, at + 300)}`
              return fail(new Error(text))
            }
            at += 4 + size
            done++
          }
          rest = rest.subarray(at)
          if (done > 0) answered(done)
        })
      },
    },
  )
}

export function percentile(sorted, share) {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]
}
